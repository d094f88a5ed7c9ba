"""The engine: what fires when, who is told how often, and what is held back; golden case G29 in time, and a state machine."""

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from b25.runner.alerts.engine import ESCALATE_NS, INSTANCES_MAX, REPEAT_NS, Engine, Silence, State, Why
from b25.runner.alerts.rules import rules_from

S = 1_000_000_000
T0 = 20_000 * 86_400 * S + 3_600 * S
LEVERAGE = {
    "name": "lev", "source": "metric", "metric": "risk.metrics.leverage", "condition": {"op": ">", "threshold": 3.0},
    "severity": "warning",
}  # fmt: skip
HALT = {
    "name": "halt", "source": "event", "subject": "risk.emergency", "condition": {"op": "any"}, "severity": "critical",
    "text": "{session}: {reason}",
}  # fmt: skip
DOWN = {
    "name": "down", "source": "metric", "metric": "age(health.{component})", "condition": {"op": ">", "threshold": 60},
    "severity": "critical", "inhibits": True,
}  # fmt: skip


def engine(*rows):
    return Engine(rules_from({"rules": rows}))


def drive(of, pattern, values, source="session/a"):
    """Tell a value a second and let time pass; gives (second, why) of every message."""
    said = []
    for second, fields in enumerate(values):
        for told in (of.observe(pattern, source, fields, T0 + second * S), of.tick(T0 + second * S)):
            said += [(second, batch.why) for batch in told.batches]
    return said


@pytest.mark.golden("G29")
@pytest.mark.spec("NT-05")
def test_a_condition_of_599_s_is_told_twice_and_its_end_once():
    of = engine(
        {
            "name": "dd", "source": "metric", "metric": "drop_today(account.balance.equity)",
            "condition": {"op": ">", "threshold": 0.05}, "severity": "critical", "cooldown_s": 300.0,
        }
    )  # fmt: skip
    of.observe("account.balance", "session/a", {"session": "a", "equity": "10000"}, T0 - S)
    equity = ["9400"] * 599 + ["9900"] * 400
    said = drive(of, "account.balance", [{"session": "a", "equity": one} for one in equity])
    assert said == [(0, Why.FIRING), (300, Why.REPEAT), (599, Why.RESOLVED)]


@pytest.mark.spec("OB-08")
def test_it_waits_its_time_before_it_fires_and_begins_anew_when_interrupted():
    of = engine(LEVERAGE | {"for_s": 5.0})
    levels = [4, 4, 4, 4, 1, 4, 4, 4, 4, 4, 4, 4]
    assert drive(of, "risk.metrics", [{"leverage": one} for one in levels]) == [(10, Why.FIRING)]


def test_what_is_not_known_neither_fires_nor_resolves():
    of = engine(LEVERAGE)
    assert drive(of, "risk.metrics", [{"leverage": one} for one in (None, 4, None, float("nan"), *[1] * 10)]) == [
        (1, Why.FIRING), (11, Why.RESOLVED),
    ]  # fmt: skip


@pytest.mark.spec("NT-05", "OB-08")
def test_flapping_is_told_once_in_a_cooldown():
    of = engine(LEVERAGE | {"cooldown_s": 300.0})
    said = drive(of, "risk.metrics", [{"leverage": 4 if i % 2 else 1} for i in range(900)])
    assert [second for second, why in said if why is not Why.RESOLVED] == [1, 301, 601]


@pytest.mark.spec("OB-08")
def test_acknowledged_it_is_repeated_after_twelve_hours_only():
    of = engine(LEVERAGE | {"cooldown_s": 60.0})
    of.observe("risk.metrics", "session/a", {"leverage": 4}, T0)
    alert = next(iter(of.alerts.values()))
    assert of.acknowledge(alert.alert_id, "ann", T0 + S)
    said = [at for at in range(0, 13 * 3_600, 30) if of.tick(T0 + at * S).batches]
    assert said == [REPEAT_NS // S]


@pytest.mark.spec("NT-05")
def test_nobody_has_acknowledged_for_a_quarter_of_an_hour():
    of = engine(HALT)
    first = of.observe("risk.emergency", "session/a", {"session": "a", "reason": "x", "by": "y"}, T0, is_event=True)
    assert [one.why for one in first.batches] == [Why.FIRING]
    said = [(at, b.why) for at in range(3_600) for b in of.tick(T0 + at * S).batches]
    assert said == [(ESCALATE_NS // S, Why.ESCALATED)]


def test_what_happened_and_is_critical_stays_until_somebody_has_seen_it():
    of = engine(HALT)
    of.observe("risk.emergency", "session/a", {"session": "a", "reason": "x", "by": "y"}, T0, is_event=True)
    of.tick(T0 + 7_200 * S)
    alert = next(iter(of.alerts.values()))
    assert alert.state is State.FIRING
    of.acknowledge(alert.alert_id, "ann", T0 + 7_201 * S)
    of.tick(T0 + 7_202 * S)
    assert alert.state is State.RESOLVED


def test_a_single_violation_is_none_for_30_s_and_several_are():
    row = HALT | {"subject": "risk.violation", "for_s": 30.0, "text": ""}
    body = {"session": "a", "strategy": "s", "symbol": "X", "rule": "r", "count": 1}
    one, two = engine(row), engine(row)
    for of in (one, two):
        of.observe("risk.violation", "session/a", body, T0, is_event=True)
    two.tick(T0 + 20 * S)
    two.observe("risk.violation", "session/a", body, T0 + 20 * S, is_event=True)
    assert [bool(of.tick(T0 + 31 * S).batches) for of in (one, two)] == [False, True]


@pytest.mark.spec("NT-10", "OB-10")
def test_silence_is_a_condition_and_hides_what_else_is_wrong_there():
    of = engine(DOWN, LEVERAGE)
    health = {"component": "session/a", "state": "running"}
    of.observe("health.{component}", "session/a", health, T0)
    assert not of.tick(T0 + 60 * S).batches
    told = of.tick(T0 + 61 * S)
    assert [(one.why, one.rule.name) for one in told.batches] == [(Why.FIRING, "down")]
    assert not of.observe("risk.metrics", "session/a", {"leverage": 9}, T0 + 62 * S).batches
    assert of.observe("risk.metrics", "session/b", {"leverage": 9}, T0 + 90 * S).batches
    back = of.observe("health.{component}", "session/a", health, T0 + 91 * S).batches + of.tick(T0 + 120 * S).batches
    assert {(one.why, one.rule.name) for one in back} == {(Why.RESOLVED, "down"), (Why.FIRING, "lev")}


def test_a_session_that_ended_in_order_is_no_alarm():
    of = engine(DOWN)
    of.observe("health.{component}", "session/a", {"component": "session/a", "state": "running"}, T0)
    of.observe("health.{component}", "session/a", {"component": "session/a", "state": "ended"}, T0 + S)
    assert not of.tick(T0 + 3_600 * S).batches


@pytest.mark.spec("OB-08")
def test_alerts_of_ten_seconds_share_a_message():
    of = engine(LEVERAGE)
    batches = []
    for i in range(8):
        batches += of.observe("risk.metrics", f"session/{i}", {"leverage": 9}, T0 + i * S // 2).batches
    for second in range(30):
        batches += of.tick(T0 + second * S).batches
    assert [len(one.alerts) for one in batches] == [1, 7]


def test_a_second_critical_alert_waits_less_than_five_seconds():
    of = engine(HALT)
    for i in range(2):
        of.observe("risk.emergency", f"session/{i}", {"session": str(i), "reason": "x", "by": "y"}, T0 + i, is_event=True)
    assert [len(one.alerts) for one in of.tick(T0 + 5 * S).batches] == [1]


@pytest.mark.spec("OB-08")
def test_a_silenced_alert_is_told_when_the_silence_ends():
    of = engine(LEVERAGE)
    of.silences = (Silence(ends_ns=T0 + 100 * S, rule="lev"),)
    assert not of.observe("risk.metrics", "session/a", {"leverage": 9}, T0).batches
    assert not of.tick(T0 + 99 * S).batches
    assert [one.why for one in of.tick(T0 + 100 * S).batches] == [Why.FIRING]


@pytest.mark.spec("NT-07")
def test_more_than_the_hour_allows_is_folded_but_never_what_is_critical():
    for row, folded in ((LEVERAGE, 17), (LEVERAGE | {"severity": "critical"}, 0)):
        of = engine(row | {"cooldown_s": 0.0, "max_per_hour": 3})
        batches = []
        for i in range(20):
            batches += of.observe("risk.metrics", f"session/{i}", {"leverage": 9}, T0 + i * 60 * S).batches
        fresh = [one for one in batches if one.alerts[0].state is State.FIRING]
        assert sum(one.is_folded for one in fresh) == folded


def test_a_new_life_goes_on_and_does_not_tell_again():
    of = engine(LEVERAGE)
    of.observe("risk.metrics", "session/a", {"leverage": 9}, T0)
    later = engine(LEVERAGE)
    later.restore(list(of.alerts.values()))
    assert not later.observe("risk.metrics", "session/a", {"leverage": 9}, T0 + 200 * S).batches
    assert [one.why for one in later.tick(T0 + 300 * S).batches] == [Why.REPEAT]
    assert [one.why for one in later.observe("risk.metrics", "session/a", {"leverage": 1}, T0 + 400 * S).batches] == [
        Why.RESOLVED
    ]


def test_there_is_a_bound_on_alerts():
    of = engine(LEVERAGE)
    for i in range(INSTANCES_MAX + 3):
        of.observe("risk.metrics", f"session/{i}", {"leverage": 9}, T0)
    assert (len(of.alerts), of.passed_over) == (INSTANCES_MAX, 3)


class AlertMachine(RuleBasedStateMachine):
    """Whatever happens: messages of one alert keep their distance, and an end is told only of what was told."""

    def __init__(self):
        super().__init__()
        self.of = engine(LEVERAGE | {"cooldown_s": 120.0, "for_s": 10.0}, DOWN)
        self.now_ns, self.told = T0, {}

    def note(self, told):
        for batch in told.batches:
            for alert in batch.alerts:
                at = (alert.rule, alert.key)
                if batch.why in (Why.FIRING, Why.REPEAT):
                    assert batch.at_ns - self.told.get(at, 0) >= (120 * S if alert.rule == "lev" else 300 * S)
                    self.told[at] = batch.at_ns
                elif batch.why is Why.RESOLVED:
                    assert alert.is_told
                    assert alert.state is State.RESOLVED

    @rule(source=st.sampled_from(["session/a", "session/b"]), value=st.sampled_from([None, 1.0, 5.0]))
    def level(self, source, value):
        self.note(self.of.observe("risk.metrics", source, {"leverage": value}, self.now_ns))

    @rule(source=st.sampled_from(["session/a", "session/b"]), state=st.sampled_from(["running", "ended", "halted"]))
    def health(self, source, state):
        self.note(self.of.observe("health.{component}", source, {"component": source, "state": state}, self.now_ns))

    @rule(seconds=st.integers(-5, 400))
    def wait(self, seconds):
        self.now_ns += seconds * S
        self.note(self.of.tick(self.now_ns))

    @rule()
    def acknowledge(self):
        for alert in list(self.of.alerts.values()):
            if alert.state is State.FIRING:
                self.of.acknowledge(alert.alert_id, "ann", self.now_ns)

    @rule(on=st.booleans())
    def silence(self, on):
        self.of.silences = (Silence(ends_ns=self.now_ns + 100 * S, source="session/a"),) if on else ()

    @invariant()
    def states_are_in_order(self):
        for alert in self.of.alerts.values():
            if alert.state is State.FIRING:
                assert alert.fired_ns >= alert.since_ns > 0
            if alert.state is State.PENDING:
                assert not alert.is_told
            if alert.state is State.RESOLVED:
                assert alert.resolved_ns >= alert.since_ns


TestAlertMachine = AlertMachine.TestCase
