"""Binance's messages in the dullest Python, `json` and `Decimal`: the twin of the wire kernels; and texts in its layouts."""

import json
from decimal import Decimal

from b25.model.message import COINM, DIFF, FULL_BOOK, PRINT, SPOT, TICKER, USDM

SYMBOLS = {USDM: "ETHUSDT", COINM: "ETHUSD_PERP", SPOT: "ETHUSDT"}


def naive_message(text, places=8):
    """Return (kind, exch_ns, first, last, prev, side, bids, asks), prices and quantities as whole numbers of 10**-places."""

    def whole(value):
        return int(Decimal(value).scaleb(places))

    def pairs(side):
        return [(whole(price), whole(qty)) for price, qty in side]

    body = json.loads(text)
    body = body.get("data", body)
    if "lastUpdateId" in body:
        ids = body["lastUpdateId"]
        return FULL_BOOK, body.get("T", 0) * 10**6, ids, ids, -1, 0, pairs(body["bids"]), pairs(body["asks"])
    if body.get("e") == "depthUpdate":
        time = body.get("T", body["E"]) * 10**6
        return DIFF, time, body["U"], body["u"], body.get("pu", -1), 0, pairs(body["b"]), pairs(body["a"])
    if body.get("e") == "trade":
        side = -1 if body["m"] else 1
        return PRINT, body["T"] * 10**6, body["t"], body["t"], -1, side, pairs([(body["p"], body["q"])]), []
    bid, ask = pairs([(body["b"], body["B"])]), pairs([(body["a"], body["A"])])
    return TICKER, body.get("T", 0) * 10**6, body["u"], body["u"], -1, 0, bid, ask


def _text(body, stream=None):
    if stream is not None:
        body = {"stream": stream, "data": body}
    return json.dumps(body, separators=(",", ":")).encode()


def diff_text(market, first, last, prev, bids, asks, *, time_ms=1_700_000_000_000, wrapped=True, symbol=None):
    """A depth update as its market writes it."""
    symbol = symbol or SYMBOLS[market]
    body = {"e": "depthUpdate", "E": time_ms + 3}
    if market == SPOT:
        body["E"] = time_ms
    else:
        body["T"] = time_ms
    body["s"] = symbol
    if market == COINM:
        body["ps"] = symbol.split("_")[0]
    body |= {"U": first, "u": last}
    if market != SPOT:
        body["pu"] = prev
    body |= {"b": bids, "a": asks}
    return _text(body, f"{symbol.lower()}@depth@0ms" if wrapped else None)


def trade_text(market, trade_id, price, qty, maker, *, time_ms=1_700_000_000_000, kind="MARKET", wrapped=True, symbol=None):
    """A trade as its market writes it."""
    symbol = symbol or SYMBOLS[market]
    body = {"e": "trade", "E": time_ms + 1}
    if market == SPOT:
        body |= {"s": symbol, "t": trade_id, "p": price, "q": qty, "T": time_ms, "m": maker, "M": True}
    else:
        body |= {"T": time_ms, "s": symbol, "t": trade_id, "p": price, "q": qty, "X": kind, "m": maker}
    return _text(body, f"{symbol.lower()}@trade" if wrapped else None)


def ticker_text(market, update_id, bid, ask, *, time_ms=1_700_000_000_000, wrapped=True):
    """A book ticker as its market writes it; `bid` and `ask` are (price, quantity)."""
    symbol = SYMBOLS[market]
    body = {"u": update_id}
    if market == USDM:
        body = {"e": "bookTicker", "u": update_id}
    elif market == COINM:
        body["e"] = "bookTicker"
    body["s"] = symbol
    if market == COINM:
        body["ps"] = symbol.split("_")[0]
    body |= {"b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
    if market != SPOT:
        body |= {"T": time_ms, "E": time_ms + 1}
    return _text(body, f"{symbol.lower()}@bookTicker" if wrapped else None)


def snapshot_text(market, update_id, bids, asks, *, time_ms=1_700_000_000_000):
    """A REST snapshot as its market answers it."""
    body = {"lastUpdateId": update_id}
    if market != SPOT:
        body |= {"E": time_ms + 5, "T": time_ms}
    if market == COINM:
        body |= {"symbol": SYMBOLS[market], "pair": SYMBOLS[market].split("_")[0]}
    return _text(body | {"bids": bids, "asks": asks})
