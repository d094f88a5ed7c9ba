"""Puts a frozen version back into cells: source split at the marks of its cells, parameters, and the data of its proof.

Run and promoted again, those cells give the same `strategy.py`, byte for byte: the cells keep their ids, and the notebook says
which file the marks name.
"""

from __future__ import annotations

import io
import json
import os
import re
import tokenize
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from b25.model.errors import Misuse
from b25.promote.cells import NOT_THIS
from b25.promote.statements import names_bound, names_read
from b25.promote.version import LIVE, SOURCE, Version, find

MARK: Final = re.compile(r"# %% (?P<file>[^#]+)#(?P<cell>\S+)")
NS_A_MINUTE: Final = 60_000_000_000
NS_A_DAY: Final = 86_400_000_000_000
SAMPLE_MINUTES: Final = 5  # what `b25 promote` takes of the sample market when nothing is named
SAMPLE_DAYS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedOutCell:
    """One cell of code.

    Attributes
    ----------
    id : str
        Of the cell that it came from; of ours for one that was made here.
    is_source : bool
        Whether it is part of the strategy; others are tagged so that they are never promoted.
    """

    id: str
    source: str
    is_source: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A version in cells, in the order in which they are to run.

    Attributes
    ----------
    reference : str
        ``NAME@NUMBER``.
    class_name : str
    origin : str
        Name of the file that the version was cut out of.
    cells : tuple of CheckedOutCell
    """

    reference: str
    class_name: str
    origin: str
    cells: tuple[CheckedOutCell, ...]

    def notebook(self) -> bytes:
        """Return the cells as a notebook that was never run; equal versions give equal bytes."""
        title = f"# {self.class_name}, as promoted: {self.reference}\nRun all cells; the last one repeats its backtest."
        made: list[dict[str, Any]] = [
            {"cell_type": "markdown", "id": "b25-title", "metadata": {}, "source": title.splitlines(keepends=True)}
        ]
        for one in self.cells:
            tags = {} if one.is_source else {"tags": [NOT_THIS]}
            made.append(
                {
                    "cell_type": "code", "execution_count": None, "id": one.id, "metadata": tags, "outputs": [],
                    "source": one.source.splitlines(keepends=True),
                }
            )  # fmt: skip
        metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "b25": {"origin": self.origin, "version": self.reference},
        }
        held = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(held, indent=1, ensure_ascii=False).encode() + b"\n"

    def write(self, path: Path | None = None, *, force: bool = False) -> Path:
        """Write the notebook, and give its path.

        Parameters
        ----------
        path : Path, optional
            By default ``NAME_vNUMBER.ipynb`` in the current folder.
        force : bool
            Whether what is there may be overwritten.

        Raises
        ------
        Misuse
            When there is a file already, or it cannot be written.
        """
        name, _, number = self.reference.partition("@")
        wanted = path or Path(f"{name}_v{number}.ipynb")
        if wanted.suffix != ".ipynb":
            raise Misuse(f"{wanted} is no name of a notebook", remedy="end it with .ipynb")
        try:
            if not force:
                with wanted.open("xb") as file:
                    file.write(self.notebook())
                return wanted
            beside = wanted.with_name(f".{wanted.name}.{os.getpid()}")
            beside.write_bytes(self.notebook())
            beside.replace(wanted)
        except FileExistsError:
            raise Misuse(f"there is a file {wanted} already", remedy="give another name: -o FILE.ipynb, or --force") from None
        except OSError as fault:
            raise Misuse(f"{wanted} cannot be written: {fault.strerror}", remedy="choose another folder") from None
        return wanted

    def __repr__(self) -> str:
        ids = ", ".join(one.id for one in self.cells)
        return f"Checkout({self.reference}, class {self.class_name}, {len(self.cells)} cells: {ids})"


def checkout(reference: str, root: Path = LIVE) -> Checkout:
    """Return a version in cells.

    Parameters
    ----------
    reference : str
        ``NAME@NUMBER``.
    root : Path
        Where versions are.

    Raises
    ------
    Misuse
        When there is no such version, or its source is not that of its manifest.
    """
    version = find(root, reference)
    text = source_of(version)
    sections = sections_of(text, version.manifest["source"]["cells"])
    taken = names_bound(text) | names_read(text) | {version.manifest["class"]}
    made = (*_source_cells(sections), *_made_cells(version, taken, {name for name, _ in sections}))
    match = MARK.match(text)
    origin = match["file"] if match is not None else version.manifest["source"]["file"]
    return Checkout(reference=version.reference, class_name=version.manifest["class"], origin=origin, cells=made)


def source_of(version: Version) -> str:
    """Text of a version's source. Raises Misuse when it is not the one that its manifest names."""
    import hashlib

    try:
        held = (version.folder / SOURCE).read_bytes()
    except OSError as fault:
        raise Misuse(f"{version.reference}: {SOURCE} cannot be read: {fault.strerror}", remedy="b25 strategies verify") from None
    digest, told = hashlib.sha256(held).hexdigest(), version.manifest["files"][SOURCE]
    if digest != told:
        raise Misuse(
            f"{version.reference}: {SOURCE} is {digest[:12]}, the manifest says {told[:12]}",
            remedy="it is not what was promoted; restore its folder from a backup",
        )
    return held.decode("utf-8")


def sections_of(text: str, cells: list[str]) -> list[tuple[str, str]]:
    """Split a source at its marks; a mark within a text, or of a cell that the version is not from, is none.

    Returns
    -------
    list of (str, str)
        Id of the cell and text, in order; a cell can come twice, once with its `from __future__`.
    """
    lines = text.splitlines(keepends=True)
    starts = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        row, column = token.start
        match = MARK.fullmatch(token.string) if token.type == tokenize.COMMENT and column == 0 else None
        if match is not None and match["cell"] in cells and (row == 1 or not lines[row - 2].strip()):
            starts.append((row, match["cell"]))
    if not starts or starts[0][0] != 1:
        return [("b25-source", text.strip("\n"))]
    ends = [row for row, _ in starts[1:]] + [len(lines) + 1]
    return [(cell, "".join(lines[row : end - 1]).strip("\n")) for (row, cell), end in zip(starts, ends, strict=True)]


def _source_cells(sections: list[tuple[str, str]]) -> list[CheckedOutCell]:
    """Cells of the sections: what a cell had in two places comes together where the later one is."""
    last = {name: place for place, (name, _) in enumerate(sections)}
    texts: dict[str, list[str]] = {}
    for name, text in sections:
        texts.setdefault(name, []).append(text)
    return [
        CheckedOutCell(id=name, source="\n\n".join(texts[name]), is_source=True)
        for place, (name, _) in enumerate(sections)
        if last[name] == place
    ]


def _made_cells(version: Version, taken: frozenset[str] | set[str], ids: set[str]) -> list[CheckedOutCell]:
    """Cells that bind parameters, data and conditions, and one that repeats the backtest."""
    held = version.manifest
    params, data, conditions, result = (_free(name, taken) for name in ("params", "data", "conditions", "result"))
    told = held.get("conditions", {})
    fees, limits = told.get("fees", ""), told.get("limits", "")
    when = datetime.fromtimestamp(held["created"]["at_ns"] / 1e9, UTC).strftime("%Y-%m-%d") if "created" in held else ""
    by = f", {when}" if when else ""
    texts = {
        "params": f"# The parameters of {version.reference}{by}; what is not named is as declared.\n"
        f"{params} = {held.get('parameters', {})!r}",
        "data": f"# The data that {version.reference} was proven on.\nimport b25\n\n{_data_text(held.get('data', []), data)}",
        "conditions": f"# The conditions that it was proven under.\n{conditions} = dict(\n"
        + "".join(f"    {name}=b25.{value},\n" for name, value in (("fees", fees), ("limits", limits)) if value)
        + f"    balance={told.get('balance', 10_000.0)!r},\n"
        + (f"    latency=b25.ConstantLatency({told['latency_ns']}),\n" if _is_ticks(held) and "latency_ns" in told else "")
        + ")",
        "backtest": f"{result} = b25.backtest({held['class']}, {data}, **{conditions}, **{params})\n{result}",
    }
    return [
        CheckedOutCell(id=_free(f"b25-{name}", ids, "-1"), source=text, is_source=False)
        for name, text in texts.items()
        if name not in ("data", "backtest") or held.get("data")
    ]


def _is_ticks(manifest: dict[str, Any]) -> bool:
    return not any("timeframe" in one for one in manifest.get("data", []))


def _data_text(told: list[dict[str, Any]], name: str) -> str:
    """Code that opens the data, and says so when they are others by now."""
    opened = [_opened(one) for one in told]
    lines = [f"{name} = {opened[0]}" if len(opened) == 1 else f"{name} = [{', '.join(opened)}]"]
    for place, one in enumerate(told):
        which = name if len(told) == 1 else f"{name}[{place}]"
        lines.append(f'assert {which}.hash == "{one["hash"]}", "{one["symbol"]}: these are not the data of the proof"')
    return "\n".join(lines)


def _opened(one: dict[str, Any]) -> str:
    span_ns = int(one.get("end_ns", 0)) - int(one.get("start_ns", 0))
    if "timeframe" in one:
        if one["venue"] == "sim":
            days = max(1, round(span_ns / NS_A_DAY)) if span_ns else SAMPLE_DAYS
            return f'b25.sample(bars="{one["timeframe"]}", days={days})'
        return f'b25.bars("{one["timeframe"]}", symbol="{one["symbol"]}", venue="{one["venue"]}")'
    if one["venue"] == "sim":
        minutes = max(1, round(span_ns / NS_A_MINUTE)) if span_ns else SAMPLE_MINUTES
        return f"b25.sample(minutes={minutes})"
    return f'b25.dataset("{one["symbol"]}", venue="{one["venue"]}")'


def _free(name: str, taken: Any, suffix: str = "_") -> str:
    while name in taken:
        name += suffix
    return name
