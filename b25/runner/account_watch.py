"""Watches the account of a live session from within its loop: marks, statement, policies; what they call for, and how it stands.

Once a second, beside the path of orders. The order desk compares with the venue and holds symbols; the session's own watch
pauses, reduces and kills by what is said here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from b25.account.ledger.alerts import Alert
from b25.account.ledger.drift import Severity
from b25.account.ledger.statement import Statement
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.risk.account_wide.policies import Breaker, Verdict, Weight, evaluate
from b25.session.account.book import AccountBook
from b25.session.account.desk_check import AccountCheck
from b25.session.account.policy_file import AccountPolicies
from b25.session.account.policy_snapshot import policy_snapshot
from b25.session.account.reconciling import as_facts
from b25.session.account.rendering import float_or_none, number_text
from b25.store.faults import StoreFailed

if TYPE_CHECKING:
    from b25.session.gateway import Say
    from b25.session.machine import Machine
    from b25.session.orders.submitting import OrderDesk

SECOND_S: Final = 1.0
MARK_NS_MAX: Final = 60 * 10**9  # a mark that is older is not known any more
UNKNOWN_NS: Final = 10 * 10**9  # what is not known must stay so for that long before it holds anything back
KEPT: Final = 50


@dataclass(slots=True)
class AccountWatch:
    """One account in a running session; `attach` puts it to an order desk before that reconciles.

    Parameters
    ----------
    policies : AccountPolicies
    say : callable
        Told what a person should read.

    Attributes
    ----------
    reducing : str
        Which hard policy does not hold, so that only what reduces may leave; empty when none. It ends with the breach.
    emergency : str
        Likewise, of an emergency: it is to be stopped.
    told : deque of Alert
        Alerts that nobody has passed on yet.
    """

    policies: AccountPolicies
    say: Say
    book: AccountBook = field(init=False)
    check: AccountCheck = field(init=False)
    statement: Statement | None = None
    reducing: str = ""
    emergency: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    told: deque[Alert] = field(default_factory=lambda: deque(maxlen=KEPT))
    breaker: Breaker = field(default_factory=Breaker)
    _machine: Machine | None = None
    _known_ns: dict[str, int] = field(default_factory=dict)
    _store_failed: bool = False

    def attach(self, desk: OrderDesk, account: str) -> None:
        """Read the account from the desk's store, and have the desk compare by it.

        Raises
        ------
        StoreFailed
        """
        instruments = list(desk.instruments.values())
        self.policies.check(instruments)
        self.book = AccountBook.load(
            desk.log.store, desk.port.name, account, instruments, now_ns=desk.log.now_ns, terms=self.policies.terms,
            on_alert=self._alert, on_halt=lambda why: self.say(f"the account is halted: {why}"),
        )  # fmt: skip
        self.check = AccountCheck(self.book, desk)

    def _alert(self, alert: Alert) -> None:
        self.told.append(alert)
        if alert.severity >= Severity.WARNING:
            self.say(f"account: {alert.kind.lower().replace('_', ' ')}: {alert.text}")

    async def run(self, machine: Machine) -> None:
        """Look once a second, until cancelled."""
        self._machine = machine
        while True:
            self.look()
            await asyncio.sleep(SECOND_S)

    def look(self) -> None:
        """Mark, value, and judge the account once."""
        self._mark()
        try:
            self.check.catch_up()
            self._store_failed = False
        except StoreFailed as fault:
            if not self._store_failed:
                self.say(f"account: its fills cannot be read: {fault}")
            self._store_failed = True
        self.statement = self.book.tick()
        self._judge(self.statement)
        self.check.hold()
        self.check.watch_silence()

    def _mark(self) -> None:
        """Take the middle of each book that is whole; forget a mark that has become old."""
        if self._machine is None:
            return
        now_ns, machine = self.book.now_ns(), self._machine
        for i, one in enumerate(machine.instruments):
            book = machine.world.books[i]
            bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
            if bid != NO_BID_TICKS and ask != NO_ASK_TICKS and int(book["health"]) == 0:
                self.book.mark(one.symbol, Fraction(bid + ask, 2) * Fraction(one.tick), now_ns)
            elif now_ns - self.book.prices.times_ns.get(one.symbol, now_ns) > MARK_NS_MAX:
                self.book.unmark(one.symbol)

    def _judge(self, statement: Statement) -> None:
        now_ns = self.book.now_ns()
        self.verdicts = evaluate(self.policies.policies, policy_snapshot(self.book, self.check.working(), statement))
        broken = [one for one in self.verdicts if not one.holds and not self._is_new(one, now_ns)]
        for one in broken:
            severity = Severity.WARNING if one.policy.weight is Weight.SOFT else Severity.CRITICAL
            self.book.alert(f"POLICY {one.policy.id}", severity, words_of(one))
        known = [one for one in broken if one.value == one.value]
        by_weight = {weight: "; ".join(words_of(one) for one in broken if one.policy.weight is weight) for weight in Weight}
        # What is not known holds back what adds risk; nothing is killed for want of a number.
        stops = "; ".join(words_of(one) for one in known if one.policy.weight is Weight.EMERGENCY)
        if self.breaker.observe(now_ns, [one for one in self.verdicts if one in broken or one.holds]):
            stops = stops or f"{self.breaker.limit} hard policies broke within a minute"
            self.breaker.clear()
        self.emergency = stops
        self.reducing = by_weight[Weight.HARD] or ("" if stops else by_weight[Weight.EMERGENCY])

    def _is_new(self, verdict: Verdict, now_ns: int) -> bool:
        """Whether a metric is not known for so short a time that nothing follows from it yet."""
        key = f"{verdict.policy.id} {verdict.policy.scope_id}"
        if verdict.value == verdict.value:
            self._known_ns[key] = now_ns
            return False
        return now_ns - self._known_ns.setdefault(key, now_ns) < UNKNOWN_NS

    def standing(self) -> str:
        """Why the session must be paused until a person looks; empty when it need not."""
        if self.book.halted:
            return f"the account is halted: {self.book.halted}; b25 account resume ends it"
        return f"account: {self.emergency}" if self.emergency else ""

    def adjusted(self) -> dict[str, str]:
        """What signed adjustments and the adopted beginning hold beside every session, by symbol."""
        try:
            found = {symbol: self.check.adjusted(symbol) for symbol in self.check.instruments}
        except StoreFailed:
            return {}
        return {symbol: str(amount) for symbol, amount in found.items() if amount}

    def facts(self) -> dict[str, Any]:
        """How the account stands."""
        book, statement, last = self.book, self.statement, self.check.last
        if statement is None:
            return {}
        margin = statement.margin
        drift = (
            as_facts(last) if last is not None else {"is_compared": False, "why": "not yet", "differences": [], "proposed": []}
        )
        return {
            "quote": statement.quote,
            "equity": number_text(statement.equity),
            "unknown": list(statement.missing),
            "drawdown_daily": number_text(book.water.drawdown_daily(statement.equity)),
            "margin_usage": float_or_none(margin.usage),
            "liquidation_distance": float_or_none(margin.nearest),
            "positions": {line.symbol: number_text(line.quantity) for line in statement.net},
            "strategies": [
                {
                    "strategy": one.strategy,
                    "symbol": one.symbol,
                    "quantity": number_text(one.quantity),
                    "net": number_text(one.net),
                }
                for one in statement.strategies
            ],
            "adjusted": self.adjusted(),
            "reconciled_ns": book.reconciled_ns,
            "drift": drift,
            "holds": {**book.holds, **book.copy_holds},
            "pending": sorted(book.pending),
            "halted": book.halted,
            "reducing": self.reducing,
            "emergency": self.emergency,
            "policies": [
                {"id": one.policy.id, "value": float_or_none(one.value), "threshold": one.policy.threshold, "holds": one.holds}
                for one in self.verdicts
            ],
            "alerts": [{"kind": one.kind, "severity": one.severity.name, "text": one.text} for one in book.alerts.open()[-5:]],
        }


def words_of(verdict: Verdict) -> str:
    """A policy that does not hold, for people."""
    policy = verdict.policy
    scope = "" if policy.scope == "account" else f" of {policy.scope_id}"
    value = f"{verdict.value:.4g}" if verdict.value == verdict.value else "not known"
    return f"{policy.metric}{scope} is {value}; {policy.id} asks for {policy.require} {policy.threshold:g}"
