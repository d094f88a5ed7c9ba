"""What the data itself may hide: gaps, instruments that vanish or that only survivors are among, bars without trading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from b25.research.bias_report import Finding

QUIET_SHARE = 0.05  # of bars without volume
STALE_BARS = 30  # in a row with one and the same price
SEVERAL = 3


def data_findings(data: Sequence[Any]) -> list[Finding]:
    """Look through the bars of all instruments; recorded messages name their own gaps.

    Parameters
    ----------
    data : sequence of Bars
    """
    findings = [finding for bars in data for finding in (*_gaps(bars), *_quiet(bars), *_stale(bars))]
    return [*findings, *_survivors(data)]


def _gaps(bars: Any) -> list[Finding]:
    if not bars.gaps:
        return []
    longest = max(bars.gaps, key=lambda gap: gap.end_ns - gap.start_ns)
    many = f"{len(bars.gaps)} gaps" if len(bars.gaps) > 1 else "1 gap"
    return [
        Finding(
            "gap",
            "warning",
            bars.symbol,
            f"{many} in the {bars.timeframe} bars, the longest {longest}; nothing was filled in, and orders waited meanwhile",
            "download that span again, or end the test before it",
        )
    ]


def _quiet(bars: Any) -> list[Finding]:
    share = float(np.mean(bars.volume <= 0))
    if share <= QUIET_SHARE:
        return []
    return [
        Finding(
            "no-volume",
            "warning",
            bars.symbol,
            f"{share:.1%} of the bars have no volume; what a fill there would have cost is not known",
            "use a larger timeframe, or set a volume participation cap",
        )
    ]


def _stale(bars: Any) -> list[Finding]:
    rows = bars.rows
    flat = (rows["high_ticks"] == rows["low_ticks"]) & (rows["close_ticks"] == np.roll(rows["close_ticks"], 1))
    flat[:1] = False
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flat, [False])).astype(np.int8)))
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    if not lengths.size or lengths.max() < STALE_BARS:
        return []
    worst = int(np.argmax(lengths))
    return [
        Finding(
            "stale-price",
            "warning",
            bars.symbol,
            f"the price stands still for {int(lengths[worst]):,} bars from {_day(int(rows['open_ns'][starts[worst]]))} on",
            "check whether trading was halted; a fill at that price is not likely",
        )
    ]


def _survivors(data: Sequence[Any]) -> list[Finding]:
    if len(data) < 2:
        return []
    last_ns = max(int(bars.end_ns) for bars in data)
    span_ns = last_ns - min(int(bars.start_ns) for bars in data)
    gone = [bars for bars in data if last_ns - int(bars.end_ns) > max(span_ns // 100, 2 * int(bars.frame_ns))]
    findings = [
        Finding(
            "ends-early",
            "warning",
            bars.symbol,
            f"its data end on {_day(int(bars.end_ns))}, others go on to {_day(last_ns)}; what is held then is marked at the "
            "last price",
            "find out whether it was delisted, and at which price one got out",
        )
        for bars in gone
    ]
    if len(data) >= SEVERAL and not gone:
        findings.append(
            Finding(
                "survivorship",
                "warning",
                f"{len(data)} instruments",
                "all are still traded at the end: survivorship cannot be excluded unless delisted ones are in the set",
                "choose the instruments by what was known at the start, delisted ones included",
            )
        )
    return findings


def _day(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns").astype("datetime64[D]"))
