"""The one ledger of an account in a running process: begun from the store, fed with fills and marks, kept in snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import numpy as np

from b25.account.ledger.alerts import Alert, Alerts, Thresholds, concerns
from b25.account.ledger.amounts import ATOMS, atoms, decimal_of
from b25.account.ledger.cell import FIRST
from b25.account.ledger.drift import DriftWatch, Held, Severity
from b25.account.ledger.entries import TRANSFERS, Entry, Fill, Funding, Transfer, key_of
from b25.account.ledger.prices import Prices
from b25.account.ledger.state import state_of
from b25.account.ledger.statement import Statement, Terms, make_statement
from b25.model.errors import Resync
from b25.model.instrument import Instrument
from b25.session.account import loading
from b25.session.account.rendering import snapshot_row
from b25.store.account_log import AccountLog, EntryRow
from b25.store.faults import StoreFailed
from b25.store.store import Store

SNAPSHOT_NS: Final = 30 * 10**9
FEE_AGE_MS_MAX: Final = 60_000  # of a fill whose fee is converted at the prices of now


def _silent(_: Any) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPolicy:
    """How an account is watched over.

    Attributes
    ----------
    signs : str
        Who signs adjustments at once, as paper does; empty where an operator must.
    thresholds : Thresholds
    """

    signs: str = ""
    thresholds: Thresholds = field(default_factory=Thresholds)


class AccountBook:
    """Books of one account at one venue; made by `load`.

    Fills come in by `book`, right after the store has them; what the venue paid, took or moved comes in by
    `b25.session.account.reconciling.reconcile`. `tick` keeps snapshots and raises alerts.

    Attributes
    ----------
    account : Account
    prices : Prices
    alerts : Alerts
    halted : str
        Why nothing may be traded any more, until a person resumes; empty when it may.
    holds : dict of str to str
        Symbols, and assets, that differ from the venue's, and how; `copy_holds` are those of the second reader.
    """

    def __init__(
        self,
        log: AccountLog,
        loaded: loading.Loaded,
        *,
        quote: str,
        now_ns: Callable[[], int],
        terms: Mapping[str, Terms] | None = None,
        policy: AccountPolicy | None = None,
        on_alert: Callable[[Alert], None] = _silent,
        on_halt: Callable[[str], None] = _silent,
    ) -> None:
        self.log, self.now_ns = log, now_ns
        self.account, self.water, self.pending = loaded.account, loaded.water, loaded.pending
        self.halted = loaded.halted
        self.prices = Prices(self.account.instruments.values(), quote)
        self.terms = dict(terms or {})
        self.policy = policy or AccountPolicy()
        self.alerts, self.watch = Alerts(), DriftWatch()
        self.holds: dict[str, str] = {}
        self.copy_holds: dict[str, str] = {}
        self.theirs: dict[str, Held] = {}
        self.reconciled_ns = 0
        self.booked = 0  # counts every entry, so that a comparison knows whether one came in between
        self._on_alert, self._on_halt = on_alert, on_halt
        self._unsaved: list[EntryRow] = []
        self._is_dirty = True
        self._slot = -1
        for one in loaded.transfers:
            self._scale(one)
        for what in loaded.strangers:
            self.alert("UNEXPECTED_FILL", Severity.CRITICAL, f"{what}: no instrument of this account")

    @classmethod
    def load(
        cls,
        store: Store,
        venue: str,
        account: str,
        instruments: Iterable[Instrument],
        *,
        now_ns: Callable[[], int],
        quote: str = "",
        **more: Any,
    ) -> AccountBook:
        """Begin from what the store keeps.

        Parameters
        ----------
        store : Store
        venue, account : str
            As in the store's fills.
        instruments : iterable of Instrument
            Everything that the account may trade.
        now_ns : callable
            Local wall clock.
        quote : str, optional
            Currency of equity; the first instrument's settlement currency when left out.
        **more
            `terms`, `policy`, `on_alert`, `on_halt` of the constructor.

        Raises
        ------
        StoreFailed
        """
        listed = list(instruments)
        log = AccountLog(store, venue, account, now_ns=now_ns)
        loaded = loading.load_account(log, listed)
        currency = quote or next((one.settle for one in listed), "USDT")
        return cls(log, loaded, quote=currency, now_ns=now_ns, **more)

    # -- coming in --------------------------------------------------------------------------------

    def book(self, row: Mapping[str, Any], *, strategy: str | None) -> bool:
        """Take a fill that the store has just booked.

        Parameters
        ----------
        row : mapping
            As `OrderLog.book` took it.
        strategy : str, optional
            Whose order it was; None when no order of ours is known: it is booked, belongs to nobody, and raises an alert.

        Returns
        -------
        bool
            False when it was booked before.
        """
        symbol, trade = str(row["symbol"]), str(row["trade_id"])
        instrument = self.account.instruments.get(symbol)
        if instrument is None:
            self.alert("UNEXPECTED_FILL", Severity.CRITICAL, f"{symbol} {trade}: no instrument of this account")
            return False
        one = self._with_fee_worth(loading.fill_of(row, instrument, strategy=strategy), instrument)
        try:
            is_new = self.account.book(one)
        except Resync:
            count = self.account.counts[symbol]
            self._read_anew()
            is_new = self.account.counts[symbol] > count
        if is_new:
            self.booked += 1
            self._is_dirty = True
            if strategy is None:
                text = (
                    f"{symbol} {trade}: {'bought' if one.side > 0 else 'sold'} {row['qty']} at {row['price']} by no order of ours"
                )
                self.alert("UNEXPECTED_FILL", Severity.CRITICAL, text)
        return is_new

    def catch_up(self) -> int:
        """Book what the store has and these books have not; how many that were. For who did not tell each fill to `book`."""
        stored = self.log.fill_counts()
        behind = [symbol for symbol in self.account.instruments if stored.get(symbol, 0) != self.account.counts[symbol]]
        if not behind:
            return 0
        before = sum(self.account.counts.values())
        since = {symbol: self.account.last.get(symbol, FIRST) for symbol in behind}
        for row in self.log.fills(since_ms=min(since.values())[0]):
            if row.symbol in since and key_of(row.venue_ts_ms, row.trade_id) > since[row.symbol]:
                self.book(row._mapping, strategy=row.strategy)
        if any(stored.get(symbol, 0) != self.account.counts[symbol] for symbol in behind):
            self._read_anew()
        self.booked += 1
        return sum(self.account.counts.values()) - before

    def _with_fee_worth(self, one: Fill, instrument: Instrument) -> Fill:
        """A fee in a third asset gets the worth of its time; where there is no price it stays in its asset."""
        if not one.fee or one.fee_settle is not None or self.now_ns() // 10**6 - one.time_ms > FEE_AGE_MS_MAX:
            return one
        worth = self.prices.convert(Fraction(one.fee, ATOMS), one.fee_asset, instrument.settle)
        if worth is None:
            return one
        one = replace(one, fee_settle=atoms(worth))
        ref = f"{one.symbol} {one.trade_id}"
        self._keep(EntryRow(kind=loading.FEE, ref=ref, time_ms=one.time_ms, asset=instrument.settle, amount=one.fee_settle or 0))
        return one

    def mark(self, symbol: str, price: Decimal | Fraction, time_ns: int = 0) -> None:
        """Take a mark: the middle of a healthy book, or the venue's own mark price."""
        self.prices.mark(symbol, price, time_ns)

    def unmark(self, symbol: str) -> None:
        """The mark is not known any more."""
        self.prices.forget(symbol)

    def price(self, asset: str, price: Decimal | Fraction) -> None:
        """Take the price of an asset, such as one that fees are paid in."""
        self.prices.price(asset, price)

    def fund(self, one: Funding) -> bool:
        """Book a payment of funding, durable first; False when it was there. Raises StoreFailed, and nothing is booked."""
        one = replace(one, shares=self.account.shares(one))
        self.log.add(loading.funding_row(one))
        return self.enter(one)

    def transfer(self, one: Transfer) -> bool:
        """Book a transfer, durable first; False when it was there. Raises StoreFailed, and nothing is booked."""
        self.log.add(loading.transfer_row(one))
        is_new = self.enter(one)
        if is_new and one.source == TRANSFERS:
            self._scale(one)
        return is_new

    def _scale(self, one: Transfer) -> None:
        """Let a transfer change no drawdown; where its worth is unknown, the day and the peak begin anew, and are told so."""
        worth = self.prices.convert(Fraction(one.amount, ATOMS), one.asset, self.prices.quote)
        if worth is not None:
            self.water.transfer(worth)
            return
        self.water.day_equity = self.water.peak = None
        text = f"{decimal_of(one.amount)} {one.asset} moved at an unknown worth: drawdown is measured from now on"
        self.alert("TRANSFER", Severity.WARNING, text)

    def enter(self, one: Entry) -> bool:
        """Book an entry that the store has; False when it was booked before."""
        try:
            is_new = self.account.book(one)
        except Resync:
            self._read_anew()
            is_new = True
        self.booked += is_new
        self._is_dirty = self._is_dirty or is_new
        return is_new

    def _read_anew(self) -> None:
        """A fill belongs before what is kept in memory: fold everything that the store has."""
        loaded = loading.load_account(self.log, self.account.instruments.values(), anew=True)
        self.account, self.pending = loaded.account, loaded.pending

    # -- adjustments ------------------------------------------------------------------------------

    def sign(self, ref: str, *, by: str, reason: str) -> bool:
        """Let an adjustment count, durable first; False when none such waits."""
        if ref not in self.pending:
            return False
        self.log.add(loading.signature_row(ref, by=by, reason=reason, time_ms=self.now_ns() // 10**6))
        self.take_signed()
        return True

    def take_signed(self) -> None:
        """Do what others wrote into the store since: signatures, rejections, the end of a halt, holds of the drop copy."""
        settled = {row.ref for row in self.log.entries(loading.SIGNATURE)}
        waiting = loading.pending_of(self.log)
        for ref, one in self.pending.items():
            if ref in settled:
                self.enter(one)
        self.pending = waiting
        self.copy_holds = {symbol: why for symbol, (_, why) in loading.copy_holds(self.log).items()}
        for why in self.copy_holds.values():
            self.alert("DROP_COPY", Severity.CRITICAL, why)
        if loading.is_resumed(self.log, self.halted):
            self.halted = ""
            self._is_dirty = True

    # -- halting ----------------------------------------------------------------------------------

    def halt(self, why: str) -> None:
        """Let nothing be traded any more, over restarts too, until a person resumes."""
        if not self.halted:
            self.halted = f"at {self.now_ns()} {why}"
            self._is_dirty = True
            self._on_halt(why)

    def resume(self, *, by: str, reason: str) -> None:
        """End a halt, by name and with a reason."""
        if self.halted:
            self.log.add(loading.resume_row(self.halted, by=by, reason=reason, time_ms=self.now_ns() // 10**6))
            self.take_signed()

    def refuses(self, symbol: str) -> str:
        """Why what would add risk in a symbol must not be sent; empty when it may."""
        return self.halted or self.holds.get(symbol, "") or self.copy_holds.get(symbol, "")

    # -- going out --------------------------------------------------------------------------------

    def opening(self, strategy: str) -> tuple[dict[str, np.ndarray], dict[str, Decimal]]:
        """What a strategy's world begins with: a POSITION row by symbol, and its cash by asset."""
        rows, cash = self.account.opening(strategy)
        return rows, {asset: decimal_of(amount) for asset, amount in cash.items()}

    def positions(self) -> dict[str, Decimal]:
        """Netted positions that risk must count with: ours, and the venue's at once where they differ."""
        found = {symbol: net.instrument.quantity(net.lots) for symbol, net in self.account.net.items() if net.lots}
        for symbol, held in self.theirs.items():
            found[symbol] = Decimal(held.quantity.numerator) / Decimal(held.quantity.denominator)
        return found

    def statement(self) -> Statement:
        """The account at the marks of the moment."""
        return make_statement(self.account, self.prices, self.terms)

    def alert(self, kind: str, severity: Severity, text: str) -> None:
        """Raise an alert, at most one a minute of each kind."""
        told = self.alerts.tell(kind, severity, text, self.now_ns())
        if told is not None:
            self._on_alert(told)

    # -- keeping ----------------------------------------------------------------------------------

    def tick(self) -> Statement:
        """Value the account, raise what must be heard, and keep a snapshot when one is due. To be called about once a second.

        One is due on every batch of fills, at each half minute of the clock, and when a day begins. While the store cannot
        take it, it stays due; books in memory go on.
        """
        now_ns = self.now_ns()
        statement = self.statement()
        is_new_day = self.water.observe(now_ns, statement.equity)
        for kind, severity, text in concerns(statement, self.water, self.policy.thresholds):
            if self.terms or kind != "HIGH_MARGIN_USAGE":  # where nobody told the terms, the margin is unknown, and no news
                self.alert(kind, severity, text)
        for fault in self.account.unbalanced():
            self.alert("BOOKS", Severity.CRITICAL, fault)
            self.halt(f"the books do not balance: {fault}")
        slot = now_ns // SNAPSHOT_NS
        reason = "day" if is_new_day else "fills" if self._is_dirty else "interval" if slot != self._slot else ""
        if reason:
            try:
                self._save(statement, reason, slot * SNAPSHOT_NS if reason == "interval" else now_ns)
                self._slot = slot
                self._is_dirty = False
            except StoreFailed as fault:
                self.alert("STORE", Severity.CRITICAL, f"no snapshot could be kept: {fault}")
        return statement

    def _keep(self, row: EntryRow) -> None:
        """Write an entry now, or as soon as the store takes it."""
        self._unsaved.append(row)
        try:
            self._save_entries()
        except StoreFailed as fault:
            self.alert("STORE", Severity.CRITICAL, f"an entry could not be kept yet: {fault}")

    def _save_entries(self) -> None:
        if self._unsaved:
            self.log.add(*self._unsaved)
            self._unsaved.clear()

    def _save(self, statement: Statement, reason: str, ts_ns: int) -> None:
        self._save_entries()
        state = {**state_of(self.account, self.water), "halted": self.halted, "holds": self.holds, "quote": self.prices.quote}
        state["reconciled_ns"] = self.reconciled_ns
        self.log.save(state, snapshot_row(statement, self.water, self.alerts, reason), ts_ns=ts_ns)
