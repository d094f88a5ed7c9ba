"""Market streams: their fields are those of the specification's samples, and they come when they should."""

import itertools

import pytest

from b25.model.event import BUY, SELL
from b25.venue.exchange.events import Liquidation
from b25.venue.exchange.listings import spot_listing
from b25.venue.exchange.orders import Fill, Order
from tests.venue.streams.stand import START_MS, Stand, heard

KLINE = set("tTsifLochlvnxqVQB")
# Field by field from section 9 of the specification.
FIELDS = {
    ("spot", "btcusdt@depth@100ms"): set("eEsUuba"),
    ("linear", "btcusdt@depth@100ms"): set("eETsUuba") | {"pu", "ps", "st"},
    ("spot", "btcusdt@trade"): set("eEstpqTmM"),
    ("linear", "btcusdt@trade"): set("eEstpqTm"),
    ("spot", "btcusdt@aggTrade"): set("eEsapqflTmM"),
    ("linear", "btcusdt@aggTrade"): set("eEsapqflTm"),
    ("spot", "btcusdt@bookTicker"): set("usbBaA"),
    ("linear", "btcusdt@bookTicker"): set("eusbBaATE"),
    ("spot", "btcusdt@kline_1m"): set("eEsk"),
    ("linear", "btcusdt@kline_1m"): set("eEsk"),
    ("spot", "btcusdt@miniTicker"): set("eEscohlvq"),
    ("linear", "btcusdt@miniTicker"): set("eEscohlvq"),
    ("spot", "btcusdt@ticker"): set("eEspPwxcQbBaAohlvqOCFLn"),
    ("linear", "btcusdt@ticker"): set("eEspPwcQohlvqOCFLn"),
    ("spot", "btcusdt@ticker_1h"): set("eEspPwcohlvqOCFLn"),
    ("spot", "btcusdt@avgPrice"): set("eEsiwT"),
    ("linear", "btcusdt@markPrice@1s"): set("eEspiPrT"),
    ("spot", "btcusdt@depth5@100ms"): {"lastUpdateId", "bids", "asks"},
    ("linear", "btcusdt@depth5@100ms"): set("eETsUuba") | {"pu", "ps", "st"},
}
PATHS = {"depth": "public", "depth5": "public", "trade": "public", "bookTicker": "public"}


def path_of(market, name):
    return "spot" if market == "spot" else PATHS.get(name.split("@")[1], "market")


def lively(stand):
    """A book with a trade in it, on both markets."""
    for listing in (stand.spot, stand.linear):
        stand.exchange.place(listing, SELL, 500, 5_000_100)
        stand.exchange.place(listing, BUY, 700, 5_000_000)
        stand.exchange.place(listing, BUY, 200, 5_000_100)
    stand.linear.mark.mark_ticks = stand.linear.mark.index_ticks = 5_000_050
    stand.linear.mark.next_funding_ms = START_MS + 5_000


@pytest.mark.parametrize(("market", "name"), FIELDS)
def test_fields(market, name):
    stand = Stand()
    socket = stand.listener(name, market=market, path=path_of(market, name))
    lively(stand)
    for _ in range(30):
        stand.step(100)
    told = heard(socket)
    assert told
    assert set(told[-1]) == FIELDS[market, name]
    if "kline" in name:
        assert set(told[-1]["k"]) == KLINE


def test_values_of_a_spot_trade_and_its_aggregate():
    stand = Stand()
    socket = stand.listener("btcusdt@trade", "btcusdt@aggTrade")
    stand.exchange.place(stand.spot, BUY, 100, 5_000_000)
    stand.exchange.place(stand.spot, BUY, 50, 5_000_000)
    stand.exchange.place(stand.spot, SELL, 120, 5_000_000)
    first, second, both = heard(socket)
    head = {"e": "trade", "E": START_MS, "s": "BTCUSDT", "p": "50000.00000000", "T": START_MS, "m": True, "M": True}
    assert first == {**head, "t": 1, "q": "0.00100000"}
    assert second == {**head, "t": 2, "q": "0.00020000"}
    assert both == {**head, "e": "aggTrade", "a": 1, "f": 1, "l": 2, "q": "0.00120000"}


def test_futures_put_trades_of_100_ms_together():
    stand = Stand()
    socket = stand.listener("btcusdt@aggTrade", market="linear", path="market")
    stand.exchange.place(stand.linear, SELL, 1_000, 500_000)
    for _ in range(3):
        stand.exchange.place(stand.linear, BUY, 10, 500_000)
        stand.step(30)
    assert heard(socket) == []
    stand.step(30)
    (told,) = heard(socket)
    assert (told["q"], told["f"], told["l"], told["p"]) == ("0.030", 1, 3, "50000.0")
    stand.exchange.place(stand.linear, BUY, 10, 500_000)
    stand.exchange.place(stand.linear, BUY, 2_000, 500_100)  # takes the rest at the same price
    stand.step(100)
    assert [one["q"] for one in heard(socket)] == ["0.970"]


def test_the_touch_is_told_at_once_and_only_when_it_changed():
    stand = Stand()
    socket, everything = stand.listener("btcusdt@bookTicker"), stand.listener("!bookTicker")
    stand.exchange.place(stand.spot, BUY, 100, 5_000_000)
    stand.exchange.place(stand.spot, BUY, 100, 4_999_000)
    stand.exchange.place(stand.spot, SELL, 30, 5_000_000)
    told = heard(socket)
    assert [(one["b"], one["B"]) for one in told] == [("50000.00000000", "0.00100000"), ("50000.00000000", "0.00070000")]
    assert told == heard(everything)
    assert told[-1]["u"] == stand.spot.update_id


def test_candles_are_told_while_they_change_and_once_when_they_close():
    stand = Stand()
    socket = stand.listener("btcusdt@kline_1m")
    stand.exchange.place(stand.spot, SELL, 1_000, 5_000_000)
    for _ in range(65):
        stand.exchange.place(stand.spot, BUY, 1, 5_000_000)
        stand.step(1_000)
    rows = [one["k"] for one in heard(socket)]
    closed = [row for row in rows if row["x"]]
    assert len(closed) == 1
    assert closed[0]["T"] < rows[-1]["t"]
    assert closed[0]["n"] == closed[0]["L"] - closed[0]["f"] + 1
    assert 25 <= len(rows) <= 40
    assert rows[0]["o"] == "50000.00000000"


def test_every_closed_candle_is_told_after_a_leap():
    stand = Stand()
    socket = stand.listener("btcusdt@kline_1m")
    lively(stand)
    stand.step(2_000)
    heard(socket)
    stand.step(5 * 60_000)
    rows = [one["k"] for one in heard(socket)]
    assert [row["x"] for row in rows] == [True] * 5 + [False]
    assert [later["t"] - row["t"] for row, later in itertools.pairwise(rows)] == [60_000] * 5
    assert rows[2]["f"] == -1


def test_tickers_of_all_symbols_tell_those_that_changed():
    stand = Stand()
    socket = stand.listener("!miniTicker@arr")
    lively(stand)
    stand.step(1_000)
    ((row,),) = heard(socket)
    assert row["s"] == "BTCUSDT"
    stand.step(1_000)
    assert heard(socket) == []
    stand.exchange.place(stand.spot, BUY, 1, 5_000_100)
    stand.step(1_000)
    assert [len(rows) for rows in heard(socket)] == [1]


def test_mark_prices_of_all_symbols():
    stand = Stand()
    lively(stand)
    fast = stand.listener("!markPrice@arr@1s", market="linear", path="market")
    slow = stand.listener("!markPrice@arr", market="linear", path="market")
    for _ in range(6):
        stand.step(1_000)
    rows = heard(fast)
    assert len(rows) == 6
    assert len(heard(slow)) in (2, 3)
    assert rows[0][0]["p"] == "500005.0"
    assert rows[0][0]["r"] == "0.00010000"
    assert rows[0][0]["T"] == START_MS + 5_000


def test_a_liquidation_is_told_to_everybody():
    stand = Stand()
    one = stand.listener("btcusdt@forceOrder", market="linear", path="market")
    every = stand.listener("!forceOrder@arr", market="linear", path="market")
    fill = Fill(1, 5, "BTCUSDT", "SELL", 500_000, 10, 0, 0, "USDT", False, START_MS)
    order = Order(
        order_id=5, client_id="autoclose-1", account=1, listing=stand.linear, side="SELL", type="LIMIT", tif="IOC",
        price_ticks=490_000, qty_lots=10, created_ms=START_MS, state="FILLED", filled_lots=10, filled_ticklots=5_000_000,
        fills=[fill],
    )  # fmt: skip
    stand.hub.on_liquidation(Liquidation(stand.linear, order, START_MS))
    told = heard(one)
    assert told == heard(every)
    assert told[0]["o"] == {
        "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.010", "p": "49000.0", "ap": "50000", "X": "FILLED",
        "l": "0.010", "z": "0.010", "T": START_MS,
    }  # fmt: skip


def test_the_same_payload_is_rendered_once_for_all_sockets(monkeypatch):
    stand = Stand()
    for _ in range(20):
        stand.listener("btcusdt@depth@100ms")
    calls = []
    monkeypatch.setattr("b25.venue.wire.hub.orjson", type("Counting", (), {"dumps": lambda payload: calls.append(1) or b"{}"}))
    stand.exchange.place(stand.spot, BUY, 1, 100)
    stand.step(100)
    assert len(calls) == 1


def test_combined_sockets_get_the_name_around_the_payload():
    stand = Stand()
    socket = stand.listener("btcusdt@trade", combined=True)
    lively(stand)
    (told,) = heard(socket)
    assert told["stream"] == "btcusdt@trade"
    assert told["data"]["e"] == "trade"


def test_a_stream_without_listeners_is_forgotten():
    stand = Stand()
    socket = stand.listener("btcusdt@depth@100ms", "btcusdt@trade")
    stand.hub.unsubscribe(socket, "btcusdt@trade")
    assert [one.channel.name for one in stand.hub.audiences.all()] == ["btcusdt@depth@100ms"]
    stand.hub.remove(socket)
    assert stand.hub.audiences.all() == []
    assert stand.hub.audiences._by_topic == {}
    assert stand.hub.market.listings["spot", "BTCUSDT"].depth._windows == {}


def test_a_rolling_window_forgets_what_is_older():
    stand = Stand()
    socket = stand.listener("!ticker_1h@arr", "btcusdt@ticker_4h")
    lively(stand)
    stand.step(1_000)
    (every,), one = sorted(heard(socket), key=lambda told: isinstance(told, dict))
    assert (every["e"], one["e"], every["n"], one["n"]) == ("1hTicker", "4hTicker", 1, 1)
    stand.step(2 * 3_600_000)
    (every,), one = sorted(heard(socket), key=lambda told: isinstance(told, dict))
    assert (every["n"], one["n"]) == (0, 1)


def test_a_stream_of_a_symbol_that_is_not_listed_has_no_audience_until_it_is():
    stand = Stand()
    socket = stand.listener("ethusdt@trade", "ethusdt@depth@100ms", "nonsense@kline_1m")
    assert stand.hub.audiences.all() == []
    listing = spot_listing("ETHUSDT")
    stand.exchange.spot["ETHUSDT"] = listing
    stand.hub.on_status(listing)
    stand.exchange.place(listing, BUY, 5, 300_000)
    stand.step(100)
    assert [one["e"] for one in heard(socket)] == ["depthUpdate"]
