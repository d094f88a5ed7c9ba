"""Configurations over the API: who may draft and who may have it hold, codes of refusals, and who runs which version."""

import asyncio
import json
from pathlib import Path

import pytest

from b25.api.config_desk import ConfigDesk
from b25.bus.publisher import Publisher
from b25.store.audit import verify_audit
from b25.store.config_desk import add_ack
from tests.config.examples import GOOD

KEY = "default/mm/live/limits"
REF = KEY.replace("/", "~")
AT, DESK = "/api/v1/configurations", "/api/v1/configuration-desk"
STRATEGIES = Path(__file__).resolve().parents[3] / "strategies"


@pytest.fixture
def publisher():
    return Publisher("gateway", "test")


@pytest.fixture
def gateway(gateway, publisher):
    gateway.join(ConfigDesk(gateway, print, publisher=publisher, strategies=STRATEGIES))
    return gateway


def limits(**more):
    return {"account": {"order_value_max": 500.0, "daily_loss_max": 50.0} | more}


def asked(act):
    return asyncio.run(act())


async def drafted(client_as, value=None, key=KEY, kind="risk_limit"):
    made = await client_as("researcher").post(AT, json={"key": key, "type": kind, "value": value or limits(collar=0.02)})
    assert made.status_code == 201, made.text
    return made.json()["data"]


@pytest.mark.spec("GW-05")
def test_limits_hold_in_one_step_and_what_loosens_waits(client_as, gateway):
    put = "/api/v1/risk/limits"

    async def act():
        risk = client_as("risk")
        first = await risk.put(put, json={"key": KEY, "limits": limits(collar=0.02), "reason": "first"})
        assert first.status_code == 200, first.text
        assert first.json()["data"]["configuration"]["active_version"] == 1
        tight = await risk.put(put, json={"key": KEY, "version": 1, "limits": limits(collar=0.01), "reason": "tighter"})
        assert tight.json()["data"]["configuration"]["active_version"] == 2
        loose = await risk.put(put, json={"key": KEY, "version": 2, "limits": limits(collar=0.05), "reason": "wider"})
        assert loose.json()["data"]["pending"]
        assert loose.json()["data"]["configuration"]["active_version"] == 2
        stale = await risk.put(put, json={"key": KEY, "version": 1, "limits": limits(), "reason": "late"})
        assert (stale.status_code, stale.json()["code"]) == (409, "VERSION_CONFLICT")
        wrong = await risk.put(put, json={"key": KEY, "version": 3, "limits": {"account": {"colar": 1}}, "reason": "typo"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "VALIDATION_FAILED")
        assert (await client_as("trader").put(put, json={"key": KEY, "limits": {}, "reason": "mine"})).status_code == 403

    asked(act)


@pytest.mark.spec("CF-01")
def test_from_draft_to_rollback_and_every_answer_says_what_holds(client_as, gateway):
    async def act():
        await drafted(client_as)
        risk, viewer = client_as("risk"), client_as("viewer")
        held = (await risk.post(f"{AT}/{REF}/activate", json={"reason": "go"})).json()["data"]
        assert (held["configuration"]["state"], held["configuration"]["active_version"], held["pending"]) == ("ACTIVE", 1, None)
        more = await client_as("trader").put(f"{AT}/{REF}", json={"version": 1, "value": limits(collar=0.01)})
        assert more.json()["data"]["version"]["number"] == 2
        one = (await viewer.get(f"{AT}/{REF}")).json()["data"]
        assert one["version"]["value"] == limits(collar=0.02)
        assert one["effective"]["account"]["collar"] == 0.02
        assert (await viewer.get(f"{AT}/{held['configuration']['id']}")).json()["data"] == one
        difference = (await viewer.get(f"{AT}/{REF}/diff", params={"before": 1, "after": 2})).json()["data"]
        assert difference == [{"field": "account.collar", "change": "changed", "before": 0.02, "after": 0.01}]
        await risk.post(f"{AT}/{REF}/activate", json={})
        back = (await risk.post(f"{AT}/{REF}/rollback", json={"version": 1, "reason": "too narrow"})).json()["data"]
        assert back["version"]["of_version"] == 1
        assert back["loosened"] == [{"field": "account: collar", "before": 0.01, "after": 0.02}]
        waits = (await viewer.get(f"{DESK}/pending")).json()["data"]
        assert [one["id"] for one in waits] == [back["pending"]]
        own = await risk.post(f"{DESK}/pending/{back['pending']}/approve", json={})
        assert (own.status_code, own.json()["code"]) == (403, "FORBIDDEN")
        other = await client_as("risk", "trader").post(f"{DESK}/pending/{back['pending']}/approve", json={"reason": "seen"})
        assert other.json()["data"]["configuration"]["active_version"] == 3
        numbers = [one["number"] for one in (await viewer.get(f"{AT}/{REF}/versions", params={"limit": 2})).json()["data"]]
        assert numbers == [3, 2]
        log = (await risk.get(f"{AT}/{REF}/audit")).json()
        assert [one["action"] for one in log["data"]] == ["activated", "updated", "activated", "updated", "activated", "created"]
        assert log["total"] == 6
        assert log["data"][0]["new"] == limits(collar=0.02)
        assert log["data"][0]["ip"] == "127.0.0.1"
        listing = (await viewer.get(AT, params={"type": "risk_limit", "state": "ACTIVE"})).json()
        assert (listing["total"], listing["data"][0]["key"]) == (1, KEY)
        gone = await risk.delete(f"{AT}/{REF}")
        assert gone.json()["data"]["pending"] is not None

    asked(act)
    assert verify_audit(gateway.store) == ""


@pytest.mark.spec("CF-03")
def test_refusals_have_their_codes_and_say_field_value_rule_and_remedy(client_as):
    async def act():
        await drafted(client_as)
        mine = client_as("researcher")
        again = await mine.post(AT, json={"key": KEY, "type": "risk_limit", "value": limits()})
        assert (again.status_code, again.json()["code"]) == (409, "DUPLICATE_KEY")
        stale = await mine.put(f"{AT}/{REF}", json={"version": 7, "value": limits()})
        assert (stale.status_code, stale.json()["code"]) == (409, "VERSION_CONFLICT")
        missing = await mine.get(f"{AT}/default~nobody~live~limits")
        assert (missing.status_code, missing.json()["code"]) == (404, "NOT_FOUND")
        wrong = await mine.put(f"{AT}/{REF}", json={"version": 1, "value": {"account": {"colar": 0.02}}})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "VALIDATION_FAILED")
        fault = wrong.json()["fields"][0]
        assert (fault["field"], fault["rule"], fault["remedy"]) == ("account.colar", "is not known", "did you mean 'collar'?")
        strange = await mine.post(AT, json={"key": "a/b", "type": "risk_limit", "value": {}})
        assert (strange.status_code, "4" in strange.json()["detail"]) == (422, True)

    asked(act)


@pytest.mark.spec("CF-N6")
def test_a_secret_is_refused_and_told_to_nobody(client_as, gateway):
    canary = "sk-CANARY0123456789abcdefCANARY"

    async def act():
        value = {**GOOD["notification_route"], "secretref": canary}
        body = {"key": "default/default/default/ops", "type": "notification_route"}
        for given in ({"value": value}, {"text": json.dumps(value)}, {"text": f'secretref = "{canary}', "format": "toml"}):
            told = await client_as("researcher").post(AT, json=body | given)
            assert told.status_code == 422
            assert canary not in told.text

    asked(act)
    assert all(
        canary.encode() not in path.read_bytes() for path in gateway.settings.run_folder.parent.rglob("*") if path.is_file()
    )


@pytest.mark.parametrize(
    ("role", "method", "path", "body"),
    [
        ("viewer", "POST", AT, {"key": KEY, "type": "risk_limit", "value": {}}),
        ("researcher", "POST", f"{AT}/{REF}/activate", {}),
        ("trader", "POST", f"{AT}/{REF}/rollback", {"version": 1, "reason": "x"}),
        ("admin", "POST", f"{DESK}/pending/1/approve", {}),
        ("researcher", "POST", f"{DESK}/import", {"profile": "seeds", "activate": True}),
        ("researcher", "GET", f"{AT}/{REF}/audit", None),
    ],
)
def test_who_may_not_is_refused(client_as, role, method, path, body):
    async def act():
        assert (await client_as(role).request(method, path, json=body)).status_code == 403
        assert (await client_as().request(method, path, json=body)).status_code == 401

    asked(act)


@pytest.mark.spec("CF-12")
@pytest.mark.spec("CF-02")
def test_a_value_is_looked_at_on_four_levels_and_nothing_is_changed(client_as, gateway, monkeypatch):
    monkeypatch.setattr(
        "b25.api.config_desk.tried",
        lambda *parts: [{"session": "mm", "outcome": "rejected", "detail": "the gate failed its self-test"}],
    )

    async def act():
        await drafted(client_as)
        await client_as("risk").post(f"{AT}/{REF}/activate", json={})

        async def look(value, key=KEY):
            told = await client_as("researcher").post(f"{AT}/validate", json={"key": key, "type": "risk_limit", "value": value})
            assert told.status_code == 200, told.text
            return told.json()["data"]

        assert [one["level"] for one in (await look({"account": {"collar": -1}}))["faults"]] == [1]
        meaning = await look({"account": {"gross_max": 200_000.0, "leverage_max": 20.0}})
        assert [(one["field"], one["level"]) for one in meaning["faults"]] == [("account.leverage_max", 2)]
        state = await look(limits(collar=0.5))
        assert [(one["level"], one["rule"]) for one in state["faults"]] == [(3, "mm: the gate failed its self-test")]
        assert state["needs_approval"]

    asked(act)
    assert gateway.part(ConfigDesk).configurations.head(KEY).version == 1


@pytest.mark.spec("CF-15")
def test_the_screen_shows_who_runs_which_version(client_as, gateway):
    add_ack(gateway.store, "mm", KEY, "risk_limit", 1, "ab", "applied", "", 1)
    add_ack(gateway.store, "mm", KEY, "risk_limit", 2, "ac", "rejected", "why", 2)

    async def act():
        rows = (await client_as("viewer").get(f"{AT}/running")).json()["data"]
        assert [(one["session"], one["version"], one["outcome"], one["detail"]) for one in rows] == [("mm", 2, "rejected", "why")]

    asked(act)


@pytest.mark.spec("CF-14")
def test_every_change_is_offered_to_the_bus_once_in_order(client_as, gateway, publisher):
    keeper = gateway.part(ConfigDesk).keeper
    keeper.tell()

    async def act():
        await drafted(client_as)
        await client_as("risk").post(f"{AT}/{REF}/activate", json={})

    asked(act)
    assert (keeper.tell(), keeper.tell()) == (2, 0)
    bodies = [one.message.body for one in publisher._kept]
    assert [(one.action, one.version, one.seq, one.key) for one in bodies] == [("created", 1, 1, KEY), ("activated", 1, 2, KEY)]
    assert bodies[1].value == limits(collar=0.02)


@pytest.mark.spec("CF-13")
@pytest.mark.spec("SYS-07")
@pytest.mark.parametrize("profile", ["seeds", "small_account", "standard_risk", "momentum_scalper"])
def test_profiles_are_imported_whole_exported_and_unchanged_the_second_time(client_as, profile):
    async def act():
        risk = client_as("risk")
        dry = (await risk.post(f"{DESK}/import", json={"profile": profile, "activate": True, "dry": True})).json()
        assert {one["action"] for one in dry["data"]} == {"created"}
        assert (await risk.get(AT)).json()["total"] == 0
        done = await risk.post(f"{DESK}/import", json={"profile": profile, "activate": True})
        assert done.status_code == 200, done.text
        assert all(one["is_active"] for one in done.json()["data"])
        bundle = (await risk.get(f"{DESK}/export")).json()["data"]
        again = await risk.post(f"{DESK}/import", json={"text": json.dumps(bundle), "activate": True})
        assert {one["action"] for one in again.json()["data"]} == {"unchanged"}

    asked(act)


@pytest.mark.spec("CF-02")
def test_what_is_planned_happens_at_its_time_and_is_taken_back_when_a_session_refuses_it(client_as, gateway):
    desk = gateway.part(ConfigDesk)
    real, ahead = gateway.now_ns, [0]
    desk.configurations.now_ns = lambda: real() + ahead[0]

    async def act():
        await drafted(client_as)
        risk = client_as("risk")
        await risk.post(f"{AT}/{REF}/activate", json={})
        await client_as("researcher").put(f"{AT}/{REF}", json={"version": 1, "value": limits(collar=0.01)})
        late = await risk.post(f"{DESK}/schedules", json={"key": KEY, "version": 2, "at_ns": 5})
        assert late.status_code == 409
        made = await risk.post(f"{DESK}/schedules", json={"key": KEY, "version": 2, "at_ns": real() + 10**12})
        assert made.status_code == 201, made.text
        desk.schedules.keep()
        assert desk.configurations.head(KEY).active_version == 1
        ahead[0] = 2 * 10**12
        assert "holds from now on" in desk.schedules.keep()[0]
        assert desk.configurations.head(KEY).active_version == 2
        add_ack(gateway.store, "mm", KEY, "risk_limit", 2, "ab", "rejected", "no", real() + 3 * 10**12)
        assert "was taken back: mm refused it" in desk.schedules.keep()[0]
        head, version = desk.configurations.version(KEY)
        assert (head.active_version, version.of_version, version.value) == (3, 1, limits(collar=0.02))
        states = [one["state"] for one in (await risk.get(f"{DESK}/schedules")).json()["data"]]
        assert states == ["ROLLED_BACK"]
        looser = await client_as("researcher").put(f"{AT}/{REF}", json={"version": 3, "value": limits(collar=0.09)})
        assert looser.status_code == 200
        body = {"key": KEY, "version": 4, "at_ns": real() + 10**13}
        assert (await risk.post(f"{DESK}/schedules", json=body)).status_code == 409

    asked(act)
