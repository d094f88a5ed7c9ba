"""Orders of one account at one venue: start reconciled, store the intent, send once, listen, ask, and compare."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from b25.execution.orders.actions import Action, Alarm, Source, Tell
from b25.execution.orders.identity import Identity, client_id
from b25.execution.orders.order_table import OrderPolicy
from b25.execution.orders.own_order import Amending, OwnOrder
from b25.execution.orders.own_orders import OrderManager
from b25.execution.orders.reconciling import reconcile_open, unresolved
from b25.model.errors import Retry
from b25.model.instrument import Instrument
from b25.model.order import Reason
from b25.session.orders.carrying_out import Hands
from b25.session.orders.listening import UserStream
from b25.session.orders.positions import TIMES, PositionCheck
from b25.session.orders.recalling import Recall
from b25.session.orders.rows import NONE, Columns, intent_row
from b25.session.orders.venue_time import VenueTime
from b25.store.emergency import EmergencyLog
from b25.store.faults import Fenced, StoreFailed
from b25.store.leases import renew_lease
from b25.store.order_log import OrderLog
from b25.venue.port.outcome import not_sent
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import OrderReport
from b25.venue.port.requests import Amendment, NewOrder

TICK_S: Final = 0.1
VOLLEY_S_MAX: Final = 2.0  # between two volleys of cancels at the end
AGAIN_S: Final = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often things are compared, seconds."""

    open_orders_s: float = 10.0
    positions_s: float = 30.0
    lease_s: float = 3.0
    clock_s: float = 60.0
    resubscribe_s: float = 1.0


class OrderDesk:
    """Places and cancels orders that survive.

    Parameters
    ----------
    port : VenuePort
    log : OrderLog
        With the lease of this life.
    emergency : EmergencyLog
    instruments : dict of str to Instrument
        By unified symbol.
    account, strategies : int, dict
        Numbers of the account, and of each strategy by name, in client ids.
    now_ns : callable
        Local wall clock.
    tell, alarm : callable
        For the world, and for people.
    may_send : callable, optional
        Says why nothing may be sent, as a latched kill switch does; empty when it may.
    policy, pace : OrderPolicy, Pace
    """

    def __init__(
        self,
        port: VenuePort,
        log: OrderLog,
        emergency: EmergencyLog,
        instruments: dict[str, Instrument],
        *,
        account: int,
        strategies: dict[str, int],
        now_ns: Callable[[], int],
        tell: Callable[[Tell], None],
        alarm: Callable[[Action], None],
        may_send: Callable[[], str] = lambda: "",
        policy: OrderPolicy | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.port, self.log, self.instruments = port, log, instruments
        self.account, self.strategies, self.may_send = account, strategies, may_send
        self.pace = pace or Pace()
        self.manager = OrderManager(instruments, policy)
        self.time = VenueTime(now_ns)
        self.hands = Hands(port, self.manager, log, emergency, self.time, tell=tell, alarm=alarm)
        self.hands.account, self.hands.names = account, {number: name for name, number in strategies.items()}
        self.is_ready = False
        self.is_fenced = False
        self.refused = Reason.OK
        self.compared = 0
        self._seq = 0
        self._due: dict[str, int] = {}
        self._venue_symbols: dict[str, str] = {}
        self._loops: list[asyncio.Task[None]] = []
        self.stream = UserStream(port, self.hands, self._venue_symbols, again_s=self.pace.resubscribe_s, compare=self._compare)
        self.hands.recorded = self.stream.recorded
        self.compare_by(PositionCheck(port, log, self.hands, instruments))
        self.recall = Recall(port.name, log, self.hands, instruments)
        self.hands.recall = self.recall.owner
        self.hands.next_identity = lambda strategy: self._next_id(strategy)[0]

    def compare_by(self, check: PositionCheck) -> None:
        """Have positions compared by this."""
        self.positions, self.hands.booked = check, check.booked

    def accompany(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something until the desk ends; what it raises stops trading."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(self.hands.ended)
        self._loops.append(task)

    # -- start and stop ---------------------------------------------------------------------------

    async def start(self, *, patience_s: float = 60.0) -> list[str]:
        """Read what was stored, reconcile it with the venue, and only then let orders out.

        Returns
        -------
        list of str
            Orders that are still not resolved: their symbols are on hold.

        Raises
        ------
        Retry
            When the venue could not be asked.
        """
        if not await self._until(patience_s, self._reachable):
            raise Retry(f"{self.port.name} does not answer", remedy="check the venue, then start again")
        venue = self.port.name
        self.hands.marks = self.log.marks(venue)
        for symbol in self.instruments:
            if symbol not in self.hands.marks:
                began_ms = self.time.surely_ms()
                self.log.pulled(venue, symbol, "", began_ms)
                self.hands.marks[symbol] = ("", began_ms)
        self.recall.unfinished()
        self._loops = [asyncio.ensure_future(self.stream.follow()), asyncio.ensure_future(self._keep_time())]
        await self._until(patience_s, self.reconcile)
        await self._until(patience_s, self._resolved)
        if not await self._until(patience_s, self.reconcile):
            raise Retry(f"{self.port.name} does not tell what is open and traded", remedy="check the venue, then start again")
        await self._until(patience_s, self._positions_agree)
        self.is_ready = True
        return unresolved(self.manager)

    async def _reachable(self) -> bool:
        listed = await self.port.listings()
        if listed.value is None or not await self.time.measure(self.port):
            return False
        self._venue_symbols.update({one.venue_symbol: symbol for symbol, one in listed.value.items()})
        return True

    async def _resolved(self) -> bool:
        return not unresolved(self.manager) and self.hands.flush()

    async def _until(self, patience_s: float, done: Callable[[], Any], *, pause_s_max: float = TICK_S) -> bool:
        deadline, pause_s = asyncio.get_running_loop().time() + patience_s, TICK_S
        while not await done():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, pause_s_max)
        return True

    async def stop(self, *, cancel: bool = True, patience_s: float = 15.0) -> list[str]:
        """Let nothing more out, cancel what rests, wait until it is proven; symbols where it is not."""
        self.is_ready = False
        unsure = await self.hands.pull_all() if cancel else []
        if cancel:
            # Cancels go out on the venue's last budget: sent without a pause they leave none to ask what became of them.
            await self._until(patience_s, self._quiet, pause_s_max=VOLLEY_S_MAX)
        await self.reconcile()
        await self._until(patience_s, self._resolved)
        await self.end()
        return sorted({*unsure} & {order.symbol for order in self.manager.live()})

    async def end(self) -> None:
        """End every task."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.hands.end()

    async def _quiet(self) -> bool:
        await self.hands.pull_all()
        await self.hands.settle()
        return not any(True for _ in self.manager.live())

    # -- orders -----------------------------------------------------------------------------------

    def submit(self, new: NewOrder, *, strategy: str, order_id: int = 0, request_id: int = 0, decided: Columns = NONE) -> str:
        """Store an approved order and send it, in a task of its own; its id, or "" when it must not leave.

        The id and the signature's time of `new` are set here. `decided` are further columns of the intent: what decided on it,
        and by which code and limits. `refused` says in the world's words why one must not leave.
        """
        reason, why = self._refusal(new)
        if why:
            self.refused = reason
            self.hands.alarm(Alarm("NOT_SENT", why))
            return ""
        identity, coid = self._next_id(strategy)
        new = replace(new, client_id=coid, sign_ms=self.time.sign_ms())
        row = intent_row(new, identity, self.instruments[new.symbol], order_id=order_id, request_id=request_id)
        if not self._intend({**row, "strategy": strategy, **decided}):
            return ""
        self.hands.strategies[coid] = strategy
        self.hands.perform(self.manager.intend(new, order_id=order_id, request_id=request_id, now_ns=self.hands.now_ns))
        self.hands.begin(self._send(new))
        return coid

    def _next_id(self, strategy: str) -> tuple[Identity, str]:
        identity = Identity(self.account, self.strategies[strategy], self.log.lease.epoch, self._seq)
        self._seq += 1  # a number that was once tried is never tried again, whatever becomes of the intent
        return identity, client_id(identity, self.port.abilities.client_id_pattern)

    def _intend(self, row: dict[str, Any]) -> bool:
        """Make an intent durable; False when nothing may be sent for it."""
        try:
            self.log.intend(row)
        except Fenced as fault:
            self._fenced(fault)
        except StoreFailed as fault:
            self.hands.store_fault = fault
            self.hands.alarm(Alarm("STORE", f"no order leaves without its intent: {fault}"))
        else:
            return True
        self.refused = Reason.STOPPED
        return False

    def _refusal(self, new: NewOrder) -> tuple[Reason, str]:
        """Why an order must not leave now, in the world's words and in ours; no words when it may."""
        if why := self.standstill():
            return Reason.STOPPED, why
        if why := self.manager.refuses(new):
            return Reason.STOPPED if self.manager.halted else Reason.SYMBOL_REDUCING, why
        return Reason.OK, ""

    def standstill(self) -> str:
        """Why nothing at all may leave now; empty when orders may."""
        if not self.is_ready:
            return "orders wait until everything is reconciled"
        if self.is_fenced:
            return "another process holds the lease"
        if self.hands.store_fault is not None:
            return str(self.hands.store_fault)
        return self.may_send()

    async def _send(self, new: NewOrder) -> None:
        coid = new.client_id
        why = self.may_send() or self.manager.halted
        if why or self.is_fenced:
            self.hands.perform(self.manager.withdrawn(coid, why or "fenced", self.hands.now_ns))
            return
        self.hands.perform(self.manager.sending(coid, self.hands.now_ns))
        if not self.hands.is_flushed:
            # Whether it left is not stored: it must not leave. Its end is told when the store is back.
            outcome = None
        else:
            outcome = await self.port.submit(new)
        if outcome is None:
            outcome = not_sent("the store could not take that it was being sent")
        if outcome.resync_clock:
            await self.time.measure(self.port)
        self.hands.perform(self.manager.answered(coid, outcome, self.hands.now_ns))

    def amend(
        self, coid: str, *, price_ticks: int, qty_lots: int, strategy: str, request_id: int, decided: Columns = NONE
    ) -> bool:
        """Store the wish to change a resting order and send it, in a task of its own; False when it must not leave."""
        order = self.manager.orders.get(coid)
        why = self.standstill() or self.manager.may_amend(coid)
        if order is None or why or ":" not in order.symbol:
            # Spot replaces an order by another, whose fills could not be told from the first's: cancel it and place a new one.
            self.refused = Reason.STOPPED if self.standstill() else Reason.NOT_SUPPORTED
            return False
        identity, own_id = self._next_id(strategy)
        new = replace(order.new, client_id=own_id, price_ticks=price_ticks, qty_lots=qty_lots, sign_ms=self.time.sign_ms())
        row = intent_row(new, identity, self.instruments[new.symbol], order_id=order.order_id, request_id=request_id)
        if not self._intend({**row, "kind": "REPLACE", "target_coid": coid, "strategy": strategy, **decided}):
            return False
        wanted = Amending(own_id, price_ticks, qty_lots, request_id, new.sign_ms + new.recv_window_ms)
        self.manager.amend(coid, wanted)
        self.hands.begin(self._amend(order, wanted, new))
        return True

    async def _amend(self, order: OwnOrder, wanted: Amending, new: NewOrder) -> None:
        asked = Amendment(
            symbol=new.symbol, side=new.side, qty_lots=wanted.qty_lots, price_ticks=wanted.price_ticks, client_id=order.coid,
            venue_id=order.venue_id, sign_ms=new.sign_ms, recv_window_ms=new.recv_window_ms,
        )  # fmt: skip
        outcome = await self.port.amend(asked)
        if outcome.resync_clock:
            await self.time.measure(self.port)
        self.hands.perform(self.manager.amend_answered(order.coid, outcome, self.hands.now_ns))

    def cancel(self, coid: str, *, request_id: int = -1) -> None:
        """Cancel an order, of this life or an earlier one."""
        self.hands.perform(self.manager.want_cancel(coid, request_id=request_id, now_ns=self.hands.now_ns))

    def cancel_all(self, symbol: str | None = None) -> None:
        """Cancel every order of ours, one by one."""
        for order in list(self.manager.live(symbol)):
            self.cancel(order.coid)

    # -- reconciling ------------------------------------------------------------------------------

    async def reconcile(self) -> bool:
        """Compare open orders and executions with the venue's; tell whether both could be read."""
        started_ns = self.hands.now_ns
        known: list[OrderReport] = []
        for symbol in self.instruments:  # asked for all symbols at once it costs a venue's budget forty times as much
            listed = await self.port.open_orders(symbol)
            if listed.value is None:
                return False
            known += listed.value
        try:
            for report in known:
                self.hands.own(report)
        except StoreFailed:
            return False
        actions = reconcile_open(
            self.manager, known, Source.RECON, started_ns=started_ns, now_ns=self.hands.now_ns, account=self.account
        )
        self.hands.perform(actions)
        for symbol in self.instruments:
            if not await self.hands.pull(symbol):
                return False
        self.hands.perform(self.manager.settle_parked(self.hands.now_ns))
        for order in self.manager.forget(started_ns if self.hands.is_flushed else 0):
            self.hands.strategies.pop(order.coid, None)
        self.compared += 1
        return True

    async def compare_positions(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Compare what the fills add up to with the venue's positions: ours and theirs, where they differ."""
        return await self.positions.compare(self._compare_soon)

    async def _positions_agree(self) -> bool:
        """Whether it is settled if they do: they agree, or differed often enough to be held."""
        differ = await self.compare_positions()
        if all(self.positions.failures.get(symbol, 0) >= TIMES for symbol in differ):
            return True
        await asyncio.sleep(AGAIN_S)
        return False

    def _compare_soon(self) -> None:
        self._due["positions"] = min(self._due.get("positions", 2**63), self.hands.now_ns + 10**9)

    # -- loops ------------------------------------------------------------------------------------

    def _compare(self, now: bool) -> None:
        """Have everything compared, at once or within a second."""
        self._due["open_orders"] = 0 if now else min(self._due.get("open_orders", 0), self.hands.now_ns + 10**9)

    async def _keep_time(self) -> None:
        """Ask what is due, keep the lease, and compare at intervals."""
        work: dict[str, tuple[float, Callable[[], Any]]] = {
            "lease": (self.pace.lease_s, self._renew),
            "clock": (self.pace.clock_s, lambda: self.time.measure(self.port)),
            "open_orders": (self.pace.open_orders_s, self.reconcile),
            "positions": (self.pace.positions_s, self.compare_positions),
        }
        busy: dict[str, asyncio.Task[Any]] = {}
        for name, (every_s, _) in work.items():
            self._due.setdefault(name, self.hands.now_ns + int(every_s * 1e9))
        while True:
            self.hands.flush()
            self.hands.perform(self.manager.tick(self.hands.now_ns))
            self.stream.check()
            for name, (every_s, act) in work.items():
                if self.hands.now_ns >= self._due[name] and (name not in busy or busy[name].done()):
                    self._due[name] = self.hands.now_ns + int(every_s * 1e9)
                    busy[name] = asyncio.ensure_future(act())
                    self.hands._tasks.add(busy[name])
                    busy[name].add_done_callback(self.hands.ended)
            await asyncio.sleep(TICK_S)

    async def _renew(self) -> None:
        try:
            renew_lease(self.log.store, self.log.lease, now_ms=self.hands.now_ns // 1_000_000)
        except Fenced as fault:
            self._fenced(fault)
        except StoreFailed as fault:
            self.hands.store_fault = self.hands.store_fault or fault

    def _fenced(self, fault: Fenced) -> None:
        self.is_fenced = True
        self.hands.alarm(Alarm("FENCED", str(fault)))
