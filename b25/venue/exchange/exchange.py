"""The exchange: everything there is, and the one clock that moves it."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256

from b25.model.errors import Misuse
from b25.model.event import BUY
from b25.model.matching import MatchEvent, MatchKind
from b25.venue.exchange.accounts import Account, ApiKey
from b25.venue.exchange.algo_desk import AlgoDesk
from b25.venue.exchange.clockwork import Clockwork
from b25.venue.exchange.events import Liquidation, Sink, UserEvent
from b25.venue.exchange.linear_desk import LinearDesk
from b25.venue.exchange.linear_ledger import LinearLedger
from b25.venue.exchange.linear_settings import LinearSettings
from b25.venue.exchange.linear_views import LinearViews
from b25.venue.exchange.liquidation import Liquidator
from b25.venue.exchange.listing import Listing, PublicTrade
from b25.venue.exchange.money import to_money
from b25.venue.exchange.operations import Operations
from b25.venue.exchange.orders import AlgoOrder
from b25.venue.exchange.spot_desk import SpotDesk
from b25.venue.exchange.spot_ledger import SpotLedger
from b25.venue.exchange.timers import Timers


@dataclass(slots=True, frozen=True, kw_only=True)
class ExchangeSettings:
    """What may be chosen about a venue.

    Parameters
    ----------
    gtx_mode : str
        ``"reject"``: a futures post-only order that would take is refused with -5022; ``"accept_then_expire"``: it is
        accepted and expires.
    mark_interval_ms : int
        How often mark price, index and funding rate are computed and margins checked.
    margin_call_ppm : int
        A margin call is sent when maintenance margin exceeds this share of the margin balance.
    """

    gtx_mode: str = "reject"
    mark_interval_ms: int = 1000
    margin_call_ppm: int = 800_000


class Exchange:
    """All symbols, accounts and keys of one venue. ``now_ms`` moves only by `advance`.

    Parameters
    ----------
    listings : iterable of Listing
        See `b25.venue.exchange.listings.default_listings`.
    now_ms : int
        Unix time at which it opens.
    """

    def __init__(self, listings: Iterable[Listing], *, now_ms: int, settings: ExchangeSettings | None = None) -> None:
        self.now_ms = now_ms
        self.settings = settings or ExchangeSettings()
        self.spot: dict[str, Listing] = {}
        self.linear: dict[str, Listing] = {}
        self.sinks: list[Sink] = []
        self.accounts: dict[int, Account] = {}
        self.keys: dict[str, ApiKey] = {}
        self.timers = Timers()
        self._deferred: deque[Callable[[], None]] = deque()
        self._draining = False
        self.spot_ledger = SpotLedger(self)
        self.linear_ledger = LinearLedger(self)
        self.spot_orders = SpotDesk(self)
        self.linear_orders = LinearDesk(self)
        self.linear_algos = AlgoDesk(self)
        self.linear_settings = LinearSettings(self)
        self.linear_views = LinearViews(self)
        self.liquidator = Liquidator(self)
        self.operations = Operations(self)
        self.clockwork = Clockwork(self)
        # Takes over what a liquidation could not sell. It is nobody's, so it is not among the accounts.
        self.insurance = Account(0, "insurance", now_ms)
        for listing in listings:
            self.add_listing(listing)
        self.clockwork.begin()

    # -- symbols, accounts, keys ------------------------------------------------------------------

    def add_listing(self, listing: Listing) -> None:
        """Begin to trade a symbol."""
        market = self.spot if listing.market == "spot" else self.linear
        if listing.name in market:
            raise Misuse(f"{listing.name} is already listed", remedy="change the listing that is there")
        market[listing.name] = listing
        if listing.mark is not None:
            self.clockwork.begin_funding(listing)

    @property
    def listings(self) -> list[Listing]:
        """All symbols, spot first."""
        return [*self.spot.values(), *self.linear.values()]

    def market(self, name: str) -> dict[str, Listing]:
        """Symbols of ``"spot"`` or ``"linear"``."""
        return self.spot if name == "spot" else self.linear

    def open_account(self, name: str) -> Account:
        """A new account, empty."""
        account = Account(len(self.accounts) + 1, name, self.now_ms)
        self.accounts[account.account_id] = account
        return account

    def account_named(self, name: str) -> Account | None:
        """The account of a name."""
        return next((account for account in self.accounts.values() if account.name == name), None)

    def deposit(self, account: Account, market: str, asset: str, amount: Decimal | str) -> None:
        """Add to a wallet, or take from it when negative; tells balanceUpdate, or ACCOUNT_UPDATE DEPOSIT or WITHDRAW."""
        units = to_money(amount)
        if market == "spot":
            self.spot_ledger.credit(account, asset, units)
        else:
            self.linear_ledger.transfer(account, asset, units, "DEPOSIT" if units >= 0 else "WITHDRAW")

    def make_key(
        self,
        account: Account,
        *,
        reading: bool = True,
        spot: bool = True,
        futures: bool = True,
        withdrawals: bool = False,
        key: str | None = None,
        secret: str | None = None,
        public_key: str = "",
        kind: str = "HMAC",
    ) -> ApiKey:
        """A key of an account. Without ``key`` and ``secret`` they follow from the account and the number of keys."""
        stem = f"{account.account_id}/{account.name}/{len(self.keys)}"
        key = key or sha256(f"key {stem}".encode()).hexdigest()
        if secret is None:
            secret = "" if public_key else sha256(f"secret {stem}".encode()).hexdigest()
        made = ApiKey(
            key,
            account,
            kind,
            secret,
            public_key,
            reading=reading,
            spot=spot,
            futures=futures,
            withdrawals=withdrawals,
            created_ms=self.now_ms,
        )
        self.keys[key] = made
        return made

    # -- time -------------------------------------------------------------------------------------

    def advance(self, now_ms: int) -> None:
        """Let time pass: flows, marks, triggers, funding, countdowns, good-till dates and liquidations, in order of time."""
        self.clockwork.advance(now_ms)

    # -- what a book did --------------------------------------------------------------------------

    def apply_external(self, listing: Listing, events: Sequence[MatchEvent]) -> None:
        """Take in what a flow's own commands did: our fills, public trades, the depth counter."""
        self.apply(listing, events)

    def apply(self, listing: Listing, events: Sequence[MatchEvent]) -> None:
        """Settle the events of one command, tell them, and do what they set off."""
        desk = self.spot_orders if listing.market == "spot" else self.linear_orders
        trades: list[PublicTrade] = []
        for event in events:
            if event.kind == MatchKind.TRADE:
                trade = PublicTrade(event.trade_id, event.price_ticks, event.qty_lots, self.now_ms, event.side != BUY)
                trades.append(trade)
                listing.reference.add(event.price_ticks, event.qty_lots, self.now_ms)
                if event.account or event.maker_account:
                    desk.on_trade(listing, event)
            elif event.account:
                desk.on_event(listing, event)
        if listing.collect_changes(self.now_ms):
            for sink in self.sinks:
                sink.on_book(listing)
        if trades:
            listing.trades.extend(trades)
            for sink in self.sinks:
                sink.on_trades(listing, trades)
            if listing.trailing:
                for trade in trades:
                    self.observe_trailing(listing, trade.price_ticks, by_mark=False)
        self.drain()

    def observe_trailing(self, listing: Listing, price_ticks: int, *, by_mark: bool) -> None:
        """Show a price to the trailing stops; those that fire are entered after the command that is under way."""
        for trigger_id, stop in list(listing.trailing.items()):
            if stop.by_mark == by_mark and stop.observe(price_ticks):
                del listing.trailing[trigger_id]
                owner = stop.owner
                if isinstance(owner, AlgoOrder):
                    self.linear_algos.fire(owner)
                else:
                    self.spot_orders.fire(owner)

    def defer(self, action: Callable[[], None]) -> None:
        """Do this after the command that is under way."""
        self._deferred.append(action)

    def drain(self) -> None:
        """Do what was deferred, and what that defers."""
        if self._draining:
            return
        self._draining = True
        try:
            while self._deferred:
                self._deferred.popleft()()
        finally:
            self._draining = False

    # -- telling ----------------------------------------------------------------------------------

    def tell(self, account: Account, event: UserEvent) -> None:
        """Hand an account's event to all sinks."""
        for sink in self.sinks:
            sink.on_user(account, event)

    def tell_status(self, listing: Listing) -> None:
        """Say that a symbol's status or filters changed."""
        for sink in self.sinks:
            sink.on_status(listing)

    def tell_mark(self, listing: Listing) -> None:
        """Say that a symbol's mark was computed anew."""
        for sink in self.sinks:
            sink.on_mark(listing)

    def tell_liquidation(self, liquidation: Liquidation) -> None:
        """Say that a position was closed by the venue."""
        for sink in self.sinks:
            sink.on_liquidation(liquidation)
