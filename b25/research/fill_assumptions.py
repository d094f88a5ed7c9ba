"""Fills that assume too much: at a price nobody could have, of a volume nobody offered."""

from __future__ import annotations

from typing import Any

import numpy as np

from b25.research.bias_report import Finding

PARTICIPATION_HIGH = 0.1  # of a bar's volume; above it our own trading would have been the market


def fill_findings(result: Any) -> list[Finding]:
    """Judge the fills of a run on bars.

    Parameters
    ----------
    result : Backtest
        On bars.
    """
    findings = []
    if result.made.fills.price == "close":
        findings.append(
            Finding(
                "fill-price",
                "fault",
                "BarFills(price='close')",
                "market orders are filled at the very close that they were decided on, which is known only when it is over",
                "use BarFills(price='open'), the default: the next bar's open",
            )
        )
    for i, bars in enumerate(result.made.datasets):
        fills = result.outcome.fills[result.outcome.fills["instrument"] == i]
        if fills.size:
            findings += _volume(result, bars, fills)
    return findings


def _volume(result: Any, bars: Any, fills: np.ndarray[Any, Any]) -> list[Finding]:
    rows = bars.rows
    place = np.maximum(np.searchsorted(rows["open_ns"], fills["venue_ns"], side="right") - 1, 0)
    used, which = np.unique(place, return_inverse=True)
    ours = np.bincount(which.reshape(-1), weights=fills["qty_lots"].astype(np.float64))
    theirs = rows["volume_lots"][used].astype(np.float64)
    empty = theirs <= 0
    findings = []
    if empty.any():
        count = int(np.isin(place, used[empty]).sum())
        findings.append(
            Finding(
                "no-volume-fill",
                "warning",
                bars.symbol,
                f"{count:,} of {fills.size:,} fills ({count / fills.size:.1%}) are on bars in which nobody traded",
                "set BarFills(participation=0.1), so that an order waits for volume",
            )
        )
    share = np.divide(ours, theirs, out=np.zeros(ours.size), where=~empty)
    cap = result.made.fills.participation
    allowed = PARTICIPATION_HIGH if cap is None else cap * (1 + 1e-9)
    high = int(np.sum(share > allowed))
    if high:
        findings.append(
            Finding(
                "participation",
                "warning",
                bars.symbol,
                f"in {high:,} of {used.size:,} bars with fills we traded more than {allowed:.0%} of the bar's volume, at most "
                f"{share.max():.0%}: the price would not have stood still",
                "set BarFills(participation=0.1), or trade less",
            )
        )
    return findings
