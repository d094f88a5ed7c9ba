"""Candles with volume, our fills, what is open and where stops lie; of a long history as many bars as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import traitlets

from b25.analytics.candles import Candles as Bars
from b25.model.errors import Misuse
from b25.notebook.widgets.candle_svg import candle_drawing
from b25.notebook.widgets.fallback import html_card
from b25.notebook.widgets.packed import BARS, FILLS, packed
from b25.notebook.widgets.widget import SYNC, Widget, status_of

if TYPE_CHECKING:
    from b25.analytics.series import FillSeries
    from b25.research.result import Backtest

BARS_SENT: Final = 1_500  # at once; a pixel and a half each on a wide screen
FILLS_SENT: Final = 5_000
MARGIN: Final = 0.5  # of the span, loaded beside it on either side, so that a small move needs nothing new


class Candles(Widget, script="candles"):
    """Candles that can be moved and zoomed.

    Parameters
    ----------
    bars : analytics Candles, b25.bars(...), or rows with the fields of BAR_VIEW
        Oldest first. Several of them, coarse ones first: the finest that fits the span is shown.
    fills : FillSeries, optional
        Our executions.
    lines : iterable of dict
        ``price``, ``kind`` (order, stop, entry), ``side`` (+1, -1) and ``text``: what is open.
    title, quote, base : str
    digits : int, optional
        Decimals of a price; as many as the prices show, by default.
    mode : str, optional
        See `status_of`.
    """

    bars = traitlets.Bytes(b"").tag(**SYNC)
    fills = traitlets.Bytes(b"").tag(**SYNC)
    lines: Any = traitlets.List().tag(**SYNC)
    tick = traitlets.Dict().tag(**SYNC)
    span = traitlets.Dict().tag(**SYNC)

    def __init__(
        self,
        bars: Any,
        *,
        fills: FillSeries | None = None,
        lines: Iterable[Mapping[str, Any]] = (),
        title: str = "",
        quote: str = "",
        base: str = "",
        digits: int | None = None,
        mode: str | None = None,
        **traits: Any,
    ) -> None:
        self._sources = sorted(_sources(bars), key=lambda one: one.size)
        self._fills = fills
        self._range: tuple[int, int] | None = None
        places = _digits(self._sources[-1]) if digits is None else digits
        tick = {"digits": places, "quote": quote, "base": base}
        super().__init__(title=title, tick=tick, **{"status": status_of(mode), **traits})
        self.set_lines(lines)
        self._set(self._loaded())

    @classmethod
    def of(cls, result: Backtest, symbol: str | None = None, **more: Any) -> Self:
        """Show what a backtest on bars traded, with its fills: ``Candles.of(result)``."""
        names = [one.symbol for one in result.instruments]
        if symbol is not None and symbol not in names:
            raise Misuse(f"{symbol!r} was not traded", remedy=f"use one of {', '.join(names)}")
        i = names.index(symbol) if symbol is not None else 0
        bars = list(result.candles.values())
        if not bars:
            raise Misuse(
                f"{result.name} ran on ticks, which are no bars", remedy="give bars: Candles(b25.bars('1s', source=data))"
            )
        one = result.instruments[i]
        own = {"quote": one.quote, "base": one.base, "mode": "backtest", "title": f"{result.name} on {one.symbol}"}
        return cls(bars[i], fills=result.traces[i].fills, **{**own, **more})

    @classmethod
    def live(cls, source: Any, symbol: str, **how: Any) -> Self:
        """Follow the minutes of a gateway; see `following.follow_candles`. Ends with `close`."""
        from b25.notebook.widgets.following import follow_candles

        return follow_candles(cls, source, symbol, **how)

    def update(self, bars: Any, *, fills: FillSeries | None = None, status: Mapping[str, Any] | None = None) -> None:
        """Show newer bars, from the loop that the widget lives in."""
        self._sources = sorted(_sources(bars), key=lambda one: one.size)
        self._fills = fills if fills is not None else self._fills
        more = {"status": dict(status)} if status is not None else {}
        self.show(**self._loaded(), **more)

    def set_lines(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Show what is open: orders, stops, the entry."""
        self.lines = [
            {"price": float(one["price"]), "kind": str(one.get("kind", "order")), "side": int(one.get("side", 0)),
             "text": str(one.get("text", ""))}
            for one in lines
        ]  # fmt: skip

    def _on_range(self, message: Mapping[str, Any]) -> None:
        """Load what the view came to, finer when there is room for it."""
        start, end = int(float(message["from_ms"]) * 1e6), int(float(message["to_ms"]) * 1e6)
        if end <= start:
            raise ValueError("a span without length")
        wide = int((end - start) * MARGIN)
        self._range = (start - wide, end + wide)
        self._set(self._loaded())

    def _loaded(self) -> dict[str, Any]:
        """Bars of the present range: of the finest source that fits, else gathered without losing a high or a low."""
        whole = self._sources[-1]
        if not whole.size:
            return {"bars": b"", "fills": b"", "span": {}}
        start, end = self._range or (int(whole.open_ns[0]), int(whole.close_ns[-1]))
        parts = [one.between(start, end) for one in self._sources]
        fitting = [one for one in parts if 0 < one.size <= BARS_SENT]
        shown, each = (max(fitting, key=lambda one: one.size), 1) if fitting else parts[-1].merged(BARS_SENT)
        columns = {name: getattr(shown, name) for name, _ in BARS if name != "volume"}
        volume = np.full(shown.size, np.nan) if shown.volume is None else shown.volume
        return {
            "bars": packed(BARS, columns | {"volume": volume}),
            "fills": self._fills_between(start, end),
            "span": {
                "first_ms": int(whole.open_ns[0]) / 1e6, "last_ms": int(whole.close_ns[-1]) / 1e6, "each": each,
                "count": sum(one.size for one in self._sources[-1:]), "from_ms": start / 1e6, "to_ms": end / 1e6,
                "is_finest": each == 1 and shown.size == parts[-1].size,
            },
        }  # fmt: skip

    def _fills_between(self, start_ns: int, end_ns: int) -> bytes:
        fills = self._fills
        if fills is None or not fills.size:
            return b""
        low, high = np.searchsorted(fills.time_ns, [start_ns, end_ns])
        if high - low > FILLS_SENT:  # the view tells so: it shows them when it is nearer
            return b""
        part = slice(int(low), int(high))
        maker = np.full(high - low, -1) if fills.maker is None else fills.maker[part]
        return packed(FILLS, {"time_ns": fills.time_ns[part], "price": fills.price[part], "quantity": fills.quantity[part],
                              "side": fills.side[part], "is_maker": maker})  # fmt: skip

    def facts(self) -> Sequence[tuple[str, str]]:
        """Span and last price."""
        whole = self._sources[-1]
        if not whole.size:
            return [("bars", "none")]
        when = [str(np.datetime64(int(t), "ns").astype("datetime64[s]")) for t in (whole.open_ns[0], whole.close_ns[-1])]
        return [("bars", f"{whole.size:,}"), ("from", f"{when[0]} UTC"), ("to", f"{when[1]} UTC"),
                ("last", f"{whole.close[-1]:,.{self.tick['digits']}f}"),
                ("fills", f"{0 if self._fills is None else self._fills.size:,}")]  # fmt: skip

    def static_html(self) -> str:
        """A drawing of the bars."""
        return html_card(self.title or "Candles", self.facts(), candle_drawing(self._sources[-1]))


def _sources(bars: Any) -> list[Bars]:
    """Turn what may be given into candles."""
    many = bars if isinstance(bars, list | tuple) else [bars]
    found = []
    for one in many:
        if isinstance(one, Bars):
            found.append(one)
        elif isinstance(one, np.ndarray):
            found.append(Bars.of(one))
        elif isinstance(getattr(one, "view", None), np.ndarray):
            found.append(Bars.of(one.view))
        else:
            raise Misuse(f"{type(one).__name__} is no bars", remedy="give b25.bars(...), or analytics.candles.Candles")
    if not found:
        raise Misuse("no bars to show", remedy="give b25.bars(...)")
    return found


def _digits(bars: Bars) -> int:
    """Decimals that the last prices have, at most eight."""
    for places in range(9):
        scaled = bars.close[-200:] * 10**places
        if np.allclose(scaled, np.round(scaled), rtol=0, atol=1e-6 * max(1.0, float(np.max(np.abs(scaled), initial=1.0)) * 1e-6)):
            return places
    return 8
