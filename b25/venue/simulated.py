"""Make the simulated venue's state for one instrument: its tape, its ladder, its pipes, its models."""

from typing import Any

import numpy as np

from b25.market.tape import pack
from b25.model.event import EVENT, NO_ASK_TICKS, NO_BID_TICKS
from b25.venue.models import Models
from b25.venue.records import REQUEST, VENUE, VENUE_ORDER

VENUE_ORDERS = 1_024
PIPE = 4_096


class SimulatedVenue:
    """One instrument's venue. It owns the arrays whose addresses stand in its VENUE record.

    Parameters
    ----------
    venue_rows, messages, levels : ndarray
        VENUE_ROW, MESSAGE and LEVEL_ROW arrays of a tape.
    packed : tuple of ndarray, optional
        The venue's rows as `b25.market.tape.pack` gives them; made here when not given.
    base_ticks, size_ticks : int
        Band of the tape.
    crossed_kept : bool
        Whether the trader's book keeps crossed levels.
    models : Models
    """

    def __init__(
        self,
        venue_rows: np.ndarray[Any, Any],
        messages: np.ndarray[Any, Any],
        levels: np.ndarray[Any, Any],
        *,
        packed: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]] | None = None,
        base_ticks: int,
        size_ticks: int,
        crossed_kept: bool,
        models: Models,
    ) -> None:
        grouped, cells, quantities = packed or pack(venue_rows, base_ticks, size_ticks)
        # One cell more than the band has, for rows outside of it.
        self.lots = np.zeros(2 * size_ticks + 1, np.int64)
        self.taken = np.zeros((2, size_ticks), np.int64)
        self.orders = np.zeros(VENUE_ORDERS, VENUE_ORDER)
        self.stops = np.zeros(VENUE_ORDERS, REQUEST)
        self.requests = np.zeros(PIPE, REQUEST)
        self.answers = np.zeros(PIPE, EVENT)
        self.tape = (venue_rows, messages, levels, grouped, cells, quantities)
        row = np.zeros(1, VENUE)
        row["rows"], row["row_count"] = venue_rows.ctypes.data, venue_rows.size
        row["venue_messages"], row["venue_message_count"] = grouped.ctypes.data, grouped.size
        row["cells"], row["quantities"] = cells.ctypes.data, quantities.ctypes.data
        row["messages"], row["message_count"] = messages.ctypes.data, messages.size
        row["levels"], row["level_count"] = levels.ctypes.data, levels.size
        row["lots"], row["taken"] = self.lots.ctypes.data, self.taken.ctypes.data
        row["base_ticks"], row["size_ticks"] = base_ticks, size_ticks
        row["bid_ticks"], row["ask_ticks"] = NO_BID_TICKS, NO_ASK_TICKS
        row["crossed_kept"] = crossed_kept
        row["fill_model"] = models.fill_code()
        row["queue_model"], row["queue_n"] = models.queue.code()
        row["orders"], row["orders_size"] = self.orders.ctypes.data, self.orders.size
        for side in ("buys", "sells"):
            row[side]["first"] = row[side]["last"] = -1
        row["buy_low"] = row["sell_low"] = NO_ASK_TICKS
        row["buy_high"] = row["sell_high"] = NO_BID_TICKS
        row["stops"], row["stops_size"] = self.stops.ctypes.data, self.stops.size
        row["stop_rise_ticks"], row["stop_fall_ticks"] = NO_ASK_TICKS, NO_BID_TICKS
        row["requests"], row["answers"] = self.requests.ctypes.data, self.answers.ctypes.data
        row["pipe_size"] = PIPE
        self.record = row
