"""The order book as a ladder: 40 prices with what rests there, our own orders among it, and where the middle is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt
import traitlets

from b25.model.errors import Misuse
from b25.notebook.widgets.fallback import html_card, html_table
from b25.notebook.widgets.packed import INT, packed_book
from b25.notebook.widgets.widget import SYNC, Widget, status_of

if TYPE_CHECKING:
    from b25.model.instrument import Instrument
    from b25.research.book import Book

LEVELS: Final = 20  # of each side
ORDERS_MAX: Final = 200


class Ladder(Widget, script="ladder"):
    """A book as a ladder of prices.

    Parameters
    ----------
    symbol : str
    tick, lot : str or Decimal
        Steps of price and quantity.
    quote, base : str
        Units.

    Attributes
    ----------
    selected : str
        The price that was clicked, as the venue writes it; empty before. Nothing is sent anywhere: a notebook places no order.
    """

    book = traitlets.Bytes(b"").tag(**SYNC)
    grid = traitlets.Dict().tag(**SYNC)
    orders: Any = traitlets.List().tag(**SYNC)
    selected = traitlets.Unicode("").tag(**SYNC)

    def __init__(
        self, symbol: str, *, tick: str | Decimal, lot: str | Decimal, quote: str = "", base: str = "", **traits: Any
    ) -> None:
        self.tick, self.lot = _step(tick, "tick"), _step(lot, "lot")
        grid = {"symbol": symbol, "tick": f"{self.tick:f}", "lot": f"{self.lot:f}", "quote": quote, "base": base}
        self._picked: list[Callable[[str], None]] = []
        super().__init__(title=symbol, grid=grid, **{"status": status_of(None), **traits})

    @classmethod
    def of(cls, book: Book, *, mode: str = "backtest", orders: Iterable[Mapping[str, Any]] = ()) -> Self:
        """Show a book of a dataset: ``Ladder.of(data.book(0.5))``."""
        made = cls.on(book.instrument)
        sides = [np.column_stack([side["price_ticks"], side["qty_lots"]]) for side in (book.bid_levels, book.ask_levels)]
        made.update(*sides, orders=orders, status=status_of(mode, source=f"book at {book.time_ns} ns"))
        return made

    @classmethod
    def on(cls, instrument: Instrument) -> Self:
        """Make an empty ladder on an instrument's grid."""
        return cls(instrument.symbol, tick=instrument.tick, lot=instrument.lot, quote=instrument.quote, base=instrument.base)

    @classmethod
    def live(cls, source: Any, symbol: str, *, session: str | None = None, **steps: Any) -> Self:
        """Follow a book of a gateway; see `following.follow_book`. Ends with `close`."""
        from b25.notebook.widgets.following import follow_book

        return follow_book(cls, source, symbol, session=session, **steps)

    def update(
        self,
        bids: npt.ArrayLike,
        asks: npt.ArrayLike,
        *,
        orders: Iterable[Mapping[str, Any]] = (),
        status: Mapping[str, Any] | None = None,
    ) -> None:
        """Show a newer book.

        Parameters
        ----------
        bids, asks : array_like of int64, shape (n, 2)
            Price in ticks and quantity in lots, the best first.
        orders : iterable of dict
            Our own: ``id, side, price_ticks, qty_lots``, and, where it is known, ``ahead_lots``, what stands before it.
        status : dict, optional
            See `status_of`; as it is by default.
        """
        shown = {"book": packed_book(bids, asks, levels=LEVELS), "orders": [_order(one) for one in orders][:ORDERS_MAX]}
        self.show(**shown, **({"status": dict(status)} if status is not None else {}))

    def set_grid(self, tick: str | Decimal, lot: str | Decimal, quote: str = "", base: str = "") -> None:
        """Change the steps of price and quantity, as when finer ones are seen; they are never made coarser."""
        tick, lot = _step(tick, "tick"), _step(lot, "lot")
        if self.grid["quote"]:
            tick, lot = min(tick, self.tick), min(lot, self.lot)
        self.tick, self.lot = tick, lot
        grid = {**self.grid, "tick": f"{tick:f}", "lot": f"{lot:f}", "quote": quote, "base": base}
        if grid != self.grid:
            self.grid = grid

    def whole(self, *sides: Sequence[tuple[str, str]]) -> list[list[tuple[int, int]]]:
        """Levels in ticks and lots; of what is off the grid the next below."""
        return [[(int(Decimal(p) / self.tick), int(Decimal(q) / self.lot)) for p, q in side] for side in sides]

    def whole_orders(self, orders: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Orders of the live state in ticks and lots."""
        return [
            {"id": one["id"], "side": 1 if one["side"] == "buy" else -1, "price_ticks": int(Decimal(one["price"]) / self.tick),
             "qty_lots": int(Decimal(one["leaves"]) / self.lot)}
            for one in orders
        ]  # fmt: skip

    def on_select(self, call: Callable[[str], None]) -> None:
        """Call this with each price that is clicked."""
        self._picked.append(call)

    def _on_price(self, message: Mapping[str, Any]) -> None:
        ticks = int(message["ticks"])
        self.selected = f"{ticks * self.tick:f}"
        for call in self._picked:
            call(self.selected)

    def levels(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Bids and asks as they are shown: int64 of shape (n, 2), ticks and lots."""
        numbers = np.frombuffer(self.book, INT)
        if not numbers.size:
            return np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64)
        bids, asks = int(numbers[0]), int(numbers[1])
        rows = numbers[2:].reshape(-1, 2)
        return rows[:bids], rows[bids : bids + asks]

    def facts(self) -> Sequence[tuple[str, str]]:
        """Touch and spread."""
        bids, asks = self.levels()
        if not len(bids) or not len(asks):
            return [("book", "n/a: one side is empty, or nothing was heard")]
        bid, ask = int(bids[0, 0]), int(asks[0, 0])
        return [
            ("bid", f"{bid * self.tick:f}"),
            ("ask", f"{ask * self.tick:f}"),
            ("spread", f"{ask - bid} ticks"),
            ("own orders", str(len(self.orders))),
        ]

    def static_html(self) -> str:
        """The best levels as a table."""
        bids, asks = self.levels()
        rows = [("", f"{p * self.tick:f}", f"{q * self.lot:f}") for p, q in asks[:8][::-1].tolist()]
        rows += [(f"{q * self.lot:f}", f"{p * self.tick:f}", "") for p, q in bids[:8].tolist()]
        return html_card(self.title, self.facts(), html_table(("bid", "price", "ask"), rows))


def _step(value: str | Decimal, name: str) -> Decimal:
    try:
        step = Decimal(str(value))
    except ArithmeticError:
        step = Decimal(0)
    if not step.is_finite() or step <= 0:
        raise Misuse(f"a ladder with {name}={value!r}", remedy=f"give the step of the {name} as text, e.g. {name}='0.1'")
    return step


def _order(one: Mapping[str, Any]) -> dict[str, Any]:
    ahead = one.get("ahead_lots")
    return {
        "id": str(one["id"]), "side": int(one["side"]), "ticks": int(one["price_ticks"]), "lots": int(one["qty_lots"]),
        "ahead": None if ahead is None else int(ahead),
    }  # fmt: skip
