"""A stand-in for Binance on this machine: enough of its public API for an unmodified ccxt, with a clock and faults of its own."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MINUTE_MS = 60_000
EIGHT_HOURS_MS = 8 * 3_600_000
LENGTHS_MS = {"1m": MINUTE_MS, "5m": 5 * MINUTE_MS, "1h": 60 * MINUTE_MS}


def kline(open_ms, length_ms):
    """A bar that is a function of its open alone."""
    k = open_ms // length_ms
    price = 100 + k % 50
    figures = (price, price + 2, price - 1, price + 1, 10 + k % 7)
    return [open_ms, *(f"{one:.2f}" for one in figures), open_ms + length_ms - 1, "0", 5, "0", "0", "0"]


def trade(number, listed_ms):
    """An aggregate trade every ten seconds."""
    at, price = listed_ms + number * 10_000, 100 + number % 9
    return {"a": number, "p": f"{price:.2f}", "q": "0.500", "f": number, "l": number, "T": at, "m": number % 3 == 0, "M": True}


class StandIn:
    """What the server says; change it between requests.

    Attributes
    ----------
    now_ms : int
        Its clock.
    listed_ms : int
        Nothing is older.
    holes : list of (start_ms, end_ms)
        Where it has no bars.
    faults : list of int
        HTTP statuses of the next answers, in order.
    asked : list of str
        Paths, as they were asked for.
    """

    def __init__(self, now_ms, listed_ms):
        self.now_ms, self.listed_ms = now_ms, listed_ms
        self.holes, self.faults, self.asked = [], [], []

    def answer(self, path, query):
        if path.endswith("/time"):
            return {"serverTime": self.now_ms}
        if path.endswith("/exchangeInfo"):
            return {"timezone": "UTC", "symbols": [self.perpetual() if "/fapi/" in path else self.spot()]}
        if path.endswith("/klines"):
            return self.klines(query)
        if path.endswith("/aggTrades"):
            return self.trades(query)
        if path.endswith("/trades"):
            return self.newest(query)
        if path.endswith("/fundingRate"):
            return self.rates(query)
        return None

    def klines(self, query):
        length = LENGTHS_MS[query["interval"]]
        since = max(int(query.get("startTime", 0)), self.listed_ms)
        at, found = -(-since // length) * length, []
        last = min(self.now_ms, int(query.get("endTime", self.now_ms)))
        while at <= last and len(found) < int(query.get("limit", 500)):
            if not any(a <= at < b for a, b in self.holes):
                found.append(kline(at, length))
            at += length
        return found

    def trades(self, query):
        since = int(query.get("startTime", self.now_ms - 3_600_000))
        until = min(self.now_ms, int(query.get("endTime", self.now_ms)))
        if "fromId" in query:
            since, until = self.listed_ms + 10_000 * int(query["fromId"]), self.now_ms
        first = max(0, -(-(since - self.listed_ms) // 10_000))
        count = max(0, (until - self.listed_ms) // 10_000 + 1 - first)
        return [trade(first + k, self.listed_ms) for k in range(min(count, int(query.get("limit", 500))))]

    def newest(self, query):
        last = (self.now_ms - self.listed_ms) // 10_000
        found = [trade(number, self.listed_ms) for number in range(max(0, last + 1 - int(query["limit"])), last + 1)]
        return [{"id": t["a"], "price": t["p"], "qty": t["q"], "time": t["T"], "isBuyerMaker": t["m"]} for t in found]

    def rates(self, query):
        at = -(-int(query.get("startTime", self.now_ms)) // EIGHT_HOURS_MS) * EIGHT_HOURS_MS
        times = range(at, self.now_ms + 1, EIGHT_HOURS_MS)
        rate = {"symbol": "BTCUSDT", "fundingRate": "0.00012345", "markPrice": "123.40"}
        return [{**rate, "fundingTime": one + 5} for one in times]

    @staticmethod
    def spot():
        return {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "baseAssetPrecision": 8,
            "quotePrecision": 8,
            "orderTypes": ["LIMIT", "MARKET"],
            "isSpotTradingAllowed": True,
            "permissions": ["SPOT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000.0", "stepSize": "0.00001"},
                {"filterType": "NOTIONAL", "minNotional": "5.0"},
            ],
        }

    @staticmethod
    def perpetual():
        return {
            "symbol": "BTCUSDT",
            "pair": "BTCUSDT",
            "contractType": "PERPETUAL",
            "deliveryDate": 4133404800000,
            "onboardDate": 1569398400000,
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "marginAsset": "USDT",
            "pricePrecision": 2,
            "quantityPrecision": 3,
            "underlyingType": "COIN",
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "1000000", "tickSize": "0.10"},
                {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
                {"filterType": "MIN_NOTIONAL", "notional": "100"},
            ],
        }


@contextmanager
def served(stand_in):
    """Serve it on a free port; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            stand_in.asked.append(self.path)
            status = stand_in.faults.pop(0) if stand_in.faults else 200
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            found = stand_in.answer(parts.path, query) if status == 200 else None
            body = b"out of order" if found is None else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if found is None else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
