"""Texts in JSON, YAML or TOML as plain data, and plain data as one canonical text with its checksum."""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from typing import Any, Final

import orjson
import yaml  # type: ignore[import-untyped]

from b25.model.errors import Misuse

FORMATS: Final = ("json", "yaml", "toml")
BYTES_MAX: Final = 262_144
DEPTH_MAX: Final = 12
ITEMS_MAX: Final = 20_000
WHOLE_MAX: Final = 2**53  # beyond it a reader that has floats only would see another number


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads YAML without references to what stands elsewhere, and without a key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not read")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [one.value for one, _ in node.value]
        for k, key in enumerate(keys):
            if key in keys[:k]:
                raise yaml.YAMLError(f"line {node.value[k][0].start_mark.line + 1}: {key!r} stands there twice")
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def parse(text: str, form: str, where: str = "the text") -> dict[str, Any]:
    """Return what a text says.

    Raises
    ------
    Misuse
        One line: where, and what is wrong with it. The text itself is never told, for it may hold a secret.
    """
    if form not in FORMATS:
        raise Misuse(f"{where}: format {form!r}", remedy=f"use one of {', '.join(FORMATS)}")
    if len(text.encode("utf-8", "surrogatepass")) > BYTES_MAX:
        raise Misuse(f"{where} has more than {BYTES_MAX:,} bytes", remedy="split it into several configurations")
    try:
        if form == "json":
            found: Any = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
        elif form == "toml":
            found = tomllib.loads(text)
        else:
            found = yaml.load(text, Loader=_PlainLoader)  # noqa: S506  (a SafeLoader that reads less)
    except json.JSONDecodeError as fault:
        raise _unread(where, form, f"line {fault.lineno}, column {fault.colno}: {fault.msg}") from None
    except tomllib.TOMLDecodeError as fault:
        raise _unread(where, form, _place_only(str(fault))) from None
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark
        raise _unread(where, form, f"line {mark.line + 1 if mark else '?'}: it is not well formed") from None
    except yaml.YAMLError as fault:
        raise _unread(where, form, str(fault).splitlines()[0]) from None
    except (ValueError, RecursionError) as fault:
        raise _unread(where, form, str(fault).splitlines()[0] if isinstance(fault, ValueError) else "nested too deeply") from None
    return plain(found, where)


def plain(value: Any, where: str = "the value") -> dict[str, Any]:
    """Return a value when it is a table of plain data within bounds.

    Raises
    ------
    Misuse
        Names the first part that is not.
    """
    if not isinstance(value, dict):
        raise Misuse(f"{where} is {_kind(value)}, not a table", remedy="give names with values")
    left = [ITEMS_MAX]
    _look(value, where, "", 0, left)
    return value


def canonical(value: dict[str, Any]) -> tuple[str, str]:
    """Return a value as one text that equal values share, and its SHA-256 in hexadecimal."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return text.decode(), hashlib.sha256(text).hexdigest()


def written(value: dict[str, Any], form: str) -> str:
    """Return a value as a text of a format, for a person to edit."""
    if form == "yaml":
        return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n"


def format_of(name: str) -> str:
    """Format of a file, by its name. Raises Misuse for a name that tells none."""
    ending = name.rpartition(".")[2].lower()
    found = {"json": "json", "yaml": "yaml", "yml": "yaml", "toml": "toml"}.get(ending)
    if found is None:
        raise Misuse(f"{name}: no format is known by its name", remedy="name it .json, .yaml or .toml")
    return found


def _look(value: Any, where: str, path: str, depth: int, left: list[int]) -> None:
    left[0] -= 1
    at = path or "the whole"
    if depth > DEPTH_MAX or left[0] < 0:
        raise Misuse(f"{where}: {at} is nested too deeply or too large", remedy="make it flatter, or split it")
    if isinstance(value, dict):
        for name, one in value.items():
            if not isinstance(name, str):
                raise Misuse(f"{where}: a key of {at} is {_kind(name)}", remedy="write keys as text, in quotes")
            _look(one, where, f"{path}.{name}" if path else name, depth + 1, left)
    elif isinstance(value, list):
        for k, one in enumerate(value):
            _look(one, where, f"{path}.{k}", depth + 1, left)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Misuse(f"{where}: {at} is no finite number", remedy="give a number, or leave it out")
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > WHOLE_MAX:
            raise Misuse(f"{where}: {at} is beyond 2^53", remedy="give it as text")
    elif isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise Misuse(f"{where}: {at} holds a character that cannot be kept", remedy="take out the NUL or the half character")
    elif value is not None and not isinstance(value, bool):
        raise Misuse(f"{where}: {at} is {_kind(value)}", remedy="write dates and times as text, in quotes")


def _kind(value: Any) -> str:
    names = {type(None): "nothing", dict: "a table", list: "a list", str: "a text", bool: "a bool"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} stands there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number here")


def _place_only(text: str) -> str:
    head, _, place = text.rpartition(" (at ")
    return f"{place.rstrip(')')}: it is not well formed" if head else "it is not well formed"


def _unread(where: str, form: str, why: str) -> Misuse:
    return Misuse(f"{where} cannot be read as {form.upper()}: {why}", remedy="correct it there, or name another format")
