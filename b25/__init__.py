"""b25: from a cell in a notebook to a supervised live bot, without rewriting a line of the strategy.

Everything a notebook or a strategy needs is here, loaded when it is first named.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# The four kinds of error by what to do about them stand in `b25.errors`; the one that a user meets is here as well.
_HOME = {
    "errors": "b25.model.errors",
    "BUY": "b25.model.event",
    "SELL": "b25.model.event",
    "GTC": "b25.strategy.words",
    "IOC": "b25.strategy.words",
    "FOK": "b25.strategy.words",
    "ConstantLatency": "b25.venue.models",
    "Fees": "b25.venue.models",
    "Instrument": "b25.model.instrument",
    "Limits": "b25.risk.limits",
    "LognormalLatency": "b25.venue.models",
    "Misuse": "b25.model.errors",
    "Queue": "b25.venue.models",
    "RecordedLatency": "b25.venue.models",
    "Atr": "b25.strategy.indicators",
    "Ema": "b25.strategy.indicators",
    "RollingStd": "b25.strategy.indicators",
    "Rsi": "b25.strategy.indicators",
    "Sma": "b25.strategy.indicators",
    "Vwap": "b25.strategy.indicators",
    "atr": "b25.strategy.indicators",
    "Account": "b25.venue.bar_models",
    "BarFills": "b25.venue.bar_models",
    "backtest": "b25.research.backtest",
    "bars": "b25.research.bars",
    "connect": "b25.client.connect",
    "dataset": "b25.research.dataset",
    "ema": "b25.strategy.indicators",
    "import_capture": "b25.market.import_capture",
    "rolling_std": "b25.strategy.indicators",
    "rsi": "b25.strategy.indicators",
    "sample": "b25.research.dataset",
    "sweep": "b25.research.sweep",
    "walk_forward": "b25.research.walk_forward",
    "sma": "b25.strategy.indicators",
    "vwap": "b25.strategy.indicators",
    "Strategy": "b25.strategy.strategy",
    "feature": "b25.strategy.feature",
    "param": "b25.strategy.fields",
    "window": "b25.strategy.fields",
}

# Packages that are reached by name, e.g. `b25.notebook.setup(seed=7)`, and are no names of their own.
_PACKAGES = ("notebook", "promote", "reports")

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"b25.{name}")
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'b25' has no attribute {name!r}")
    module = importlib.import_module(home)
    value = module if name == "errors" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *_PACKAGES, "__version__"]


def load_ipython_extension(shell: Any) -> None:
    """Add the magics and displays of `b25.notebook`: ``%load_ext b25``."""
    importlib.import_module("b25.notebook.extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them away: ``%unload_ext b25``."""
    importlib.import_module("b25.notebook.extension").unload(shell)
