"""Rules and channels: what is refused when it is read, and that every default reads what somebody tells."""

import inspect
import re
from dataclasses import fields

import pytest

from b25.account.ledger.alerts import concerns
from b25.bus.subjects import subject
from b25.model.errors import Misuse
from b25.runner.alerts.default_rules import default_rules, with_defaults
from b25.runner.alerts.engine import Engine
from b25.runner.alerts.metrics import DAY_NS, Readings, parse_metric
from b25.runner.alerts.own_subjects import OWN
from b25.runner.alerts.rules import Condition, QuietHours, routes_from, rules_from

S = 1_000_000_000
ROW = {"name": "r", "source": "metric", "metric": "risk.metrics.leverage", "condition": {"op": ">", "threshold": 3}}


@pytest.mark.spec("OB-N2", "NT-N1")
def test_every_default_rule_reads_a_declared_subject_and_a_field_of_it():
    rules = default_rules()
    assert len(rules) > 25
    for rule in rules:
        for name in rule.subjects:
            if name in OWN:
                known = set(OWN[name])
            else:
                assert "alerts" in subject(name).consumers
                known = {one.name for one in fields(subject(name).body)} | set(subject(name).holes)
            wanted = {field for pattern, field in rule.read.names if field} if rule.read else {rule.condition.field} - {""}
            assert wanted <= known, rule.name


def test_an_own_rule_replaces_a_default_or_switches_it_off():
    own = rules_from({"rules": [ROW | {"name": "cpu_high", "enabled": False}]})
    assert [one.enabled for one in with_defaults(own) if one.name == "cpu_high"] == [False]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metric": "risk.metrics.leverge"}, "has no field"),
        ({"metric": "risk.metric.leverage"}, "did you mean risk.metrics"),
        ({"metric": "increase(risk.metrics.refused)"}, "has no window"),
        ({"metric": "rate(risk.metrics.refused, 3)"}, "there is no 'rate'"),
        ({"condition": {"op": "=>", "threshold": 1}}, "op '=>'"),
        ({"condition": {"op": ">", "threshold": "3"}}, "threshold is '3'"),
        ({"severity": "loud"}, "severity 'loud'"),
        ({"for_s": -1}, "for_s is -1"),
        ({"name": "a b"}, "names no rule"),
        ({"text": "{equty}"}, "its text needs {equty}"),
        ({"text": "{value:.2f}"}, "shapes a value"),
        ({"text": "{value"}, "its text is wrong"),
        ({"text": "{rule.__class__}"}, "its text needs"),
        ({"source": "event", "subject": "risk.alert", "condition": {"op": "in", "field": "text", "value": 5}}, "in 5"),
        ({"chanels": ["x"]}, "no field chanels"),
        (
            {"source": "event", "subject": "risk.alert", "condition": {"op": "==", "field": "txt", "value": "x"}},
            "has no field 'txt'",
        ),
    ],
)
@pytest.mark.spec("NT-03")
def test_a_wrong_rule_is_refused_by_what_is_wrong(change, says):
    with pytest.raises(Misuse, match=r".") as refused:
        rules_from({"rules": [ROW | change]})
    assert says in str(refused.value)


def test_a_channel_needs_a_reference_and_never_a_secret():
    with pytest.raises(Misuse, match="secretref"):
        routes_from({"routes": [{"name": "m", "kind": "mail", "secretref": "mailto://user:geheim@host"}]})
    with pytest.raises(Misuse) as refused:
        routes_from({"routes": [{"name": "m", "kind": "mail", "secretref": "mailto://user:geheim@host"}]})
    assert "geheim" not in str(refused.value)


@pytest.mark.spec("NT-04")
def test_quiet_hours_are_those_of_the_zone_and_span_midnight():
    hours = QuietHours(start="22:00", end="08:00", timezone="Europe/Berlin")
    summer, winter = 1_751_320_800, 1_767_218_400  # 2025-06-30 22:00 UTC, 2025-12-31 22:00 UTC
    # 20:00 UTC is 22:00 there in summer, 21:00 in winter.
    assert hours.hold((summer - 2 * 3_600) * S)
    assert not hours.hold((winter - 2 * 3_600) * S)
    assert hours.hold((winter - 3_600) * S)
    with pytest.raises(Misuse, match="no time zone"):
        QuietHours(timezone="Mars/Olympus")


def test_conditions_on_events_compare_decimals_as_numbers():
    assert Condition(op="==", field="count", value="1.0").holds_in({"count": "1"})
    assert Condition(op=">", field="count", value=2).holds_in({"count": "10"})
    assert not Condition(op=">", field="count", value=2).holds_in({"count": None})
    assert Condition(op="in", field="rule", value=["a", "b"]).holds_in({"rule": "b"})


def test_metrics_over_time():
    def read(text, values, step_s=1):
        metric = parse_metric(text)
        readings = Readings([metric])
        for i, fields_ in enumerate(values):
            readings.take(metric.names[0][0], "k", fields_, 1_000 * S + i * step_s * S)
        return readings.value(metric, "k", 1_000 * S + (len(values) - 1) * step_s * S)

    grows = [{"refused": i, "submits": 3 * i} for i in range(100)]
    assert read("increase(risk.metrics.refused, 10)", grows) == 11  # from the last value before the window on
    assert read("share(risk.metrics.refused, risk.metrics.submits, 50)", grows) == pytest.approx(0.25)
    assert read("increase(risk.metrics.refused, 60)", [{"refused": one} for one in (5, 9, 2, 4)]) == 8  # begun anew at 0
    assert read("age(risk.metrics)", [{}, {}]) == 0.0
    assert read("ratio(risk.metrics.net, risk.metrics.equity)", [{"net": "-50", "equity": "200"}]) == -0.25
    assert read("risk.metrics.leverage", [{"leverage": None}]) is None


def test_the_highest_of_the_day_begins_anew_at_midnight():
    metric = parse_metric("drop_today(account.balance.equity)")
    readings = Readings([metric])
    for at_ns, equity in ((10 * DAY_NS + 5, "200"), (10 * DAY_NS + 6, "100"), (11 * DAY_NS, "100")):
        readings.take("account.balance", "k", {"equity": equity}, at_ns)
        last = readings.value(metric, "k", at_ns)
        assert last == (0.5 if at_ns == 10 * DAY_NS + 6 else 0.0)


@pytest.mark.spec("AM-19")
@pytest.mark.parametrize(
    ("said", "name", "severity"),
    [
        ("account: low balance: equity 900.00 USDT is below 1,000", "low_balance", "warning"),
        ("account: high drawdown: 6.00% below the day's begin", "high_drawdown", "critical"),
        ("account: high margin usage: 85.0% of the equity is demanded", "high_margin_usage", "critical"),
        ("account: liquidation near: BTC/USDT:USDT is 4.00% from its liquidation", "liquidation_near", "critical"),
        ("account: large position: BTC/USDT:USDT is worth 60,000 USDT", "large_position", "warning"),
        ("account: low free margin: 10.0% of the equity is free", "low_free_margin", "warning"),
        ("account: balance drift: USDT differs", "balance_drift", "critical"),
        ("position drift: BTC/USDT: it differs", "position_drift", "critical"),
        ("unexpected fill: trade 7", "unexpected_fill", "critical"),
    ],
)
def test_what_a_session_says_of_its_account_fires_the_rule_of_that_kind(said, name, severity):
    engine = Engine(default_rules())
    fields_ = {"session": "live-1", "text": said, "severity": "warning"}
    told = engine.observe("alerts.{severity}", "session/live-1", fields_, 10**18, is_event=True)
    assert [(one.rule.name, str(one.rule.severity)) for one in told.batches] == [(name, severity)]


def test_kinds_of_the_account_have_a_rule_each():
    source = inspect.getsource(concerns)
    kinds = set(re.findall(r'yield "([A-Z_]+)"', source))
    words = {one.condition.value.removesuffix(": ") for one in default_rules() if one.condition.op == "contains"}
    assert len(kinds) >= 6
    assert {kind.lower().replace("_", " ") for kind in kinds} <= words
