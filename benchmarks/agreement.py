"""When two contestants have done the same work: equal fills, trades, returns and final books. Standard library only."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import Any


def fills_digest(
    order_id: Sequence[int],
    side: Sequence[int],
    price_ticks: Sequence[int],
    qty_lots: Sequence[int],
    exch_ns: Sequence[int],
    maker: Sequence[bool],
) -> str:
    """Hash of the multiset of fills, whatever order they are given in."""
    rows = sorted(zip(exch_ns, order_id, side, price_ticks, qty_lots, map(int, maker), strict=True))
    return hashlib.sha256(repr([tuple(map(int, row)) for row in rows]).encode()).hexdigest()[:16]


def reference_digest(run: dict[str, Any]) -> str:
    """Hash of the fills that the reference file lists for one run."""
    names = ("order_id", "side", "price_ticks", "qty_lots", "exch_ns", "maker")
    return fills_digest(*([fill[name] for fill in run["fills"]] for name in names))


def differences(found: dict[str, Any], expected: dict[str, Any], *, rel: float = 1e-9) -> list[str]:
    """What of a run's counts and amounts is not as expected, one sentence each."""
    faults = [
        f"{name}: {found[name]} instead of {expected[name]}"
        for name in ("steps", "submits", "cancels", "digest")
        if found[name] != expected[name]
    ]
    faults += [
        f"{name}: {found[name]} instead of {expected[name]}"
        for name in ("position", "balance", "fee")
        if abs(found[name] - expected[name]) > rel * max(1.0, abs(expected[name]))
    ]
    return faults


def furthest(found: Sequence[float], expected: Sequence[float]) -> float:
    """Largest relative difference of two lists of numbers, absolute where 0 is expected; inf for lists of other lengths."""
    if len(found) != len(expected):
        return float("inf")
    return max(abs(one - other) / (abs(other) or 1.0) for one, other in zip(found, expected, strict=True))


def trade_faults(found: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> list[str]:
    """What of two lists of trades differs: bars and prices exactly, profits to 1e-9."""
    if len(found) != len(expected):
        return [f"{len(found)} trades instead of {len(expected)}"]
    return [
        f"trade {k}: {list(one)} instead of {list(other)}"
        for k, (one, other) in enumerate(zip(found, expected, strict=True))
        if list(one[:4]) != list(other[:4]) or abs(one[4] - other[4]) > 1e-9 * max(1.0, abs(other[4]))
    ]


def book_summary(
    bids: Sequence[tuple[Decimal, Decimal]],
    asks: Sequence[tuple[Decimal, Decimal]],
    last_update_id: int,
    *,
    top: int = 20,
) -> dict[str, Any]:
    """What two books are compared by: last id, number of levels, the top, and a hash of every level."""
    bids, asks = sorted(bids, reverse=True), sorted(asks)
    plain = [[(format(price.normalize(), "f"), format(qty.normalize(), "f")) for price, qty in side] for side in (bids, asks)]
    return {
        "last_update_id": last_update_id,
        "bid_levels": len(bids),
        "ask_levels": len(asks),
        "bids": [list(level) for level in plain[0][:top]],
        "asks": [list(level) for level in plain[1][:top]],
        "digest": hashlib.sha256(repr(plain).encode()).hexdigest()[:16],
    }
