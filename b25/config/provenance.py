"""Where each start-up setting comes from: default, file, environment or command line; a secret is masked."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel

from b25.config.secret import HIDDEN, looks_secret
from b25.config.settings import FILE, read_settings

PREFIX: Final = "B25_"
PASSWORD: Final = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]*@")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that holds."""

    name: str
    value: str
    source: str

    def facts(self) -> dict[str, str]:
        """As plain data."""
        return {"name": self.name, "value": self.value, "source": self.source}


def settings_that_hold(*, environment: Mapping[str, str] = os.environ, file: Path = Path(FILE), **told: Any) -> list[Setting]:
    """Return every setting with its value and where it comes from.

    Parameters
    ----------
    **told
        From the command line.

    Raises
    ------
    Misuse
        Names the first that is wrong.
    """
    settings = read_settings(**told)
    known = {name.upper(): value for name, value in environment.items() if value}
    written = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    given = {name: value for name, value in told.items() if value is not None}
    return [Setting(name, _masked(name, value), _source(name, given, known, written, file)) for name, value in _leaves(settings)]


def _leaves(model: BaseModel, path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name in type(model).model_fields:
        value, at = getattr(model, name), f"{path}.{name}" if path else name
        found += _leaves(value, at) if isinstance(value, BaseModel) else [(at, value)]
    return found


def _source(name: str, told: Mapping[str, Any], known: Mapping[str, str], written: Mapping[str, Any], file: Path) -> str:
    if _has(told, name):
        return "command line"
    variable = PREFIX + name.upper().replace(".", "__")
    if variable in known:
        return f"environment {variable}"
    parent = PREFIX + name.partition(".")[0].upper()
    if "." in name and parent in known and _has({name.partition(".")[0]: _json(known[parent])}, name):
        return f"environment {parent}"
    return f"file {file}" if _has(written, name) else "default"


def _has(value: Any, name: str) -> bool:
    for part in name.split("."):
        if isinstance(value, BaseModel) and part in value.model_fields_set:
            value = getattr(value, part)
        elif isinstance(value, Mapping) and part in value:
            value = value[part]
        else:
            return False
    return True


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _masked(name: str, value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    text = PASSWORD.sub(rf"\1:{HIDDEN}@", text)
    return HIDDEN if value is not None and looks_secret(name, text.replace(f":{HIDDEN}@", "@")) else text
