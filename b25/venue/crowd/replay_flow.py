"""A recording as the market: its levels and prints in the venue's own book, and accounts' orders laid over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from b25.kernels.crowd_replay import REPLAY, replay
from b25.model.errors import Misuse
from b25.model.event import SNAPSHOT
from b25.model.instrument import Instrument
from b25.model.matching import MATCH_COMMAND, MatchEvent
from b25.venue.crowd.crowd_flow import FIRST_ORDER_ID
from b25.venue.exchange.matching_book import MatchingBook
from b25.venue.models import Queue

MS_NS: Final = 1_000_000

Told = Callable[[Sequence[MatchEvent]], None]


class ReplayFlow:
    """A recording replayed from its first snapshot on, one venue millisecond in one of ours.

    Parameters
    ----------
    book : MatchingBook
        Notes its changes.
    tell : callable
        Is handed the events of each stretch: public trades, and what became of accounts' orders.
    rows : ndarray of ROW
        As the catalog keeps them.
    instrument : Instrument
        Grid of the rows; the book's must be the same.
    start_ms : int
        When the recording begins, on the venue's clock.
    queue : str
        Where in a level somebody withdraws, see `b25.Queue`.

    Raises
    ------
    Misuse
        When the recording holds no snapshot to begin with.
    """

    def __init__(
        self,
        book: MatchingBook,
        tell: Told,
        *,
        rows: np.ndarray[Any, Any],
        instrument: Instrument,
        start_ms: int,
        queue: str = "risk_adverse",
    ) -> None:
        snapshots = np.flatnonzero(rows["kind"] == SNAPSHOT)
        if not snapshots.size:
            raise Misuse(f"{instrument.symbol}: the recording holds no snapshot", remedy="record one, or give an earlier start")
        rows = rows[np.argsort(rows["exch_ns"], kind="stable")]
        first = int(np.flatnonzero(rows["kind"] == SNAPSHOT)[0])
        self.book, self.tell = book, tell
        self.rows = np.ascontiguousarray(rows[first:])
        self.offset_ns = int(self.rows["exch_ns"][0]) - start_ms * MS_NS
        self.state: np.ndarray[Any, Any] = np.zeros(1, REPLAY)
        self.state["order_id"] = FIRST_ORDER_ID
        self.state["queue_model"], self.state["queue_n"] = Queue(queue).code()
        self.state["lot"] = float(instrument.lot)
        self._command = np.zeros(1, MATCH_COMMAND)

    @property
    def ended(self) -> bool:
        """Whether the recording is over; the book then stays as it is."""
        return int(self.state["row"][0]) >= self.rows.size

    @property
    def end_ms(self) -> int:
        """When the recording ends, on the venue's clock."""
        return int((int(self.rows["exch_ns"][-1]) - self.offset_ns) // MS_NS) + 1

    def advance(self, now_ms: int) -> None:
        """Replay what has happened up to this time."""
        head = self.book.arrays.head[0]
        head["events"] = 0
        self.book.make_room()
        until_ns = now_ms * MS_NS + self.offset_ns
        while not replay(self.state[0], self.book.arrays, self._command[0], self.rows, until_ns):
            self._hand_over()
            self.book.make_room()
        self._hand_over()

    def _hand_over(self) -> None:
        events = self.book.take_events()
        if events or self.book.has_changes:
            self.tell(events)
