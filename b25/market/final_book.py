"""The book that a catalog's rows end with, as exact decimals."""

from decimal import Decimal
from typing import Any

import numpy as np

from b25.kernels.book import CLEAR_CROSSED, make_ladder
from b25.kernels.book_reads import top
from b25.kernels.book_rows import apply_rows
from b25.market.bridge import bridge
from b25.market.catalog import Catalog
from b25.model.book import LEVEL
from b25.model.errors import Misuse

LEVELS = 20


def final_book(catalog: Catalog, venue: str, symbol: str, *, levels: int = LEVELS) -> dict[str, Any]:
    """Replay an instrument's rows, bridged to their snapshot, and return the book at the end.

    Returns
    -------
    dict
        ``last_update_id``, ``bid_levels``, ``ask_levels``, the best `levels` of each side as pairs of price and quantity
        (exact decimal strings, see `_text`), ``bid_quantity`` and ``ask_quantity`` (sums of a whole side), and how the diffs
        were used.

    Raises
    ------
    Misuse
        When no snapshot bridges the rows, or the chain is broken after the last one: there is no true book then.
    """
    loaded = catalog.load(venue, symbol)
    instrument = loaded.instrument
    bridged = bridge(loaded.rows, venue)
    if not bridged.in_sync:
        why = "holds no snapshot that its diffs continue" if not bridged.applied else "has a gap after its last snapshot"
        raise Misuse(
            f"{venue} {symbol} in {catalog.folder} {why}; no book can be trusted",
            remedy="import a capture with a snapshot as well",
        )
    ladder = make_ladder()
    apply_rows(bridged.rows, CLEAR_CROSSED, *ladder.book)
    head = ladder.head[0]

    def side(index: int, wanted: int) -> np.ndarray:
        out = np.zeros(wanted, LEVEL)
        return out[: top(*ladder.book, index, out)]

    def pairs(index: int) -> list[list[str]]:
        return [
            [_text(instrument.price(row["price_ticks"])), _text(instrument.quantity(row["qty_lots"]))]
            for row in side(index, levels)
        ]

    def quantity(index: int, count: int) -> str:
        return _text(instrument.quantity(int(side(index, count)["qty_lots"].sum())))

    return {
        "venue": venue,
        "symbol": symbol,
        "last_update_id": int(head["last_update_id"]),
        "bid_levels": int(head["bid_levels"]),
        "ask_levels": int(head["ask_levels"]),
        "bids": pairs(0),
        "asks": pairs(1),
        "bid_quantity": quantity(0, int(head["bid_levels"])),
        "ask_quantity": quantity(1, int(head["ask_levels"])),
        "applied": bridged.applied,
        "dropped_before_snapshot": bridged.dropped,
        "gaps": len(bridged.gaps),
        "exch_ns": int(head["exch_ns"]),
    }


def _text(number: Decimal) -> str:
    """Exact decimal with at least one place and no further trailing zeros: 2681.50 → 2681.5, 2682.00 → 2682.0."""
    text = f"{number.normalize():f}"
    return text if "." in text else f"{text}.0"
