"""All contracts by table name."""

from pricelake.errors import ContractError
from pricelake.tables import gold, ops, prices
from pricelake.tables.bronze import BRONZE
from pricelake.tables.contract import TableContract

CONTRACTS: dict[str, TableContract] = {
    contract.name: contract
    for contract in (
        *BRONZE,
        gold.DEMAND_PANEL,
        gold.INTERACTIONS,
        gold.SEQUENCES,
        gold.PRODUCT_FACTORS,
        gold.CUSTOMER_FACTORS,
        gold.RECOMMENDATIONS,
        gold.SIMILAR_PRODUCTS,
        gold.RECOMMENDER_METRICS,
        prices.DEMAND_METRICS,
        prices.DEMAND_CURVES,
        prices.PRICE_RECOMMENDATIONS,
        ops.RUNS,
    )
}


def contract_of(name: str) -> TableContract:
    """The contract of a table.

    Raises:
        ContractError: no table has that name.
    """
    try:
        return CONTRACTS[name]
    except KeyError:
        raise ContractError(f"There is no table '{name}'. Known tables: {', '.join(sorted(CONTRACTS))}.") from None
