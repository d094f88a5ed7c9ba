"""The exchange: everything there is, and the one clock that moves it."""
from dataclasses import dataclass
from decimal import Decimal
from collections.abc import Iterable, Sequence

from b25.model.matching import MatchEvent
from b25.venue.exchange.accounts import Account, ApiKey
from b25.venue.exchange.events import Sink, UserEvent
from b25.venue.exchange.listing import Listing


@dataclass(slots=True, frozen=True, kw_only=True)
class ExchangeSettings:
    """What may be chosen about a venue."""

    gtx_mode: str = "reject"  # or "accept_then_expire"
    mark_interval_ms: int = 1000


class Exchange:
    """All symbols, accounts and keys of one venue. `now_ms` moves only by `advance`."""

    def __init__(self, listings: Iterable[Listing], *, now_ms: int, settings: ExchangeSettings | None = None) -> None:
        self.now_ms = now_ms
        self.settings = settings or ExchangeSettings()
        self.spot: dict[str, Listing] = {}
        self.linear: dict[str, Listing] = {}
        self.sinks: list[Sink] = []
        self.accounts: dict[int, Account] = {}
        self.keys: dict[str, ApiKey] = {}
        # self.spot_orders: SpotDesk; self.linear_orders: LinearDesk; self.linear_algos: AlgoDesk
        # self.linear_settings: LinearSettings (leverage, margin type, position mode, position margin, brackets)
        # self.linear_views: LinearViews (account_state, positions, income, commission rates)
        # self.operations: Operations (what the fault layer and admin do)

    def advance(self, now_ms: int) -> None:
        """Let time pass: flows, marks, triggers, funding, countdowns, good-till dates, liquidations, in order of time."""
        raise NotImplementedError

    def open_account(self, name: str) -> Account:
        """A new account."""
        raise NotImplementedError

    def deposit(self, account: Account, market: str, asset: str, amount: Decimal | str) -> None:
        """Add to (negative: take from) a wallet; tells balanceUpdate or ACCOUNT_UPDATE DEPOSIT/WITHDRAW."""
        raise NotImplementedError

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
        public_key: str | None = None,
        kind: str = "HMAC",
    ) -> ApiKey:
        """A key; without `key` and `secret` they follow from the account's name and the number of keys."""
        raise NotImplementedError

    def apply_external(self, listing: Listing, events: Sequence[MatchEvent]) -> None:
        """Take in what a flow's own commands did: our fills, public trades, the depth counter."""
        raise NotImplementedError

    def tell(self, account: Account, event: UserEvent) -> None:
        """Hand an event to all sinks."""
        raise NotImplementedError
