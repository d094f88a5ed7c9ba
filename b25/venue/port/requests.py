"""What can be asked of a venue about orders. Whole ticks and lots; ids and the time of signing are always the caller's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from b25.model.errors import Misuse
from b25.model.event import BUY, SELL
from b25.model.order import Tif

RECV_WINDOW_MS = 2_000  # of orders: it bounds how long an unanswered one may still be accepted


class SelfTrade(StrEnum):
    """What the venue does when an order would trade against one of the same account."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """When a request is signed, which the caller fixes before it stores the intent.

    Attributes
    ----------
    sign_ms : int
        Venue time of the signature, ms; 0 lets the port take its own.
    recv_window_ms : int
        For how long after `sign_ms` the venue may still accept it.
    """

    sign_ms: int = 0
    recv_window_ms: int = RECV_WINDOW_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder(Signed):
    """An order to place.

    Attributes
    ----------
    symbol : str
        Unified symbol.
    client_id : str
        Ours, never the venue's.
    side : int
        BUY or SELL.
    qty_lots : int
    price_ticks : int
        0 for a market order.
    stop_ticks : int
        0, or the price at which it becomes live.
    take_profit : bool
        A stop that triggers when the price moves in the position's favour.
    """

    symbol: str
    client_id: str
    side: int
    qty_lots: int
    price_ticks: int = 0
    stop_ticks: int = 0
    take_profit: bool = False
    tif: Tif = Tif.GTC
    post_only: bool = False
    reduce_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_MAKER

    def __post_init__(self) -> None:
        if self.side not in (BUY, SELL):
            raise Misuse(f"{self.symbol}: side {self.side} is neither BUY nor SELL", remedy="use b25.model.event.BUY or SELL")
        if self.qty_lots <= 0 or self.price_ticks < 0 or self.stop_ticks < 0:
            raise Misuse(
                f"{self.symbol}: an order of {self.qty_lots} lots at {self.price_ticks} ticks", remedy="give positive ones"
            )
        if self.post_only and (self.is_market or self.tif is not Tif.GTC):
            raise Misuse(f"{self.symbol}: post-only with a market order, IOC or FOK", remedy="choose one of them")

    @property
    def is_market(self) -> bool:
        """Whether it has no price of its own."""
        return self.price_ticks == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRef(Signed):
    """Which order is meant: by the venue's id, by ours, or by both.

    Attributes
    ----------
    conditional : bool
        A waiting stop, which some venues keep in a book of its own with ids of its own.
    """

    symbol: str
    client_id: str = ""
    venue_id: str = ""
    conditional: bool = False

    def __post_init__(self) -> None:
        if not self.client_id and not self.venue_id:
            raise Misuse(f"{self.symbol}: an order is named by no id", remedy="give client_id, venue_id, or both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment(Signed):
    """New price and total quantity of a resting order.

    Attributes
    ----------
    new_client_id : str
        Our id of the order that takes its place, for venues that cannot change one in place.
    post_only : bool
        Likewise: whether that order may only make.
    """

    symbol: str
    side: int
    qty_lots: int
    price_ticks: int
    client_id: str = ""
    venue_id: str = ""
    new_client_id: str = ""
    post_only: bool = False

    def __post_init__(self) -> None:
        if not self.client_id and not self.venue_id:
            raise Misuse(f"{self.symbol}: an order is named by no id", remedy="give client_id, venue_id, or both")
        if self.qty_lots <= 0 or self.price_ticks <= 0:
            raise Misuse(
                f"{self.symbol}: amended to {self.qty_lots} lots at {self.price_ticks} ticks", remedy="give positive ones"
            )
