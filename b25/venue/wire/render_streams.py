"""Market data as it goes over the sockets: payloads as dictionaries, field by field as Binance sends them.

Two things follow the market: futures events carry the transaction time `T`, and spot trades the flag `M`.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from b25.model.event import BUY, SELL
from b25.venue.exchange.money import money_text
from b25.venue.wire.candles import Candle
from b25.venue.wire.statistics import AggTrade, Statistics
from b25.venue.wire.tickers import Ticker

if TYPE_CHECKING:
    from b25.venue.exchange.events import Liquidation
    from b25.venue.exchange.listing import Listing, PublicTrade

Payload = dict[str, Any]
_EIGHT = Decimal("1e-8")


def texts(listing: "Listing") -> tuple[Callable[[int], str], Callable[[int], str]]:
    """How this market writes ticks and lots: spot with eight decimals, futures with those of the grid."""
    if listing.market != "spot":
        return listing.price_text, listing.qty_text
    tick, lot = int(listing.tick / _EIGHT), listing.lot_money
    return (lambda ticks: money_text(ticks * tick)), (lambda lots: money_text(lots * lot))


def price_levels(listing: "Listing", levels: Iterable[tuple[int, int]]) -> list[list[str]]:
    """Levels as pairs of texts."""
    price, qty = texts(listing)
    return [[price(ticks), qty(lots)] for ticks, lots in levels]


def depth_update(
    listing: "Listing",
    ids: tuple[int, int, int],
    bids: Iterable[tuple[int, int]],
    asks: Iterable[tuple[int, int]],
    now_ms: int,
    changed_ms: int,
) -> Payload:
    """A diff, or a partial book of futures, which looks the same; `ids` are U, u and pu."""
    first, last, previous = ids
    payload: Payload = {"e": "depthUpdate", "E": now_ms}
    if listing.market == "linear":
        payload |= {"T": changed_ms, "s": listing.name, "U": first, "u": last, "pu": previous, "ps": listing.name, "st": 1}
    else:
        payload |= {"s": listing.name, "U": first, "u": last}
    return payload | {"b": price_levels(listing, bids), "a": price_levels(listing, asks)}


def partial_book(listing: "Listing", levels: int) -> Payload:
    """The top of a spot book."""
    book = listing.book
    return {
        "lastUpdateId": listing.update_id,
        "bids": price_levels(listing, book.levels(BUY, levels)),
        "asks": price_levels(listing, book.levels(SELL, levels)),
    }


def trade(listing: "Listing", one: "PublicTrade", now_ms: int) -> Payload:
    """One trade."""
    price, qty = texts(listing)
    payload: Payload = {
        "e": "trade", "E": now_ms, "s": listing.name, "t": one.trade_id, "p": price(one.price_ticks),
        "q": qty(one.qty_lots), "T": one.time_ms, "m": one.buyer_is_maker,
    }  # fmt: skip
    return payload | {"M": True} if listing.market == "spot" else payload


def agg_trade(listing: "Listing", one: AggTrade, now_ms: int) -> Payload:
    """Trades of one taker at one price."""
    price, qty = texts(listing)
    payload: Payload = {
        "e": "aggTrade", "E": now_ms, "s": listing.name, "a": one.agg_id, "p": price(one.price_ticks),
        "q": qty(one.qty_lots), "f": one.first_id, "l": one.last_id, "T": one.time_ms, "m": one.buyer_is_maker,
    }  # fmt: skip
    return payload | {"M": True} if listing.market == "spot" else payload


def book_ticker(listing: "Listing", touch: tuple[int, int, int, int], now_ms: int) -> Payload:
    """The touch: bid, its lots, ask, its lots. Spot has neither event type nor times."""
    price, qty = texts(listing)
    bid, bid_lots, ask, ask_lots = touch
    payload: Payload = {
        "u": listing.update_id, "s": listing.name, "b": price(bid), "B": qty(bid_lots),
        "a": price(ask), "A": qty(ask_lots),
    }  # fmt: skip
    return {"e": "bookTicker", **payload, "T": now_ms, "E": now_ms} if listing.market == "linear" else payload


def touch(listing: "Listing") -> tuple[int, int, int, int]:
    """Best bid, its lots, best ask, its lots; zeros for a side that is empty."""
    bids, asks = listing.book.levels(BUY, 1), listing.book.levels(SELL, 1)
    return (*(bids[0] if bids else (0, 0)), *(asks[0] if asks else (0, 0)))


def kline(listing: "Listing", statistics: Statistics, interval: str, candle: Candle, closed: bool, now_ms: int) -> Payload:
    """A candle."""
    price, qty = texts(listing)
    turnover = statistics.turnover_text
    return {
        "e": "kline", "E": now_ms, "s": listing.name,
        "k": {
            "t": candle.open_ms, "T": candle.close_ms, "s": listing.name, "i": interval, "f": candle.first_id,
            "L": candle.last_id, "o": price(candle.open_ticks), "c": price(candle.close_ticks), "h": price(candle.high_ticks),
            "l": price(candle.low_ticks), "v": qty(candle.lots), "n": candle.count, "x": closed,
            "q": turnover(candle.ticklots), "V": qty(candle.taker_lots), "Q": turnover(candle.taker_ticklots), "B": "0",
        },
    }  # fmt: skip


def mini_ticker(statistics: Statistics, now_ms: int) -> Payload:
    """The rolling day, short."""
    listing, day = statistics.listing, statistics.ticker()
    price, qty = texts(listing)
    return {
        "e": "24hrMiniTicker", "E": now_ms, "s": listing.name, "c": price(day.last_ticks), "o": price(day.open_ticks),
        "h": price(day.high_ticks), "l": price(day.low_ticks), "v": qty(day.lots),
        "q": statistics.turnover_text(day.ticklots),
    }  # fmt: skip


def ticker(statistics: Statistics, now_ms: int) -> Payload:
    """The rolling day; spot adds the touch and the close before."""
    listing, day = statistics.listing, statistics.ticker()
    price, qty = texts(listing)
    payload = {"e": "24hrTicker", **_change(statistics, day, now_ms), "Q": qty(day.last_lots)}
    if listing.market == "spot":
        bid, bid_lots, ask, ask_lots = touch(listing)
        payload |= {"x": price(day.previous_ticks), "b": price(bid), "B": qty(bid_lots), "a": price(ask), "A": qty(ask_lots)}
    return payload


def window_ticker(statistics: Statistics, window: str, span_ms: int, now_ms: int) -> Payload:
    """A rolling window of another length than a day."""
    return {"e": f"{window}Ticker", **_change(statistics, statistics.ticker(span_ms), now_ms)}


def _change(statistics: Statistics, day: Ticker, now_ms: int) -> Payload:
    """What every ticker tells."""
    listing = statistics.listing
    price, qty = texts(listing)
    change = day.last_ticks - day.open_ticks
    percent = Decimal(100 * change) / day.open_ticks if day.open_ticks else Decimal(0)
    return {
        "E": now_ms, "s": listing.name, "p": price(change), "P": f"{percent:.3f}", "w": statistics.weighted_text(day),
        "c": price(day.last_ticks), "o": price(day.open_ticks), "h": price(day.high_ticks), "l": price(day.low_ticks),
        "v": qty(day.lots), "q": statistics.turnover_text(day.ticklots), "O": day.open_time_ms, "C": day.close_time_ms,
        "F": day.first_id, "L": day.last_id, "n": day.count,
    }  # fmt: skip


def average_price(statistics: Statistics, now_ms: int) -> Payload:
    """The mean price of the last five minutes."""
    listing = statistics.listing
    last_ms = listing.trades[-1].time_ms if listing.trades else 0
    price = f"{statistics.average_price():.8f}"
    return {"e": "avgPrice", "E": now_ms, "s": listing.name, "i": "5m", "w": price, "T": last_ms}


def mark_price(listing: "Listing", now_ms: int) -> Payload:
    """Mark price, index price and funding rate of a perpetual."""
    mark = listing.mark
    assert mark is not None
    price = listing.price_text
    return {
        "e": "markPriceUpdate", "E": now_ms, "s": listing.name, "p": price(mark.mark_ticks), "i": price(mark.index_ticks),
        "P": price(mark.mark_ticks), "r": f"{mark.rate_e8 * _EIGHT:.8f}", "T": mark.next_funding_ms,
    }  # fmt: skip


def force_order(liquidation: "Liquidation", now_ms: int) -> Payload:
    """Somebody's position was closed by the venue."""
    listing, order = liquidation.listing, liquidation.order
    price, qty = texts(listing)
    return {
        "e": "forceOrder", "E": now_ms,
        "o": {
            "s": listing.name, "S": order.side, "o": order.type, "f": order.tif, "q": qty(order.qty_lots),
            "p": price(order.price_ticks), "ap": order.average_price_text, "X": order.state,
            "l": qty(order.fills[-1].qty_lots if order.fills else order.filled_lots),
            "z": qty(order.filled_lots), "T": liquidation.time_ms,
        },
    }  # fmt: skip


def shifted(payload: Payload | Sequence[Payload], by_ms: int) -> Payload | list[Payload]:
    """The payload as a server tells it whose clock is off: event, transaction and trade times, and no time of the schedule."""
    if not isinstance(payload, dict):
        return [one for each in payload if isinstance(one := shifted(each, by_ms), dict)]
    late = dict(payload)
    if "E" in late:
        late["E"] += by_ms
    if "T" in late and late.get("e") not in ("markPriceUpdate", "kline"):
        late["T"] += by_ms
    return late
