"""What happened to an account, told to whoever publishes it. Each event is a snapshot and may be kept or delayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from b25.venue.exchange.orders import AlgoOrder, Fill, Order

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.listing import Listing, PublicTrade


@dataclass(slots=True, frozen=True)
class OrderEvent:
    """Spot executionReport, futures ORDER_TRADE_UPDATE.

    Parameters
    ----------
    execution : str
        Spot: NEW, CANCELED, REPLACED, TRADE, EXPIRED, TRADE_PREVENTION. Futures: NEW, CANCELED, TRADE, EXPIRED,
        TRADE_PREVENTION, AMENDMENT, and CALCULATED for a liquidation.
    fill : Fill, optional
        Of a TRADE or CALCULATED.
    cancel_client_id : str
        Spot CANCELED and REPLACED: the id of the cancel itself (``c``); the order's own goes into ``C``.
    execution_id : int
        Rises with each event of the symbol.
    maker_order_id, prevented_lots : int
        Of a TRADE_PREVENTION.
    """

    order: Order
    execution: str
    time_ms: int
    execution_id: int
    fill: Fill | None = None
    cancel_client_id: str = ""
    counter_order_id: int = 0
    prevented_lots: int = 0
    reject_reason: str = "NONE"

    @property
    def market(self) -> str:
        """``"spot"`` or ``"linear"``."""
        return self.order.listing.market


@dataclass(slots=True, frozen=True)
class AssetState:
    """An asset of an account after something changed it, 1e-8. Spot has free and locked, futures the wallets."""

    asset: str
    free: int = 0
    locked: int = 0
    wallet: int = 0
    cross_wallet: int = 0
    change: int = 0  # futures `bc`: change other than by trading (funding, transfer)


@dataclass(slots=True, frozen=True)
class PositionState:
    """A futures position after something changed it. Money 1e-8; ``entry_ticklots`` over ``lots`` is the entry price."""

    listing: "Listing"
    position_side: str
    lots: int  # signed
    entry_ticklots: int  # >= 0
    realised: int  # `cr`, accumulated
    unrealised: int
    margin_type: str  # "cross" or "isolated"
    isolated_wallet: int
    maintenance: int = 0
    fees: int = 0
    mark_ticks: int = 0

    @property
    def entry_text(self) -> str:
        """Entry price, or ``"0"``."""
        return self.listing.average_text(self.entry_ticklots, abs(self.lots))

    @property
    def break_even_text(self) -> str:
        """Price at which closing would pay for what was lost and for the fees so far, or ``"0"``."""
        return self.listing.break_even_text(self.lots, self.entry_ticklots, self.fees)


@dataclass(slots=True, frozen=True)
class BalanceEvent:
    """Spot outboundAccountPosition, futures ACCOUNT_UPDATE (``reason`` ORDER, FUNDING_FEE, DEPOSIT, ADJUSTMENT, ...)."""

    market: str
    reason: str
    assets: Sequence[AssetState]
    time_ms: int
    positions: Sequence[PositionState] = ()


@dataclass(slots=True, frozen=True)
class BalanceUpdate:
    """Spot balanceUpdate: a deposit, a withdrawal or a transfer of ``delta`` 1e-8."""

    asset: str
    delta: int
    time_ms: int
    market: str = "spot"


@dataclass(slots=True, frozen=True)
class AlgoEvent:
    """Futures ALGO_UPDATE."""

    algo: AlgoOrder
    time_ms: int
    market: str = "linear"


@dataclass(slots=True, frozen=True)
class MarginCall:
    """Futures MARGIN_CALL: these positions are near their liquidation."""

    cross_wallet: int
    positions: Sequence[PositionState]
    time_ms: int
    market: str = "linear"


@dataclass(slots=True, frozen=True)
class ConfigEvent:
    """Futures ACCOUNT_CONFIG_UPDATE: the leverage of a symbol was set."""

    symbol: str
    leverage: int
    time_ms: int
    market: str = "linear"


UserEvent = OrderEvent | BalanceEvent | BalanceUpdate | AlgoEvent | MarginCall | ConfigEvent


@dataclass(slots=True, frozen=True)
class Liquidation:
    """Public forceOrder: somebody's position was closed by the venue."""

    listing: "Listing"
    order: Order
    time_ms: int


class Sink(Protocol):
    """Where the exchange tells what happened, in the order in which it happened, inside the call that made it so."""

    def on_trades(self, listing: "Listing", trades: Sequence["PublicTrade"]) -> None:
        """Trades of one command."""

    def on_book(self, listing: "Listing") -> None:
        """The levels changed; ``listing.update_id`` has risen by one."""

    def on_user(self, account: "Account", event: UserEvent) -> None:
        """Something happened to an account."""

    def on_status(self, listing: "Listing") -> None:
        """The symbol's status or filters changed."""

    def on_mark(self, listing: "Listing") -> None:
        """Mark price, index price or funding rate were computed anew."""

    def on_liquidation(self, liquidation: Liquidation) -> None:
        """A position was closed by the venue."""
