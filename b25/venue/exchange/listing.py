"""One symbol of one market: its grid and rules, its book, its public trades and its depth counter."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from b25.model.errors import Misuse
from b25.model.event import BUY, NO_ASK_TICKS, NO_BID_TICKS, SELL
from b25.venue.exchange.book import PRICE_TICKS_MAX, Book, matching_book
from b25.venue.exchange.filters import Filters, LinearFilters, SpotFilters
from b25.venue.exchange.money import COIN, decimal_text, decimals_of, divided_text, grid_steps
from b25.venue.exchange.reference import ReferencePrice
from b25.venue.exchange.trailing import TrailingStop

if TYPE_CHECKING:
    from b25.venue.exchange.brackets import Bracket
    from b25.venue.exchange.mark import MarkState
    from b25.venue.exchange.orders import AlgoOrder, Order

PUBLIC_TRADES_MAX: Final = 20_000
# Ids of fills that no book made start far above what a book's own counter can reach.
OFF_BOOK_TRADE_ID: Final = 1 << 40
SPOT_ORDER_TYPES: Final = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
LINEAR_ORDER_TYPES: Final = (
    "LIMIT",
    "MARKET",
    "STOP",
    "STOP_MARKET",
    "TAKE_PROFIT",
    "TAKE_PROFIT_MARKET",
    "TRAILING_STOP_MARKET",
)
# The last is known to spot only.
STP_MODES: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
LINEAR_TIFS: Final = ("GTC", "IOC", "FOK", "GTX", "GTD")
PERPETUAL_DELIVERY_MS: Final = 4_133_404_800_000


class PublicTrade(NamedTuple):
    """One trade as everybody sees it."""

    trade_id: int
    price_ticks: int
    qty_lots: int
    time_ms: int
    buyer_is_maker: bool


class DepthChange(NamedTuple):
    """What changed in the book since the last take: wire fields U, u and pu, and (price_ticks, lots now) by side."""

    first_update_id: int
    last_update_id: int
    previous_update_id: int
    time_ms: int
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


class Flow(Protocol):
    """Who else trades here: agents or a replay. It hands the events of its own commands to `Exchange.apply_external`."""

    def advance(self, now_ms: int) -> None:
        """Do what is due up to this time."""


@dataclass(kw_only=True, eq=False, repr=False)
class Listing:
    """One symbol of one market.

    Parameters
    ----------
    name : str
        Binance's name, e.g. ``"BTCUSDT"``.
    market : str
        ``"spot"`` or ``"linear"``.
    tick, lot : Decimal
        Grid of the book. The filters' tick and step sizes are multiples of it and may change; the grid may not.
    status : str
        TRADING, HALT, BREAK, CANCEL_ONLY, END_OF_DAY, ... (linear: also SETTLING, CLOSE, PENDING_TRADING).
    book : Book
        `MatchingBook`, or anything with its interface.
    update_id : int
        Rises by one with each command that changed levels.
    trades : deque of PublicTrade
        The last `PUBLIC_TRADES_MAX`, oldest first.
    mark : MarkState, optional
        Linear: mark price, index price, funding.
    """

    name: str
    market: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    filters: Filters
    status: str = "TRADING"
    book: Book = field(default_factory=matching_book)
    order_types: Sequence[str] = ()
    default_stp: str = "NONE"
    stp_modes: Sequence[str] = ()
    maker_fee_ppm: int = 1000
    taker_fee_ppm: int = 1000
    permissions: Sequence[str] = ("SPOT",)
    brackets: Sequence["Bracket"] = ()
    mark: "MarkState | None" = None
    price_precision: int = 0  # decimals that a price may have before -1111; 0: the tick's, at least 2
    quantity_precision: int = 0  # 0: the lot's
    onboard_ms: int = 1_569_398_400_000
    delivery_ms: int = PERPETUAL_DELIVERY_MS
    contract_type: str = "PERPETUAL"
    liquidation_fee_ppm: int = 12_500
    market_take_bound_ppm: int = 50_000
    trigger_protect_ppm: int = 50_000
    flow: Flow | None = None
    update_id: int = 1
    trades: deque[PublicTrade] = field(default_factory=lambda: deque(maxlen=PUBLIC_TRADES_MAX))

    def __post_init__(self) -> None:
        self.ticklot_money = grid_steps(self.tick * self.lot, COIN, f"{self.name}: tick x lot")
        self.lot_money = grid_steps(self.lot, COIN, f"{self.name}: lot")
        self.price_precision = self.price_precision or max(2, decimals_of(self.tick))
        self.quantity_precision = self.quantity_precision or decimals_of(self.lot)
        spot = self.market == "spot"
        self.order_types = self.order_types or (SPOT_ORDER_TYPES if spot else LINEAR_ORDER_TYPES)
        self.stp_modes = self.stp_modes or (STP_MODES if spot else STP_MODES[:-1])
        self.set_filters(self.filters)
        self.orders: dict[int, Order] = {}  # accounts' open orders by id
        self.algos: dict[int, AlgoOrder] = {}  # by their id in the trigger book
        self.trailing: dict[int, TrailingStop] = {}  # by the order's id, or the trigger's of an algo order
        self.good_till: dict[int, Order | AlgoOrder] = {}  # open ones that end by themselves
        self.reference = ReferencePrice()
        self.last_order_id = 0
        self.last_execution_id = 0
        self.last_off_book_trade_id = OFF_BOOK_TRADE_ID
        self._pending: dict[tuple[int, int], int] = {}
        self._taken_update_id = self.update_id
        self._changed_ms = 0

    def __repr__(self) -> str:
        return f"<Listing {self.market} {self.name} {self.status}>"

    # -- grid -------------------------------------------------------------------------------------

    def set_filters(self, filters: Filters) -> None:
        """Take other filters from now on; resting orders stay as they are.

        Raises
        ------
        Misuse
            When the new tick or step is no multiple of the book's grid, or the highest price lies beyond the book.
        """
        if filters.max_price > PRICE_TICKS_MAX * self.tick:
            raise Misuse(f"{self.name}: price {filters.max_price} is beyond the book", remedy="give a lower max_price")
        grid_steps(filters.tick_size, self.tick, f"{self.name}: tick size")
        grid_steps(filters.step_size, self.lot, f"{self.name}: step size")
        self.filters = filters

    @property
    def spot_filters(self) -> SpotFilters:
        """The filters of a spot symbol."""
        assert isinstance(self.filters, SpotFilters)
        return self.filters

    @property
    def linear_filters(self) -> LinearFilters:
        """The filters of a futures symbol."""
        assert isinstance(self.filters, LinearFilters)
        return self.filters

    def price_text(self, ticks: int) -> str:
        """Price as Binance writes it: with the tick's decimals."""
        return decimal_text(ticks, self.tick)

    def qty_text(self, lots: int) -> str:
        """Quantity with the lot's decimals."""
        return decimal_text(lots, self.lot)

    def to_ticks(self, price: Decimal | str) -> int:
        """Whole ticks of a price; `Misuse` when it is off the grid."""
        return grid_steps(Decimal(price), self.tick, f"{self.name}: price")

    def to_lots(self, qty: Decimal | str) -> int:
        """Whole lots of a quantity; `Misuse` when it is off the grid."""
        return grid_steps(Decimal(qty), self.lot, f"{self.name}: quantity")

    def notional(self, ticklots: int) -> int:
        """Price_ticks x qty_lots as 1e-8 of the quote asset."""
        return ticklots * self.ticklot_money

    def base_money(self, lots: int) -> int:
        """Lots as 1e-8 of the base asset."""
        return lots * self.lot_money

    def average_text(self, ticklots: int, lots: int) -> str:
        """Average price of so many lots, 8 decimals at most, or ``"0"``."""
        return divided_text(ticklots, lots, self.tick) if lots else "0"

    def break_even_text(self, lots: int, entry_ticklots: int, fees: int) -> str:
        """Entry price moved by the fees paid so far (1e-8 quote), or ``"0"``."""
        if not lots:
            return "0"
        cost = self.notional(entry_ticklots) + (fees if lots > 0 else -fees)
        return divided_text(cost, abs(lots) * self.ticklot_money, self.tick)

    # -- book -------------------------------------------------------------------------------------

    @property
    def trading(self) -> bool:
        """Whether orders may be placed."""
        return self.status == "TRADING"

    @property
    def best_bid_ticks(self) -> int:
        """Best bid, 0 when there is none."""
        best = self.book.best_bid_ticks
        return 0 if best <= NO_BID_TICKS else best

    @property
    def best_ask_ticks(self) -> int:
        """Best ask, 0 when there is none."""
        best = self.book.best_ask_ticks
        return 0 if best >= NO_ASK_TICKS else best

    @property
    def last_ticks(self) -> int:
        """Price of the last trade, 0 before the first."""
        return self.book.last_ticks

    @property
    def mid_ticks(self) -> int:
        """Middle of the touch; one side, the last trade, or 0 when that is all there is."""
        bid, ask = self.best_bid_ticks, self.best_ask_ticks
        return (bid + ask) // 2 if bid and ask else bid or ask or self.last_ticks

    def next_order_id(self) -> int:
        """A fresh order id; flows take theirs here too."""
        self.last_order_id += 1
        return self.last_order_id

    def next_execution_id(self) -> int:
        """A fresh id of an execution report."""
        self.last_execution_id += 1
        return self.last_execution_id

    def next_off_book_trade_id(self) -> int:
        """Id of a fill that no book made: takeover of a liquidated position, auto-deleveraging, settlement."""
        self.last_off_book_trade_id += 1
        return self.last_off_book_trade_id

    def collect_changes(self, now_ms: int) -> bool:
        """Count what a command did to the levels; True when it did something."""
        changes: Iterable[tuple[int, int, int]] = self.book.take_changes()
        changed = False
        for side, price_ticks, lots in changes:
            self._pending[side, price_ticks] = lots
            changed = True
        if changed:
            self.update_id += 1
            self._changed_ms = now_ms
        return changed

    def take_depth(self) -> DepthChange | None:
        """What changed since the last call. For one consumer only: the publisher of the depth stream."""
        if not self._pending:
            return None
        pending, self._pending = self._pending, {}
        previous, self._taken_update_id = self._taken_update_id, self.update_id
        bids = sorted(((price, lots) for (side, price), lots in pending.items() if side == BUY), reverse=True)
        asks = sorted((price, lots) for (side, price), lots in pending.items() if side == SELL)
        return DepthChange(previous + 1, self.update_id, previous, self._changed_ms, bids, asks)
