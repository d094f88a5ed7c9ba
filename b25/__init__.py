"""b25: from a cell in a notebook to a supervised live bot, without rewriting a line of the strategy.

Everything a notebook or a strategy needs is here, loaded when it is first named.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "BUY": "b25.model.event",
    "SELL": "b25.model.event",
    "GTC": "b25.strategy.words",
    "IOC": "b25.strategy.words",
    "FOK": "b25.strategy.words",
    "Strategy": "b25.strategy.strategy",
    "param": "b25.strategy.fields",
    "window": "b25.strategy.fields",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'b25' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
