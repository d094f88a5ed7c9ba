"""Rows of market data that both markets answer with: depth, trades, candles, tickers."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from b25.model.event import BUY, SELL
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.money import money_text
from b25.venue.wire import render_spot
from b25.venue.wire.candles import INTERVALS_MS, Candle
from b25.venue.wire.parameters import SYMBOL, Parameters, illegal
from b25.venue.wire.route import INVALID_SYMBOL, Call

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing, PublicTrade
    from b25.venue.wire.statistics import AggTrade
    from b25.venue.wire.tickers import Ticker

Text = Callable[["Listing", int], str]
SYMBOLS_MAX = 500


def price_of(listing: "Listing") -> Text:
    """How this market writes prices."""
    return render_spot.price_text if listing.market == "spot" else _linear_price


def qty_of(listing: "Listing") -> Text:
    """How this market writes quantities."""
    return render_spot.qty_text if listing.market == "spot" else _linear_qty


def _linear_price(listing: "Listing", ticks: int) -> str:
    return listing.price_text(ticks)


def _linear_qty(listing: "Listing", lots: int) -> str:
    return listing.qty_text(lots)


def depth(listing: "Listing", limit: int) -> dict[str, Any]:
    """The book to so many levels, with the counter that the depth stream shares."""
    price, qty = price_of(listing), qty_of(listing)
    book = listing.book
    return {
        "lastUpdateId": listing.update_id,
        "bids": [[price(listing, ticks), qty(listing, lots)] for ticks, lots in book.levels(BUY, limit)],
        "asks": [[price(listing, ticks), qty(listing, lots)] for ticks, lots in book.levels(SELL, limit)],
    }


def trade(listing: "Listing", row: "PublicTrade") -> dict[str, Any]:
    """One row of trades and historicalTrades."""
    shown = {
        "id": row.trade_id,
        "price": price_of(listing)(listing, row.price_ticks),
        "qty": qty_of(listing)(listing, row.qty_lots),
        "quoteQty": money_text(listing.notional(row.price_ticks * row.qty_lots)),
        "time": row.time_ms,
        "isBuyerMaker": row.buyer_is_maker,
    }
    if listing.market == "spot":
        shown["isBestMatch"] = True
    return shown


def last_trades(call: Call, limit: int) -> list[dict[str, Any]]:
    """The newest trades, the oldest of them first."""
    listing = call.listing()
    rows = list(listing.trades)[-limit:]
    return [trade(listing, row) for row in rows]


def trades_from(call: Call, limit: int) -> list[dict[str, Any]]:
    """Trades from an id upwards, or the newest."""
    first_id = call.parameters.integer("fromId")
    if first_id is None:
        return last_trades(call, limit)
    listing = call.listing()
    rows = [row for row in listing.trades if row.trade_id >= first_id][:limit]
    return [trade(listing, row) for row in rows]


def agg_trade(listing: "Listing", row: "AggTrade") -> dict[str, Any]:
    """One row of aggTrades."""
    shown = {
        "a": row.agg_id,
        "p": price_of(listing)(listing, row.price_ticks),
        "q": qty_of(listing)(listing, row.qty_lots),
        "f": row.first_id,
        "l": row.last_id,
        "T": row.time_ms,
        "m": row.buyer_is_maker,
    }
    if listing.market == "spot":
        shown["M"] = True
    else:
        shown["nq"] = money_text(listing.notional(row.price_ticks * row.qty_lots))
    return shown


def agg_trades(call: Call) -> list[dict[str, Any]]:
    """The answer of aggTrades: from an id, between times, or the newest."""
    parameters = call.parameters
    listing = call.listing()
    limit = parameters.limit(500, 1_000)
    first_id, start_ms, end_ms = (parameters.integer(name) for name in ("fromId", "startTime", "endTime"))
    check_span(start_ms, end_ms)
    if first_id is not None and (start_ms is not None or end_ms is not None):
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    rows: Sequence[AggTrade] = call.core.statistics(listing).agg_trades
    if first_id is not None:
        rows = [row for row in rows if row.agg_id >= first_id][:limit]
    else:
        rows = [row for row in rows if _within(row.time_ms, start_ms, end_ms)]
        rows = rows[:limit] if start_ms is not None else rows[-limit:]
    return [agg_trade(listing, row) for row in rows]


def _within(time_ms: int, start_ms: int | None, end_ms: int | None) -> bool:
    return (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms)


def check_span(start_ms: int | None, end_ms: int | None) -> None:
    """Refuse a start after its end."""
    if start_ms is not None and end_ms is not None and start_ms > end_ms:
        raise VenueError(-1128, "Combination of optional parameters invalid.")


def kline(listing: "Listing", candle: Candle) -> list[Any]:
    """One row of klines."""
    price, qty = price_of(listing), qty_of(listing)
    return [
        candle.open_ms,
        price(listing, candle.open_ticks),
        price(listing, candle.high_ticks),
        price(listing, candle.low_ticks),
        price(listing, candle.close_ticks),
        qty(listing, candle.lots),
        candle.close_ms,
        money_text(listing.notional(candle.ticklots)),
        candle.count,
        qty(listing, candle.taker_lots),
        money_text(listing.notional(candle.taker_ticklots)),
        "0",
    ]


def klines(call: Call, limit_default: int, limit_max: int) -> list[list[Any]]:
    """The answer of klines."""
    parameters = call.parameters
    listing = call.listing()
    interval = parameters.need_choice("interval", INTERVALS_MS, VenueError(-1120, "Invalid interval."))
    start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
    check_span(start_ms, end_ms)
    candles = call.core.statistics(listing).klines(interval, start_ms, end_ms, parameters.limit(limit_default, limit_max))
    return [kline(listing, candle) for candle in candles]


def change_percent(ticker: "Ticker") -> str:
    """Change over the window in per cent, three decimals."""
    if not ticker.open_ticks:
        return "0.000"
    return f"{Decimal(100 * (ticker.last_ticks - ticker.open_ticks)) / ticker.open_ticks:.3f}"


def day_ticker(call: Call, listing: "Listing", *, mini: bool = False) -> dict[str, Any]:
    """One ticker of 24 hours."""
    statistics = call.core.statistics(listing)
    ticker = statistics.ticker()
    price, qty = price_of(listing), qty_of(listing)
    head: dict[str, Any] = {"symbol": listing.name}
    middle: dict[str, Any] = {
        "openPrice": price(listing, ticker.open_ticks),
        "highPrice": price(listing, ticker.high_ticks),
        "lowPrice": price(listing, ticker.low_ticks),
    }
    tail: dict[str, Any] = {
        "volume": qty(listing, ticker.lots),
        "quoteVolume": statistics.turnover_text(ticker.ticklots),
        "openTime": ticker.open_time_ms,
        "closeTime": ticker.close_time_ms,
        "firstId": ticker.first_id,
        "lastId": ticker.last_id,
        "count": ticker.count,
    }
    if mini:
        return {**head, **middle, "lastPrice": price(listing, ticker.last_ticks), **tail}
    change = ticker.last_ticks - ticker.open_ticks
    head["priceChange"] = ("-" if change < 0 else "") + price(listing, abs(change))
    head["priceChangePercent"] = change_percent(ticker)
    head["weightedAvgPrice"] = statistics.weighted_text(ticker)
    last = {"lastPrice": price(listing, ticker.last_ticks), "lastQty": qty(listing, ticker.last_lots)}
    if listing.market != "spot":
        return {**head, **last, **middle, **tail}
    touch = book_ticker(listing)
    del touch["symbol"]
    return {**head, "prevClosePrice": price(listing, ticker.previous_ticks), **last, **touch, **middle, **tail}


def book_ticker(listing: "Listing") -> dict[str, Any]:
    """Best bid and ask."""
    price, qty = price_of(listing), qty_of(listing)
    bids, asks = listing.book.levels(BUY, 1), listing.book.levels(SELL, 1)
    bid_ticks, bid_lots = bids[0] if bids else (0, 0)
    ask_ticks, ask_lots = asks[0] if asks else (0, 0)
    return {
        "symbol": listing.name,
        "bidPrice": price(listing, bid_ticks),
        "bidQty": qty(listing, bid_lots),
        "askPrice": price(listing, ask_ticks),
        "askQty": qty(listing, ask_lots),
    }


def each_symbol(call: Call, row: Callable[["Listing"], dict[str, Any]]) -> Any:
    """One row for `symbol`, a list for `symbols`, or a list of all."""
    if call.parameters.has("symbol") and call.parameters.has("symbols"):
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    listing = call.maybe_listing()
    if listing is not None:
        return row(listing)
    return [row(one) for one in named_listings(call) or call.listings.values()]


def named_listings(call: Call) -> "list[Listing] | None":
    """The listings of the JSON list `symbols`, or None."""
    names = symbol_names(call.parameters)
    if names is None:
        return None
    found = [call.listings.get(name) for name in names]
    if None in found:
        raise VenueError(*INVALID_SYMBOL)
    return [listing for listing in found if listing is not None]


def symbol_names(parameters: Parameters) -> list[str] | None:
    """Names in the JSON list `symbols`, or None."""
    text = parameters.text("symbols")
    if text is None:
        return None
    try:
        names = orjson.loads(text)
    except orjson.JSONDecodeError:
        names = None
    if not isinstance(names, list) or not names or len(names) > SYMBOLS_MAX or not all(isinstance(name, str) for name in names):
        raise VenueError(
            -1100, "Illegal characters found in parameter 'symbols'; legal range is '^\\[\"[A-Z0-9-_.]{1,20}\"(,\"...\")*\\]$'."
        )
    for name in names:
        if SYMBOL.fullmatch(name) is None:
            raise illegal("symbol", SYMBOL)
    if len(set(names)) < len(names):
        raise VenueError(-1101, "Duplicate values for parameter 'symbols'.")
    return names


def weight_by_limit(steps: Iterable[tuple[int, int]], default: int) -> Callable[[Parameters], int]:
    """Weight that grows with `limit`: the first step whose bound holds it.

    Parameters
    ----------
    steps : iterable of tuple of int
        (largest limit, weight), rising.
    default : int
        The limit when it is not sent.
    """
    rows = tuple(steps)

    def weight(parameters: Parameters) -> int:
        text = parameters.values.get("limit", "")
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else default
        return next((cost for bound, cost in rows if limit <= bound), rows[-1][1])

    return weight


def weight_one_or_all(one: int, every: int) -> Callable[[Parameters], int]:
    """Weight with a symbol, and without."""
    return lambda parameters: one if parameters.values.get("symbol") else every
