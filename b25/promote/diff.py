"""How two strategies differ: definition by definition, parameters, conditions, and whether they behave the same."""

from __future__ import annotations

import difflib
import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from b25.promote.side import Definition, Side, side_of
from b25.promote.version import LIVE

CODE, COMMENTS, ADDED, REMOVED = "code", "comments", "added", "removed"
WORDS: Final = {CODE: "changed", COMMENTS: "only comments changed", ADDED: "added", REMOVED: "removed"}
NOT_SAID: Final = "not said"
LINES_MAX: Final = 400  # of a shown difference
STYLE: Final = (
    ".b25-diff{font:13px/1.45 var(--jp-ui-font-family,sans-serif);color:var(--jp-ui-font-color1,inherit)}"
    ".b25-diff table{border-collapse:collapse;margin:.3em 0}.b25-diff td,.b25-diff th{padding:.1em .8em .1em 0;text-align:left}"
    ".b25-diff th{font-weight:600;opacity:.75}"
    ".b25-diff pre{font:12px/1.4 var(--jp-code-font-family,monospace);overflow:auto;margin:.3em 0 .6em;"
    "border-left:3px solid var(--jp-border-color2,#9994);padding-left:.7em}"
    ".b25-diff .gone{color:#c0392b}.b25-diff .came{color:#1e8449}.b25-diff .same{opacity:.75}"
    "@media(prefers-color-scheme:dark){.b25-diff .gone{color:#ff8a7a}.b25-diff .came{color:#6fd08c}}"
    "body[data-jp-theme-light=false] .b25-diff .gone{color:#ff8a7a}body[data-jp-theme-light=false] .b25-diff .came{color:#6fd08c}"
    "body[data-jp-theme-light=true] .b25-diff .gone{color:#c0392b}body[data-jp-theme-light=true] .b25-diff .came{color:#1e8449}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionDiff:
    """A definition that is not the same on both sides.

    Attributes
    ----------
    kind : str
        ``"code"``, ``"comments"`` (what it does is the same), ``"added"`` or ``"removed"``.
    lines : tuple of str
        Unified difference without a head.
    """

    name: str
    kind: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A value that differs; None where a side does not say."""

    name: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyDiff:
    """What differs between two strategies; shows itself as text and as HTML.

    Attributes
    ----------
    same_behaviour : bool or None
        Whether the code in reach is the same, whatever its text; None when one side cannot be imported.
    """

    left: str
    right: str
    definitions: tuple[DefinitionDiff, ...]
    parameters: tuple[Changed, ...]
    conditions: tuple[Changed, ...]
    same_behaviour: bool | None
    notes: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether both behave the same under the same parameters; comments and conditions do not count."""
        return self.same_behaviour is True and not self.parameters

    def facts(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "left": self.left, "right": self.right, "is_same": self.is_same, "same_behaviour": self.same_behaviour,
            "definitions": [{"name": one.name, "kind": one.kind, "lines": list(one.lines)} for one in self.definitions],
            "parameters": [{"name": one.name, "old": one.old, "new": one.new} for one in self.parameters],
            "conditions": [{"name": one.name, "old": one.old, "new": one.new} for one in self.conditions],
            "notes": list(self.notes),
        }  # fmt: skip

    @property
    def headline(self) -> str:
        """One sentence."""
        if self.same_behaviour is None:
            what = "one side cannot be imported, so that it is not known whether they behave the same"
        elif not self.same_behaviour:
            what = "they do not behave the same"
        elif self.parameters:
            what = "the same code with other parameters"
        else:
            what = "they behave the same"
        return f"{self.left} and {self.right}: {what}"

    def lines(self) -> Iterator[str]:
        """Yield it for a terminal."""
        yield self.headline
        for one in self.definitions:
            yield f"{one.name}: {WORDS[one.kind]}"
            yield from (f"  {line}" for line in one.lines[:LINES_MAX])
            if len(one.lines) > LINES_MAX:
                yield f"  … {len(one.lines) - LINES_MAX} more lines"
        yield from (f"parameter {one.name}: {_shown(one.old)} → {_shown(one.new)}" for one in self.parameters)
        yield from (f"{one.name}: {_shown(one.old)} → {_shown(one.new)}" for one in self.conditions)
        yield from (f"note: {one}" for one in self.notes)

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html()}

    def html(self) -> str:
        """Return it for a notebook: no script, nothing from outside, everything escaped."""
        parts = [f"<div class='b25-diff'><style>{STYLE}</style><b>{html.escape(self.headline)}</b>"]
        for title, rows in (("parameter", self.parameters), ("condition", self.conditions)):
            if rows:
                head = "".join(f"<th>{html.escape(one)}</th>" for one in (title, self.left, self.right))
                body = "".join(
                    f"<tr><td>{html.escape(one.name)}</td><td class='gone'>{html.escape(_shown(one.old))}</td>"
                    f"<td class='came'>{html.escape(_shown(one.new))}</td></tr>"
                    for one in rows
                )
                parts.append(f"<table><tr>{head}</tr>{body}</table>")
        room = LINES_MAX
        for one in self.definitions:
            text = "\n".join(_coloured(line) for line in one.lines[:room])
            room -= min(room, len(one.lines))
            is_open = "" if one.kind == COMMENTS else " open"
            name = f"<code>{html.escape(one.name)}</code>: {WORDS[one.kind]}"
            parts.append(f"<details{is_open}><summary>{name}</summary><pre>{text}</pre></details>")
        if self.notes:
            parts.append("<ul>" + "".join(f"<li>{html.escape(one)}</li>" for one in self.notes) + "</ul>")
        return "".join(parts) + "</div>"


def diff(left: str, right: str, root: Path = LIVE) -> StrategyDiff:
    """Compare two strategies.

    Parameters
    ----------
    left, right : str
        Each ``NAME@NUMBER``, ``NOTEBOOK.ipynb:Class`` or ``FILE.py:Class``; a notebook or file without a class has that of
        the other side.
    root : Path
        Where versions are.

    Raises
    ------
    Misuse
        When a side is not there or cannot be read.
    """
    if _lacks_class(right):
        right = f"{right}:{side_of(left, root).class_name}"
    elif _lacks_class(left):
        left = f"{left}:{side_of(right, root).class_name}"
    return compared(side_of(left, root), side_of(right, root))


def compared(one: Side, other: Side) -> StrategyDiff:
    """Compare two sides that were read."""
    same = None if one.behaviour is None or other.behaviour is None else one.behaviour == other.behaviour
    names = list(dict.fromkeys([*one.definitions, *other.definitions]))
    found = [_definition(name, one.definitions.get(name), other.definitions.get(name)) for name in names]
    said = [name for name in one.conditions if one.conditions[name] is not None and other.conditions[name] is not None]
    notes = [*one.notes, *other.notes]
    for quiet, loud in ((one, other), (other, one)):
        silent = [name for name, value in quiet.conditions.items() if value is None and loud.conditions[name] is not None]
        if silent:
            notes.append(f"{quiet.label} does not say: {', '.join(silent)}")
    return StrategyDiff(
        left=one.label, right=other.label, definitions=tuple(d for d in found if d is not None),
        parameters=_changed(one.parameters, other.parameters, list(dict.fromkeys([*one.parameters, *other.parameters]))),
        conditions=_changed(one.conditions, other.conditions, said), same_behaviour=same, notes=tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _definition(name: str, old: Definition | None, new: Definition | None) -> DefinitionDiff | None:
    if old is not None and new is not None:
        if old.text == new.text:
            return None
        kind = COMMENTS if old.code == new.code else CODE
    else:
        kind = ADDED if old is None else REMOVED
    before, after = (one.text.splitlines() if one is not None else [] for one in (old, new))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]
    return DefinitionDiff(name=name, kind=kind, lines=tuple(lines))


def _changed(old: dict[str, Any], new: dict[str, Any], names: list[str]) -> tuple[Changed, ...]:
    pairs = [Changed(name=name, old=old.get(name), new=new.get(name)) for name in names]
    return tuple(one for one in pairs if one.old != one.new or type(one.old) is not type(one.new))


def _lacks_class(where: str) -> bool:
    return where.endswith((".ipynb", ".py"))


def _shown(value: Any) -> str:
    if value is None:
        return NOT_SAID
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _coloured(line: str) -> str:
    kind = "gone" if line.startswith("-") else "came" if line.startswith("+") else "same"
    return f"<span class='{kind}'>{html.escape(line)}</span>"
