"""The name of a fit, derived from all that decides its outcome."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pricelake.settings import RecommenderSettings, settings_hash


@dataclass(frozen=True)
class RatingsDigest:
    """What the ratings of one fit amount to.

    Attributes:
        rows: customer-product pairs.
        fingerprint: number that changes when a pair or its rating (6 decimals) changes; the order of rows is no matter.
        latest_at: latest interaction, UTC; None without rows.
    """

    rows: int
    fingerprint: int
    latest_at: datetime | None


def digest_ratings(interactions: DataFrame) -> RatingsDigest:
    """Count and fingerprint ratings in one pass.

    Args:
        interactions: rows of ``gold.interactions``.

    Returns:
        the digest; ``latest_at`` has no time zone and is UTC.
    """
    row_hash = F.xxhash64("customer_id", "product_id", F.round("rating", 6))
    row = interactions.agg(
        F.count(F.lit(1)).alias("rows"),
        F.coalesce(F.bit_xor(row_hash), F.lit(0)).alias("fingerprint"),
        # as text: a collected timestamp would come in the driver's own time zone
        F.date_format(F.max("last_at"), "yyyy-MM-dd HH:mm:ss.SSSSSS").alias("latest"),
    ).first()
    latest = None if row is None or row["latest"] is None else datetime.fromisoformat(row["latest"])
    return RatingsDigest(int(row["rows"]), int(row["fingerprint"]), latest) if row else RatingsDigest(0, 0, None)


def model_version(as_of: date, ratings: RatingsDigest, settings: RecommenderSettings, blocks: int) -> str:
    """Version of a fit: the same inputs give the same version on every rerun.

    Args:
        as_of: ratings know only what happened before this date.
        ratings: digest of the ratings fitted.
        settings: recommender section, seed included.
        blocks: ALS blocks per side; a seeded fit changes with them.

    Returns:
        ``als-YYYY-MM-DD-`` and 12 hex digits.
    """
    told = f"{as_of}|{ratings.rows}|{ratings.fingerprint}|{settings_hash(settings)}|{blocks}"
    return f"als-{as_of}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"
