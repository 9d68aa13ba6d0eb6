"""HMAC built from SQL functions against Python's hmac; the key shows nowhere."""

import hashlib
import hmac

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from pricelake.sources.pseudonyms import key_pads, pseudonym, pseudonym_of, with_pads

TEXTS = ["1", "c-001", "Ärger", "客戶", "🛒" * 50, " ", "x" * 1000, "0"]


@pytest.mark.parametrize("key", [b"k" * 16, b"\x00\xff" * 16, b"k" * 63, b"k" * 64, b"k" * 65, bytes(range(200))])
def test_pseudonyms_are_hmac_sha_256(spark: SparkSession, key: bytes) -> None:
    rows = spark.createDataFrame([(text,) for text in [*TEXTS, None]], "id string").coalesce(1)
    made = with_pads(rows, key_pads(spark, key)).select("id", pseudonym(F.col("id")).alias("p")).collect()
    expected = {text: hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in TEXTS}
    assert {row["id"]: row["p"] for row in made} == expected | {None: None}
    assert {text: pseudonym_of(key, text) for text in TEXTS} == expected


def test_the_key_shows_in_no_plan(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    key = b"a-key-of-the-shop-that-no-one-sees"
    frame = with_pads(spark.range(3).select(F.col("id").cast("string")), key_pads(spark, key))
    frame = frame.select(pseudonym(F.col("id")).alias("p"))
    frame.collect()
    frame.explain("extended")
    plan = capsys.readouterr().out
    assert "sha2" in plan
    for pad in (0x00, 0x36, 0x5C):
        padded = bytes(b ^ pad for b in key)
        assert padded.hex().upper() not in plan.upper()
        assert str(list(padded))[1:-1] not in plan
        assert padded.decode("latin1") not in plan
