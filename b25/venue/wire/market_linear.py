"""USD-M futures market data: time, exchangeInfo, depth, trades, candles, tickers, mark prices and funding."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.mark import FUNDING_INTERVAL_MS, INTEREST_E8, RATE_ONE
from b25.venue.exchange.money import money_text
from b25.venue.wire import market_rows, render_linear
from b25.venue.wire.market_rows import each_symbol, weight_by_limit, weight_one_or_all
from b25.venue.wire.route import Call, RouteTable

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing

TABLE = RouteTable("linear", "/fapi/v1")
V2 = RouteTable("linear", "/fapi/v2")
_DEPTH_WEIGHT = weight_by_limit([(50, 2), (100, 5), (500, 10), (1000, 20)], 500)
_KLINE_WEIGHT = weight_by_limit([(99, 1), (499, 2), (1000, 5), (1500, 10)], 500)


@TABLE.public("/ping")
def ping(call: Call) -> dict[str, Any]:
    """Nothing, to see that somebody is there."""
    return {}


@TABLE.public("/time")
def time(call: Call) -> dict[str, Any]:
    """The server's time."""
    return {"serverTime": call.core.clock.server_ms()}


@TABLE.public("/exchangeInfo")
def exchange_info(call: Call) -> dict[str, Any]:
    """Symbols, their filters, the assets, and the limits."""
    rows = [render_linear.symbol(listing) for listing in call.listings.values()]
    assets = dict.fromkeys(listing.quote for listing in call.listings.values())
    return {
        "timezone": "UTC",
        "serverTime": call.core.clock.server_ms(),
        "futuresType": "U_MARGINED",
        "rateLimits": call.core.limits.markets["linear"].rows(),
        "exchangeFilters": [],
        "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"} for asset in assets],
        "symbols": call.core.disturbed_symbols("linear", rows),
    }


@TABLE.public("/depth", "symbol limit", _DEPTH_WEIGHT)
def depth(call: Call) -> dict[str, Any]:
    """The book, with the time of the answer and of the match."""
    listing = call.listing()
    shown = call.core.snapshot(listing, call.parameters.limit(500, 1000))
    return {
        "lastUpdateId": shown["lastUpdateId"],
        "E": call.now_ms,
        "T": call.now_ms,
        "bids": shown["bids"],
        "asks": shown["asks"],
    }


@TABLE.public("/rpiDepth", "symbol limit", 20)
def rpi_depth(call: Call) -> dict[str, Any]:
    """The book with retail orders, of which there are none here."""
    shown: dict[str, Any] = depth(call)
    return shown


@TABLE.public("/trades", "symbol limit", 5)
def trades(call: Call) -> list[dict[str, Any]]:
    """The newest trades."""
    return market_rows.last_trades(call, call.parameters.limit(500, 1000))


@TABLE.key("GET", "/historicalTrades", "symbol limit fromId", 20)
def historical_trades(call: Call) -> list[dict[str, Any]]:
    """Older trades."""
    return market_rows.trades_from(call, call.parameters.limit(500, 1000))


@TABLE.public("/aggTrades", "symbol fromId startTime endTime limit", 20)
def agg_trades(call: Call) -> list[dict[str, Any]]:
    """Trades at one price within 100 ms, told as one."""
    return market_rows.agg_trades(call)


@TABLE.public("/klines", "symbol interval startTime endTime limit", _KLINE_WEIGHT)
def klines(call: Call) -> list[list[Any]]:
    """Candles."""
    return market_rows.klines(call, 500, 1500)


@TABLE.public("/continuousKlines", "pair contractType interval startTime endTime limit", _KLINE_WEIGHT)
def continuous_klines(call: Call) -> list[list[Any]]:
    """Candles of a pair's perpetual."""
    call.parameters.need_choice("contractType", ("PERPETUAL",))
    call.parameters.values["symbol"] = call.parameters.need("pair")
    return market_rows.klines(call, 500, 1500)


@TABLE.public("/markPriceKlines", "symbol interval startTime endTime limit", _KLINE_WEIGHT)
def mark_klines(call: Call) -> list[list[Any]]:
    """Candles of the mark price, which follows the trades closely enough here to be drawn from them."""
    return [_without_volume(row) for row in market_rows.klines(call, 500, 1500)]


@TABLE.public("/indexPriceKlines", "pair interval startTime endTime limit", _KLINE_WEIGHT)
def index_klines(call: Call) -> list[list[Any]]:
    """Candles of the index: those of the spot symbol of the same name, else the perpetual's own."""
    name = call.parameters.values["symbol"] = call.parameters.need("pair")
    call.listing()
    spot = call.core.exchange.spot.get(name)
    rows = market_rows.klines(call, 500, 1500)
    if spot is None:
        return [_without_volume(row) for row in rows]
    limit = call.parameters.limit(500, 1500)
    start_ms, end_ms = call.parameters.integer("startTime"), call.parameters.integer("endTime")
    candles = call.core.statistics(spot).klines(call.parameters.need("interval"), start_ms, end_ms, limit)
    return [_without_volume(market_rows.kline(spot, candle)) for candle in candles]


def _without_volume(row: list[Any]) -> list[Any]:
    return [*row[:5], "0", row[6], "0", row[8], "0", "0", "0"]


@TABLE.public("/ticker/24hr", "symbol", weight_one_or_all(1, 40))
def day_ticker(call: Call) -> Any:
    """What traded in 24 hours."""
    return each_symbol(call, lambda listing: market_rows.day_ticker(call, listing))


@V2.public("/ticker/price", "symbol", weight_one_or_all(1, 2))
@TABLE.public("/ticker/price", "symbol", weight_one_or_all(1, 2))
def price_ticker(call: Call) -> Any:
    """The last price."""
    return each_symbol(call, lambda listing: _last_price(call, listing))


def _last_price(call: Call, listing: "Listing") -> dict[str, Any]:
    price = listing.price_text(listing.last_ticks or listing.mid_ticks)
    return {"symbol": listing.name, "price": price, "time": call.now_ms}


@TABLE.public("/ticker/bookTicker", "symbol", weight_one_or_all(2, 5))
def book_ticker(call: Call) -> Any:
    """The touch."""
    return each_symbol(
        call, lambda listing: {**market_rows.book_ticker(listing), "time": call.now_ms, "lastUpdateId": listing.update_id}
    )


@TABLE.public("/openInterest", "symbol")
def open_interest(call: Call) -> dict[str, Any]:
    """What is held long by the venue's own accounts; the crowd's holdings are nobody's."""
    listing = call.listing()
    lots = 0
    for account in call.core.exchange.accounts.values():
        for position in account.linear.open_positions(listing.name):
            lots += max(0, position.lots)
    return {"openInterest": listing.qty_text(lots), "symbol": listing.name, "time": call.now_ms}


@TABLE.public("/premiumIndex", "symbol", weight_one_or_all(1, 10))
def premium_index(call: Call) -> Any:
    """Mark price, index price and the funding that comes next."""
    return each_symbol(call, lambda listing: _premium(call, listing))


def _premium(call: Call, listing: "Listing") -> dict[str, Any]:
    mark = listing.mark
    assert mark is not None
    return {
        "symbol": listing.name,
        "markPrice": eight(listing, mark.mark_ticks),
        "indexPrice": eight(listing, mark.index_ticks),
        "estimatedSettlePrice": eight(listing, mark.index_ticks),
        "lastFundingRate": rate_text(mark.rate_e8),
        "interestRate": rate_text(INTEREST_E8),
        "nextFundingTime": mark.next_funding_ms,
        "time": call.now_ms,
    }


def eight(listing: "Listing", ticks: int) -> str:
    """A mark or index price: eight decimals."""
    return f"{listing.tick * ticks:.8f}"


def rate_text(rate_e8: int) -> str:
    """A funding rate: eight decimals."""
    return f"{Decimal(rate_e8) / RATE_ONE:.8f}"


@TABLE.public("/fundingRate", "symbol startTime endTime limit")
def funding_rate(call: Call) -> list[dict[str, Any]]:
    """Fundings that were paid, the oldest first."""
    parameters = call.parameters
    one = call.maybe_listing()
    start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
    market_rows.check_span(start_ms, end_ms)
    limit = parameters.limit(100, 1000)
    rows: list[dict[str, Any]] = []
    for listing in [one] if one else call.listings.values():
        assert listing.mark is not None
        for time_ms, rate_e8, mark_ticks in listing.mark.history:
            if (start_ms is None or time_ms >= start_ms) and (end_ms is None or time_ms <= end_ms):
                row = {"symbol": listing.name, "fundingRate": rate_text(rate_e8), "fundingTime": time_ms}
                rows.append({**row, "markPrice": eight(listing, mark_ticks), "rateType": "FUNDING"})
    rows.sort(key=lambda row: row["fundingTime"])
    return rows[:limit] if start_ms is not None else rows[-limit:]


@TABLE.public("/fundingInfo", "symbol")
def funding_info(call: Call) -> list[dict[str, Any]]:
    """Caps and intervals of funding."""
    rows = []
    for listing in call.listings.values():
        assert listing.mark is not None
        cap = rate_text(listing.mark.cap_e8)
        row = {"symbol": listing.name, "adjustedFundingRateCap": cap, "adjustedFundingRateFloor": f"-{cap}"}
        rows.append({**row, "fundingIntervalHours": FUNDING_INTERVAL_MS // 3_600_000, "disclaimer": False})
    return rows


@TABLE.public("/constituents", "symbol", 2)
def constituents(call: Call) -> dict[str, Any]:
    """What the index is made of: the venue's own spot book."""
    listing = call.listing()
    mark = listing.mark
    price = money_text(listing.notional(mark.index_ticks)) if mark else "0"
    rows = [{"exchange": "b25", "symbol": listing.name, "price": price, "weight": "1.00000000"}]
    return {"symbol": listing.name, "time": call.now_ms, "constituents": rows}
