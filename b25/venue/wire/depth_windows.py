"""Depth diffs at every cadence, from one counter: the REST snapshot's `lastUpdateId` and every U, u and pu are values of it.

The exchange collects what changed since it was last asked; this is the only asker, and spreads what it gets over one window for
each cadence that somebody listens to. A window's diff covers every update id since its last diff, without a hole, so Binance's
rules for joining diffs to a snapshot hold at each cadence.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from b25.venue.wire.render_streams import Payload, depth_update

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing

# How often changes are fetched when nobody listens, so that they do not pile up.
IDLE_MS = 1_000


@dataclass(slots=True)
class Window:
    """What changed since the last diff of one cadence."""

    last_id: int  # covered by the last diff
    slot: int = -1
    changed_ms: int = 0
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)


class DepthWindows:
    """The windows of one listing."""

    def __init__(self, listing: "Listing") -> None:
        self.listing = listing
        self._windows: dict[int, Window] = {}
        self._idle_slot = -1
        listing.take_depth()

    def open(self, every_ms: int, now_ms: int) -> None:
        """Begin a cadence; its first diff continues from the book as it is now."""
        if every_ms not in self._windows:
            self._fetch()
            self._windows[every_ms] = Window(self.listing.update_id, now_ms // every_ms)

    def close_others(self, wanted: set[int]) -> None:
        """End the cadences that nobody listens to."""
        for every_ms in self._windows.keys() - wanted:
            del self._windows[every_ms]

    def advance(self, now_ms: int) -> list[tuple[int, Payload]]:
        """Diffs that are due: (cadence, payload). A cadence in which nothing changed has none."""
        if not self._windows:
            slot = now_ms // IDLE_MS
            if slot != self._idle_slot:
                self._idle_slot = slot
                self.listing.take_depth()
            return []
        due = [(every_ms, window) for every_ms, window in self._windows.items() if now_ms // every_ms != window.slot]
        if not due:
            return []
        self._fetch()
        told = []
        for every_ms, window in due:
            window.slot = now_ms // every_ms
            if window.bids or window.asks:
                told.append((every_ms, self._diff(window, now_ms)))
        return told

    def _fetch(self) -> None:
        change = self.listing.take_depth()
        if change is None:
            return
        for window in self._windows.values():
            window.bids.update(change.bids)
            window.asks.update(change.asks)
            window.changed_ms = change.time_ms

    def _diff(self, window: Window, now_ms: int) -> Payload:
        last_id = self.listing.update_id
        # A futures diff begins with the id that the one before ended with: a snapshot taken between the two then has the id
        # that its first diff must straddle, also in a market so quiet that there is none in between.
        first_id = window.last_id + (self.listing.market == "spot")
        ids = first_id, last_id, window.last_id
        bids, asks = sorted(window.bids.items(), reverse=True), sorted(window.asks.items())
        window.last_id, window.bids, window.asks = last_id, {}, {}
        return depth_update(self.listing, ids, bids, asks, now_ms, window.changed_ms)
