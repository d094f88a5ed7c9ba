"""Does what the order manager asks for: rows are durable before anything is told; questions go out even while they cannot be."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from b25.execution.orders.actions import (
    Action,
    Alarm,
    Book,
    Halt,
    Hold,
    Identify,
    PullTrades,
    Query,
    Record,
    SendCancel,
    Source,
    Tell,
)
from b25.execution.orders.identity import Identity, identity_of
from b25.execution.orders.own_orders import OrderManager
from b25.execution.orders.reconciling import identified, order_of
from b25.session.orders.rows import emergency_entry, event_row, fill_row, intent_row, legs_of
from b25.session.orders.venue_time import VenueTime
from b25.store.emergency import EmergencyLog
from b25.store.faults import StoreFailed
from b25.store.order_log import OrderLog
from b25.venue.port.outcome import Answer
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import OrderReport, TradeReport
from b25.venue.port.requests import RECV_WINDOW_MS, OrderRef

PAGES_MAX: Final = 1_000
UNIDENTIFIED_MAX: Final = 3
LIQUIDATIONS: Final = ("autoclose-", "adl_autoclose", "settlement_autoclose-")  # ids of what the venue itself does to us

Durable = Record | Book | Tell


class Hands:
    """The acting edge of one account.

    Parameters
    ----------
    port : VenuePort
    manager : OrderManager
    log : OrderLog
    emergency : EmergencyLog
    time : VenueTime
    tell : callable
        Takes each `Tell`, after what it tells is durable.
    alarm : callable
        Takes each `Alarm`, `Hold` and `Halt`, for people.
    """

    def __init__(
        self,
        port: VenuePort,
        manager: OrderManager,
        log: OrderLog,
        emergency: EmergencyLog,
        time: VenueTime,
        *,
        tell: Callable[[Tell], None],
        alarm: Callable[[Action], None],
    ) -> None:
        self.port, self.manager, self.log, self.emergency, self.time = port, manager, log, emergency, time
        self.tell, self.alarm = tell, alarm
        self.strategies: dict[str, str] = {}
        self.account, self.names = -1, dict[int, str]()  # numbers in client ids: the account's, and the strategies' by number
        self._identifying: set[tuple[str, str]] = set()
        self._unidentified: dict[tuple[str, str], int] = {}  # how often the venue knew no such order: its reads may lag
        self.next_identity: Callable[[str], Identity]  # of the next intent of a strategy; the desk counts them
        self.marks: dict[str, tuple[str, int]] = {}
        self.store_fault: StoreFailed | None = None
        self.fault: BaseException | None = None
        self.recorded: Callable[[Record], None] | None = None
        self.booked: Callable[[Book], None] | None = None
        self.recall: Callable[[TradeReport], None] = lambda trade: None
        self._outbox: deque[Durable] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._asking: set[str] = set()
        self._pulling: dict[str, bool] = {}

    @property
    def now_ns(self) -> int:
        """Local wall clock."""
        return self.time.now_ns()

    @property
    def is_flushed(self) -> bool:
        """Whether everything that was to be stored is."""
        return not self._outbox

    # -- actions ----------------------------------------------------------------------------------

    def perform(self, actions: Iterable[Action]) -> None:
        """Do them. What must be durable keeps its order; the rest leaves at once."""
        for action in actions:
            match action:
                case Record() | Book() | Tell():
                    self._outbox.append(action)
                    if isinstance(action, Record) and self.recorded is not None:
                        self.recorded(action)
                case Query():
                    self.begin(self._query(action))
                case Identify():
                    self.begin(self._identify(action))
                case SendCancel():
                    self.begin(self.send_cancel(action.coid, action.ref))
                case PullTrades():
                    self.begin(self.pull(action.symbol))
                case Alarm() | Hold() | Halt():
                    self.alarm(action)
                    if isinstance(action, Halt):
                        self.begin(self.pull_all())
        self.flush()

    def flush(self) -> bool:
        """Write what waits, and tell it; False while the store cannot take it."""
        try:
            if self._outbox and self.store_fault is not None:
                self.log.store.reconnect()
                self.log.reload()
            while self._outbox:
                self._write(self._outbox[0])
                self._outbox.popleft()
            if self.store_fault is not None:
                self._recovered()
        except StoreFailed as fault:
            if self.store_fault is None:
                self.alarm(Alarm("STORE", str(fault)))
                self.emergency.free_reserve()
            self.store_fault = fault
            return False
        return True

    def _write(self, action: Durable) -> None:
        match action:
            case Record():
                order = self.manager.orders.get(action.coid)
                symbol = order.symbol if order else next(iter(self.manager.instruments))
                self.log.record([event_row(action, self.manager.instruments[symbol])])
            case Book():
                strategy = self.strategies.get(action.coid, "") or self._forced_of(action.trade)
                row = fill_row(action, self.port.name)
                if not self.log.book(row, legs_of(action.trade, strategy), strategy=strategy):
                    self._drop_tell_of(action)
                elif self.booked is not None:
                    self.booked(action)
            case Tell():
                self.tell(action)

    def _forced_of(self, trade: TradeReport) -> str:
        """Whose an execution is that the venue itself forced on us: of the strategy that holds the most of what it closes."""
        if not trade.client_id.startswith(LIQUIDATIONS):
            return ""
        held = {name: -trade.side * self.log.position_of(self.port.name, trade.symbol, name) for name in self.names.values()}
        name = max(held, key=lambda one: held[one], default="")
        return name if name and held[name] > 0 else ""

    def _drop_tell_of(self, book: Book) -> None:
        """The store has this trade already, from before the manager's memory begins: the world has heard of it."""
        for action in list(self._outbox):
            if isinstance(action, Tell) and action.trade is not None and action.trade.trade_id == book.trade.trade_id:
                self._outbox.remove(action)

    def _recovered(self) -> None:
        self.store_fault = None
        for entry in self.emergency.entries():
            self.log.record(
                [{"coid": entry["coid"] or "?", "src": "OPERATOR", "status": "CANCELING", "cum_qty": "0", "msg": entry["why"]}]
            )
        self.emergency.clear()
        self.alarm(Alarm("STORE", "the store takes writes again"))

    # -- requests ---------------------------------------------------------------------------------

    async def send_cancel(self, coid: str, ref: OrderRef) -> None:
        """Cancel an order. A store that is down does not stop it: the side file has it first."""
        if self.store_fault is not None:
            with contextlib.suppress(OSError):  # a cancel can only reduce what may go wrong
                self.emergency.write(dict(emergency_entry(coid, ref.symbol, str(self.store_fault.cause), self.now_ns)))
        sign_ms = self.time.sign_ms()
        order = self.manager.orders.get(coid)
        if order is not None:
            order.cancel_bound_ms = max(order.cancel_bound_ms, sign_ms + RECV_WINDOW_MS)
        signed = OrderRef(
            symbol=ref.symbol, client_id=ref.client_id, venue_id=ref.venue_id, conditional=ref.conditional, sign_ms=sign_ms
        )
        outcome = await self.port.cancel(signed)
        if outcome.resync_clock:
            await self.time.measure(self.port)
        self.perform(self.manager.cancel_answered(coid, outcome, self.now_ns))

    async def _query(self, query: Query) -> None:
        if query.coid in self._asking:
            return
        self._asking.add(query.coid)
        try:
            started_ms = self.time.surely_ms()
            began_ns = self.now_ns
            outcome = await self.port.order(query.ref)
            if outcome.resync_clock:
                await self.time.measure(self.port)
            if self.now_ns < began_ns:
                started_ms = 0  # the local clock was set back: this proves nothing
            self.perform(self.manager.query_answered(query.coid, outcome, started_ms=started_ms, now_ns=self.now_ns))
        finally:
            self._asking.discard(query.coid)

    async def _identify(self, wanted: Identify) -> None:
        """Ask whose order some trades are of; while the venue does not say, the next pull asks again."""
        key = (wanted.symbol, wanted.venue_id)
        if key in self._identifying:
            return
        self._identifying.add(key)
        try:
            outcome = await self.port.order(OrderRef(symbol=wanted.symbol, client_id="", venue_id=wanted.venue_id))
            report = outcome.value if outcome.answer is Answer.ACCEPTED else None
            if report is None and self._unidentified.get(key, 0) < UNIDENTIFIED_MAX:
                self._unidentified[key] = self._unidentified.get(key, 0) + (outcome.answer is not Answer.UNKNOWN)
                return
            if report is not None:
                try:
                    self.own(report)
                except StoreFailed:
                    return  # the trades stay where they are until the store takes whose they are
            self._unidentified.pop(key, None)
            actions = identified(self.manager, *key, report, account=self.account, now_ns=self.now_ns)
            self.perform(actions)
        finally:
            self._identifying.discard(key)

    def own(self, report: OrderReport) -> None:
        """Have an order that carries our prefix in the store like one that was intended: there the intent says whose it is.

        Raises
        ------
        StoreFailed
        """
        identity = identity_of(report.client_id)
        if identity is None or identity.account != self.account or report.client_id in self.strategies:
            return
        strategy = self.names.get(identity.strategy, "")
        if strategy and self.log.intent_of(report.client_id) is None:
            instrument = self.manager.instruments[report.symbol]
            new = order_of(report, instrument)
            row = intent_row(new, self.next_identity(strategy), instrument, order_id=0, request_id=0)
            self.log.intend({**row, "strategy": strategy, "decision": '{"adopted":true}'})
        self.strategies[report.client_id] = strategy

    async def pull(self, symbol: str) -> bool:
        """Read executions from the mark on until none is new; tell whether all were read."""
        if symbol in self._pulling:
            self._pulling[symbol] = True  # what is asked for now may be newer than what is being read
            return False
        self._pulling[symbol] = True
        try:
            while self._pulling[symbol]:
                self._pulling[symbol] = False
                if not await self._pull_pages(symbol):
                    return False
            return True
        finally:
            del self._pulling[symbol]

    def take_trades(self, trades: Iterable[TradeReport], source: Source) -> None:
        """Take executions; those of orders that ended long ago are of them all the same."""
        told = [trade for trade in trades if (trade.symbol, trade.trade_id) not in self.manager.trade_ids]
        for trade in told:
            if self.manager.find(trade.symbol, trade.client_id, trade.venue_id) is None:
                with contextlib.suppress(StoreFailed):  # then nobody knows whose it is, and it is held
                    self.recall(trade)
        self.perform(self.manager.trades_seen(told, source, self.now_ns))

    async def _pull_pages(self, symbol: str) -> bool:
        for _ in range(PAGES_MAX):
            mark, since_ms = self.marks[symbol]
            outcome = await self.port.trades(symbol, after_id=mark, since_ms=0 if mark else since_ms)
            if outcome.value is None:
                return False
            trades = [trade for trade in outcome.value if trade.trade_id != mark]
            if not trades:
                return True
            self.take_trades(trades, Source.RECON)
            self.perform(self.manager.settle_parked(self.now_ns))
            last = trades[-1]
            waiting = any(key[0] == symbol for key in self.manager.parked)
            if waiting or not self.is_flushed:
                return False  # the mark stays until every trade before it is booked
            self.log.pulled(self.port.name, symbol, last.trade_id, last.time_ms)
            self.marks[symbol] = (last.trade_id, last.time_ms)
        return False

    async def pull_all(self) -> list[str]:
        """Cancel every order of every symbol; symbols of which it is not proven that nothing rests.

        Where somebody else has orders too, ours are cancelled one by one.
        """
        unsure = []
        for symbol in self.manager.instruments:
            if shared := symbol in self.manager.foreign:
                for order in list(self.manager.live(symbol)):
                    await self.send_cancel(order.coid, order.ref)
            is_sure = shared or (await self.port.cancel_all(symbol)).is_definite
            left = await self.port.open_orders(symbol)
            if left.value is None or any(not shared or identity_of(one.client_id) for one in left.value) or not is_sure:
                unsure.append(symbol)
            for order in list(self.manager.live(symbol)):
                self.begin(self._query(Query(order.coid, order.ref)))
        return unsure

    # -- tasks ------------------------------------------------------------------------------------

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside the rest; what it raises is kept, and stops trading."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self.ended)

    def ended(self, task: asyncio.Task[Any]) -> None:
        """A task is over: what it raised is kept, and stops trading."""
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.fault = fault
            self.manager.halted = self.manager.halted or f"{type(fault).__name__}: {fault}"
            self.alarm(Halt(self.manager.halted))

    async def settle(self) -> None:
        """Wait for every request that is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def end(self) -> None:
        """End every task."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
