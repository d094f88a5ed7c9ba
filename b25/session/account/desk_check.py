"""Ties an account's books to the order desk of a session: they follow its fills, compare with the venue, hold what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from b25.account.ledger.amounts import atoms, decimal_of
from b25.account.ledger.drift import Severity
from b25.execution.orders.actions import Alarm, Book, Hold
from b25.session.account.book import AccountBook
from b25.session.account.policy_snapshot import Working, worth_of
from b25.session.account.reconciling import Reconciliation, reconcile
from b25.session.orders.positions import LAG_NS, TIMES, PositionCheck
from b25.session.orders.submitting import OrderDesk
from b25.store.faults import StoreFailed

LOOK_AGAIN_S: Final = LAG_NS / 1e9 + 0.5  # a difference must outlast the lag of the venue's positions
PULLS: Final = 5  # tries, where the desk reads the same trades at this moment
PULL_AGAIN_S: Final = 0.2
SILENT_NS: Final = 300 * 10**9  # without a whole comparison


class AccountCheck(PositionCheck):
    """Compares balances, flows and positions, adjustments included; where trading never rests that long, positions alone.

    Parameters
    ----------
    book : AccountBook
    desk : OrderDesk
        Whose own comparison of positions this takes the place of.

    Attributes
    ----------
    last : Reconciliation or None
        The last comparison.
    """

    def __init__(self, book: AccountBook, desk: OrderDesk) -> None:
        super().__init__(desk.port, desk.log, desk.hands, desk.instruments)
        self.book, self.desk = book, desk
        self.last: Reconciliation | None = None
        self.look_again_s = LOOK_AGAIN_S
        self._is_behind = True
        self._held: dict[str, str] = {}
        self._began_ns = book.now_ns()
        desk.compare_by(self)

    def booked(self, book: Book) -> None:
        """The store has a fill more: the books follow within a second, not in the path of the order."""
        super().booked(book)
        self._is_behind = True

    def catch_up(self) -> None:
        """Book what the store has and the books have not. Raises StoreFailed when it cannot be read."""
        if self._is_behind:
            self._is_behind = False
            try:
                self.book.catch_up()
            except StoreFailed:
                self._is_behind = True
                raise

    def adjusted(self, symbol: str) -> Decimal:
        """What adjustments and the adopted beginning add to the fills of a symbol."""
        self.catch_up()
        net = self.book.account.net[symbol]
        return net.instrument.quantity(net.lots) - self.log.positions(self.port.name).get(symbol, Decimal(0))

    async def compare(self, again: Callable[[], None]) -> dict[str, tuple[Decimal, Decimal]]:
        """Compare everything; returns our position and the venue's where they differ.

        Parameters
        ----------
        again : callable
            Asks for the next comparison soon.
        """
        try:
            found = self.last = await reconcile(self.book, self.port, pull=self._pull, look_again_s=self.look_again_s)
            if not found.is_compared:
                return await super().compare(again)
        except StoreFailed as fault:
            self.book.alert("STORE", Severity.CRITICAL, f"the account could not be compared: {fault}")
            return {}
        differ = {one.name: one for one in found.differences if one.kind == "position"}
        for symbol in self.instruments:
            if symbol not in differ:
                self.judge(symbol, None, again)
            else:
                self.failures[symbol] = TIMES  # it has been looked at more than once
        self.hold()
        return {name: (decimal_of(atoms(one.ours)), decimal_of(atoms(one.theirs))) for name, one in differ.items()}

    async def _pull(self) -> bool:
        done = True
        for symbol in self.instruments:
            for _ in range(PULLS):
                if was_read := await self.hands.pull(symbol):
                    break
                await asyncio.sleep(PULL_AGAIN_S)
            done = done and was_read
        self.catch_up()
        return done and self.hands.is_flushed

    def hold(self) -> None:
        """Let nothing that adds risk leave where the books refuse it, and cancel what rests there and would add some."""
        manager = self.hands.manager
        for symbol in self.instruments:
            why = self.book.refuses(symbol) if manager.policy.foreign != "ignore" else self.book.halted
            held = self._held.get(symbol, "")
            if why == held:
                continue
            if held:
                self.hands.perform(manager.release(symbol, self._held.pop(symbol)))
            if why:
                self._held[symbol] = why
                manager.holds.setdefault(symbol, set()).add(why)
                self.hands.perform([Alarm("ACCOUNT", f"{symbol}: {why}"), Hold(symbol, why)])
                for order in list(manager.live(symbol)):
                    if not order.new.reduce_only and not order.cancel_wanted:
                        self.desk.cancel(order.coid)

    def watch_silence(self) -> None:
        """Alert when no whole comparison came to its end for long."""
        now_ns = self.book.now_ns()
        since_ns = max(self._began_ns, self.book.reconciled_ns)
        if now_ns - since_ns > SILENT_NS:
            why = "" if self.last is None else f": {self.last.why}"
            self.book.alert(
                "NOT_COMPARED", Severity.WARNING, f"not compared with the venue for {(now_ns - since_ns) / 1e9:.0f} s{why}"
            )

    def working(self) -> dict[tuple[str, str], Working]:
        """What the desk's orders could still buy and sell, at the marks, by strategy and symbol."""
        sums: dict[tuple[str, str], list[float]] = {}
        for order in self.hands.manager.live():
            key = self.hands.strategies.get(order.coid, ""), order.symbol
            row = sums.setdefault(key, [0.0, 0.0, 0])
            row[0 if order.new.side > 0 else 1] += abs(worth_of(self.book, order.symbol, order.open_lots))
            row[2] += 1
        return {key: Working(buys=buys, sells=sells, orders=int(count)) for key, (buys, sells, count) in sums.items()}
