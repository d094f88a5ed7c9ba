"""Runs in the kernel of a re-run, after the last cell: the class's backtests once more, with the class that was cut out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from b25.promote.rerun_compare import first_difference
from b25.research.backtest import backtest
from b25.research.result import Backtest
from b25.research.run_record import payload_of
from b25.research.strategy_file import load_strategy

RUNS_MAX: Final = 4
MIME: Final = "application/vnd.b25.third-run+json"


def held(name: str, names: Mapping[str, Any]) -> list[Backtest]:
    """Return the different backtests of a class that a kernel holds by name, in a list or dict, or as what a cell returned."""
    found: dict[str, Backtest] = {}
    for value in _values(names):
        if isinstance(value, Backtest) and value.name == name and value.made.cls.__module__ == "__main__":
            found.setdefault(value.hash, value)
    return list(found.values())[:RUNS_MAX]


def third_runs(file: Path, name: str, names: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run each again with the class of a file; say both hashes, and where they part first."""
    results = held(name, names)
    if not results:
        return []
    cls = load_strategy(f"{file}:{name}", by_content=True)
    told = []
    for one in results:
        made = one.made
        again = backtest(cls, list(made.datasets), **made.options, **one.parameters)
        left, right = payload_of(one), payload_of(again)
        told.append({"B": left["stream_sha256"], "C": right["stream_sha256"], "difference": first_difference(left, right)})
    return told


def show(file: str, name: str, names: Mapping[str, Any]) -> None:
    """Display what came of it, for the process that runs the notebook."""
    from IPython.display import display

    display({MIME: {"runs": third_runs(Path(file), name, names)}}, raw=True)  # type: ignore[no-untyped-call]


def _values(names: Mapping[str, Any]) -> Iterable[Any]:
    for key, value in list(names.items()):
        if key in ("In", "_ih"):
            continue
        yield value
        if isinstance(value, dict):
            yield from list(value.values())
        elif isinstance(value, list | tuple):
            yield from value
