"""Client, gateway, session, venue: each a process of its own, and what the session acknowledged is what the client is told."""

import contextlib
import http.client
import json
import subprocess
import sys
import uuid

import pytest

from b25.runner.session_commands import COMMANDS
from b25.store.audit import verify_audit
from b25.store.store import open_store
from tests.conftest import ROOT
from tests.end_to_end.stage import SYMBOL, Stage


class Wire:
    """Asks the gateway, as one with a role."""

    def __init__(self, port, role):
        self.port, self.role = port, role

    def __call__(self, method, path, body=None, key=None):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)) as wire:
            return self._asked(wire, method, path, body, key)

    def _asked(self, wire, method, path, body, key):
        headers = {"x-test-roles": self.role, "Content-Type": "application/json"}
        if method != "GET":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        wire.request(method, path, None if body is None else json.dumps(body), headers)
        answer = wire.getresponse()
        return answer.status, json.loads(answer.read() or b"null")


@pytest.fixture
def stage(tmp_path):
    with Stage(tmp_path) as made:
        made.run.mkdir(exist_ok=True)
        yield made


def gateway(stage):
    command = [sys.executable, "-m", "tests.api.gateway.serving", str(stage.folder), f"database_url={stage.store}"]
    with (stage.folder / "said.log").open("a") as said:
        process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=said)
    stage.processes.append(process)
    for line in process.stdout:
        if line.startswith("listens"):
            return int(line.split()[2])
    raise AssertionError(stage.said())


@pytest.mark.spec("GW-02", "GW-03", "GW-04", "SYS-16")
def test_what_a_person_asks_of_the_gateway_a_real_session_does(stage):
    session = stage.session()
    port = gateway(stage)
    ask, read = Wire(port, "trader"), Wire(port, "viewer")
    stage.until(lambda: read("GET", "/api/v1/sessions/mm")[1].get("state") == "active", session)
    stage.until(lambda: read("GET", "/api/v1/account/trades")[1]["data"] != [], session)
    row = read("GET", "/api/v1/account/positions")[1]["data"][0]
    assert (row["session"], row["symbol"], row["account"]) == ("mm", SYMBOL, "demo")
    assert read("GET", "/api/v1/orders?session=mm")[1]["total"] > 0
    first = read("GET", "/api/v1/orders?session=mm&limit=1")[1]["data"][0]
    assert read("GET", f"/api/v1/orders/{first['id']}")[1]["client_id"] == first["client_id"]
    assert read("GET", "/api/v1/risk/limits")[0] == 200
    assert read("GET", "/api/v1/account")[1]["data"][0]["quote"] == "USDT"
    assert read("POST", "/api/v1/sessions/mm/pause", {})[0] == 403

    status, told = ask("POST", "/api/v1/sessions/mm/pause", {"reason": "look at the quotes"}, key="pause-it-once")
    assert (status, told["again"]) == (200, False), told
    assert stage.status()["state"] == "paused"
    assert ask("POST", "/api/v1/sessions/mm/pause", {"reason": "look at the quotes"}, key="pause-it-once")[1] == told
    asked = [line for line in (stage.run / "sessions/mm/commands.jsonl").read_text().splitlines() if '"asked"' in line]
    assert len([line for line in asked if '"pause"' in line]) == 1

    changed = ask("POST", "/api/v1/sessions/mm/parameters", {"parameter": "half_spread_bps", "value": 0.5})
    assert changed[0] == 200, changed
    stage.until(lambda: stage.status()["picture"]["strategy"]["half_spread_bps"] == 0.5, session)
    wrong = ask("POST", "/api/v1/sessions/mm/parameters", {"parameter": "nothing", "value": 1})
    assert (wrong[0], wrong[1]["code"]) == (422, "REFUSED_BY_SESSION")
    if "order" in COMMANDS:
        orders_by_hand(stage, session, ask)
    assert ask("POST", "/api/v1/sessions/mm/resume", {})[0] == 200
    stage.trades_on(session)
    ended = ask("POST", "/api/v1/sessions/mm/stop", {"flatten": True, "reason": "the day is over"})
    assert (ended[0], ended[1]["state"]) == (200, "ended"), ended
    stage.until(lambda: session.poll() is not None)
    assert ask("POST", "/api/v1/sessions/mm/pause", {})[0] == 409
    store = open_store(stage.store)
    try:
        assert verify_audit(store) == ""
    finally:
        store.close()


def orders_by_hand(stage, session, ask):
    """Place, see, amend and cancel one: through the gate, at the venue, and once for each key."""
    bid = float(stage.until(lambda: stage.status()["picture"]["instruments"][0]["bid"] or False, session))
    body = {"session": "mm", "symbol": SYMBOL, "side": "buy", "quantity": "0.010", "price": f"{bid * 0.99:.1f}"}
    status, placed = ask("POST", "/api/v1/orders", body, key="a-manual-order")
    assert status == 201, placed
    assert ask("POST", "/api/v1/orders", body, key="a-manual-order")[1]["id"] == placed["id"]
    stage.until(lambda: placed["id"] in [row["id"] for row in ask("GET", "/api/v1/orders/active")[1]["data"]], session)
    cancelled = ask("DELETE", f"/api/v1/orders/{placed['id']}")
    assert cancelled[0] == 200, cancelled
    stage.until(lambda: placed["id"] not in [row["id"] for row in ask("GET", "/api/v1/orders/active")[1]["data"]], session)
