"""Outside shapes → rows in the shape of the bronze contracts, as a shop file says."""

from pricelake.sources.faults import reading
from pricelake.sources.mapping import (
    CURRENCY,
    SOURCE,
    SOURCE_FILE,
    SOURCE_ROW,
    UNDECODABLE,
    UNPARSED_LINE,
    MappedTable,
    map_tables,
    maps_customers,
    with_source_row,
)
from pricelake.sources.pseudonyms import customer_key, key_pads, pseudonym_of

__all__ = [
    "CURRENCY",
    "SOURCE",
    "SOURCE_FILE",
    "SOURCE_ROW",
    "UNDECODABLE",
    "UNPARSED_LINE",
    "MappedTable",
    "customer_key",
    "key_pads",
    "map_tables",
    "maps_customers",
    "pseudonym_of",
    "reading",
    "with_source_row",
]
