"""What the exchange asks of a matching book. `MatchingBook` is one; its slow twin in the tests is another."""

from collections.abc import Sequence
from typing import Final, Protocol

from b25.model.matching import MatchEvent, Stp
from b25.model.order import Tif

# What every book can hold: no price is higher, and no market order by value is worth more ticks x lots.
PRICE_TICKS_MAX: Final = 2**27 - 1
VALUE_TICKLOTS_MAX: Final = 2**62


class Book(Protocol):
    """One symbol's order book; whole ticks and lots. Commands return what they did, in order."""

    def submit(
        self,
        order_id: int,
        account: int,
        side: int,
        qty_lots: int,
        price_ticks: int = 0,
        *,
        market: bool = False,
        tif: Tif = Tif.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        stp: Stp = Stp.NONE,
        quote_ticklots: int = 0,
    ) -> list[MatchEvent]:
        """Place an order."""

    def stop(
        self,
        order_id: int,
        account: int,
        side: int,
        qty_lots: int,
        stop_ticks: int,
        price_ticks: int = 0,
        *,
        market: bool = False,
        rising: bool = True,
        by_mark: bool = False,
        notify_only: bool = False,
        tif: Tif = Tif.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        stp: Stp = Stp.NONE,
    ) -> list[MatchEvent]:
        """Place a trigger."""

    def cancel(self, order_id: int) -> list[MatchEvent]:
        """Take an order or a trigger out."""

    def amend(self, order_id: int, qty_lots: int, price_ticks: int) -> list[MatchEvent]:
        """Change what is left of a resting order, or its price."""

    def set_mark(self, price_ticks: int) -> list[MatchEvent]:
        """Tell the mark price."""

    def set_position(self, account: int, qty_lots: int) -> list[MatchEvent]:
        """Tell what an account holds after something that did not happen in this book."""

    def levels(self, side: int, depth: int) -> list[tuple[int, int]]:
        """(price_ticks, lots) from the touch."""

    def take_changes(self) -> Sequence[tuple[int, int, int]]:
        """(side, price_ticks, lots now) of every level changed since the last call."""

    @property
    def best_bid_ticks(self) -> int:
        """Best bid, or `NO_BID_TICKS`."""

    @property
    def best_ask_ticks(self) -> int:
        """Best ask, or `NO_ASK_TICKS`."""

    @property
    def last_ticks(self) -> int:
        """Last trade, or 0."""

    def position_lots(self, account: int) -> int:
        """Net lots of an account."""

    def leaves_lots(self, order_id: int) -> int:
        """What rests of an order."""

    def executable_lots(self, side: int, price_ticks: int, account: int = 0, stp: Stp = Stp.NONE) -> int:
        """What a taker would get at a price or better."""


def matching_book() -> Book:
    """An empty book of the compiled kernel, imported only here: it brings the compiler with it."""
    from b25.venue.exchange.matching_book import MatchingBook

    return MatchingBook()
