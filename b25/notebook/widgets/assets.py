"""The widgets' modules and style sheet, as one text each: what JupyterLab and a dashboard are given.

A module is sent to the browser as text, where it cannot ask for another one; so `base.js` is put in front of it here.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from b25.model.errors import Misuse

STATIC: Final = Path(__file__).parent / "static"
BASE: Final = "base"
_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "\./([a-z_]+)\.js";\n', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=class|function|const)", re.MULTILINE)


def names() -> tuple[str, ...]:
    """Return the names of the modules that can be shown."""
    return tuple(sorted(path.stem for path in STATIC.glob("*.js") if "export default" in path.read_text(encoding="utf-8")))


@cache
def module(name: str) -> str:
    """Return a widget's ES module with all it needs: ``export default { render }``, no import and no outside address.

    Parameters
    ----------
    name : str
        E.g. ``"ladder"``.
    """
    path = STATIC / f"{name}.js"
    if name == BASE or not path.is_file():
        raise Misuse(f"there is no widget {name!r}", remedy=f"use one of {', '.join(names())}")
    parts: dict[str, str] = {}
    _gather(name, parts)
    own = parts.pop(name)
    return "\n".join([*(_EXPORT.sub("", text) for text in parts.values()), own])


def _gather(name: str, parts: dict[str, str]) -> None:
    """Put a file after those that it imports, each once."""
    text = (STATIC / f"{name}.js").read_text(encoding="utf-8")
    for needed in _IMPORT.findall(text):
        if needed not in parts:
            _gather(needed, parts)
    parts[name] = _IMPORT.sub("", text)


@cache
def stylesheet() -> str:
    """Return the style sheet of all widgets; every rule is under the class ``b25-widget``."""
    return (STATIC / "widgets.css").read_text(encoding="utf-8")
