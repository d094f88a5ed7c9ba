"""Weights, order counts, 429, bans: by numbers, and over the wire with a stepped clock."""

import asyncio

import pytest

from b25.model.event import SELL
from b25.venue.exchange.errors import VenueError
from b25.venue.wire.limits import Limits, LimitSettings
from tests.venue.wire.venues import Client, account, crowd_trades, fresh, order

NOW = 1_700_000_040_000  # a whole minute
HERE = ("spot", "127.0.0.1")


def refused(act):
    with pytest.raises(VenueError) as caught:
        act()
    return caught.value


def test_weight_refills_with_the_minute():
    limits = Limits(LimitSettings(spot_weight=100))
    assert limits.admit(*HERE, 60, NOW) == 60
    assert limits.admit(*HERE, 40, NOW + 59_999) == 100
    error = refused(lambda: limits.admit(*HERE, 1, NOW + 30_000))
    assert (error.http, error.code, error.headers) == (429, -1003, {"Retry-After": "30"})
    assert error.msg.startswith("Too much request weight used; current limit is 100 request weight per 1 MINUTE. Please use")
    assert limits.admit(*HERE, 1, NOW + 60_000) == 1
    assert limits.admit("linear", HERE[1], 5, NOW) == 5


def test_insisting_is_a_ban_and_bans_double():
    limits = Limits(LimitSettings(spot_weight=1))
    now = NOW
    for minutes in (2, 4, 8):
        limits.admit(*HERE, 1, now)
        for _ in range(11):
            assert refused(lambda now=now: limits.admit(*HERE, 1, now)).http == 429
        error = refused(lambda now=now: limits.admit(*HERE, 1, now))
        assert (error.http, error.headers["Retry-After"]) == (418, str(60 * minutes))
        assert error.msg.startswith(f"Way too much request weight used; IP banned until {now + minutes * 60_000}.")
        assert refused(lambda now=now, minutes=minutes: limits.admit(*HERE, 1, now + minutes * 60_000 - 1)).http == 418
        now += minutes * 60_000
    capped = Limits(LimitSettings(spot_weight=0, ban_ms=10**9, ban_ms_max=1_000))
    for _ in range(12):
        error = refused(lambda: capped.admit(*HERE, 1, NOW))
    assert error.headers["Retry-After"] == "1"


def test_orders_that_filled_do_not_count_on_spot():
    limits = Limits(LimitSettings(spot_orders_10s=6))
    for _ in range(6):
        limits.check_orders("spot", "1", NOW)
        headers = limits.count_orders("spot", "1", NOW)
    assert headers == {"X-MBX-ORDER-COUNT-10S": "6", "X-MBX-ORDER-COUNT-1D": "6"}
    error = refused(lambda: limits.check_orders("spot", "1", NOW + 1))
    assert (error.http, error.code, error.msg) == (429, -1015, "Too many new orders; current limit is 6 orders per 10 SECOND.")
    limits.check_orders("spot", "2", NOW)  # by account
    limits.first_fill("spot", "1", maker=False, now_ms=NOW)
    assert [row["count"] for row in limits.order_rows("spot", "1", NOW)] == [5, 5]
    limits.first_fill("spot", "1", maker=True, now_ms=NOW)
    limits.first_fill("spot", "1", maker=True, now_ms=NOW)
    assert [row["count"] for row in limits.order_rows("spot", "1", NOW)] == [0, 0]
    limits.count_orders("linear", "1", NOW, 3)
    limits.first_fill("linear", "1", maker=True, now_ms=NOW)
    assert limits.order_rows("linear", "1", NOW)[0]["count"] == 3


def test_addresses_are_bounded():
    limits = Limits()
    for number in range(10_050):
        limits.admit("spot", str(number), 1, NOW)
    assert len(limits.as_dict(NOW)) == 10_000


def test_on_the_wire(tmp_path):
    async def run():
        settings = LimitSettings(spot_weight=100, spot_orders_10s=5)
        venue = fresh(tmp_path, clock="stepped", start_ms=NOW, limits=settings)
        _, key = account(venue.exchange)
        async with venue, Client(venue, key) as client:
            stamp = {"timestamp": NOW}
            await client.get("/api/v3/depth", symbol="BTCUSDT", limit=500)
            assert client.headers["X-MBX-USED-WEIGHT-1M"] == "25"
            placed = await client.signed("POST", "/api/v3/order", **stamp, **order())
            assert client.headers["X-MBX-USED-WEIGHT-1M"] == "25"  # a successful order weighs nothing
            assert (client.headers["X-MBX-ORDER-COUNT-10S"], client.headers["X-MBX-ORDER-COUNT-1D"]) == ("1", "1")
            await client.signed("POST", "/api/v3/order", **stamp, **order(price="1"))
            assert client.status == 400
            assert client.headers["X-MBX-USED-WEIGHT-1M"] == "26"  # a refused one does
            assert "X-MBX-ORDER-COUNT-10S" not in client.headers
            await client.signed("DELETE", "/api/v3/order", **stamp, symbol="BTCUSDT", orderId=placed["orderId"])
            assert client.headers["X-MBX-USED-WEIGHT-1M"] == "26"
            # Cancelled orders count; a fill as maker gives five back.
            for _ in range(4):
                await client.signed("POST", "/api/v3/order", **stamp, **order(price="49995"))
            assert (await client.signed("POST", "/api/v3/order", **stamp, **order()))["code"] == -1015
            assert (client.status, client.headers["Retry-After"]) == (429, "10")
            crowd_trades(venue.exchange, venue.exchange.spot["BTCUSDT"], SELL, "0.005")
            rows = await client.signed("GET", "/api/v3/rateLimit/order", **stamp)
            assert [row["count"] for row in rows] == [0, 0]
            assert (await client.signed("POST", "/api/v3/order", **stamp, **order()))["status"] == "NEW"
            # The weight is used up; ten more requests are borne, then comes the ban.
            statuses = []
            for _ in range(14):
                await client.get("/api/v3/ticker/24hr")
                statuses.append(client.status)
            assert statuses == [429] * 12 + [418] * 2 or statuses == [429] * 11 + [418] * 3
            assert client.headers["Retry-After"] == "120"
            venue.clock.step(120_000)
            assert await client.get("/api/v3/ping") == {}
            await client.get("/fapi/v1/ping")
            assert client.headers["X-MBX-USED-WEIGHT-1M"] == "1"  # markets count apart

    asyncio.run(run())


def test_cancel_replace_over_the_order_count(tmp_path):
    async def run():
        venue = fresh(tmp_path, clock="stepped", start_ms=NOW, limits=LimitSettings(spot_orders_10s=1))
        _, key = account(venue.exchange)
        async with venue, Client(venue, key) as client:
            stamp = {"timestamp": NOW}
            placed = await client.signed("POST", "/api/v3/order", **stamp, **order())
            swap = {**order(price="48000"), "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": placed["orderId"]}
            answer = await client.signed("POST", "/api/v3/order/cancelReplace", **stamp, **swap)
            assert (client.status, answer["code"]) == (429, -1015)
            swap["orderRateLimitExceededMode"] = "CANCEL_ONLY"
            answer = await client.signed("POST", "/api/v3/order/cancelReplace", **stamp, **swap)
            assert (client.status, answer["code"]) == (429, -2021)
            assert answer["data"]["cancelResult"] == "SUCCESS"
            assert answer["data"]["newOrderResult"] == "FAILURE"
            assert answer["data"]["newOrderResponse"]["code"] == -1015
            assert await client.signed("GET", "/api/v3/openOrders", **stamp) == []

    asyncio.run(run())
