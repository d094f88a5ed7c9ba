"""Carries out effects through a venue port, and turns what the venue proves into events of the world.

A request is sent once. What is not answered, or answered by a question, is asked after until it is known; a fill counts once,
by its trade id, whether a hint, a poll or an answer led to it. That an order is to be sent stands in the session's journal before
it is sent, and its id there makes its id at the venue.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np

from b25.model.errors import Misuse
from b25.model.event import (
    CANCEL_REJECTED,
    MAKER,
    ORDER_ACCEPTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_REJECTED,
    ORDER_REPLACED,
    REPLACE_REJECTED,
)
from b25.model.instrument import Instrument
from b25.model.order import CANCEL, MARKET, POST_ONLY, REDUCE_ONLY, SUBMIT, Reason, State, Tif
from b25.session.gateway import Deliver, Say, order_event
from b25.session.own_order import Counts, Own, reason_of
from b25.venue.port.outcome import Answer
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import OrderReport, TradeReport
from b25.venue.port.requests import Amendment, NewOrder, OrderRef

LOOK_S: Final = 1.0  # between polls when no hint comes
AGAIN_S: Final = 0.05  # between questions about one order, doubled up to LOOK_S
KNOWN_AFTER_S: Final = 3.0  # an unanswered request: its window of 2 s and a margin
PAGE_MAX: Final = 50
ENDED: Final = {State.CANCELLED: ORDER_CANCELLED, State.EXPIRED: ORDER_EXPIRED, State.REJECTED: ORDER_REJECTED}
MS_NS: Final = 1_000_000


class OrderGateway:
    """Sends through a port.

    Parameters
    ----------
    port : VenuePort
    name : str
        Begins every client id: letters, digits, hyphens, 20 at most, never used before at this account.
    instruments : sequence of Instrument
    deliver : callable
        Takes events.
    say : callable
        Told what a person should read.
    may_send : callable, optional
        Asked before every new order; False holds it back, as a latched kill switch does.
    """

    def __init__(
        self,
        port: VenuePort,
        name: str,
        instruments: Sequence[Instrument],
        deliver: Deliver,
        say: Say,
        *,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self.port, self.name, self.instruments = port, name, list(instruments)
        self.deliver, self.say, self.may_send = deliver, say, may_send
        self.counts = Counts()
        self.own: dict[int, Own] = {}
        self._by_client: dict[str, Own] = {}
        self._seen: set[tuple[str, str]] = set()
        self._last_trade: dict[str, str] = {}
        self._since_ms = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._locks = [asyncio.Lock() for _ in self.instruments]
        self._is_open = True

    @property
    def client_id_prefix(self) -> str:
        """What the ids of its orders begin with."""
        return f"{self.name}-"

    # What a session asks.

    def act(self, effects: np.ndarray[Any, Any]) -> None:
        """Send, each request in a task of its own."""
        for effect in effects.copy():
            kind = effect["kind"]
            self._start(
                self._submit(effect) if kind == SUBMIT else self._cancel(effect) if kind == CANCEL else self._amend(effect)
            )

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """The venue makes its own market."""

    async def start(self) -> None:
        """Learn the venue's symbols and clock, and begin to listen.

        Raises
        ------
        Misuse
            When the account holds or works something in an instrument that the session's world knows nothing of.
        """
        (await self.port.listings()).must()
        held = (await self.port.positions()).must()
        for one in self.instruments:
            if one.symbol in held or (await self.port.open_orders(one.symbol)).must():
                raise Misuse(
                    f"the account has a position or orders in {one.symbol} that this session knows nothing of",
                    remedy="close the position and cancel the orders first, or use another account",
                )
        self._since_ms = (await self.port.server_time_ms()).must()
        self._start(self._listen())
        self._start(self._look_on())

    async def pull_all(self) -> list[str]:
        """Cancel every order of every symbol; symbols of which that is not proven."""
        unsure = []
        for one in self.instruments:
            outcome = await self.port.cancel_all(one.symbol)
            left = await self.port.open_orders(one.symbol)
            if outcome.answer is not Answer.ACCEPTED or left.value is None or left.value:
                unsure.append(one.symbol)
        return unsure

    async def close(self) -> None:
        """End what was begun, and the port."""
        self._is_open = False
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.port.close()

    # Requests.

    async def _submit(self, effect: Any) -> None:
        order_id, i = int(effect["order_id"]), int(effect["instrument"])
        own = Own(order_id, i, f"{self.name}-{order_id}", int(effect["side"]), int(effect["qty_lots"]), int(effect["flags"]))
        request = int(effect["request_id"])
        if effect["stop_ticks"] or not self.may_send():
            reason = Reason.NOT_SUPPORTED if effect["stop_ticks"] else Reason.STOPPED
            self._tell(ORDER_REJECTED, own, request, reason=reason)
            return
        self.own[order_id] = self._by_client[own.client_id] = own
        self.counts.sent += 1
        outcome = await self.port.submit(
            NewOrder(
                symbol=self.instruments[i].symbol,
                client_id=own.client_id,
                side=own.side,
                qty_lots=own.qty_lots,
                price_ticks=0 if own.flags & MARKET else int(effect["price_ticks"]),
                # A market order has no time in force of its own; the exchange executes what it can and expires the rest.
                tif=Tif.GTC if own.flags & (MARKET | POST_ONLY) else Tif(int(effect["tif"])),
                post_only=bool(own.flags & POST_ONLY),
                reduce_only=bool(own.flags & REDUCE_ONLY),
            )
        )
        if outcome.answer is Answer.ACCEPTED:
            await self._accepted(own, request, outcome.must())
        elif outcome.is_definite:
            own.is_over = True
            self._tell(ORDER_REJECTED, own, request, reason=reason_of(outcome))
        else:
            self.counts.unknown += 1
            await self._find_out(own, request)

    async def _accepted(self, own: Own, request: int, report: OrderReport) -> None:
        own.venue_id = report.venue_id
        if report.state is not State.REJECTED:
            self._tell(ORDER_ACCEPTED, own, request)
        own.busy = False
        await self._settle(own, report, request)

    async def _find_out(self, own: Own, request: int) -> None:
        """A submit whose outcome is not known: ask until it is. Never send it again."""
        self.say(f"order {own.client_id}: no definite answer; asking for it")
        began, wait_s, absent = asyncio.get_running_loop().time(), AGAIN_S, 0
        while self._is_open:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LOOK_S)
            outcome = await self.port.order(self._ref(own))
            if outcome.answer is Answer.ACCEPTED:
                await self._accepted(own, request, outcome.must())
                return
            if outcome.answer in (Answer.QUERY, Answer.REJECTED) and asyncio.get_running_loop().time() > began + KNOWN_AFTER_S:
                absent += 1
                if absent >= 2:
                    own.is_over = True
                    self._tell(ORDER_REJECTED, own, request, reason=Reason.UNKNOWN_ORDER)
                    return

    async def _cancel(self, effect: Any) -> None:
        own, request = self.own[int(effect["order_id"])], int(effect["request_id"])
        own.busy = True
        try:
            outcome = await self.port.cancel(self._ref(own))
            report = (
                outcome.value if outcome.answer is Answer.ACCEPTED else await self._state_of(own, wait=not outcome.is_definite)
            )
            own.busy = False
            if report is None or report.state in (State.OPEN, State.PART_FILLED):
                self._tell(CANCEL_REJECTED, own, request, reason=Reason.UNKNOWN_ORDER if report is None else reason_of(outcome))
            if report is not None:
                await self._settle(own, report, request)
        finally:
            own.busy = False

    async def _amend(self, effect: Any) -> None:
        own, request = self.own[int(effect["order_id"])], int(effect["request_id"])
        one = self.instruments[own.instrument]
        own.busy = True
        try:
            if ":" not in one.symbol:
                # Spot replaces an order by another; what of the first was filled in between would be counted in the second.
                self._tell(REPLACE_REJECTED, own, request, reason=Reason.NOT_SUPPORTED)
                return
            price_ticks, qty_lots = int(effect["price_ticks"]), int(effect["qty_lots"])
            outcome = await self.port.amend(
                Amendment(
                    symbol=one.symbol, side=own.side, qty_lots=qty_lots, price_ticks=price_ticks, client_id=own.client_id,
                    venue_id=own.venue_id, post_only=bool(own.flags & POST_ONLY),
                )
            )  # fmt: skip
            report = (
                outcome.value if outcome.answer is Answer.ACCEPTED else await self._state_of(own, wait=not outcome.is_definite)
            )
            is_done = report is not None and report.price == one.price(price_ticks) and report.qty == one.quantity(qty_lots)
            if is_done:
                own.qty_lots = qty_lots
                self._tell(ORDER_REPLACED, own, request, price_ticks=price_ticks, qty_lots=qty_lots)
            else:
                self._tell(REPLACE_REJECTED, own, request, reason=reason_of(outcome))
            own.busy = False
            if report is not None:
                await self._settle(own, report, 0)
        finally:
            own.busy = False

    # What the venue tells.

    async def _state_of(self, own: Own, *, wait: bool) -> OrderReport | None:
        """The order as the venue has it now; None when it knows none such."""
        if wait:
            self.counts.unknown += 1
            await asyncio.sleep(KNOWN_AFTER_S)
        for _ in range(PAGE_MAX):
            outcome = await self.port.order(self._ref(own))
            if outcome.answer is Answer.ACCEPTED:
                return outcome.must()
            if outcome.answer is Answer.REJECTED:
                return None
            await asyncio.sleep(AGAIN_S)
        return None

    async def _settle(self, own: Own, report: OrderReport, request: int) -> None:
        """Bring the order to what a report proves: first its fills, then its end."""
        told_lots = self._lots(own.instrument, report.filled)
        wait_s = AGAIN_S
        while told_lots > own.filled_lots and self._is_open:
            await self._take_trades(own.instrument)
            if told_lots > own.filled_lots:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LOOK_S)
        if own.is_over:
            return
        if report.state is State.FILLED or own.filled_lots >= own.qty_lots:
            own.is_over = True
        elif report.state in ENDED:
            own.is_over = True
            asked = report.state is State.CANCELLED
            self._tell(ENDED[report.state], own, request, reason=Reason.CANCEL_REQUESTED if asked else Reason.NOTHING_TO_MATCH)

    async def _take_trades(self, i: int) -> None:
        """Take the executions of an instrument that are new."""
        symbol = self.instruments[i].symbol
        async with self._locks[i]:
            for _ in range(PAGE_MAX):
                after = self._last_trade.get(symbol, "")
                outcome = await self.port.trades(symbol, after_id=after, since_ms=0 if after else self._since_ms)
                fresh = [one for one in outcome.value or [] if (symbol, one.trade_id) not in self._seen]
                known = [(one, own) for one in fresh if (own := self._owner(one)) is not None]
                if len(known) < len(fresh) and any(own.busy and not own.venue_id for own in self.own.values()):
                    return  # perhaps of an order whose id the venue has not told yet: look again when it has
                for one, own in known:
                    self._fill(one, own)
                for one in fresh:
                    self._seen.add((symbol, one.trade_id))
                    if self._owner(one) is None:
                        self.counts.strangers.add(one.trade_id)
                    self._last_trade[symbol] = one.trade_id
                if not fresh:
                    return

    def _owner(self, trade: TradeReport) -> Own | None:
        if trade.client_id in self._by_client:
            return self._by_client[trade.client_id]
        return next((own for own in self.own.values() if own.venue_id and own.venue_id == trade.venue_id), None)

    def _fill(self, trade: TradeReport, own: Own) -> None:
        one = self.instruments[own.instrument]
        lots = self._lots(own.instrument, trade.qty)
        own.filled_lots += lots
        self.counts.fills += 1
        self.deliver(
            order_event(
                ORDER_FILLED, own.order_id, instrument=own.instrument, side=own.side, price_ticks=one.ticks(trade.price),
                qty_lots=lots, amount=self._fee_e8(trade, one), flags=MAKER if trade.maker else 0, exch_ns=trade.time_ms * MS_NS,
            )
        )  # fmt: skip

    def _fee_e8(self, trade: TradeReport, one: Instrument) -> int:
        """The fee in 1e-8 money units."""
        fee = trade.fee
        if trade.fee_asset == one.base and trade.fee_asset != one.settle:
            fee *= trade.price
        elif trade.fee_asset != one.settle and fee:
            self.say(f"{one.symbol}: a fee of {fee} {trade.fee_asset} is not counted: its worth in {one.settle} is not known")
            fee = Decimal(0)
        unit = one.money_unit
        return round(fee * 10**8 * unit.denominator / unit.numerator)

    async def _listen(self) -> None:
        """Let every hint be a reason to look; a lost stream too."""
        while self._is_open:
            try:
                async for _ in self.port.hints():
                    self._wake.set()
            except asyncio.CancelledError:
                raise
            except Exception as fault:
                self.say(f"the stream of our orders is lost: {type(fault).__name__}: {fault}")
            self._wake.set()
            await asyncio.sleep(LOOK_S)

    async def _look_on(self) -> None:
        while self._is_open:
            hinted = True
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                hinted = False
            self._wake.clear()
            if any(not own.is_over for own in self.own.values()):
                await self._look(hinted=hinted)

    async def _look(self, *, hinted: bool) -> None:
        for i, one in enumerate(self.instruments):
            await self._take_trades(i)
            live = [own for own in self.own.values() if own.instrument == i and not own.is_over and not own.busy]
            if not live:
                continue
            outcome = await self.port.open_orders(one.symbol)
            if outcome.value is None:
                continue
            resting = {report.client_id for report in outcome.value}
            for own in live:
                if own.client_id in resting or own.busy or own.is_over:
                    continue
                answer = await self.port.order(self._ref(own))
                if answer.answer is Answer.ACCEPTED and not own.busy:
                    await self._settle(own, answer.must(), 0)

    # Small things.

    def _ref(self, own: Own) -> OrderRef:
        return OrderRef(symbol=self.instruments[own.instrument].symbol, client_id=own.client_id, venue_id=own.venue_id)

    def _lots(self, i: int, qty: Decimal) -> int:
        return self.instruments[i].lots(qty)

    def _tell(self, kind: int, own: Own, request: int, **more: Any) -> None:
        self.deliver(order_event(kind, own.order_id, instrument=own.instrument, request_id=request, side=own.side, **more))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.say(f"an order's task failed: {type(fault).__name__}: {fault}")
