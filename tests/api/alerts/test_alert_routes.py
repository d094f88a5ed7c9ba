"""Alerts over the API: search, acknowledge with audit, silences, deliveries, and a test message."""

import asyncio

import pytest
from sqlalchemy import select

from b25.api.announcer import Announcer
from b25.runner.alerts.engine import Engine
from b25.runner.alerts.rules import rules_from
from b25.runner.alerts.service import row_of
from b25.store.alert_log import AlertLog
from b25.store.audit import verify_audit
from b25.store.notification_queue import NotificationQueue
from b25.store.tables import audit

S = 1_000_000_000
RULE = {
    "name": "lev", "source": "metric", "metric": "risk.metrics.leverage", "condition": {"op": ">", "threshold": 3.0},
    "severity": "critical",
}  # fmt: skip


@pytest.fixture
def alerts(gateway):
    """Three alerts, a second apart."""
    engine, log = Engine(rules_from({"rules": [RULE]})), AlertLog(gateway.store)
    for i in range(3):
        engine.observe("risk.metrics", f"session/{i}", {"leverage": 4 + i}, (1_000 + i) * S)
    with gateway.store.writing():
        for one in engine.alerts.values():
            log.save(row_of(one), ["firing"], one.fired_ns)
    return sorted(one.alert_id for one in engine.alerts.values())


def ask(client, method, path, **more):
    async def run():
        async with client as held:
            return await held.request(method, f"/api/v1{path}", **more)

    return asyncio.run(run())


@pytest.mark.spec("NT-09")
def test_alerts_are_searched_and_read_page_by_page(client_as, alerts):
    first = ask(client_as("viewer"), "GET", "/alerts?limit=2&state=firing").json()
    rest = ask(client_as("viewer"), "GET", f"/alerts?limit=2&after={first['next']}").json()
    got = [one["alert_id"] for one in first["alerts"] + rest["alerts"]]
    assert (sorted(got), rest["next"]) == (alerts, None)
    assert ask(client_as("viewer"), "GET", "/alerts?text=SESSION/1").json()["alerts"][0]["source"] == "session/1"
    assert ask(client_as("viewer"), "GET", "/alerts?text=%25").json()["alerts"] == []
    assert ask(client_as("viewer"), "GET", "/alerts?severity=info").json()["alerts"] == []


@pytest.mark.spec("SYS-20", "NT-09")
def test_an_acknowledgement_is_audited_and_the_first_one_counts(client_as, gateway, alerts):
    told = []
    gateway.join(Announcer(lambda channel, key, value: told.append((channel, key, value["acknowledged_by"]))))
    path = f"/alerts/{alerts[0]}/acknowledge"
    assert ask(client_as("trader"), "POST", path, json={"reason": "looking"}).json()["acknowledged_by"] == "trader"
    assert ask(client_as("risk"), "POST", path, json={}).json()["acknowledged_by"] == "trader"
    rows = gateway.store.rows(select(audit))
    assert [(one.actor, one.action) for one in rows] == [("trader", "alert.acknowledge")]
    assert verify_audit(gateway.store) == ""
    story = ask(client_as("viewer"), "GET", f"/alerts/{alerts[0]}").json()
    assert [one["event"] for one in story["events"]] == ["firing", "acknowledged"]
    assert told[0] == ("alerts", alerts[0], "trader")


@pytest.mark.spec("NT-N3")
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/alerts/x/acknowledge", {}, 403), ("POST", "/alerts/silences", {"ends_ns": 1, "reason": "x"}, 403),
        ("DELETE", "/alerts/silences/x", None, 403), ("POST", "/notifications/test", {"channel": "x"}, 403),
    ],
)  # fmt: skip
def test_a_viewer_changes_nothing_and_nobody_sees_anything(client_as, method, path, body, status):
    assert ask(client_as("viewer"), method, path, json=body).status_code == status
    assert ask(client_as(), method, path, json=body).status_code == 401
    assert ask(client_as(), "GET", "/alerts").status_code == 401
    assert ask(client_as(), "GET", "/notifications").status_code == 401


def test_an_audit_that_cannot_be_written_leaves_no_acknowledgement(client_as, gateway, alerts, monkeypatch):
    from b25.store import alert_log
    from b25.store.faults import Cause, StoreFailed

    def fails(*_, **__):
        raise StoreFailed(Cause.FULL, "no room")

    monkeypatch.setattr(alert_log, "add_audit", fails)
    with pytest.raises(StoreFailed):
        AlertLog(gateway.store).acknowledge(alerts[0], by="ann", reason="", facts={}, now_ns=S)
    assert AlertLog(gateway.store).alert(alerts[0])["acknowledged_by"] == ""


def test_a_silence_is_made_told_and_ended(client_as, gateway):
    now_ns = gateway.now_ns()
    made = ask(client_as("risk"), "POST", "/alerts/silences", json={"rule": "lev", "ends_ns": now_ns + 60 * S, "reason": "work"})
    assert made.status_code == 201
    held = ask(client_as("viewer"), "GET", "/alerts/silences").json()["silences"]
    assert [one["silence_id"] for one in held] == [made.json()["silence_id"]]
    assert ask(client_as("risk"), "DELETE", f"/alerts/silences/{held[0]['silence_id']}").status_code == 204
    assert ask(client_as("risk"), "DELETE", f"/alerts/silences/{held[0]['silence_id']}").status_code == 404
    assert ask(client_as("viewer"), "GET", "/alerts/silences").json()["silences"] == []
    assert ask(client_as("risk"), "POST", "/alerts/silences", json={"ends_ns": 5, "reason": "late"}).status_code == 400
    actions = [one.action for one in gateway.store.rows(select(audit))]
    assert actions == ["alert.silence", "alert.silence.end"]


@pytest.mark.spec("NT-09")
def test_a_test_message_waits_in_the_queue_and_statistics_tell_of_it(client_as, gateway):
    made = ask(client_as("risk"), "POST", "/notifications/test", json={"channel": "hook"})
    assert made.status_code == 202
    page = ask(client_as("viewer"), "GET", "/notifications?channel=hook").json()["notifications"]
    assert [(one["notification_id"], one["status"]) for one in page] == [(made.json()["notification_id"], "pending")]
    assert len(NotificationQueue(gateway.store).claim("me", gateway.now_ns() + S, S, 20)) == 1
    told = ask(client_as("viewer"), "GET", "/notifications/statistics").json()
    assert told["channels"][0]["by_status"] == {"sending": 1}
    assert [one.action for one in gateway.store.rows(select(audit))] == ["notification.test"]


@pytest.mark.parametrize("path", ["/alerts/gone", "/alerts/%00", "/alerts?limit=0", "/alerts?after=x", "/alerts?text=%00"])
def test_what_is_wrong_is_told_as_that(client_as, path):
    assert ask(client_as("viewer"), "GET", path).status_code in (400, 404, 422)
    assert ask(client_as("risk"), "POST", "/alerts/gone/acknowledge", json={}).status_code == 404
