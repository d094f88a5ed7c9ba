"""Rules and channels that are configured in the store hold beside those of the file."""

import pytest

from b25.config.configurations import Configurations
from b25.config.outcome import Author
from b25.runner.alerts.serving import read_store
from b25.store.store import open_store

RULE = {
    "name": "leverage_high", "source": "metric", "metric": "risk.metrics.leverage", "condition": {"op": "gt", "threshold": 2.5},
    "channels": ["ops"], "severity": "critical", "summary": "too much for what is there",
}  # fmt: skip
ROUTE = {"name": "ops", "kind": "webhook", "secretref": "secretref://alerts/ops", "severities": ["critical"]}


@pytest.fixture
def said():
    return []


@pytest.fixture
def store(tmp_path):
    made = open_store(f"sqlite:///{tmp_path}/b25.db")
    yield made
    made.close()


def configure(store, key, kind, value):
    known, by = Configurations(store), Author("ann")
    known.create(key, kind, value, by)
    known.activate(key, by, version=1, reason="because")


@pytest.mark.spec("CF-11", "NT-05")
def test_what_is_configured_and_active_is_watched_and_told(store, said):
    configure(store, "ops/alerts/all/ops", "notification_route", ROUTE)
    configure(store, "ops/alerts/all/leverage_high", "alert_rule", RULE)
    rules, routes = read_store(store, None, said.append)
    (rule,) = [one for one in rules if one.name == "leverage_high"]
    assert (rule.text, rule.condition.threshold, rule.channels) == ("too much for what is there", 2.5, ("ops",))
    (route,) = [one for one in routes if one.name == "ops"]
    assert route.secretref == "file:alerts-ops"
    assert len(rules) > 20  # the default ones hold as well


def test_a_draft_does_not_hold(store, said):
    Configurations(store).create("ops/alerts/all/ops", "notification_route", ROUTE, Author("ann"))
    assert [one.name for one in read_store(store, None, said.append)[1]] == ["log"]


def test_what_cannot_be_watched_or_is_there_already_is_told_and_left_out(store, said, tmp_path):
    configure(store, "ops/alerts/all/ops", "notification_route", ROUTE)
    configure(
        store,
        "ops/alerts/all/nonsense",
        "alert_rule",
        RULE | {"name": "nonsense", "metric": "no_such_thing", "channels": ["log"]},
    )
    (tmp_path / "alerts.toml").write_text('[[routes]]\nname = "ops"\nkind = "log"\n')
    rules, routes = read_store(store, tmp_path / "alerts.toml", said.append)
    assert [(one.name, one.kind) for one in routes] == [("ops", "log")]
    assert "nonsense" not in {one.name for one in rules}
    assert [text.partition(" is left out")[0] for text in said] == ["ops/alerts/all/ops", "ops/alerts/all/nonsense"]
