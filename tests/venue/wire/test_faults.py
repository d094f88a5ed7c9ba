"""Every knob of requests does what it says, to those it is aimed at, for as long as it should."""

import asyncio

import aiohttp
import pytest

from b25.model.errors import Misuse
from b25.venue.wire.fault_knobs import KNOBS
from b25.venue.wire.faults import Faults
from tests.venue.wire.venues import Client, account, fresh, order

NEW = "POST /api/v3/order"


def test_aim_count_and_time():
    faults = Faults()
    faults.advance(1_000)
    fault = faults.set("ack_lost", where="POST /api/*", account="al*", left=2, for_ms=500)
    assert faults.draw("ack_lost", "GET /api/v3/order", "alice") is None
    assert faults.draw("ack_lost", NEW, "bob") is None
    assert faults.draw("ack_lost", NEW, "alice") is fault
    assert faults.draw("ack_lost", NEW, "alice") is fault
    assert faults.draw("ack_lost", NEW, "alice") is None
    assert not faults.any_rest()
    faults.set("ack_lost", from_ms=2_000, for_ms=10)
    assert faults.draw("ack_lost", NEW) is None
    faults.advance(2_000)
    assert faults.draw("ack_lost", NEW) is not None
    faults.advance(2_010)
    assert faults.draw("ack_lost", NEW) is None
    assert faults.all() == []


def test_dice_are_seeded_and_chance_is_kept():
    def strikes(seed):
        faults = Faults(seed)
        faults.set("diff_drop", chance=0.3)
        return [faults.draw("diff_drop", "btcusdt@depth") is not None for _ in range(1_000)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 250 < sum(strikes(3)) < 350


def test_listeners_hear_beginning_and_end():
    faults, heard = Faults(), []
    faults.listeners.append(lambda fault: heard.append((fault.knob, fault.left)))
    faults.set("cut")  # happens once: nothing stays on
    fault = faults.set("half_open", for_ms=5)
    faults.advance(5)
    assert heard == [("cut", -1), ("half_open", -1), ("half_open", 0)]
    assert fault.as_dict()["until_ms"] == 5


@pytest.mark.parametrize(
    "values", [{"knob": "nonsense"}, {"knob": "ack_lost", "colour": 1}, {"knob": "latency_ms", "min": "soon"}]
)
def test_nonsense_is_refused(values):
    with pytest.raises(Misuse):
        Faults().set(**values)


def test_every_knob_can_be_set_with_its_defaults():
    for knob in KNOBS:
        Faults().set(knob)


def faulty(act, tmp_path, **changes):
    async def run():
        venue = fresh(tmp_path, **changes)
        _, key = account(venue.exchange)
        async with venue, Client(venue, key) as client:
            await act(venue, client)
            assert not venue.core.surprises

    asyncio.run(run())


def open_orders(venue):
    return len(venue.exchange.spot_orders.open_orders(venue.exchange.accounts[1]))


def test_forced_errors_and_pages(tmp_path):
    async def act(venue, client):
        venue.faults.set("force_error", where=NEW, http=503, code=-1008, msg="busy", headers={"Retry-After": "7"}, left=1)
        assert await client.signed("POST", "/api/v3/order", **order()) == {"code": -1008, "msg": "busy"}
        assert (client.status, client.headers["Retry-After"], open_orders(venue)) == (503, "7", 0)
        venue.faults.set("force_error", where=NEW, http=502, html=True, left=1, accepted=True)
        page = await client.signed("POST", "/api/v3/order", **order())
        assert "502 Bad Gateway" in page
        assert (client.status, client.headers["Content-Type"], open_orders(venue)) == (502, "text/html", 1)
        venue.faults.set("force_error", where="*", http=403, html=True, left=1)
        assert "Request blocked" in await client.get("/api/v3/time")
        assert (await client.signed("POST", "/api/v3/order", **order()))["status"] == "NEW"

    faulty(act, tmp_path)


@pytest.mark.parametrize(("code", "http"), [(-1000, 500), (-1001, 500), (-1006, 500), (-1007, 408), (-1008, 503), (503, 503)])
def test_unknown_outcomes(tmp_path, code, http):
    async def act(venue, client):
        for accepted in (False, True):
            venue.faults.set("backend_unknown", where=NEW, code=code, accepted=accepted, left=1)
            answer = await client.signed("POST", "/api/v3/order", **order())
            assert (client.status, answer["code"]) == (http, code if code < 0 else -1000)
            assert open_orders(venue) == int(accepted)

    faulty(act, tmp_path)


@pytest.mark.parametrize(
    ("knob", "values", "error", "reached"),
    [
        ("request_lost", {"how": "close"}, aiohttp.ServerDisconnectedError, 0),
        ("request_lost", {"hang_ms": 60_000}, TimeoutError, 0),
        ("ack_lost", {"how": "close"}, aiohttp.ServerDisconnectedError, 1),
        ("ack_lost", {"hang_ms": 60_000}, TimeoutError, 1),
        ("conn_reset_mid_response", {}, aiohttp.ClientPayloadError, 1),
    ],
)
def test_lost(tmp_path, knob, values, error, reached):
    async def act(venue, client):
        venue.faults.set(knob, where=NEW, left=1, **values)
        with pytest.raises(error):
            await client.ask("POST", "/api/v3/order", body=signed_order(client), timeout=aiohttp.ClientTimeout(0.5))
        assert open_orders(venue) == reached
        assert (await client.signed("POST", "/api/v3/order", **order()))["status"] == "NEW"

    faulty(act, tmp_path)


def signed_order(client, **changes):
    from tests.venue.wire.venues import signed

    return signed(client.secret, **order(**changes))


async def stepped(venue, task, by_ms):
    """The answer that comes when the clock has gone on by so much, and not a moment sooner."""
    for _ in range(100):
        await asyncio.sleep(0.005)
        if venue.clock._waiting:
            break
    venue.clock.step(by_ms - 1)
    await asyncio.sleep(0.05)
    assert not task.done()
    venue.clock.step(1)
    return await task


def test_delays_go_by_the_venues_clock(tmp_path):
    now = 1_700_000_000_000

    async def act(venue, client):
        for knob in ("latency_ms", "ack_delay_ms", "request_delay_ms"):
            venue.faults.set(knob, where=NEW, min=3_000, max=3_000, left=1)
            before = open_orders(venue)
            stamp = venue.clock.now_ms()
            task = asyncio.create_task(client.signed("POST", "/api/v3/order", timestamp=stamp, **order()))
            answer = await stepped(venue, task, 3_000)
            assert answer["status"] == "NEW"
            assert answer["transactTime"] == (stamp + 3_000 if knob == "request_delay_ms" else stamp)
            assert open_orders(venue) == before + 1
        # A request that was held up too long is refused when it gets to the core.
        venue.faults.set("request_delay_ms", where=NEW, min=5_001, max=5_001, left=1)
        task = asyncio.create_task(client.signed("POST", "/api/v3/order", timestamp=venue.clock.now_ms(), **order()))
        assert (await stepped(venue, task, 5_001))["code"] == -1021
        assert open_orders(venue) == 3

    faulty(act, tmp_path, clock="stepped", start_ms=now)


def test_read_lag(tmp_path):
    now = 1_700_000_000_000

    async def act(venue, client):
        async def read(path, **values):
            return await client.signed("GET", path, timestamp=venue.clock.now_ms(), **values)

        venue.faults.set("read_lag_ms", min=400, max=400)
        task = asyncio.create_task(read("/api/v3/openOrders"))
        assert await stepped(venue, task, 400) == []
        venue.faults.clear()
        # Stale: at once, and from the past. That an order is not there proves nothing yet.
        venue.faults.set("read_lag_ms", min=1_000, max=1_000, mode="stale")
        venue.clock.step(2_000)
        for prefix, own in (("/api/v3", {}), ("/fapi/v1", {})):
            stamp = {"timestamp": venue.clock.now_ms()}
            placed = await client.signed("POST", f"{prefix}/order", **stamp, **order(**own))
            named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
            assert (await read(f"{prefix}/order", **named))["code"] == -2013
            assert await read(f"{prefix}/openOrders") == []
            venue.clock.step(999)
            assert (await read(f"{prefix}/order", **named))["code"] == -2013
            venue.clock.step(1)
            assert (await read(f"{prefix}/order", **named))["status"] == "NEW"
            assert len(await read(f"{prefix}/openOrders")) == 1
            await client.signed("DELETE", f"{prefix}/order", timestamp=venue.clock.now_ms(), **named)
            assert (await read(f"{prefix}/order", **named))["status"] == "NEW"
            assert len(await read(f"{prefix}/openOrders")) == 1
            venue.clock.step(1_000)
            assert (await read(f"{prefix}/order", **named))["status"] == "CANCELED"
            assert await read(f"{prefix}/openOrders") == []
            market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
            await client.signed("POST", f"{prefix}/order", timestamp=venue.clock.now_ms(), **market)
            trades = f"{prefix}/{'myTrades' if prefix == '/api/v3' else 'userTrades'}"
            assert await read(trades, symbol="BTCUSDT") == []
            venue.clock.step(1_000)
            assert len(await read(trades, symbol="BTCUSDT")) == 1

        def free(answer):
            return next(row["free"] for row in answer["balances"] if row["asset"] == "BTC")

        before = free(await read("/api/v3/account"))
        await client.signed("POST", "/api/v3/order", timestamp=venue.clock.now_ms(), **market)
        assert free(await read("/api/v3/account")) == before
        venue.clock.step(1_000)
        assert free(await read("/api/v3/account")) > before

    faulty(act, tmp_path, clock="stepped", start_ms=now)


def test_partial_fill_before_a_cancel(tmp_path):
    async def act(venue, client):
        for prefix in ("/api/v3", "/fapi/v1"):
            placed = await client.signed("POST", f"{prefix}/order", **order(price="49990", quantity="0.4"))
            venue.faults.set("fill_before_cancel", share=0.25, left=1)
            answer = await client.signed("DELETE", f"{prefix}/order", symbol="BTCUSDT", orderId=placed["orderId"])
            assert answer["status"] == "CANCELED"
            assert float(answer["executedQty"]) == pytest.approx(0.1)

    faulty(act, tmp_path)


def test_maintenance_and_contract(tmp_path):
    async def act(venue, client):
        fault = venue.faults.set("maintenance")
        assert (await client.get("/api/v3/time"))["code"] == -1016
        assert client.status == 503
        assert (await client.get("/sapi/v1/system/status"))["status"] == 1
        venue.faults.clear(fault_id=fault.fault_id)
        assert (await client.get("/sapi/v1/system/status"))["status"] == 0
        venue.faults.set("symbol_status", where="spot:BTCUSDT", status="BREAK")
        answer = await client.signed("POST", "/api/v3/order", **order())
        assert (answer["code"], answer["msg"]) == (-2010, "Market is closed.")
        venue.faults.set("filters", where="spot:BTCUSDT", change={"tick_size": "0.1", "max_orders": 7})
        venue.faults.set("unknown_enum", where="ETHUSDT", field="status", value="MOON")
        venue.faults.set("hostile_symbol", where="spot")
        symbols = {row["symbol"]: row for row in (await client.get("/api/v3/exchangeInfo"))["symbols"]}
        assert symbols["BTCUSDT"]["status"] == "BREAK"
        kinds = {row["filterType"]: row for row in symbols["BTCUSDT"]["filters"]}
        assert kinds["PRICE_FILTER"]["tickSize"] == "0.10000000"
        assert kinds["MAX_NUM_ORDERS"]["maxNumOrders"] == 7
        assert symbols["ETHUSDT"]["status"] == "MOON"
        assert any("<img" in name for name in symbols)
        venue.faults.clear()
        symbols = {row["symbol"]: row for row in (await client.get("/api/v3/exchangeInfo"))["symbols"]}
        assert len(symbols) == 2
        assert {row["status"] for row in symbols.values()} == {"TRADING"}
        assert (await client.signed("POST", "/api/v3/order", **order(price="49000.01")))["status"] == "NEW"
        venue.faults.set("key_flags", flags={"enableWithdrawals": True})
        assert (await client.signed("GET", "/sapi/v1/account/apiRestrictions"))["enableWithdrawals"] is True

    faulty(act, tmp_path)


def test_an_older_snapshot(tmp_path):
    async def act(venue, client):
        venue.faults.set("snapshot_age_ms", ms=10_000)
        first = await client.get("/api/v3/depth", symbol="BTCUSDT")
        await client.signed("POST", "/api/v3/order", timestamp=venue.clock.now_ms(), **order(price="49995"))
        assert await client.get("/api/v3/depth", symbol="BTCUSDT") == first
        venue.clock.step(10_000)
        assert await client.get("/api/v3/depth", symbol="BTCUSDT") == first
        assert (await client.get("/api/v3/depth", symbol="BTCUSDT"))["lastUpdateId"] == first["lastUpdateId"] + 1

    faulty(act, tmp_path, clock="stepped", start_ms=1_700_000_000_000)


def test_partial_batches(tmp_path):
    async def act(venue, client):
        import orjson

        venue.faults.set("batch_partial", every=2, code=-1001)
        orders = orjson.dumps([order(price=str(49_000 + n)) for n in range(4)]).decode()
        answers = await client.signed("POST", "/fapi/v1/batchOrders", batchOrders=orders)
        assert [row.get("code") for row in answers] == [None, -1001, None, -1001]

    faulty(act, tmp_path)


def test_things_the_client_never_did(tmp_path):
    async def act(venue, client):
        venue.faults.set("foreign_order", account="alice", market="spot", symbol="BTCUSDT", order=order())
        assert open_orders(venue) == 1
        await client.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        venue.faults.set("liquidate", account="alice", symbol="BTCUSDT")
        assert await client.signed("GET", "/fapi/v3/positionRisk") == []
        forced = await client.signed("GET", "/fapi/v1/forceOrders")
        assert forced[0]["clientOrderId"].startswith("autoclose-")
        venue.faults.set("transfer", account="alice", asset="USDT", amount="-5", market="spot")
        with pytest.raises(Misuse, match="no account"):
            venue.faults.set("liquidate", account="nobody", symbol="BTCUSDT")
        venue.faults.set("settle", symbol="ETHUSDT")
        assert venue.exchange.linear["ETHUSDT"].status != "TRADING"

    faulty(act, tmp_path)
