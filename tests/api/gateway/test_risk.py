"""The emergency stop works when everything else is down; the way back asks for more."""

import asyncio
import time

import orjson
import pytest
from sqlalchemy import select

from b25.runner.durable_file import read_json
from b25.runner.kill_latch import kill_folder, latched
from b25.store.faults import Cause, StoreFailed
from b25.store.tables import audit

STOP, ENABLE = "/api/v1/risk/emergency-stop", "/api/v1/risk/enable"
WHY = {"reason": "the feed was stale; checked and repaired"}


def actions(home):
    return [(row.actor, row.action) for row in home.store.rows(select(audit).order_by(audit.c.seq))]


@pytest.mark.spec("GW-05", "SYS-18")
def test_an_emergency_stop_holds_and_only_risk_takes_it_off(run, home):
    folder = home.settings.run_folder

    async def act(client):
        async with client("trader") as trader:
            told = await trader.post(STOP, json={"reason": "quotes look wrong", "flatten": True})
            assert told.status_code == 200, told.text
            assert told.json()["is_recorded"] is True
            assert latched(folder, "demo").kill_id == told.json()["stop"]["kill_id"]
            again = await trader.post(STOP, json={"reason": "once more"})
            assert again.json()["stop"]["kill_id"] == told.json()["stop"]["kill_id"]
            assert (await trader.post(ENABLE, json={**WHY, "typed": "x"})).status_code == 403
            status = (await trader.get("/api/v1/risk/status")).json()
            assert status["is_stopped"] is True
            typed = status["stops"][0]["confirmation"]
        async with client("risk") as risk:
            wrong = await risk.post(ENABLE, json={**WHY, "typed": "re-arm all"})
            assert (wrong.status_code, wrong.json()["code"]) == (409, "NOT_ENABLED")
            unfinished = await risk.post(ENABLE, json={**WHY, "typed": typed})
            assert unfinished.status_code == 409, "nobody has reported on the kill"
            good = await risk.post(ENABLE, json={**WHY, "typed": typed, "signed_off": True})
            assert good.status_code == 200, good.text

    run(act)
    assert latched(folder) is None
    assert ("trader", "risk.emergency-stop") in actions(home)
    assert ("risk", "risk.enable") in actions(home)


@pytest.mark.parametrize("role", ["trader", "risk", "admin"])
@pytest.mark.spec("GW-18")
def test_these_may_stop(run, home, role):
    async def act(client):
        async with client(role) as one:
            assert (await one.post(STOP, json={"reason": "stop"})).status_code == 200
        for other in ("viewer", "researcher", "service"):
            async with client(other) as one:
                assert (await one.post(STOP, json={"reason": "stop"})).status_code == 403

    run(act)


@pytest.mark.spec("S11", "GW-05")
def test_a_stop_needs_neither_database_nor_bus_nor_session(run, home, monkeypatch):
    def gone(*_, **__):
        raise StoreFailed(Cause.UNAVAILABLE, "no answer")

    monkeypatch.setattr(type(home.store), "writing", gone)
    monkeypatch.setattr(type(home.store), "rows", gone)

    async def act(client):
        async with client("trader") as one:
            told = await one.post(STOP, json={"reason": "everything is down"}, headers={"Idempotency-Key": "a-key-of-mine"})
            assert (told.status_code, told.json()["is_recorded"]) == (200, False)
            assert (await one.get("/health/ready")).status_code == 503
            assert (await one.get("/api/v1/orders")).json()["code"] == "STORE_UNAVAILABLE"
        async with client("risk") as one:
            assert (await one.post(ENABLE, json={**WHY, "typed": "x"})).status_code == 503

    run(act)
    assert latched(home.settings.run_folder).reason == "everything is down"
    log = (kill_folder(home.settings.run_folder) / "audit.jsonl").read_bytes().splitlines()
    assert orjson.loads(log[0])["action"] == "latched"


@pytest.mark.spec("S11")
def test_a_stop_is_not_kept_waiting_by_routes_that_hang(run, home, session):
    session.hangs.set()

    async def act(client):
        async with client("trader") as one:
            hanging = [
                asyncio.create_task(one.post("/api/v1/sessions/mm/pause", json={}, headers={"Idempotency-Key": f"key-{k:05}"}))
                for k in range(40)
            ]
            await asyncio.sleep(0.2)
            began = time.monotonic()
            assert (await one.post(STOP, json={"reason": "now", "account": "demo"})).status_code == 200
            assert latched(home.settings.run_folder, "demo") is not None
            assert not all(task.done() for task in hanging), "nothing hung"
            assert time.monotonic() > began
            session.hangs.clear()
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)

    run(act)


def test_a_part_of_an_account_is_stopped_and_enabled(run, home):
    async def act(client):
        async with client("trader", "risk") as one:
            every = await one.post(STOP, json={"reason": "stop", "level": "symbol", "symbol": "BTC/USDT:USDT"})
            assert every.status_code == 422
            body = {"reason": "stop", "level": "symbol", "symbol": "BTC/USDT:USDT", "account": "demo"}
            told = await one.post(STOP, json=body)
            assert (told.status_code, told.json()["stop"]["level"]) == (200, "K2")
            kill_id = told.json()["stop"]["kill_id"]
            assert (await one.post(ENABLE, json={**WHY, "account": "demo", "kill_id": kill_id})).status_code == 200
            assert (await one.get("/api/v1/risk/status")).json()["stops"] == []

    run(act)


@pytest.mark.spec("SYS-12")
def test_readiness_tells_of_each_thing_and_never_a_constant(run, home, session):
    async def act(client):
        async with client("viewer") as one:
            told = (await one.get("/health")).json()
            states = {row["name"]: row["state"] for row in told["checks"]}
            assert states["database"] == states["sessions"] == states["look"] == "ok"
            assert states["kill"] == "bad", "a live session without a kill process"
            assert states["bus"] == "absent"
            assert all(row["age_s"] >= 0 for row in told["checks"])
            session.seat.leave()
            await asyncio.sleep(1.7)
            told = (await one.get("/health")).json()
            assert {row["name"]: row["state"] for row in told["checks"]}["sessions"] == "absent"
        async with client() as nobody:
            assert "why" not in (await nobody.get("/health/ready")).text
            assert (await nobody.get("/health/live")).status_code == 200
            assert (await nobody.get("/health")).status_code == 401

    run(act)
    assert read_json(home.settings.run_folder / "sessions" / "mm" / "seat.json")["account"] == "demo"


@pytest.mark.spec("GW-05")
def test_the_gate_is_asked_without_an_order_and_without_an_audit(run, home, session):
    order = {"session": "mm", "symbol": "BTC/USDT:USDT", "side": "buy", "price": "60000"}

    async def act(client):
        async with client("viewer") as viewer:
            told = (await viewer.post("/api/v1/risk/check", json=order | {"quantity": "0.01"})).json()
            assert (told["verdict"], told["max_quantity"], told["after"]["limits_used"]) == ("ok", "1.5", {"order_value": 0.4})
            most = (await viewer.post("/api/v1/risk/check", json=order)).json()
            assert (most["verdict"], most["after"], most["before"]["gross"]) == (None, None, None)
            gone = await viewer.post("/api/v1/risk/check", json=order | {"session": "nobody"})
            assert gone.status_code == 404

    run(act)
    assert [one["command"] for one in session.asked] == ["check", "check"]
    assert session.orders == {}
    assert [action for _, action in actions(home) if "check" in action] == []
