"""Spot market data: time, exchangeInfo, depth, trades, candles, tickers."""

from typing import Any

from b25.venue.exchange.errors import VenueError
from b25.venue.wire import market_rows, render_spot
from b25.venue.wire.market_rows import each_symbol, weight_by_limit, weight_one_or_all
from b25.venue.wire.route import Call, RouteTable

TABLE = RouteTable("spot", "/api/v3")
_DEPTH_WEIGHT = weight_by_limit([(100, 5), (500, 25), (1000, 50), (5000, 250)], 100)


@TABLE.public("/ping")
def ping(call: Call) -> dict[str, Any]:
    """Nothing, to see that somebody is there."""
    return {}


@TABLE.public("/time")
def time(call: Call) -> dict[str, Any]:
    """The server's time."""
    return {"serverTime": call.core.clock.server_ms()}


@TABLE.public("/exchangeInfo", "symbol symbols permissions showPermissionSets symbolStatus", 20)
def exchange_info(call: Call) -> dict[str, Any]:
    """Symbols, their filters, and the limits."""
    parameters = call.parameters
    sent = [name for name in ("symbol", "symbols", "permissions") if parameters.has(name)]
    if len(sent) > 1:
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    one = call.maybe_listing()
    chosen = [one] if one else market_rows.named_listings(call) or list(call.listings.values())
    status = parameters.choice("symbolStatus", ("TRADING", "HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY"))
    rows = [render_spot.symbol(listing) for listing in chosen if status in (None, listing.status)]
    return {
        "timezone": "UTC",
        "serverTime": call.core.clock.server_ms(),
        "rateLimits": call.core.limits.markets["spot"].rows(),
        "exchangeFilters": [],
        "symbols": call.core.disturbed_symbols("spot", rows),
    }


@TABLE.public("/depth", "symbol limit symbolStatus", _DEPTH_WEIGHT)
def depth(call: Call) -> dict[str, Any]:
    """The book."""
    listing = call.listing()
    return call.core.snapshot(listing, call.parameters.limit(100, 5000))


@TABLE.public("/trades", "symbol limit", 25)
def trades(call: Call) -> list[dict[str, Any]]:
    """The newest trades."""
    return market_rows.last_trades(call, call.parameters.limit(500, 1000))


@TABLE.public("/historicalTrades", "symbol limit fromId", 25)
def historical_trades(call: Call) -> list[dict[str, Any]]:
    """Older trades."""
    return market_rows.trades_from(call, call.parameters.limit(500, 1000))


@TABLE.public("/aggTrades", "symbol fromId startTime endTime limit", 4)
def agg_trades(call: Call) -> list[dict[str, Any]]:
    """Trades of one taker at one price, told as one."""
    return market_rows.agg_trades(call)


@TABLE.public("/klines", "symbol interval startTime endTime timeZone limit", 2)
def klines(call: Call) -> list[list[Any]]:
    """Candles."""
    return market_rows.klines(call, 500, 1000)


@TABLE.public("/uiKlines", "symbol interval startTime endTime timeZone limit", 2)
def ui_klines(call: Call) -> list[list[Any]]:
    """Candles for charts: the same here."""
    return market_rows.klines(call, 500, 1000)


@TABLE.public("/avgPrice", "symbol", 2)
def average_price(call: Call) -> dict[str, Any]:
    """Average price of the last five minutes."""
    listing = call.listing()
    minutes = listing.spot_filters.average_price_minutes
    price = call.core.statistics(listing).average_price()
    return {"mins": minutes, "price": render_spot.number_text(price), "closeTime": call.now_ms}


@TABLE.public("/ticker/24hr", "symbol symbols type symbolStatus", weight_one_or_all(2, 80))
def day_ticker(call: Call) -> Any:
    """What traded in 24 hours."""
    mini = call.parameters.choice("type", ("FULL", "MINI"), VenueError(-1139, "Invalid ticker type.")) == "MINI"
    return each_symbol(call, lambda listing: market_rows.day_ticker(call, listing, mini=mini))


@TABLE.public("/ticker/tradingDay", "symbol symbols timeZone type symbolStatus", 4)
def trading_day(call: Call) -> Any:
    """What traded in 24 hours; the venue's day has no other beginning."""
    if not call.parameters.has("symbol") and not call.parameters.has("symbols"):
        raise VenueError(-1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!")
    return day_ticker(call)


@TABLE.public("/ticker/price", "symbol symbols symbolStatus", weight_one_or_all(2, 4))
def price_ticker(call: Call) -> Any:
    """The last price."""
    return each_symbol(
        call,
        lambda listing: {
            "symbol": listing.name,
            "price": render_spot.price_text(listing, listing.last_ticks or listing.mid_ticks),
        },
    )


@TABLE.public("/ticker/bookTicker", "symbol symbols symbolStatus", weight_one_or_all(2, 4))
def book_ticker(call: Call) -> Any:
    """The touch."""
    return each_symbol(call, market_rows.book_ticker)
