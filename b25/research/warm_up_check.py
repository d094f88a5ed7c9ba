"""Warm-up: a strategy that has seen enough decides the same wherever its data begin; one that has not is only guessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from b25.research.bias_report import Finding
from b25.research.in_step import disagreements
from b25.research.reruns import Reruns
from b25.research.state_fields import Record, difference, fields_of

if TYPE_CHECKING:
    import polars as pl

AGREES = 1e-6  # relative difference of a field that no decision turns on
MATTERS = 1e-2
LENGTHS = (25, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400)


@dataclass(frozen=True, slots=True, eq=False)
class WarmUp:
    """What later starts showed.

    Attributes
    ----------
    first_act : int or None
        Fewest steps after a start at which an order was sent.
    agrees_after : int or None
        Most steps after a start at which a decision still differed; None when none did.
    lasting : bool
        True when decisions go on to differ until the end: they depend on the start itself, not on a warm-up.
    compared, differed : int
        Moments of decision, and those at which both runs stood alike and decided otherwise.
    """

    first_act: int | None
    agrees_after: int | None
    lasting: bool
    compared: int = 0
    differed: int = 0


def later_starts(runs: Reruns, count: int) -> WarmUp:
    """Run from `count` later starts and compare the decisions with those of the whole run.

    Parameters
    ----------
    runs : Reruns
    count : int
        Starts, spread over the first three quarters of the data.
    """
    clock, whole = runs.clock, runs.whole.outcome
    first: list[int] = []
    last: list[int] = []
    lasting = False
    compared = differed = 0
    base = max(0, clock.size - runs.steps_max)
    for share in (np.arange(count) + 0.381966) / count * 0.75:
        row = base + int(share * (clock.size - base))
        if not runs.on_bars:
            row -= row % 60  # timers begin at the start: whole minutes keep their phase
        later = runs.since(int(clock[row]))
        begun, moments, looked_at = disagreements(whole, later.outcome, int(clock[row]), fills_first=not runs.on_bars)
        compared, differed = compared + looked_at, differed + len(moments)
        if begun is not None:
            first.append(int(np.searchsorted(clock, begun)) - row)
        if moments:
            steps = int(np.searchsorted(clock, moments[-1])) - row
            last.append(steps)
            lasting |= steps > (clock.size - row) / 2
    return WarmUp(min(first, default=None), max(last, default=None), lasting, compared, differed)


def recursive_differences(runs: Reruns, first_act: int | None) -> pl.DataFrame:
    """Compare the record at the end of short runs with that of the whole run.

    Parameters
    ----------
    runs : Reruns
    first_act : int, optional
        A length to try besides the usual ones.

    Returns
    -------
    polars.DataFrame
        field, bars (length of the short run), difference (relative, infinite where one is unknown).
    """
    import polars as pl

    clock = runs.clock
    lengths = sorted({n for n in (*LENGTHS, first_act or 0) if 0 < n <= clock.size // 2})
    rows: list[tuple[str, int, float]] = []
    for n in lengths:
        steps = n if runs.on_bars else -(-n // 60) * 60
        if steps >= clock.size:
            continue
        later = runs.since(int(clock[clock.size - 1 - steps]))
        rows += [(name, steps, gap) for name, gap in _gaps(runs.whole.outcome.strategy, later.outcome.strategy)]
    return pl.DataFrame(rows, schema={"field": pl.String, "bars": pl.Int64, "difference": pl.Float64}, orient="row")


def _gaps(whole: Record, later: Record) -> list[tuple[str, float]]:
    out = []
    for (name, a), (_, b) in zip(fields_of(whole), fields_of(later), strict=True):
        # A ring buffer holds the same numbers from another place on.
        out.append((name, min(difference(a, b), difference(np.sort(a), np.sort(b)))))
    return out


def warm_up_findings(runs: Reruns, seen: WarmUp, table: pl.DataFrame) -> list[Finding]:
    """Judge what later starts and short runs showed.

    Parameters
    ----------
    runs : Reruns
    seen : WarmUp
    table : polars.DataFrame
        As made by `recursive_differences`.
    """
    unit = runs.unit
    slow = _slow_fields(table, seen.first_act)
    named = ", ".join(slow) or runs.cls.__name__
    if seen.agrees_after is not None and not seen.lasting and slow:
        needs = max(seen.agrees_after, *slow.values())
        return [
            Finding(
                "warm-up",
                "fault",
                named,
                f"it sends its first order {seen.first_act:,} {unit} after a start, but decisions depend on where the data begin "
                f"until {seen.agrees_after:,} {unit} after it",
                f"wait for {needs:,} {unit} before the first order",
            )
        ]
    far = {name: bars for name, bars in slow.items() if _at(table, name, seen.first_act) > MATTERS}
    if far:
        needs = max(far.values())
        return [
            Finding(
                "warm-up",
                "warning",
                ", ".join(far),
                f"when the first order is sent, {seen.first_act:,} {unit} after a start, it still differs by "
                f"{max(_at(table, name, seen.first_act) for name in far):.1%} from what more data give; "
                + (f"{seen.differed:,} decisions were otherwise" if seen.differed else "no decision turned on it"),
                f"wait for {needs:,} {unit} before the first order",
            )
        ]
    if seen.lasting and slow:
        return [
            Finding(
                "start-dependence",
                "note",
                named,
                "decisions of runs that began later go on to differ, though positions and orders are alike",
                "look whether something is counted from the start that should be counted from the market",
            )
        ]
    return []


def _slow_fields(table: pl.DataFrame, first_act: int | None) -> dict[str, int]:
    """Fields that differ when the first order is sent and agree with more data, and the bars from which on they do."""
    if first_act is None or not table.height:
        return {}
    out = {}
    for name in table["field"].unique(maintain_order=True):
        mine = table.filter(table["field"] == name).sort("bars")
        bars, gaps = mine["bars"].to_list(), mine["difference"].to_list()
        agree = [k for k in range(len(bars)) if all(gap <= AGREES for gap in gaps[k:])]
        if agree and agree[0] > 0 and bars[agree[0] - 1] >= first_act:
            out[name] = bars[agree[0]]
    return out


def _at(table: pl.DataFrame, name: str, steps: int | None) -> float:
    mine = table.filter((table["field"] == name) & (table["bars"] >= (steps or 0))).sort("bars")
    return float(mine["difference"][0]) if mine.height else 0.0
