"""Binance's messages from their bytes: depth update, trade, book ticker, REST snapshot, of the three markets.

Only the layouts that Binance sends are read here. Anything else (other order of fields, white space, a negative number, an
escape, another symbol) is UNUSUAL, and the caller's slow path decides; both must agree on what both can read.
"""

import numpy as np

from b25.kernels.jit import hot_kernel
from b25.kernels.wire_text import (
    OFF_GRID,
    READ,
    UNUSUAL,
    read_bool,
    read_int,
    read_levels,
    read_spaced_pair,
    skip,
    skip_name,
)
from b25.model.event import BUY, SELL
from b25.model.message import COINM, DIFF, FULL_BOOK, PRINT, SPOT, USDM
from b25.model.message import TICKER as TICKER_MESSAGE

NS_PER_MS = 1_000_000
MS_MAX = 9_000_000_000_000  # the year 2255; as nanoseconds it still fits int64


def _text(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


STREAM = _text('{"stream":"')
DATA = _text('","data":')
DEPTH = _text('{"e":"depthUpdate","E":')
TRADE = _text('{"e":"trade","E":')
TICKER_NAMED = _text('{"e":"bookTicker","u":')
TICKER = _text('{"u":')
BOOK = _text('{"lastUpdateId":')
EVENT_NAME = _text(',"e":"bookTicker"')
EVENT_TIME = _text(',"E":')
TIME = _text(',"T":')
SYMBOL = _text(',"s":"')
PAIR = _text('","ps":"')
FIRST = _text('","U":')
LAST = _text(',"u":')
PREVIOUS = _text(',"pu":')
NAMED_PAIR = _text(',"ps":"')
SYMBOL_KIND = _text(',"st":')
BIDS = _text(',"b":[')
ASKS = _text(',"a":[')
TRADE_ID = _text('","t":')
PRICE = _text(',"p":"')
QUANTITY = _text('","q":"')
MARKET_MAKER = _text(',"X":"MARKET","m":')
MAKER = _text(',"m":')
UNUSED = _text(',"M":')
BID = _text('","b":"')
BID_LOTS = _text('","B":"')
ASK = _text(',"a":"')
ASK_LOTS = _text('","A":"')
BOOK_SYMBOL = _text(',"symbol":"')
BOOK_PAIR = _text('","pair":"')
BOOK_BIDS = _text(',"bids":[')
BOOK_ASKS = _text(',"asks":[')
END_OF_NAME = _text('"')
END = _text("}")


@hot_kernel
def read_message(buf, start, end, symbol, grid, message, levels):
    """Read one message, wrapped in its stream's envelope or bare.

    Parameters
    ----------
    buf : ndarray of uint8
        The text; `buf[end - 1]` must be a closing brace or a line feed.
    start, end : int
        Where the message begins, and where the text ends (at the message's end or behind it).
    symbol : ndarray of uint8
        The venue's own name of the symbol, e.g. ``ETHUSDT``.
    grid : GRID record
        Grid and market.
    message : MESSAGE record
        Filled.
    levels : ndarray of LEVEL
        Filled: bids, then asks; prices and quantities in steps of the grid.

    Returns
    -------
    tuple of int
        Status READ, UNUSUAL, OFF_GRID or NO_ROOM, and the position after the message.
    """
    at = skip(buf, start, end, STREAM)
    wrapped = at >= 0
    at = skip(buf, skip_name(buf, at, end), end, DATA) if wrapped else start
    status = UNUSUAL
    body = skip(buf, at, end, DEPTH)
    if body >= 0:
        status, body = _read_diff(buf, body, end, symbol, grid, message, levels)
    else:
        body = skip(buf, at, end, TRADE)
        if body >= 0:
            status, body = _read_print(buf, body, end, symbol, grid, message, levels)
        else:
            body = skip(buf, at, end, BOOK)
            if body >= 0:
                status, body = _read_full_book(buf, body, end, symbol, grid, message, levels)
            else:
                status, body = _read_ticker(buf, at, end, symbol, grid, message, levels)
    if status != READ and status != OFF_GRID:
        return status, start
    if wrapped:
        body = skip(buf, body, end, END)
        if body < 0:
            return UNUSUAL, start
    return status, body


@hot_kernel
def _read_time(buf, at, end):
    """Milliseconds at `at` as nanoseconds, and the position after them."""
    value, at = read_int(buf, at, end)
    if value > MS_MAX:
        return 0, -1
    return value * NS_PER_MS, at


@hot_kernel
def _skip_symbol(buf, at, end, symbol, market):
    """Position after the symbol's field and, of a coin-margined market, its pair's; at the closing quote."""
    at = skip(buf, skip(buf, at, end, SYMBOL), end, symbol)
    if market == COINM:
        at = skip_name(buf, skip(buf, at, end, PAIR), end)
    return at


@hot_kernel
def _skip_pair(buf, at, end):
    """Position after the pair and the kind of a symbol, which newer futures messages name behind their ids."""
    named = skip(buf, at, end, NAMED_PAIR)
    if named >= 0:
        at = skip(buf, skip_name(buf, named, end), end, END_OF_NAME)
    kind = skip(buf, at, end, SYMBOL_KIND)
    if kind >= 0:
        _, at = read_int(buf, kind, end)
    return at


@hot_kernel
def _read_diff(buf, at, end, symbol, grid, message, levels):
    exch_ns, at = _read_time(buf, at, end)
    if grid["market"] != SPOT:
        exch_ns, at = _read_time(buf, skip(buf, at, end, TIME), end)
    at = _skip_symbol(buf, at, end, symbol, grid["market"])
    first_id, at = read_int(buf, skip(buf, at, end, FIRST), end)
    last_id, at = read_int(buf, skip(buf, at, end, LAST), end)
    prev_id = -1
    if grid["market"] != SPOT:
        prev_id, at = read_int(buf, skip(buf, at, end, PREVIOUS), end)
        if grid["market"] == USDM:
            at = _skip_pair(buf, at, end)
    at, bids, bid_status = read_levels(buf, skip(buf, at, end, BIDS), end, grid, levels, 0)
    if at < 0:
        return bid_status, at
    at, count, ask_status = read_levels(buf, skip(buf, at, end, ASKS), end, grid, levels, bids)
    if at < 0:
        return ask_status, at
    at = skip(buf, at, end, END)
    if at < 0:
        return UNUSUAL, at
    message["kind"], message["side"] = DIFF, 0
    message["exch_ns"] = exch_ns
    message["first_id"], message["last_id"], message["prev_id"] = first_id, last_id, prev_id
    message["bids"], message["asks"] = bids, count - bids
    return bid_status | ask_status, at


@hot_kernel
def _read_print(buf, at, end, symbol, grid, message, levels):
    """Read a trade between two orders of the market.

    Futures name its time before the symbol and its kind `X` behind it, MARKET and no other here, or write it as spot does.
    """
    exch_ns, at = _read_time(buf, at, end)
    spot = grid["market"] == SPOT
    timed = skip(buf, at, end, TIME)
    named = not spot and timed >= 0
    if named:
        exch_ns, at = _read_time(buf, timed, end)
    at = skip(buf, skip(buf, at, end, SYMBOL), end, symbol)
    trade_id, at = read_int(buf, skip(buf, at, end, TRADE_ID), end)
    at, status = read_spaced_pair(buf, skip(buf, at, end, PRICE), end, QUANTITY, grid, levels, 0)
    if not named:
        exch_ns, at = _read_time(buf, skip(buf, at, end, TIME), end)
        buyer_made, at = read_bool(buf, skip(buf, at, end, MAKER), end)
        if spot:
            _, at = read_bool(buf, skip(buf, at, end, UNUSED), end)
    else:
        buyer_made, at = read_bool(buf, skip(buf, at, end, MARKET_MAKER), end)
    at = skip(buf, at, end, END)
    if at < 0 or status == UNUSUAL or levels[0]["qty_lots"] == 0:
        return UNUSUAL, -1
    message["kind"], message["side"] = PRINT, SELL if buyer_made else BUY
    message["exch_ns"] = exch_ns
    message["first_id"], message["last_id"], message["prev_id"] = trade_id, trade_id, -1
    message["bids"], message["asks"] = 1, 0
    return status, at


@hot_kernel
def _read_ticker(buf, at, end, symbol, grid, message, levels):
    market = grid["market"]
    at = skip(buf, at, end, TICKER_NAMED if market == USDM else TICKER)
    update_id, at = read_int(buf, at, end)
    if market == COINM:
        at = skip(buf, at, end, EVENT_NAME)
    at = _skip_symbol(buf, at, end, symbol, market)
    at, bid_status = read_spaced_pair(buf, skip(buf, at, end, BID), end, BID_LOTS, grid, levels, 0)
    at, ask_status = read_spaced_pair(buf, skip(buf, at, end, ASK), end, ASK_LOTS, grid, levels, 1)
    exch_ns = 0
    if market != SPOT:
        exch_ns, at = _read_time(buf, skip(buf, at, end, TIME), end)
        _, at = _read_time(buf, skip(buf, at, end, EVENT_TIME), end)
    at = skip(buf, at, end, END)
    if at < 0 or bid_status == UNUSUAL or ask_status == UNUSUAL:
        return UNUSUAL, -1
    message["kind"], message["side"] = TICKER_MESSAGE, 0
    message["exch_ns"] = exch_ns
    message["first_id"], message["last_id"], message["prev_id"] = update_id, update_id, -1
    message["bids"], message["asks"] = 1, 1
    return bid_status | ask_status, at


@hot_kernel
def _read_full_book(buf, at, end, symbol, grid, message, levels):
    update_id, at = read_int(buf, at, end)
    exch_ns = 0
    if grid["market"] != SPOT:
        _, at = _read_time(buf, skip(buf, at, end, EVENT_TIME), end)
        exch_ns, at = _read_time(buf, skip(buf, at, end, TIME), end)
    if grid["market"] == COINM:
        at = skip(buf, skip(buf, at, end, BOOK_SYMBOL), end, symbol)
        at = skip(buf, skip_name(buf, skip(buf, at, end, BOOK_PAIR), end), end, END_OF_NAME)
    at, bids, bid_status = read_levels(buf, skip(buf, at, end, BOOK_BIDS), end, grid, levels, 0)
    if at < 0:
        return bid_status, at
    at, count, ask_status = read_levels(buf, skip(buf, at, end, BOOK_ASKS), end, grid, levels, bids)
    if at < 0:
        return ask_status, at
    at = skip(buf, at, end, END)
    if at < 0:
        return UNUSUAL, at
    message["kind"], message["side"] = FULL_BOOK, 0
    message["exch_ns"] = exch_ns
    message["first_id"], message["last_id"], message["prev_id"] = update_id, update_id, -1
    message["bids"], message["asks"] = bids, count - bids
    return bid_status | ask_status, at
