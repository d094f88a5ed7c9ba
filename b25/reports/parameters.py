"""The parameters of a report: names, types and defaults of its notebook's cell `parameters`; what it does not have is refused.

    symbols: list[str] = ["BTC/USDT:USDT"]
    lookback_days: int = 30  # 1..366: days before the end
    mode: str = "paper"  # backtest | paper | live

A comment that begins with a range, ``1..366``, or with words between bars bounds the value; the rest says what it is.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from b25.observe.redaction import is_hidden
from b25.reports.refusals import BadReport

TAG: Final = "parameters"
TYPES: Final[Mapping[str, Any]] = {
    "int": int, "float": float, "str": str, "bool": bool, "list": list, "dict": dict, "Any": Any, "None": None,
}  # fmt: skip
RANGE: Final = re.compile(r"^(-?[\d.]+?)\.\.(-?[\d.]+)\s*(?::|$)")
WORDS: Final = re.compile(r"^([\w.-]+(?:\s*\|\s*[\w.-]+)+)\s*(?::|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter.

    Attributes
    ----------
    type : str
        As written, or that of its default.
    default : any
    help : str
        The comment behind it.
    """

    name: str
    type: str
    default: Any
    help: str


class Parameters:
    """Parameters of a notebook.

    Parameters
    ----------
    notebook : str
        Named in errors.
    found : sequence of Parameter
    """

    def __init__(self, notebook: str, found: Sequence[Parameter]) -> None:
        self.notebook, self.found = notebook, tuple(found)
        fields: dict[str, Any] = {one.name: (_type_of(one, notebook), one.default) for one in found}
        config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())
        self._model: type[BaseModel] = create_model("Parameters", __config__=config, **fields)

    def checked(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """Return these values and the defaults of what was left out.

        Raises
        ------
        BadReport
            Names the first parameter that is unknown, out of range, or of another type.
        """
        known = [one.name for one in self.found]
        for name in told:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
                raise BadReport(f"{self.notebook} has no parameter {name!r}", remedy=hint)
            if is_hidden(name):
                raise BadReport(
                    f"{name} would be a secret among the parameters, which are kept and shown", remedy="use secrets = [...]"
                )
        try:
            made = self._model(**told)
        except ValidationError as fault:
            first = fault.errors()[0]
            name = ".".join(map(str, first["loc"]))
            one = next(one for one in self.found if one.name == first["loc"][0])
            bound = f" ({one.help})" if one.help else ""
            raise BadReport(
                f"{self.notebook}: {name} is {first['input']!r}: {first['msg']}", remedy=f"give a {one.type}{bound}"
            ) from None
        return made.model_dump()

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the values of ``name=value`` words: JSON where that is what is wanted, else text. Raises BadReport."""
        told: dict[str, Any] = {}
        for word in words:
            name, sign, text = word.partition("=")
            if not sign or not name:
                raise BadReport(f"{word!r} is no parameter", remedy="write -p name=value")
            one = next((one for one in self.found if one.name == name), None)
            told[name] = text if one is not None and one.type == "str" else _value(text)
        return told


def parameters_of(path: Path, name: str = "") -> Parameters:
    """Return the parameters of a notebook.

    Raises
    ------
    BadReport
        When it is no notebook, has several cells with the tag, or a default that is no constant.
    """
    shown = name or path.name
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        cells = [cell for cell in book["cells"] if TAG in cell.get("metadata", {}).get("tags", [])]
    except FileNotFoundError:
        raise BadReport(f"there is no notebook {shown}", remedy="correct `notebook` in reports.toml") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BadReport(f"{shown} is no notebook: {type(fault).__name__}", remedy="save it anew in JupyterLab") from None
    if len(cells) > 1:
        raise BadReport(f"{shown} has {len(cells)} cells tagged {TAG}", remedy="keep one")
    source = "".join(cells[0]["source"]) if cells else ""
    return Parameters(shown, _found_in(source, shown))


def _found_in(source: str, notebook: str) -> list[Parameter]:
    try:
        statements = ast.parse(source).body
    except SyntaxError as fault:
        raise BadReport(f"{notebook}: its cell {TAG} is no Python: line {fault.lineno}", remedy="correct it") from None
    lines, found = source.splitlines(), list[Parameter]()
    for one in statements:
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value is not None:
            name, kind, value = one.target.id, ast.unparse(one.annotation), one.value
        elif isinstance(one, ast.Assign) and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name):
            name, kind, value = one.targets[0].id, "", one.value
        else:
            continue  # a comment, an import, a docstring
        try:
            default = ast.literal_eval(value)
        except ValueError:
            raise BadReport(
                f"{notebook}: the default of {name} is no constant", remedy="give a number, text, list or None"
            ) from None
        comment = lines[(one.end_lineno or 1) - 1][one.end_col_offset or 0 :].strip()
        kind = kind.strip("'\"") or ("Any" if default is None else type(default).__name__)
        found.append(Parameter(name=name, type=kind, default=default, help=comment.lstrip("# ")))
    return found


def _type_of(one: Parameter, notebook: str) -> Any:
    """Type of a field, with the bounds that its comment tells."""
    try:
        kind = _read_type(ast.parse(one.type, mode="eval").body)
    except (SyntaxError, KeyError, AttributeError, ValueError):
        raise BadReport(
            f"{notebook}: {one.name} has the type {one.type!r}", remedy=f"use {', '.join(TYPES)}, list[str] …"
        ) from None
    if found := RANGE.match(one.help):
        low, high = (float(word) if "." in word else int(word) for word in found.groups())
        return Annotated[kind, Field(ge=low, le=high, strict=kind is int)]
    if (found := WORDS.match(one.help)) and kind is str:
        return Literal[tuple(word.strip() for word in found[1].split("|"))]
    return Annotated[kind, Field(strict=True)] if kind in (int, bool, str) else kind


def _read_type(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return TYPES[node.id]
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = [side for side in (_read_type(node.left), _read_type(node.right)) if side is not None]
        return Optional[sides[0]] if len(sides) == 1 else sides[0] | sides[1]  # noqa: UP045 - made, not written
    if isinstance(node, ast.Subscript):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        outer: Any = {"list": list, "dict": dict, "tuple": list}[getattr(node.value, "id", "")]
        return outer[tuple(_read_type(one) for one in inner[: 2 if outer is dict else 1])]
    raise ValueError(ast.dump(node))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
