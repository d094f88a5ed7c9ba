"""The user's stream: read while it speaks, and taken for dead when an order of ours changed without a word of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Final

from b25.execution.orders.actions import Alarm, Record, Source
from b25.execution.orders.states import OrderState
from b25.session.orders.carrying_out import Hands
from b25.venue.ccxt.user_events import read_event
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import Hint

S = OrderState
SILENT_NS: Final = 5_000_000_000
# Ends, of which a stream tells for certain. NEW and PARTIAL also stand for a cancel that failed, of which it does not.
TELLS: Final = frozenset({S.FILLED, S.CANCELED, S.EXPIRED})
EXPIRED: Final = frozenset({"listenKeyExpired", "eventStreamTerminated"})


class UserStream:
    """Follows the hints of one account.

    Parameters
    ----------
    port : VenuePort
    hands : Hands
    symbols : mapping
        Unified symbol by the venue's own; filled when the listings are read.
    again_s : float
        Between a loss and the next subscription.
    compare : callable
        Asks for a comparison of everything, now (True) or soon: whenever the stream is lost, everything may have been missed.
    """

    def __init__(
        self, port: VenuePort, hands: Hands, symbols: Mapping[str, str], *, again_s: float, compare: Callable[[bool], None]
    ) -> None:
        self.port, self.hands, self.symbols, self.again_s, self.compare = port, hands, symbols, again_s, compare
        self.losses = 0
        self._awaited: dict[str, int] = {}
        self._reading: asyncio.Task[None] | None = None

    async def follow(self) -> None:
        """Subscribe, read, and again, until cancelled."""
        while True:
            self._reading = asyncio.ensure_future(self._read())
            try:
                await asyncio.wait([self._reading])
            finally:
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)
            self.losses += 1
            self._awaited.clear()
            self.compare(True)
            await asyncio.sleep(self.again_s)

    async def _read(self) -> None:
        with contextlib.suppress(Exception):  # whatever ended it, the answer is the same: compare, and listen anew
            async for hint in self.port.hints():
                if hint.event in EXPIRED:
                    return
                self._take(hint)

    def _take(self, hint: Hint) -> None:
        manager, now_ns = self.hands.manager, self.hands.now_ns
        told = read_event(hint, self.symbols)
        if told is None or told[0].symbol not in manager.instruments:
            self.compare(False)
            return
        order, trade = told
        self._awaited.pop(order.client_id, None)
        if trade is not None:
            self.hands.take_trades([trade], Source.WS)
        self.hands.perform(manager.seen(order, Source.WS, now_ns))

    def recorded(self, record: Record) -> None:
        """An order changed. What was learned otherwise, the stream must tell of too."""
        order = self.hands.manager.orders.get(record.coid)
        if record.source is Source.WS or order is None or order.conditional or record.state not in TELLS:
            return
        if record.source in (Source.REST, Source.RECON):
            self._awaited.setdefault(record.coid, self.hands.now_ns)

    def check(self) -> None:
        """End a stream that is dead; it is subscribed to anew."""
        late_ns = self.hands.now_ns - SILENT_NS
        silent = [coid for coid, since_ns in self._awaited.items() if since_ns < late_ns]
        if not silent or self._reading is None:
            return
        self._awaited.clear()
        self.hands.perform([Alarm("STREAM_DEAD", f"no event of {silent[0]} came within 5 s of its change: listening anew")])
        self._reading.cancel()
