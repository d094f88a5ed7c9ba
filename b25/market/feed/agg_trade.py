"""Binance's aggregate trades from their bytes: a print that bears the aggregate's id."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-untyped-decorators, no-check-untyped-defs

import numpy as np

from b25.kernels.jit import hot_kernel
from b25.kernels.wire_binance import MS_MAX, NS_PER_MS
from b25.kernels.wire_text import READ, UNUSUAL, read_bool, read_int, read_spaced_pair, skip, skip_name
from b25.model.event import BUY, SELL
from b25.model.message import PRINT


def _text(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


STREAM, DATA, END = _text('{"stream":"'), _text('","data":'), _text("}")
AGG_TRADE, SYMBOL, AGG_ID = _text('{"e":"aggTrade","E":'), _text(',"s":"'), _text('","a":')
PRICE, QUANTITY, FIRST, LAST, TIME = _text(',"p":"'), _text('","q":"'), _text(',"f":'), _text(',"l":'), _text(',"T":')
MAKER, UNUSED = _text(',"m":'), _text(',"M":')


@hot_kernel
def read_agg_trade(buf, end, symbol, message, grid, levels):
    """Read an aggregate trade; spot's ends with an `M` that futures' does not have.

    Parameters
    ----------
    buf, end, symbol, message, grid, levels
        As of `b25.kernels.wire_binance.read_message`; the text fills `buf[:end]`.

    Returns
    -------
    int
        READ, OFF_GRID or UNUSUAL.
    """
    at = skip(buf, 0, end, STREAM)
    wrapped = at >= 0
    at = skip(buf, skip_name(buf, at, end), end, DATA) if wrapped else 0
    _, at = read_int(buf, skip(buf, at, end, AGG_TRADE), end)
    at = skip(buf, skip(buf, at, end, SYMBOL), end, symbol)
    trade_id, at = read_int(buf, skip(buf, at, end, AGG_ID), end)
    at, status = read_spaced_pair(buf, skip(buf, at, end, PRICE), end, QUANTITY, grid, levels, 0)
    _, at = read_int(buf, skip(buf, at, end, FIRST), end)
    _, at = read_int(buf, skip(buf, at, end, LAST), end)
    time_ms, at = read_int(buf, skip(buf, at, end, TIME), end)
    buyer_made, at = read_bool(buf, skip(buf, at, end, MAKER), end)
    unused = skip(buf, at, end, UNUSED)
    if unused >= 0:
        _, at = read_bool(buf, unused, end)
    at = skip(buf, at, end, END)
    if wrapped:
        at = skip(buf, at, end, END)
    if at != end or time_ms > MS_MAX or status == UNUSUAL or (status == READ and levels[0]["qty_lots"] == 0):
        return UNUSUAL
    message["kind"], message["side"] = PRINT, SELL if buyer_made else BUY
    message["exch_ns"] = time_ms * NS_PER_MS
    message["first_id"], message["last_id"], message["prev_id"] = trade_id, trade_id, -1
    message["bids"], message["asks"] = 1, 0
    return status
