"""b25: from a cell in a notebook to a supervised live bot, without rewriting a line of the strategy.

Everything that a notebook or a strategy needs is imported from here. A name is fetched from its home when it is first
asked for, so that `import b25` itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors, which do not run __getattr__
    from b25.model.errors import B25Error, Halt, Misuse, Resync, Retry
    from b25.model.event import BUY, SELL

__all__ = ["BUY", "SELL", "B25Error", "Halt", "Misuse", "Resync", "Retry"]

_HOMES = {
    "b25.model.errors": ("B25Error", "Halt", "Misuse", "Resync", "Retry"),
    "b25.model.event": ("BUY", "SELL"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'b25' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
