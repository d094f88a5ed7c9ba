"""Orders by hand: through the session's own gate, once for each key, answered when the session has answered, and audited."""

import asyncio

import orjson
import pytest
from sqlalchemy import select

from b25.store.audit import verify_audit
from b25.store.tables import audit
from tests.api.gateway.stand import SYMBOL

NEW = {"session": "mm", "symbol": SYMBOL, "side": "buy", "type": "limit", "quantity": "0.010", "price": "59000.0"}
KEY = {"Idempotency-Key": "order-number-one"}


def actions(home):
    return [(row.actor, row.action, orjson.loads(row.body)) for row in home.store.rows(select(audit).order_by(audit.c.seq))]


@pytest.mark.spec("GW-02")
def test_an_order_by_hand_reaches_the_session_and_its_answer_comes_back(run, home, session):
    async def act(client):
        async with client("trader") as one:
            placed = await one.post("/api/v1/orders", json={**NEW, "reason": "hedge"}, headers=KEY)
            assert placed.status_code == 201, placed.text
            assert placed.json()["id"] == "mm.1"
            await asyncio.sleep(1.2)  # the gateway looks at statuses twice a second
            assert [row["id"] for row in (await one.get("/api/v1/orders/active")).json()["data"]] == ["mm.1"]
            assert (await one.get("/api/v1/orders/mm.1")).json()["price"] == "59000.0"
            amended = await one.patch("/api/v1/orders/mm.1", json={"price": "59001.0"}, headers={"Idempotency-Key": "amend-one"})
            assert amended.status_code == 200, amended.text
            cancelled = await one.delete("/api/v1/orders/mm.1", headers={"Idempotency-Key": "cancel-one"})
            assert cancelled.status_code == 200, cancelled.text

    run(act)
    assert [row["command"] for row in session.asked] == ["order", "amend", "cancel"]
    assert session.asked[0]["by"] == "trader"
    told = [(actor, action) for actor, action, _ in actions(home)]
    assert ("trader", "session.order") in told
    assert ("trader", "session.order.done") in told
    asked = next(body for _, action, body in actions(home) if action == "session.order")
    assert asked["reason"] == "hedge"
    assert asked["ip"] == "127.0.0.1"
    assert asked["before"]["state"] == "active"
    assert verify_audit(home.store) == ""


@pytest.mark.spec("GW-15")
def test_an_order_that_is_sent_again_is_not_placed_again(run, session):
    async def act(client):
        async with client("trader") as one:
            first = await one.post("/api/v1/orders", json=NEW, headers=KEY)
            again = await one.post("/api/v1/orders", json=NEW, headers=KEY)
            assert again.status_code == 201
            assert again.json() == first.json()
            assert again.headers["idempotency-replayed"] == "true"
            other = await one.post("/api/v1/orders", json={**NEW, "quantity": "0.020"}, headers=KEY)
            assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_CONFLICT")
            without = await one.post("/api/v1/orders", json=NEW)
            assert (without.status_code, without.json()["code"]) == (400, "IDEMPOTENCY_KEY_MISSING")
            both = await asyncio.gather(
                *(one.post("/api/v1/orders", json=NEW, headers={"Idempotency-Key": "raced-key"}) for _ in range(5))
            )
            assert sorted({answer.status_code for answer in both}) in ([201], [201, 409])

    run(act)
    assert len([row for row in session.asked if row["command"] == "order"]) == 2


def test_an_order_that_the_gate_refuses_is_no_success(run, session):
    async def act(client):
        async with client("trader") as one:
            told = await one.post("/api/v1/orders", json={**NEW, "quantity": "99"}, headers=KEY)
            assert (told.status_code, told.json()["code"]) == (422, "ORDER_REFUSED")
            assert "5 940 000" in told.json()["detail"]

    run(act)


@pytest.mark.spec("GW-18")
@pytest.mark.parametrize("role", ["viewer", "researcher", "risk", "admin", "service"])
def test_only_a_trader_trades(run, session, role):
    async def act(client):
        async with client(role) as one:
            assert (await one.post("/api/v1/orders", json=NEW, headers=KEY)).status_code == 403
            assert (await one.post("/api/v1/sessions/mm/pause", json={}, headers=KEY)).status_code == 403
        async with client() as nobody:
            assert (await nobody.post("/api/v1/orders", json=NEW, headers=KEY)).status_code == 401

    run(act)
    assert session.asked == []


def test_a_session_that_refuses_or_is_not_there_says_so(run, session):
    async def act(client):
        async with client("trader") as one:
            refused = await one.post("/api/v1/sessions/mm/resume", json={"reason": "go on"}, headers=KEY)
            assert (refused.status_code, refused.json()["code"]) == (422, "REFUSED_BY_SESSION")
            assert "kill switch" in refused.json()["detail"]
            gone = await one.post("/api/v1/orders", json={**NEW, "session": "other"}, headers={"Idempotency-Key": "another-key"})
            assert gone.status_code == 404
        session.close()
        async with client("trader") as one:
            ended = await one.post("/api/v1/sessions/mm/pause", json={}, headers={"Idempotency-Key": "a-third-key"})
            assert (ended.status_code, ended.json()["code"]) == (409, "SESSION_NOT_RUNNING")

    run(act)


def test_what_cannot_be_written_down_is_not_done_but_a_cancel_is(run, home, session, monkeypatch):
    from b25.store.faults import Cause, StoreFailed

    def gone(*_, **__):
        raise StoreFailed(Cause.UNAVAILABLE, "no answer")

    async def act(client):
        monkeypatch.setattr(type(home.store), "writing", gone)
        async with client("trader") as one:
            order = await one.post("/api/v1/orders", json=NEW, headers=KEY)
            assert order.status_code == 503
            cancel = await one.delete("/api/v1/orders/mm.7", headers={"Idempotency-Key": "cancel-seven"})
            assert cancel.status_code == 200, cancel.text
            everything = await one.post("/api/v1/orders/cancel-all", json={"session": "mm"})
            assert everything.status_code == 200, everything.text
            assert (await one.post("/api/v1/sessions/mm/pause", json={})).status_code == 200

    run(act)
    assert [row["command"] for row in session.asked] == ["cancel", "cancel", "pause"]


def test_an_account_that_is_not_his_is_not_there(run, home, session):
    from b25.api.principal import Principal
    from b25.api.roles import Role

    async def stranger(headers, ip, method, path):
        return Principal(name="bob", roles=frozenset({Role.TRADER}), accounts=frozenset({"other"}))

    home.authenticator.principal = stranger

    async def act(client):
        async with client() as one:
            assert (await one.post("/api/v1/orders", json=NEW, headers=KEY)).status_code == 404
            assert (await one.get("/api/v1/sessions/mm")).status_code == 404
            assert (await one.get("/api/v1/sessions")).json()["data"] == []
            assert (await one.get("/api/v1/orders/active")).json()["data"] == []

    run(act)
    assert session.asked == []
