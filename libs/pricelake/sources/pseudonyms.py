"""Customer ids become pseudonyms: HMAC-SHA-256 (RFC 2104) under a key that only the shop holds."""

import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pricelake.errors import SettingsError

BLOCK_BYTES = 64
KEY_BYTES = 32
MIN_KEY_BYTES = 16
INNER_PAD, OUTER_PAD = "_pricelake_inner_pad", "_pricelake_outer_pad"


def customer_key(reference: str, may_create: bool) -> bytes:
    """The key that a reference names.

    Args:
        reference: ``env:NAME`` or ``file:PATH``.
        may_create: whether a missing file is made with 32 random bytes and mode 0600. False where tables already hold
            pseudonyms: under a new key the same customer would become a stranger.

    Raises:
        SettingsError: the reference is malformed, the variable is not set, the file is missing and must not be made,
            can be read by others, or the key has fewer than 16 bytes.
    """
    kind, _, place = reference.partition(":")
    if kind == "env" and place:
        key = os.environ.get(place, "").encode()
        if not key:
            raise SettingsError(
                f"customer_key takes {reference}, which is not set in the environment: customer ids cannot be "
                f"made pseudonymous. Set {place} to a random text of at least {MIN_KEY_BYTES} bytes."
            )
    elif kind == "file" and place:
        key = _key_from_file(Path(place).expanduser(), may_create)
    else:
        raise SettingsError("customer_key is neither env:NAME nor file:PATH. A key is never written into a shop file.")
    if len(key) < MIN_KEY_BYTES:
        raise SettingsError(
            f"customer_key ({reference}) has {len(key)} bytes; below {MIN_KEY_BYTES} it can be guessed. "
            f"Use a longer one."
        )
    return key


def _key_from_file(path: Path, may_create: bool) -> bytes:
    if not path.exists():
        if not may_create:
            raise SettingsError(
                f"The customer key {path} is gone, and the lake holds pseudonyms made with it: a new key would turn "
                f"every customer into a stranger. Put the key back, or start a new lake."
            )
        _create_key(path)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise SettingsError(
            f"The customer key {path} has mode {mode:04o}: others can read it and undo the pseudonyms. Run chmod 600."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The customer key {path} cannot be read: {error.strerror}.") from error


def _create_key(path: Path) -> None:
    """A whole key appears under its name or none does; where two runs race, the first one's key stands."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, part = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it with mode 0600
    except OSError as error:
        raise SettingsError(
            f"The customer key {path} cannot be made: {error.strerror}. Make the directory or name another key."
        ) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(part)
    except FileExistsError:
        return
    finally:
        Path(part).unlink()


def key_pads(spark: SparkSession, key: bytes) -> DataFrame:
    """One row with the two padded keys of HMAC.

    The pads travel as data, not as literals: literals show in query plans, which Spark's pages and logs keep.

    Args:
        spark: session.
        key: any length.

    Returns:
        columns ``INNER_PAD`` and ``OUTER_PAD``, binary of 64 bytes.
    """
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK_BYTES else key).ljust(BLOCK_BYTES, b"\0")
    row = (bytearray(b ^ 0x36 for b in block), bytearray(b ^ 0x5C for b in block))
    return spark.createDataFrame([row], f"{INNER_PAD} binary, {OUTER_PAD} binary")


def with_pads(frame: DataFrame, pads: DataFrame) -> DataFrame:
    """``frame`` with the pads beside each row, for :func:`pseudonym`."""
    return frame.crossJoin(F.broadcast(pads))


def pseudonym(value: Column) -> Column:
    """HMAC-SHA-256 of a text as 64 hex digits, null for null; the frame carries the pads (:func:`with_pads`).

    Source: RFC 2104, H(K xor opad, H(K xor ipad, text)), text as UTF-8.
    """
    inner = F.sha2(F.concat(F.col(INNER_PAD), value.cast("string").cast("binary")), 256)
    return F.sha2(F.concat(F.col(OUTER_PAD), F.unhex(inner)), 256)


def pseudonym_of(key: bytes, value: str) -> str:
    """What :func:`pseudonym` makes of one text, without Spark: HMAC-SHA-256 as 64 hex digits.

    Args:
        key: any length.
        value: text; its UTF-8 bytes are what is hashed.
    """
    return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()
