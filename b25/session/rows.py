"""A feed's rows as events of the world."""

from typing import Any, Final

import numpy as np

from b25.model.event import BBO, EVENT

SAME: Final = ("exch_ns", "price_ticks", "qty_lots", "kind", "side", "flags")


def events_of(book: int, rows: np.ndarray[Any, Any], now_ns: int) -> np.ndarray[Any, Any]:
    """Return EVENT rows of a feed's ROW rows; quotes of a ticker stream are left out, for no book is made of them.

    Parameters
    ----------
    book : int
        Number of the instrument.
    rows : ndarray of ROW
    now_ns : int
        Time of the last event: an event is never earlier than one before it.
    """
    if (rows["kind"] == BBO).any():
        rows = rows[rows["kind"] != BBO]
    events = np.zeros(len(rows), EVENT)
    for name in SAME:
        events[name] = rows[name]
    np.maximum(rows["recv_ns"], now_ns, out=events["local_ns"])
    np.maximum.accumulate(events["local_ns"], out=events["local_ns"])
    events["amount"] = rows["last_id"]
    events["instrument"] = book
    return events
