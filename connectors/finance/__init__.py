"""Finance: budget files and APIs in, budget lines in integer minor units out."""

from connectors.finance.allocation_rows import AllocationsConfig
from connectors.finance.allocations import AllocationsSource
from connectors.finance.config import FinanceSourceConfig, canonical
from connectors.finance.rates import FxSource, FxSourceConfig
from connectors.finance.rest_config import RestFinanceConfig
from connectors.finance.rest_source import RestFinanceSource
from connectors.finance.source import FinanceSource

__all__ = [
    "AllocationsConfig",
    "AllocationsSource",
    "FinanceSource",
    "FinanceSourceConfig",
    "FxSource",
    "FxSourceConfig",
    "RestFinanceConfig",
    "RestFinanceSource",
    "canonical",
]
