"""Each thing that can be wrong with a parameter has its own number and text."""

import asyncio
from decimal import Decimal

import pytest

from b25.venue.exchange.errors import VenueError
from b25.venue.wire.parameters import Parameters
from tests.venue.wire.venues import Client, account, fresh, order, signed

NUMBER = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


def complaint(act):
    with pytest.raises(VenueError) as caught:
        act()
    return caught.value.code, caught.value.msg


def test_query_wins_over_body():
    assert Parameters.parse(b"a=1&b=2", b"b=3&c=%20x+y").values == {"a": "1", "b": "2", "c": " x y"}


def test_types():
    parameters = Parameters.parse(b"n=0.10&i=9223372036854775807&t=TRUE&id=a:b/c", b"")
    assert parameters.decimal("n") == Decimal("0.10")
    assert parameters.integer("i") == 2**63 - 1
    assert parameters.flag("t")
    assert parameters.client_id("id") == "a:b/c"
    assert parameters.decimal("absent") is parameters.integer("absent") is None


@pytest.mark.parametrize(
    "text", ["1e5", "-1", "+1", " 1", "1.", ".1", "1,0", "NaN", "Infinity", "\u0661", "1" * 21, "0x1", "1_000"]
)
def test_no_number(text):
    act = Parameters({"price": text}).decimal
    assert complaint(lambda: act("price")) == (
        -1100,
        f"Illegal characters found in parameter 'price'; legal range is '{NUMBER}'.",
    )


def test_complaints():
    parameters = Parameters({"empty": "", "big": "9" * 20, "word": "no", "id": "ü"})
    assert complaint(lambda: parameters.need("x")) == (
        -1102, "Mandatory parameter 'x' was not sent, was empty/null, or malformed.",
    )  # fmt: skip
    assert complaint(lambda: parameters.need("empty"))[0] == -1102
    assert complaint(lambda: parameters.text("empty")) == (-1105, "Parameter 'empty' was empty.")
    assert complaint(lambda: parameters.integer("big")) == (-1108, "Parameter 'big' overflowed.")
    assert complaint(lambda: parameters.choice("word", ("yes",))) == (-1130, "Data sent for parameter 'word' is not valid.")
    assert complaint(lambda: parameters.flag("word"))[0] == -1130
    assert complaint(lambda: parameters.client_id("id")) == (
        -1100, r"Illegal characters found in parameter 'id'; legal range is '^[\.A-Z\:/a-z0-9_-]{1,36}$'.",
    )  # fmt: skip
    assert complaint(lambda: Parameters.parse(b"a=1&a=2", b"")) == (-1101, "Duplicate values for parameter 'a'.")
    assert complaint(lambda: Parameters.parse(b"a=%ff", b""))[0] == -1100
    assert complaint(lambda: Parameters.parse(b"a=\xff", b""))[0] == -1100
    assert complaint(lambda: Parameters.parse(b"&".join(b"a%d=1" % n for n in range(101)), b""))[0] == -1101
    assert complaint(lambda: Parameters({"a": "1", "b": "2"}).refuse_unknown(frozenset("a"))) == (
        -1104, "Not all sent parameters were read; read '1' parameter(s) but was sent '2'.",
    )  # fmt: skip


SPOT = [
    ({"symbol": None}, -1102),
    ({"symbol": "btcusdt"}, -1100),
    ({"symbol": "NOPEUSDT"}, -1121),
    ({"side": "HOLD"}, -1117),
    ({"side": None}, -1102),
    ({"type": "ICEBERG"}, -1116),
    ({"timeInForce": "GTD"}, -1115),
    ({"timeInForce": None}, -1102),
    ({"price": None}, -1102),
    ({"price": ""}, -1105),
    ({"quantity": None}, -1102),
    ({"quantity": "0.000000001"}, -1111),
    ({"stopPrice": "49000"}, -1106),
    ({"type": "MARKET", "timeInForce": None}, -1106),
    ({"type": "MARKET", "timeInForce": None, "price": None, "quoteOrderQty": "100"}, -1128),
    ({"type": "STOP_LOSS_LIMIT"}, -1102),
    ({"type": "LIMIT_MAKER"}, -1106),
    ({"newClientOrderId": "a b"}, -1100),
    ({"newClientOrderId": "a" * 37}, -1100),
    ({"selfTradePreventionMode": "MAYBE"}, -1130),
    ({"newOrderRespType": "ALL"}, -1130),
    ({"strategyId": "x"}, -1100),
    ({"unheard": "1"}, -1104),
    ({"recvWindow": "60001"}, -1131),
    ({"recvWindow": "5.1234"}, -1100),
    ({"timestamp": ""}, -1102),
    ({"timestamp": "yesterday"}, -1100),
]
LINEAR = [
    ({"symbol": "NOPEUSDT"}, -1121),
    ({"type": "STOP_MARKET"}, -4120),
    ({"type": "TRAILING_STOP_MARKET"}, -4120),
    ({"type": "LIMIT_MAKER"}, -1116),
    ({"timeInForce": "NOW"}, -1115),
    ({"timeInForce": None}, -1102),
    ({"quantity": "0"}, -4003),
    ({"quantity": "0.0001"}, -1111),
    ({"quantity": "10000"}, -4005),
    ({"price": "49000.05"}, -4014),
    ({"price": "49000.055"}, -1111),
    ({"quantity": "0.001", "price": "49000"}, -4164),
    ({"newClientOrderId": "a" * 37}, -4015),
    ({"positionSide": "LONG"}, -4061),
    ({"positionSide": "UP"}, -1130),
    ({"reduceOnly": "perhaps"}, -1130),
    ({"reduceOnly": "true"}, -2022),
    ({"unheard": "1"}, -1104),
]


def test_orders(tmp_path):
    async def run():
        venue = fresh(tmp_path)
        _, key = account(venue.exchange)
        async with venue, Client(venue, key) as client:
            for path, rows in (("/api/v3/order", SPOT), ("/fapi/v1/order", LINEAR)):
                for changes, code in rows:
                    answer = await client.signed("POST", path, **order(**changes))
                    assert (client.status, answer["code"]) == (400, code), (path, changes, answer)
            answer = await client.ask("POST", "/api/v3/order", body=signed(key.secret, **order()) + "&symbol=ETHUSDT")
            assert answer["code"] in (-1101, -1102)  # the signature is not the last any more
            assert (await client.get("/api/v3/klines", symbol="BTCUSDT", interval="7m")) == {
                "code": -1120,
                "msg": "Invalid interval.",
            }
            assert (await client.get("/api/v3/ticker/24hr", symbol="BTCUSDT", type="TINY"))["code"] == -1139
            assert (await client.get("/api/v3/depth"))["code"] == -1102
            assert (await client.get("/api/v3/time", hello="1"))["code"] == -1104
            assert (await client.get("/api/v3/exchangeInfo", symbols='["BTCUSDT"'))["code"] == -1100
            assert (await client.signed("GET", "/api/v3/order", symbol="BTCUSDT"))["code"] == -1102
            assert (await client.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=99))["code"] == -2013
            assert (await client.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=99))["code"] == -2011
            assert (await client.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT"))["code"] == -2011
            assert not venue.core.surprises

    asyncio.run(run())


def test_time(tmp_path):
    """The request's time against a stepped clock: both edges of the window."""

    async def run():
        venue = fresh(tmp_path, clock="stepped", start_ms=1_700_000_000_000)
        _, key = account(venue.exchange)
        async with venue, Client(venue, key) as client:
            now = 1_700_000_000_000
            late, early = (
                "Timestamp for this request is outside of the recvWindow.",
                "Timestamp for this request was 1000ms ahead of the server's time.",
            )
            for timestamp, window, text in (
                (now, None, None), (now - 5000, None, None), (now - 5001, None, late), (now + 999, None, None),
                (now + 1000, None, early), (now - 60000, 60000, None), (now - 2, "1.5", late), (now - 2, "2.5", None),
                (now * 1000 - 5_000_000, None, None), (now * 1000 - 5_001_000, None, late),
            ):  # fmt: skip
                values = {"timestamp": timestamp, **({"recvWindow": window} if window else {})}
                answer = await client.signed("GET", "/api/v3/openOrders", **values)
                assert answer == ([] if text is None else {"code": -1021, "msg": text}), (timestamp - now, window, answer)
            venue.faults.set("clock_offset_ms", ms=-10_000)
            assert (await client.get("/api/v3/time"))["serverTime"] == now - 10_000
            assert (await client.signed("GET", "/api/v3/openOrders", timestamp=now))["msg"] == early
            venue.faults.clear()
            assert (await client.get("/fapi/v1/time"))["serverTime"] == now

    asyncio.run(run())
