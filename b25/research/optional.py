"""Libraries that b25 can do without: imported when they are needed, and missed with one clear line."""

import importlib
from typing import Any

from b25.model.errors import Misuse


def needed(module: str, *, extra: str) -> Any:
    """Import a module of an optional library.

    Parameters
    ----------
    module : str
        E.g. ``"sklearn.base"``.
    extra : str
        The extra of b25 that installs it.

    Raises
    ------
    Misuse
        When it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as fault:
        library = module.partition(".")[0]
        # A library that is there and lacks a part of its own is another fault.
        if fault.name is None or fault.name.partition(".")[0] != library:
            raise
        raise Misuse(f"{library} is not installed", remedy=f'install it with: pip install "b25[{extra}]"') from None
