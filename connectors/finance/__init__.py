"""Finance: budget files in, budget lines in integer minor units out."""

from connectors.finance.config import FinanceSourceConfig, canonical
from connectors.finance.source import FinanceSource

__all__ = ["FinanceSource", "FinanceSourceConfig", "canonical"]
