"""Paper trading: the venue's own market, as the live feed shows it, mirrored in b25's exchange, where our orders really match.

The compiled venue of the backtests needs to know a whole recording beforehand. So the live levels and prints go into the
matching engine by the kernel that also replays recordings, with our orders among them: a print takes whom it meets by price and
place in the queue, us included; where a level is withdrawn ahead of us, a queue model of the backtests says so. What it cannot
know is what our orders would have made others do.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.kernels.crowd_replay import REPLAY, replay
from b25.model.errors import Misuse
from b25.model.event import BBO, GAP, ROW
from b25.model.instrument import Instrument
from b25.model.matching import MATCH_COMMAND, MatchEvent
from b25.session.desk_gateway import DeskGateway
from b25.session.gateway import Deliver, Say
from b25.session.orders.desk_plan import DeskPlan
from b25.venue.crowd.crowd_flow import FIRST_ORDER_ID
from b25.venue.crowd.opening import matching_book_of, teller
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.listings import listing_of
from b25.venue.exchange.matching_book import compile_matching
from b25.venue.in_process.venue import InProcessVenue
from b25.venue.models import Fees, Queue
from b25.venue.port.outcome import Outcome
from b25.venue.port.reports import OrderReport
from b25.venue.port.requests import Amendment, NewOrder, OrderRef

ALL_TIME_NS: Final = 2**62
PPM: Final = 1_000_000


class MirrorFlow:
    """A live feed as the market of a listing.

    Parameters
    ----------
    exchange : Exchange
    listing : Listing
    instrument : Instrument
    queue : str
        Where in a level somebody withdraws, see `b25.Queue`.
    """

    def __init__(self, exchange: Exchange, listing: Listing, instrument: Instrument, *, queue: str) -> None:
        self.book = matching_book_of(listing)
        self.tell = teller(exchange, listing)
        self.state: np.ndarray[Any, Any] = np.zeros(1, REPLAY)
        self.state["order_id"] = FIRST_ORDER_ID
        self.state["queue_model"], self.state["queue_n"] = Queue(queue).code()
        self.state["lot"] = float(instrument.lot)
        self._command = np.zeros(1, MATCH_COMMAND)
        self.show(np.zeros(0, ROW))  # compiles the kernel, or loads it

    def advance(self, now_ms: int) -> None:
        """Time alone changes nothing: the feed does."""

    def show(self, rows: np.ndarray[Any, Any]) -> None:
        """Bring the book to what the feed's rows say."""
        self.book.arrays.head[0]["events"] = 0
        self.book.make_room()
        self.state["row"] = 0
        # Asked for anew each time: making room may have put larger arrays in their place.
        while not replay(self.state[0], self.book.arrays, self._command[0], rows, ALL_TIME_NS):
            self._hand_over()
            self.book.make_room()
        self._hand_over()

    def _hand_over(self) -> None:
        head = self.book.arrays.head[0]
        count, head["events"] = int(head["events"]), 0
        if count:
            self.tell([MatchEvent._make(row) for row in self.book.arrays.events[:count].tolist()])
        elif self.book.has_changes:
            self.tell([])


class _Distant(InProcessVenue):
    """An exchange in this process whose requests and answers about orders take their time."""

    way_s: float = 0.0

    async def submit(self, order: NewOrder) -> Outcome[OrderReport]:
        """Place an order."""
        return await self._there_and_back(super().submit, order)

    async def cancel(self, order: OrderRef) -> Outcome[OrderReport]:
        """Cancel an order."""
        return await self._there_and_back(super().cancel, order)

    async def amend(self, amendment: Amendment) -> Outcome[OrderReport]:
        """Change an order."""
        return await self._there_and_back(super().amend, amendment)

    async def _there_and_back(self, act: Callable[[Any], Any], request: Any) -> Outcome[OrderReport]:
        await asyncio.sleep(self.way_s)
        outcome: Outcome[OrderReport] = await act(request)
        await asyncio.sleep(self.way_s)
        return outcome


class Paper(DeskGateway):
    """Sends to a mirror of the market in this process, by the very desk that sends to a venue; its store lasts as long as it.

    Parameters
    ----------
    name, instruments, deliver, say
        As of `DeskGateway`; the name is the session's.
    now_ms : callable
        Time, which only ever grows.
    fees : Fees
        Maker's and taker's; tiers, per lot and flat are not charged here.
    balance : float
        Settlement currency at the start.
    latency_ns : int
        Of a request, and again of its answer.
    queue : str

    Raises
    ------
    Misuse
        For instruments of more than one market, or fees that this exchange cannot charge.
    """

    def __init__(
        self,
        name: str,
        instruments: Sequence[Instrument],
        deliver: Deliver,
        say: Say,
        *,
        now_ms: Callable[[], int],
        fees: Fees,
        balance: float,
        latency_ns: int,
        queue: str = "risk_adverse",
    ) -> None:
        if fees.tiers or fees.per_lot or fees.flat:
            raise Misuse("paper trading charges a maker's and a taker's rate only", remedy="leave out tiers, per_lot and flat")
        listings: list[Listing] = [listing_of(one) for one in instruments]
        markets = {listing.market for listing in listings}
        if len(markets) > 1:
            raise Misuse("paper trading in spot and futures at once", remedy="run a session for each")
        (market,) = markets
        exchange = Exchange(listings, now_ms=now_ms())
        account = exchange.open_account("paper")
        account.maker_fee_ppm[market] = round(fees.maker * PPM)
        account.taker_fee_ppm[market] = round(fees.taker * PPM)
        for asset in {one.quote for one in instruments}:
            exchange.deposit(account, market, asset, Decimal(str(balance)))
        port = _Distant(exchange, account, market, now_ms=now_ms)
        port.way_s = latency_ns / 1e9
        self._folder = tempfile.TemporaryDirectory(prefix="b25-paper-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        names: dict[str, Any] = {"session": name, "strategy": name, "account": "paper", "mode": "paper"}
        plan = DeskPlan(store=f"sqlite:///{folder / 'b25.db'}", folder=folder, reserve_bytes=0, **names)
        super().__init__(port, plan, instruments, deliver, say)
        compile_matching()
        self.flows = [MirrorFlow(exchange, listing, one, queue=queue) for listing, one in zip(listings, instruments, strict=True)]
        for listing, flow in zip(listings, self.flows, strict=True):
            listing.flow = flow

    async def close(self) -> None:
        """Let go of everything, the orders' store too: the exchange that they were sent to is gone."""
        await super().close()
        self._folder.cleanup()

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """Mirror the market before the strategy sees it."""
        shown = rows[(rows["kind"] != BBO) & (rows["kind"] != GAP)]
        if len(shown):
            self.flows[book].show(np.ascontiguousarray(shown))
