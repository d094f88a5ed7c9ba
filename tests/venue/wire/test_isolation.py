"""One account never sees, changes or is told of what is another's, whatever it asks; and ten thousand orders are borne."""

import asyncio
import time

import orjson

from tests.venue.wire.venues import Client, account, fresh, more_orders, order


def test_nothing_of_another_account(tmp_path):
    async def run():
        venue = fresh(tmp_path)
        _, alices = account(venue.exchange, "alice")
        _, bobs = account(venue.exchange, "bob")
        async with venue, Client(venue, alices) as alice, Client(venue, bobs) as bob:
            for prefix, trades in (("/api/v3", "myTrades"), ("/fapi/v1", "userTrades")):
                mine = await alice.signed("POST", f"{prefix}/order", **order(newClientOrderId="secret-1"))
                await alice.signed("POST", f"{prefix}/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.02")
                for named in ({"orderId": mine["orderId"]}, {"origClientOrderId": "secret-1"}):
                    asked = {"symbol": "BTCUSDT", **named}
                    assert (await bob.signed("GET", f"{prefix}/order", **asked))["code"] == -2013
                    assert (await bob.signed("DELETE", f"{prefix}/order", **asked))["code"] == -2011
                for path in ("openOrders", "allOrders", trades):
                    assert await bob.signed("GET", f"{prefix}/{path}", symbol="BTCUSDT") == []
                assert await bob.signed("GET", f"{prefix}/openOrders") == []
                # The same id of the client's own is free for another account.
                his = await bob.signed("POST", f"{prefix}/order", **order(newClientOrderId="secret-1"))
                assert his["orderId"] != mine["orderId"]
                await bob.signed(
                    "DELETE", f"{prefix}/{'openOrders' if prefix == '/api/v3' else 'allOpenOrders'}", symbol="BTCUSDT"
                )
                found = await alice.signed("GET", f"{prefix}/order", symbol="BTCUSDT", orderId=mine["orderId"])
                assert (found["status"], found["clientOrderId"]) == ("NEW", "secret-1")
            amend = {"symbol": "BTCUSDT", "side": "BUY", "orderId": mine["orderId"], "quantity": "0.02", "price": "48000"}
            assert "code" in await bob.signed("PUT", "/fapi/v1/order", **amend)
            ids = orjson.dumps([mine["orderId"]]).decode()
            assert (await bob.signed("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=ids))[0]["code"] == -2011
            assert await bob.signed("GET", "/fapi/v3/positionRisk") == []
            balances = {row["asset"]: row for row in (await bob.signed("GET", "/api/v3/account"))["balances"]}
            assert (balances["BTC"]["free"], balances["USDT"]["locked"]) == ("100.00000000", "0.00000000")
            assert {row["incomeType"] for row in await bob.signed("GET", "/fapi/v1/income")} == {"TRANSFER"}  # his own deposit
            first = (await alice.ask("POST", "/fapi/v1/listenKey"))["listenKey"]
            assert (await bob.ask("POST", "/fapi/v1/listenKey"))["listenKey"] != first
            assert not venue.core.surprises

    asyncio.run(run())


def test_ten_thousand_open_orders(tmp_path):
    """They are all there, all found, all cancelled at once, and the venue stays quick."""
    count = 10_000

    async def run():
        venue = fresh(tmp_path)
        _, key = account(venue.exchange)
        listing = venue.exchange.spot["BTCUSDT"]
        more_orders(listing, count + 1)
        async with venue, Client(venue, key) as client:

            async def some(first, last):
                for number in range(first, last):
                    made = await client.signed("POST", "/api/v3/order", **order(quantity="0.00020", price=str(30_000 + number)))
                    assert made["status"] == "NEW", made

            await asyncio.gather(*(some(n, n + count // 8) for n in range(0, count, count // 8)))
            shown = await client.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT")
            assert len({row["orderId"] for row in shown}) == count
            begun = time.perf_counter()
            for _ in range(50):
                made = await client.signed("POST", "/api/v3/order", **order(quantity="0.00020"))
                await client.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=made["orderId"])
            assert (time.perf_counter() - begun) / 100 < 0.05
            await client.signed("POST", "/api/v3/order", **order(quantity="0.00020"))
            assert (await client.signed("POST", "/api/v3/order", **order()))["msg"] == "Filter failure: MAX_NUM_ORDERS"
            gone = await client.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
            assert len(gone) == count + 1
            assert await client.signed("GET", "/api/v3/openOrders") == []
            locked = {row["asset"]: row["locked"] for row in (await client.signed("GET", "/api/v3/account"))["balances"]}
            assert set(locked.values()) == {"0.00000000"}

    asyncio.run(run())
