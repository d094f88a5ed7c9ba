"""The kill itself, at one account of one venue: cancel all, see that nothing is left, close positions, see that it is flat.

It gives up never by itself, resends only what is harmless to do twice (a cancel, a reduce-only close of what is still
there), and can be begun again at any point: it starts from what the venue says, not from what it remembers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from b25.execution.orders.identity import closing_id
from b25.model.event import BUY, SELL
from b25.venue.port.outcome import Answer, Outcome
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import Holding, OrderReport
from b25.venue.port.requests import NewOrder, OrderRef

AT_ONCE = 10  # requests in flight
STUBBORN = 2  # volleys after which what is left is cancelled one by one as well

CLOSES_MS = 100  # closing orders are this far apart, so that each has an id of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a kill goes.

    Attributes
    ----------
    quiet_s : float
        Two reads that far apart must both find nothing: reads of a venue's database are late.
    retry_s, retry_s_max : float
        First and longest wait after a request that failed.
    between_closes_s : float
        From one closing order to the next.
    give_up_s : float
        After so long it reports what is left, to be begun again.
    """

    quiet_s: float = 2.0
    retry_s: float = 0.2
    retry_s_max: float = 2.0
    between_closes_s: float = 0.1
    give_up_s: float = float("inf")


@dataclass(slots=True, kw_only=True)
class KillReport:
    """What a kill came to. Names, not numbers, of what could not be removed."""

    orders_seen: int = 0
    orders_gone_ms: int | None = None  # after the beginning, at the first of the two reads
    verified_ms: int | None = None
    closes_sent: int = 0
    orders_left: list[str] = field(default_factory=list)
    positions_left: list[str] = field(default_factory=list)
    not_closed: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""  # why the venue's last answer was none, while this is not complete
    is_complete: bool = False


class OutOfTime(Exception):
    """The time that this attempt was given is over."""


class Sweep:
    """One attempt to leave an account without orders, and flat if asked.

    Parameters
    ----------
    port : VenuePort
        Of its own: nobody else's connection, nobody else's budget.
    symbols : iterable of str
        Where orders are expected: cancelled at once, without waiting for a list. Others are found by the list.
    prefix : str
        Only orders whose client id begins so; empty for every order of the account.
    only : str
        Only orders of this symbol; empty for every one.
    closes_as : str
        What the ids of closing orders begin with, so that they are booked as the strategy's whose position they close.
    now_s, sleep : callable
        Monotonic time, and waiting.
    now_ms : callable
        Wall clock, for ids of closing orders.
    unban : callable
        Lets the limiter send again when the time of a ban is over.
    told : callable
        Hears of each step.
    """

    def __init__(
        self,
        port: VenuePort,
        symbols: Iterable[str] = (),
        *,
        prefix: str = "",
        only: str = "",
        closes_as: str = "",
        pace: Pace | None = None,
        now_s: Callable[[], float],
        now_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        unban: Callable[[], None] = lambda: None,
        told: Callable[[dict[str, Any]], None] = lambda step: None,
    ) -> None:
        self.port, self.prefix, self.only, self.pace = port, prefix, only, pace or Pace()
        self.symbols = [only] if only else sorted(set(symbols))
        self.now_s, self.now_ms, self.sleep, self.unban, self.told = now_s, now_ms, sleep, unban, told
        self.report = KillReport()
        self._began_s = now_s()
        self._failures = 0
        self._banned_until_s = 0.0
        self._seen: set[str] = set()
        self._known = set(self.symbols)
        self._closes = 0
        self.closes_as = closes_as
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self, *, flatten: bool = False) -> KillReport:
        """Do it. Returns when it is verified, or out of time with what is left."""
        try:
            await self._no_orders()
            if flatten:
                await self._flat()
                await self._no_orders()
            self.report.is_complete, self.report.trouble = not self.report.not_closed, ""
        except OutOfTime:
            self._step("out of time")
        return self.report

    async def _no_orders(self) -> None:
        """Cancel until two reads, some time apart, find nothing."""
        unconfirmed = set() if self.prefix else set(self.symbols)
        quiet_since_s: float | None = None
        volleys: dict[str, int] = {}
        wide = True  # a list of everything costs as much as a dozen of one symbol: only what verifies needs it
        while True:
            self._check_time()
            known = set() if wide else self._known
            if unconfirmed:  # with the first list, not after it: a list may take long
                listed, unconfirmed = await asyncio.gather(self._open_orders(known), self._volley(unconfirmed))
                if listed.value:
                    listed = await self._open_orders(known)
            else:
                listed = await self._open_orders(known)
            if listed.value is None:
                wide = False
                await self._wait_after(listed)
                continue
            self._failures = 0
            mine = [one for one in listed.value if one.client_id.startswith(self.prefix) and self.only in ("", one.symbol)]
            self._seen |= {order.venue_id for order in mine}
            self.report.orders_seen = len(self._seen)
            self.report.orders_left = [f"{order.symbol} {order.venue_id}" for order in mine]
            if not mine and not unconfirmed and known:
                wide = True
                continue
            if not mine and not unconfirmed:
                if quiet_since_s is None:
                    quiet_since_s = self.now_s()
                    self.report.orders_gone_ms = self._ms()
                    self._step("no order listed")
                left_s = quiet_since_s + self.pace.quiet_s - self.now_s()
                if left_s <= 0:
                    self.report.verified_ms = self._ms()
                    self._step("no order listed again")
                    return
                await self.sleep(left_s)
                continue
            quiet_since_s, wide = None, False
            self._known |= {order.symbol for order in mine}
            unconfirmed |= await self._cancel_listed(mine, volleys)
            if unconfirmed or any(count > 1 for count in volleys.values()):
                await self._wait()

    async def _cancel_listed(self, mine: list[OrderReport], volleys: dict[str, int]) -> set[str]:
        """Cancel what a list shows, by symbol, or one by one; gives the symbols of which it is not certain."""
        symbols = {order.symbol for order in mine}
        for symbol in symbols:
            volleys[symbol] = volleys.get(symbol, 0) + 1
        whole = set() if self.prefix else {symbol for symbol in symbols if volleys[symbol] <= STUBBORN}
        single = [order for order in mine if order.symbol not in whole]
        if single and (listings := await self.port.listings()).value is None:
            await self._wait_after(listings)
            return set() if self.prefix else symbols
        _, unconfirmed = await asyncio.gather(
            asyncio.gather(*(self._cancel(order) for order in single)), self._volley(whole) if whole else _none()
        )
        return unconfirmed

    async def _volley(self, symbols: set[str]) -> set[str]:
        """Cancel all of several symbols at once; gives those of which it is not certain."""

        async def one(symbol: str) -> bool:
            async with self._slots:
                outcome = await self.port.cancel_all(symbol)
            await self._heed(outcome)
            self._step("cancel all", symbol, outcome)
            # Refused for good: it is no symbol of this venue, or nothing of it can be cancelled. The list has the last word.
            return outcome.answer in (Answer.ACCEPTED, Answer.REJECTED)

        ordered = sorted(symbols)
        done = await asyncio.gather(*map(one, ordered))
        return {symbol for symbol, is_done in zip(ordered, done, strict=True) if not is_done}

    async def _cancel(self, order: OrderReport) -> None:
        ref = OrderRef(symbol=order.symbol, venue_id=order.venue_id, conditional=order.conditional)
        async with self._slots:
            outcome = await self.port.cancel(ref)
        await self._heed(outcome)
        self._step("cancel", f"{order.symbol} {order.venue_id}", outcome)

    async def _open_orders(self, symbols: set[str]) -> Outcome[list[OrderReport]]:
        """List the open orders of some symbols; of none of them in particular where `symbols` is empty."""
        if not symbols:
            outcome = await self.port.open_orders()
            await self._heed(outcome)
            if outcome.answer is not Answer.NOT_SENT or not outcome.alarm or not self._known:
                return outcome
            symbols = self._known  # a venue that lists only by symbol
        found: list[OrderReport] = []
        for symbol in sorted(symbols):
            outcome = await self.port.open_orders(symbol)
            await self._heed(outcome)
            if outcome.value is None:
                return outcome
            found += outcome.value
        return Outcome(answer=Answer.ACCEPTED, value=found)

    async def _flat(self) -> None:
        """Close what is held, largest first, until two reads some time apart find nothing that could be closed."""
        if not self.port.abilities.positions:
            self.report.not_closed = await self._held_on_spot()
            return
        quiet_since_s: float | None = None
        while True:
            self._check_time()
            listings, held = await self.port.listings(), await self.port.positions()
            for outcome in (listings, held):
                await self._heed(outcome)
            if held.value is None or listings.value is None:
                await self._wait_after(listings if listings.value is None else held)
                continue
            self._failures = 0
            open_now = sorted(held.value.values(), key=notional, reverse=True)
            self.report.positions_left = [f"{one.symbol} {one.qty:f}" for one in open_now]
            if not open_now:
                if quiet_since_s is not None and self.now_s() >= quiet_since_s + self.pace.quiet_s:
                    self._step("flat again")
                    return
                if quiet_since_s is None:
                    quiet_since_s = self.now_s()
                    self._step("flat")
                await self.sleep(max(quiet_since_s + self.pace.quiet_s - self.now_s(), 0.0))
                continue
            quiet_since_s = None
            sent = False
            for one in open_now:
                sent |= await self._close(one, listings.value)
                await self.sleep(self.pace.between_closes_s)
            if not sent:
                await self._wait()

    async def _close(self, held: Holding, listings: dict[str, Any]) -> bool:
        """Send one reduce-only market order of at most what the venue takes at once; whether it was taken."""
        listing = listings.get(held.symbol)
        if listing is None or not listing.is_trading:
            self._step("cannot close: not trading", held.symbol)
            return False
        lots = int(abs(held.qty) / listing.instrument.lot)
        lots = min(lots, listing.market_qty_lots_max or lots)
        if lots == 0:
            self._step("cannot close: less than a lot", held.symbol)
            return False
        self._closes += 1
        order = NewOrder(
            symbol=held.symbol,
            client_id=closing_id(self.closes_as, self.now_ms() // CLOSES_MS + self._closes),
            side=SELL if held.qty > 0 else BUY,
            qty_lots=lots,
            reduce_only=True,
        )
        outcome = await self.port.submit(order)
        await self._heed(outcome)
        self._step("close", f"{held.symbol} {held.qty:f}", outcome)
        self.report.closes_sent += outcome.answer is not Answer.NOT_SENT
        return outcome.answer is Answer.ACCEPTED

    async def _held_on_spot(self) -> list[str]:
        """Nothing on spot is reduce-only, and what is held there need not be ours: it is named, for a person to sell."""
        while (balances := await self.port.balances()).value is None:
            self._check_time()
            await self._wait_after(balances)
        bases = {symbol.partition("/")[0] for symbol in self.symbols}
        rows = balances.value.values()
        return [f"{one.asset} {one.total:f}" for one in rows if one.total and (one.asset in bases or not bases)]

    async def _heed(self, outcome: Outcome[Any]) -> None:
        """Do what an answer asks for besides: measure the clock, wait out a ban."""
        if outcome.resync_clock:
            await self.port.server_time_ms()
        if outcome.http == 418:
            self._banned_until_s = self.now_s() + (outcome.retry_after_s or 30.0)
        if self._banned_until_s and self.now_s() >= self._banned_until_s:
            self._banned_until_s = 0.0
            self.unban()

    async def _wait_after(self, failed: Outcome[Any]) -> None:
        self._step("no answer", "", failed)
        self.report.trouble = f"{failed.answer.name} {failed.code or failed.http or ''}: {failed.text[:200]}"
        await self._wait()

    async def _wait(self) -> None:
        self._failures += 1
        await self.sleep(min(self.pace.retry_s * 2 ** (self._failures - 1), self.pace.retry_s_max))

    def _check_time(self) -> None:
        if self.now_s() - self._began_s > self.pace.give_up_s:
            raise OutOfTime

    def _ms(self) -> int:
        return round((self.now_s() - self._began_s) * 1000)

    def _step(self, what: str, on: str = "", outcome: Outcome[Any] | None = None) -> None:
        step: dict[str, Any] = {"at_ms": self._ms(), "what": what, "on": on}
        if outcome is not None:
            step |= {"answer": outcome.answer.name, "http": outcome.http, "code": outcome.code, "text": outcome.text[:200]}
        if len(self.report.steps) < 1_000:
            self.report.steps.append(step)
        self.told(step)


def notional(held: Holding) -> Decimal:
    """What a position is worth, to begin with the largest."""
    return abs(held.qty) * (held.mark_price or held.entry_price)


async def _none() -> set[str]:
    return set()
