"""How good the data was: gaps, repeats, outliers, silence and clocks, of recordings, of bars, and of what a session heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.analytics.figures import duration_text, number_text, time_text
from b25.market.bars import Bars
from b25.market.manifest import read_manifest
from b25.model.errors import Misuse
from b25.model.event import BBO, DEPTH, GAP, ORDER_ACCEPTED, TRADE
from b25.reports.records import DataQuality
from b25.research.data_faults import data_findings
from b25.store.journal import EVENTS, Reading

if TYPE_CHECKING:
    from b25.research.dataset import Dataset
    from b25.research.result import Backtest

OUTLIER_TIMES: Final = 30.0  # a step so many times the usual one is looked at by a person
STEPS_MIN: Final = 30
OUTLIERS_SHOWN: Final = 5
SILENCE_TIMES: Final = 1_000.0
MARKET: Final = (DEPTH, TRADE, BBO)
Rows = np.ndarray[Any, Any]


def outliers(time_ns: Rows, prices: Rows) -> tuple[int, list[str]]:
    """Steps of a price that are out of proportion to the usual one.

    Parameters
    ----------
    time_ns : ndarray of int64, shape (n,)
    prices : ndarray of float64, shape (n,)

    Returns
    -------
    int
        How many steps are larger than `OUTLIER_TIMES` times the median of those that are not zero.
    list of str
        The largest of them, in words.
    """
    known = prices > 0
    time_ns, prices = time_ns[known], prices[known]
    step = np.abs(np.diff(np.log(prices))) if prices.size > 1 else np.zeros(0)
    moved = step[step > 0]
    if moved.size < STEPS_MIN:
        return 0, []
    usual = float(np.median(moved))
    wide = np.flatnonzero(step > OUTLIER_TIMES * usual)
    worst = wide[np.argsort(-step[wide], kind="stable")][:OUTLIERS_SHOWN]
    said = [
        f"{time_text(int(time_ns[k + 1]), unit='ms')}: from {number_text(float(prices[k]), significant=8)} to "
        f"{number_text(float(prices[k + 1]), significant=8)}, {step[k] / usual:,.0f} times the usual step"
        for k in np.sort(worst).tolist()
    ]
    return int(wide.size), said


def delays(delay_ns: Rows) -> tuple[tuple[float, float, float] | None, float | None]:
    """Arrival minus venue time at p50, p95 and p99, and the smallest of them."""
    if not delay_ns.size:
        return None, None
    p50, p95, p99 = np.quantile(delay_ns, (0.5, 0.95, 0.99)).tolist()
    return (p50, p95, p99), float(delay_ns.min())


def of_result(result: Backtest) -> list[DataQuality]:
    """Data of a backtest."""
    found: list[DataQuality] = []
    for data in result.made.datasets:
        found.append(_of_bars(data, result) if isinstance(data, Bars) else _of_recording(data))
    return found


def _of_bars(bars: Bars, result: Backtest) -> DataQuality:
    rows = bars.rows
    tick = float(bars.instrument.tick)
    count, said = outliers(rows["close_ns"], rows["close_ticks"] * tick)
    findings = [f"{one.sentence} ({one.code})" for one in data_findings([bars])]
    return DataQuality(
        symbol=bars.symbol, venue=bars.venue, source=f"{bars.timeframe} bars: {bars.source}", hash=bars.hash,
        start_ns=int(bars.start_ns), end_ns=int(bars.end_ns),
        counts={"rows": len(rows), "gaps": len(bars.gaps), "duplicates": 0, "outliers": count,
                "bars without volume": int(np.sum(bars.volume <= 0))},
        gaps=[(int(gap.start_ns), int(gap.end_ns), str(gap)) for gap in bars.gaps],
        findings=[*findings, *bars.notes, *said],
        absent={"arrival": "bars have no time of arrival"},
    )  # fmt: skip


def _of_recording(data: Dataset) -> DataQuality:
    manifest = read_manifest(data.catalog.instrument_folder(data.venue, data.symbol))
    rows = data.tape.messages
    prints = rows[rows["kind"] == TRADE]
    count, said = outliers(prints["local_ns"], prints["price_ticks"] * float(data.instrument.tick))
    delay, least = delays((rows["local_ns"] - rows["exch_ns"]).astype(np.float64))
    counts: dict[str, int] = {"rows": int(data.tape.venue.size), "gaps": 0, "duplicates": 0, "outliers": count}
    findings: list[str] = []
    for source in manifest.sources if manifest is not None else []:
        told = source.quality
        counts["gaps"] += int(told.get("gaps", 0))
        counts["duplicates"] += int(told.get("repeated_diffs", 0)) + int(told.get("repeated_trades", 0))
        for name in ("crossed_messages", "stale_stretches", "receive_time_backwards", "venue_time_backwards", "bad_lines"):
            counts[name.replace("_", " ")] = counts.get(name.replace("_", " "), 0) + int(told.get(name, 0))
        if told.get("clock_offset_ns"):
            findings.append(
                f"{source.name}: arrivals were shifted by {duration_text(told['clock_offset_ns'])}, as some were earlier than "
                f"the venue's own time; drift {told.get('clock_drift_ppm', 0)} ppm, {told.get('clock_jumps', 0)} jumps"
            )
    return DataQuality(
        symbol=data.symbol, venue=data.venue, source=f"recording, {data.profile}", hash=data.hash, start_ns=data.start_ns,
        end_ns=data.end_ns, counts=counts, findings=[*findings, *said], delay_ns=delay, delay_min_ns=least,
    )  # fmt: skip


@dataclass(slots=True)
class Heard:
    """What one pass over a journal tells beside its replay."""

    acked: dict[int, int] = field(default_factory=dict)
    data: list[DataQuality] = field(default_factory=list)


def heard_in(path: Path, result: Backtest, start_ns: int, end_ns: int) -> Heard:
    """Read a journal's events: when orders were known to be accepted, and how good the market data was.

    Raises
    ------
    Misuse, Resync
        When the journal cannot be read.
    """
    batches = [record.events for record in Reading(path) if record.kind == EVENTS]
    if not batches:
        raise Misuse(f"nothing happened in the session of {path}", remedy="give a journal with events")
    events = np.concatenate(batches)
    accepted = events[events["kind"] == ORDER_ACCEPTED]
    order = np.argsort(accepted["local_ns"], kind="stable")[::-1]
    acked = dict(zip(accepted["order_id"][order].tolist(), accepted["local_ns"][order].tolist(), strict=True))
    inside = events[(events["local_ns"] >= start_ns) & (events["local_ns"] < end_ns)]
    found = Heard(acked=acked)
    for i, one in enumerate(result.instruments):
        mine = inside[inside["instrument"] == i]
        found.data.append(_of_events(mine, one.symbol, one.venue, float(one.tick), path.name, result.hash))
    return found


def _of_events(rows: Rows, symbol: str, venue: str, tick: float, source: str, digest: str) -> DataQuality:
    market = rows[np.isin(rows["kind"], MARKET)]
    # One message is several rows of equal times; each message is counted once.
    times = np.unique(np.stack([market["local_ns"], market["exch_ns"]], axis=1), axis=0)
    local_ns, exch_ns = (times[:, 0], times[:, 1]) if times.size else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    prints = market[market["kind"] == TRADE]
    count, said = outliers(prints["local_ns"], prints["price_ticks"] * tick)
    broken = rows[rows["kind"] == GAP]["local_ns"].tolist()
    delay, least = delays((local_ns - exch_ns).astype(np.float64))
    silent = np.diff(local_ns)
    usual = float(np.median(silent[silent > 0])) if (silent > 0).any() else 0.0
    quiet = np.flatnonzero(silent > max(SILENCE_TIMES * usual, 10**9)) if usual else np.zeros(0, np.int64)
    gaps = [(at, at, "the venue's sequence broke; the book was suspect until a snapshot") for at in broken]
    gaps += [
        (int(local_ns[k]), int(local_ns[k + 1]), f"no market data for {duration_text(float(silent[k]))}") for k in quiet.tolist()
    ]
    if least is not None and least < 0:
        said.insert(0, f"some messages arrived {duration_text(-least)} before the venue says they were sent: the clocks differ")
    return DataQuality(
        symbol=symbol, venue=venue, source=f"journal {source}", hash=digest,
        start_ns=int(local_ns[0]) if local_ns.size else 0, end_ns=int(local_ns[-1]) if local_ns.size else 0,
        counts={"rows": int(market.size), "messages": int(local_ns.size), "gaps": len(broken), "silences": int(quiet.size),
                "outliers": count, "venue time backwards": int(np.sum(np.diff(exch_ns) < 0))},
        gaps=sorted(gaps), findings=said,
        absent={"duplicates": "a session's feed drops what is told twice and does not count it"},
        delay_ns=delay, delay_min_ns=least,
    )  # fmt: skip
