"""Orders and their fills: what a client asks for, and what the venue holds of it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from b25.model.event import BUY, SELL

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing

SIDES: Final = {"BUY": BUY, "SELL": SELL}
# States in which an order can still trade.
OPEN_STATES: Final = frozenset({"NEW", "PARTIALLY_FILLED"})


@dataclass(slots=True, kw_only=True)
class NewOrder:
    """A request for an order, as parsed but not yet checked. What was not sent is None.

    Parameters
    ----------
    quantity, price, stop_price, iceberg_quantity : Decimal, optional
        Base units and quote units per base unit, as sent.
    quote_quantity : Decimal, optional
        Spot MARKET only: how much of the quote asset to trade.
    trailing_delta_bips : int, optional
        Spot stops: the trigger trails the price by so many hundredths of a per cent.
    response : str, optional
        newOrderRespType, kept for whoever renders the answer.
    """

    symbol: str
    side: str
    type: str
    tif: str | None = None
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta_bips: int | None = None
    iceberg_quantity: Decimal | None = None
    client_id: str | None = None
    stp: str | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    response: str | None = None
    # USD-M futures.
    position_side: str | None = None
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    price_match: str = "NONE"
    good_till_ms: int = 0


@dataclass(slots=True, kw_only=True)
class NewAlgoOrder:
    """A request for a conditional order of USD-M futures (``POST /fapi/v1/algoOrder``)."""

    symbol: str
    side: str
    type: str
    tif: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None  # per cent
    client_id: str | None = None
    stp: str | None = None
    position_side: str | None = None
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    price_match: str = "NONE"
    good_till_ms: int = 0


@dataclass(slots=True, frozen=True)
class Fill:
    """One trade of one order. Money in 1e-8 of its asset; ``realised`` only on futures."""

    trade_id: int
    order_id: int
    symbol: str
    side: str
    price_ticks: int
    qty_lots: int
    quote: int
    commission: int
    commission_asset: str
    maker: bool
    time_ms: int
    realised: int = 0
    position_side: str = "BOTH"


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """One order of one account. What desks return and sinks receive are copies of it, made by `snapshot`.

    Parameters
    ----------
    account : int
        Number of the account.
    state : str
        NEW, PARTIALLY_FILLED, FILLED, CANCELED, EXPIRED, EXPIRED_IN_MATCH or REJECTED.
    price_ticks, stop_ticks : int
        0 when the type has none.
    quote_qty : int
        origQuoteOrderQty in 1e-8 of the quote asset.
    filled_ticklots : int
        Sum of price_ticks x qty_lots over its fills; `filled_quote` is the same as money.
    locked : int
        Spot: what it still holds of the account's balance (quote for BUY, base for SELL), 1e-8.
    is_working : bool
        False while a stop waits for its trigger.
    fills : list of Fill
        Those of the call that placed it; later ones are told by events and by ``my_trades``.
    """

    order_id: int
    client_id: str
    account: int
    listing: "Listing"
    side: str
    type: str
    tif: str
    price_ticks: int
    qty_lots: int
    created_ms: int
    state: str = "NEW"
    quote_qty: int = 0
    stop_ticks: int = 0
    trailing_delta_bips: int = 0
    trailing_ms: int = 0  # when the trailing began
    iceberg_lots: int = 0
    stp: str = "NONE"
    strategy_id: int | None = None
    strategy_type: int | None = None
    updated_ms: int = 0
    working_ms: int = -1
    is_working: bool = True
    filled_lots: int = 0
    filled_ticklots: int = 0
    prevented_lots: int = 0
    expiry_reason: str = ""
    cancel_client_id: str = ""  # spot: the id of the cancel that ended it
    locked: int = 0
    fills: list[Fill] = field(default_factory=list)
    # USD-M futures.
    position_side: str = "BOTH"
    reduce_only: bool = False
    close_position: bool = False
    orig_type: str = ""
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    price_match: str = "NONE"
    good_till_ms: int = 0
    realised: int = 0
    modifications: int = 0
    algo: "AlgoOrder | None" = None  # the conditional order that it came from
    by_venue: bool = False  # liquidation, auto-deleveraging, settlement: its trades are told as CALCULATED
    closing_trade_id: int = 0  # of a market order by value: the trade that spends what it can

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return SIDES[self.side]

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.state in OPEN_STATES

    @property
    def leaves_lots(self) -> int:
        """Lots neither traded nor taken away by self-trade prevention."""
        return self.qty_lots - self.filled_lots - self.prevented_lots

    @property
    def filled_quote(self) -> int:
        """Cumulative quote quantity, 1e-8."""
        return self.listing.notional(self.filled_ticklots)

    @property
    def average_price_text(self) -> str:
        """Average price of its fills, or ``"0"``."""
        return self.listing.average_text(self.filled_ticklots, self.filled_lots)

    def snapshot(self) -> "Order":
        """A copy that later events leave alone."""
        copy = copied(self)
        copy.fills = list(self.fills)
        return copy


@dataclass(slots=True, kw_only=True, eq=False)
class AlgoOrder:
    """A conditional order of USD-M futures. Its trigger makes a new `Order`, whose id is ``actual_order_id``.

    ``state``: NEW, TRIGGERING, TRIGGERED, FINISHED, CANCELED, EXPIRED or REJECTED (with ``reject_reason``).
    """

    algo_id: int
    client_id: str
    account: int
    listing: "Listing"
    side: str
    type: str
    tif: str
    position_side: str
    qty_lots: int
    price_ticks: int
    trigger_ticks: int
    created_ms: int
    activate_ticks: int = 0
    callback_rate: Decimal | None = None  # per cent
    state: str = "NEW"
    stp: str = "NONE"
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    price_match: str = "NONE"
    good_till_ms: int = 0
    updated_ms: int = 0
    triggered_ms: int = 0
    actual_order_id: int = 0
    actual_filled_lots: int = 0
    actual_ticklots: int = 0
    reject_reason: str = ""
    trigger_id: int = 0  # its id in the book's trigger book

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return SIDES[self.side]

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.state == "NEW"

    def snapshot(self) -> "AlgoOrder":
        """A copy that later events leave alone."""
        return copied(self)


Slotted = TypeVar("Slotted", Order, AlgoOrder)


def copied(one: Slotted) -> Slotted:
    """A shallow copy; `dataclasses.replace` takes three times as long, and every event carries one."""
    copy = object.__new__(type(one))
    for name in one.__slots__:
        setattr(copy, name, getattr(one, name))
    return copy
