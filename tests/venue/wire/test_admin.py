"""The admin API: for the owner on loopback and nobody else, and every act does what it says."""

import asyncio
import stat

import pytest

from b25.venue.wire.server import ADMIN_TOKEN
from tests.venue.wire.venues import Client, account, fresh, order


def with_admin(tmp_path, act, **changes):
    async def run():
        venue = fresh(tmp_path, **changes)
        account(venue.exchange)
        async with venue, Client(venue) as client:

            async def admin(method, path, **body):
                import orjson

                headers = {"Authorization": f"Bearer {venue.admin_token}", "Content-Type": "application/json"}
                return await client.ask(method, f"/admin{path}", body=orjson.dumps(body) if body else "", headers=headers)

            await act(venue, client, admin)
            assert not venue.core.surprises

    asyncio.run(run())


def test_only_the_owner(tmp_path):
    async def act(venue, client, admin):
        path = tmp_path / ADMIN_TOKEN
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == venue.admin_token
        right = {"Authorization": f"Bearer {venue.admin_token}"}
        for headers, status in (
            ({}, 401), ({"Authorization": "Bearer nonsense"}, 401), ({"Authorization": f"Basic {venue.admin_token}"}, 401),
            ({**right, "Origin": "http://evil.example"}, 403), ({**right, "Host": "evil.example"}, 403), (right, 200),
        ):  # fmt: skip
            for path in ("/admin", "/admin/faults"):
                await client.ask("GET", path, headers=headers)
                assert client.status == status, headers
        assert (await client.ask("GET", "/admin/nothing"))["error"] == "wrong token"
        await client.ask("GET", "/admin/nothing", headers=right)
        assert client.status == 404

    with_admin(tmp_path, act)


def test_faults(tmp_path):
    async def act(venue, client, admin):
        fault = await admin("POST", "/faults", knob="force_error", where="GET /api/v3/time", http=418, code=-1003, for_ms=60_000)
        assert (fault["knob"], fault["http"]) == ("force_error", 418)
        await client.get("/api/v3/time")
        assert client.status == 418
        assert [row["struck"] for row in await admin("GET", "/faults")] == [1]
        assert await admin("DELETE", "/faults", id=fault["id"]) == {"cleared": 1}
        assert await admin("GET", "/faults") == []
        for wrong in (
            {"knob": "nonsense"},
            {},
            {"knob": "ack_lost", "chance": "much"},
            {"knob": "symbol_status", "where": "NOPE"},
        ):
            answer = await admin("POST", "/faults", **wrong)
            assert client.status == 400
            assert answer["remedy"]

    with_admin(tmp_path, act)


def test_accounts_keys_and_money(tmp_path):
    async def act(venue, client, admin):
        made = await admin("POST", "/accounts", name="carol", deposits={"spot": {"USDT": "1000.5"}, "linear": {"USDT": "7"}})
        assert made["spot"] == {"USDT": {"free": "1000.50000000", "locked": "0.00000000"}}
        assert (await admin("POST", "/accounts", name="carol"))["error"] == "there is already an account 'carol'"
        client.key, client.secret = made["key"]["key"], made["key"]["secret"]
        placed = await client.signed("POST", "/api/v3/order", **order())
        assert placed["status"] == "NEW"
        row = next(row for row in await admin("GET", "/accounts") if row["name"] == "carol")
        assert row["open_orders"] == {"spot": 1, "linear": 0}
        assert made["key"]["secret"] not in str(await admin("GET", "/accounts"))
        assert (await admin("POST", "/deposit", account="carol", asset="BTC", amount="2"))["spot"]["BTC"]["free"] == "2.00000000"
        for wrong in ({"amount": "x"}, {"amount": "NaN"}, {"market": "moon", "amount": "1"}, {"amount": "0.000000001"}):
            await admin("POST", "/deposit", account="carol", asset="BTC", **wrong)
            assert client.status == 400
        await admin("POST", "/accounts/flags", account="carol", frozen=True)
        answer = await client.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
        assert (answer["code"], answer["msg"]) == (-2011, "This action is disabled on this account.")
        await admin("POST", "/accounts/flags", account="carol", frozen=False)
        reader = await admin("POST", "/keys", account="carol", spot=False, futures=False)
        client.key, client.secret = reader["key"], reader["secret"]
        assert (await client.signed("POST", "/api/v3/order", **order()))["code"] == -2015
        assert len(await client.signed("GET", "/api/v3/openOrders")) == 1
        await admin("DELETE", "/keys", key=reader["key"])
        assert (await client.signed("GET", "/api/v3/openOrders"))["code"] == -2015

    with_admin(tmp_path, act)


def test_acts_on_the_market(tmp_path):
    async def act(venue, client, admin):
        foreign = await admin("POST", "/orders", account="alice", market="linear", order=order())
        assert foreign["status"] == "NEW"
        await admin("POST", "/orders", account="alice", market="linear", order=order(type="MARKET", price=None, timeInForce=None))
        assert client.status == 200
        await admin("POST", "/liquidate", account="alice", symbol="BTCUSDT")
        await admin("POST", "/symbols/status", where="linear:ETHUSDT", status="SETTLING")
        assert venue.exchange.linear["ETHUSDT"].status == "SETTLING"
        assert venue.exchange.spot["ETHUSDT"].status == "TRADING"
        await admin("POST", "/symbols/filters", where="spot:ETHUSDT", change={"min_notional": "50"})
        assert venue.exchange.spot["ETHUSDT"].spot_filters.min_notional == 50
        await admin("POST", "/symbols/filters", where="spot:ETHUSDT", change={"colour": "50"})
        assert client.status == 400
        await admin("POST", "/transfer", account="alice", asset="USDT", amount="10", market="linear", between=True)
        assert client.status == 200
        answer = await admin("POST", "/market/crash", market="spot", symbol="BTCUSDT")
        assert (client.status, "nothing that moves" in answer["error"]) == (400, True)
        assert (await admin("POST", "/clock", step_ms=5_000))["now_ms"] == 1_700_000_005_000
        assert (await admin("POST", "/clock", offset_ms=-7))["server_ms"] == 1_700_000_004_993
        await admin("POST", "/clock", step_ms=-1)
        assert client.status == 400
        await admin("POST", "/limits", ban_ms=1_000)
        await client.get("/api/v3/time")
        assert client.status == 418
        await admin("POST", "/limits", forgive=True)
        await client.get("/api/v3/time")
        assert client.status == 200

    with_admin(tmp_path, act, clock="stepped", start_ms=1_700_000_000_000)


@pytest.mark.parametrize("body", ["{", "[]", "1", "\x00", "[" * 100_000, '{"knob": 1e400}'])
def test_malformed(tmp_path, body):
    async def act(venue, client, admin):
        headers = {"Authorization": f"Bearer {venue.admin_token}", "Content-Type": "application/json"}
        for path in ("/admin/faults", "/admin/accounts", "/admin/deposit", "/admin/orders", "/admin/clock"):
            await client.ask("POST", path, body=body, headers=headers)
            assert client.status == 400 or (path == "/admin/clock" and client.status == 200)

    with_admin(tmp_path, act)
