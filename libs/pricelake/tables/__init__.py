"""One contract per Delta table, and the one reader and writer."""

from pricelake.tables.catalogue import CONTRACTS, contract_of
from pricelake.tables.comparing import comparable, differ
from pricelake.tables.contract import TableContract
from pricelake.tables.lake import Lake

__all__ = ["CONTRACTS", "Lake", "TableContract", "comparable", "contract_of", "differ"]
