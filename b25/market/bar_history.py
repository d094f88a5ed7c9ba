"""A venue's own past bars, asked for while a session runs: to warm it up, to fill what its feed missed, to check what it built.

Binance and what is like it are asked directly: their bars say what aggressors bought, and a timeframe that they have no bars of
is built from their trades. All others are asked through ccxt. Bars without a trade are left out, as they are where trades build
them.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Protocol

import numpy as np

from b25.market.feed.ccxt_feed import open_watching
from b25.market.timeframe import Timeframe
from b25.market.trade_bars import BarBuilder
from b25.market.venue_names import market_of, raw_symbol
from b25.model.bar import BAR
from b25.model.errors import Misuse, Retry
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.model.message import SPOT

NS_PER_MS: Final = 1_000_000
PAGE: Final = 1_000
PAGES_MAX: Final = 1_000  # of one request for bars; more is no warm-up
TRADES_SPAN_MS: Final = 3_600_000  # the longest span of trades that the venue answers for
TIMEOUT_S: Final = 10.0
INTERVALS: Final = frozenset("1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split())


class History(Protocol):
    """Past bars of the instruments of a session."""

    def has(self, frame: Timeframe) -> bool:
        """Whether the venue itself makes bars of a timeframe, which ours can be checked against."""

    async def bars(self, i: int, frame: Timeframe, since_ns: int, until_ns: int) -> np.ndarray[Any, Any]:
        """Return the bars (BAR) of an instrument that open at `since_ns` or later and close by `until_ns`.

        Raises
        ------
        Retry
            When the venue does not answer.
        Misuse
            When it cannot tell.
        """

    async def close(self) -> None:
        """Let go of connections."""


class BinanceHistory:
    """Past bars by Binance's REST, or by that of a venue like it.

    Parameters
    ----------
    instruments : sequence of Instrument
        All of one venue.
    rest_url : str
        Of the market's public requests, without a slash at its end.
    tls : ssl.SSLContext, optional
        Else the system's certificates.
    """

    def __init__(self, instruments: Sequence[Instrument], rest_url: str, tls: ssl.SSLContext | None = None) -> None:
        self.instruments, self.rest_url, self.tls = list(instruments), rest_url, tls
        self.market = market_of(self.instruments[0].venue)
        self.names = [raw_symbol(one.venue, one.symbol) for one in self.instruments]
        self.session: Any = None

    def has(self, frame: Timeframe) -> bool:
        """Whether the venue makes bars of a timeframe."""
        return frame.name in INTERVALS or (frame.name == "1s" and self.market == SPOT)

    async def bars(self, i: int, frame: Timeframe, since_ns: int, until_ns: int) -> np.ndarray[Any, Any]:
        """Return the bars of an instrument in a span, see `History`."""
        if self.has(frame):
            return await self._klines(i, frame, since_ns, until_ns)
        return await self._built(i, frame, since_ns, until_ns)

    async def close(self) -> None:
        """Let go of connections."""
        if self.session is not None:
            await self.session.close()
            self.session = None

    async def _klines(self, i: int, frame: Timeframe, since_ns: int, until_ns: int) -> np.ndarray[Any, Any]:
        one, found = self.instruments[i], []
        since_ms, until_ms = since_ns // NS_PER_MS, until_ns // NS_PER_MS
        for _ in range(PAGES_MAX):
            page = await self._get(
                "klines", symbol=self.names[i], interval=frame.name, startTime=since_ms, endTime=until_ms - 1, limit=PAGE
            )
            for row in page:
                open_ns = int(row[0]) * NS_PER_MS
                if int(row[8]) > 0 and frame.next_open(open_ns) <= until_ns:
                    found.append(_bar(one, frame, open_ns, row[1:5], one.lots(row[5]), one.lots(row[9])))
            if len(page) < PAGE:
                return _joined(found)
            since_ms = int(page[-1][0]) + 1
        raise self._too_long(frame, since_ns, until_ns)

    async def _built(self, i: int, frame: Timeframe, since_ns: int, until_ns: int) -> np.ndarray[Any, Any]:
        """Build bars of a timeframe that the venue has none of, from its trades: the newest as they were, older ones as told.

        An aggregate of futures has the time of its first trade, and may reach over a border: its bars are not exact there.
        """
        builder, made = BarBuilder(frame, self.instruments[i]), [np.zeros(0, BAR)]
        since_ms, until_ms = since_ns // NS_PER_MS, until_ns // NS_PER_MS
        newest = await self._get("trades", symbol=self.names[i], limit=PAGE)
        if len(newest) < PAGE or int(newest[0]["time"]) < since_ms:
            inside = [
                {"T": row["time"], "p": row["price"], "q": row["qty"], "m": row["isBuyerMaker"]}
                for row in newest
                if since_ms <= int(row["time"]) < until_ms
            ]
            return np.concatenate([builder.add(*self._columns(i, inside)), builder.finish(until_ns)])
        last_id = -1
        for _ in range(PAGES_MAX):
            span = {"startTime": since_ms, "endTime": min(since_ms + TRADES_SPAN_MS, until_ms) - 1}
            page = await self._get(
                "aggTrades", symbol=self.names[i], limit=PAGE, **(span if last_id < 0 else {"fromId": last_id + 1})
            )
            inside = [row for row in page if int(row["T"]) < until_ms]
            if inside:
                made.append(builder.add(*self._columns(i, inside)))
            if len(page) == PAGE and len(inside) == PAGE:
                last_id = int(page[-1]["a"])
                since_ms = int(page[-1]["T"])
            elif last_id >= 0 or span["endTime"] + 1 >= until_ms:
                return np.concatenate([*made, builder.finish(until_ns)])
            else:
                since_ms = span["endTime"] + 1
        raise self._too_long(frame, since_ns, until_ns)

    def _columns(self, i: int, rows: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        one = self.instruments[i]
        return (
            np.array([int(row["T"]) * NS_PER_MS for row in rows], np.int64),
            np.array([one.ticks(row["p"]) for row in rows], np.int64),
            np.array([one.lots(row["q"]) for row in rows], np.int64),
            np.array([SELL if row["m"] else BUY for row in rows], np.int8),
        )

    def _too_long(self, frame: Timeframe, since_ns: int, until_ns: int) -> Misuse:
        span_h = (until_ns - since_ns) / 3.6e12
        return Misuse(f"{span_h:.0f} hours of bars of {frame.name} are too many to ask for", remedy="ask for fewer: --warm-up")

    async def _get(self, name: str, **params: Any) -> Any:
        import aiohttp
        import orjson

        if self.session is None:
            self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        options: dict[str, Any] = {} if self.tls is None else {"ssl": self.tls}
        url = f"{self.rest_url}/{name}"
        try:
            async with self.session.get(url, params={key: str(value) for key, value in params.items()}, **options) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as fault:
            raise Retry(f"{url}: {type(fault).__name__}: {fault}", remedy="check the connection; it is tried again") from fault
        if answer.status != 200:
            text = body[:150].decode("utf-8", "replace")
            raise Retry(f"{url} answers {answer.status}: {text}", remedy="it is tried again; see the venue's limits")
        return orjson.loads(body)


class CcxtHistory:
    """Past bars of any venue, through ccxt.

    Parameters
    ----------
    instruments : sequence of Instrument
        All of one venue.
    api : ccxt exchange, optional
        Else one of the venue's id, for public data.
    """

    def __init__(self, instruments: Sequence[Instrument], api: Any = None) -> None:
        self.instruments = list(instruments)
        self.api = api or open_watching(self.instruments[0].venue)

    def has(self, frame: Timeframe) -> bool:
        """What ccxt calls a volume differs from venue to venue, so nothing is checked against it."""
        return False

    async def bars(self, i: int, frame: Timeframe, since_ns: int, until_ns: int) -> np.ndarray[Any, Any]:
        """Return the bars of an instrument in a span, see `History`."""
        one, found = self.instruments[i], []
        if frame.name not in (self.api.timeframes or {}) or not self.api.has.get("fetchOHLCV"):
            raise Misuse(f"{one.venue} tells no past bars of {frame.name}", remedy="use another timeframe, or --warm-up 0")
        since_ms = since_ns // NS_PER_MS
        for _ in range(PAGES_MAX):
            try:
                page = await self.api.fetch_ohlcv(one.symbol, frame.name, since_ms, PAGE)
            except Exception as fault:  # ccxt raises its own, aiohttp's and plain ones
                text = f"{one.venue} fetch_ohlcv: {type(fault).__name__}: {str(fault)[:200]}"
                raise Retry(text, remedy="check the connection; it is tried again") from fault
            for row in page:
                open_ns = int(row[0]) * NS_PER_MS
                if row[5] and since_ns <= open_ns and frame.next_open(open_ns) <= until_ns:
                    lots = (Decimal(str(row[5])) / one.lot).quantize(Decimal(1), ROUND_HALF_EVEN)
                    found.append(_bar(one, frame, open_ns, [Decimal(str(price)) for price in row[1:5]], int(lots), -1))
            if not page or frame.next_open(int(page[-1][0]) * NS_PER_MS) >= until_ns:
                return _joined(found)
            since_ms = int(page[-1][0]) + 1
        raise Misuse(f"{one.venue} gives its bars of {frame.name} in too many pages", remedy="ask for fewer: --warm-up")

    async def close(self) -> None:
        """Let go of connections."""
        await self.api.close()


def _bar(
    one: Instrument, frame: Timeframe, open_ns: int, prices: Sequence[str | Decimal], volume_lots: int, buy_lots: int
) -> np.ndarray[Any, Any]:
    row = np.zeros(1, BAR)
    row["open_ns"], row["close_ns"] = open_ns, frame.next_open(open_ns)
    for name, price in zip(("open_ticks", "high_ticks", "low_ticks", "close_ticks"), prices, strict=True):
        row[name] = one.ticks(price)
    row["volume_lots"], row["buy_lots"] = volume_lots, buy_lots
    return row


def _joined(rows: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    return np.concatenate(rows) if rows else np.zeros(0, BAR)
