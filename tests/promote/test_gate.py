"""What each step needs: everything that is missing is named with what helps; and a strategy can only ask for more of itself."""

from dataclasses import replace

import pytest

from b25.config.settings import PromotionSettings
from b25.model.errors import Misuse
from b25.promote.gate import HOUR_NS, LOWER_IS_STRICTER, OWN, Evidence, clean_runs, needs_of, own_gate, stricter
from b25.promote.states import State
from b25.session.lived import Lived

ASKED = PromotionSettings()
NOW_NS = 10**18
FOR_LIVE = ("order_value_max", "position_max")
LIMITS = dict.fromkeys(FOR_LIVE, "default/default/default/limits version 1")


def run(mode, hours, began=1, **more):
    facts = {
        "session": f"{mode}{began}",
        "mode": mode,
        "as_promoted": True,
        "began_ns": began,
        "watched_ns": int(hours * HOUR_NS),
    }
    return Lived(**(facts | more))


GOOD = Evidence(
    now_ns=NOW_NS, limits=LIMITS, limits_live=LIMITS, limits_for_live=FOR_LIVE, drift="none", drill_ns=NOW_NS - HOUR_NS,
    alert_ns=NOW_NS - HOUR_NS,
    runs=(
        run("observe", 2), run("paper", 24, 2, fills=30),
        run("live", 24, 3, fills=30, fee_e8=10**8, turnover=10_000),
    ),
)  # fmt: skip


def missing(to, **less):
    return {one.name for one in needs_of(to, replace(GOOD, **less), ASKED, "mine@1") if not one.met}


@pytest.mark.parametrize("to", [State.VALIDATED, State.OBSERVE, State.PAPER, State.CANARY, State.LIVE])
def test_with_everything_there_nothing_is_missing(to):
    assert missing(to) == set()


@pytest.mark.parametrize(
    ("to", "less", "named"),
    [
        (State.VALIDATED, {"unproven": "bias"}, "proof"),
        (State.OBSERVE, {"limits": {}}, "limits"),
        (State.PAPER, {"runs": [run("observe", 1.9)]}, "observe_hours"),
        (State.CANARY, {"runs": [run("paper", 23.9, fills=30)]}, "paper_hours"),
        (State.CANARY, {"runs": [run("paper", 24, fills=29)]}, "paper_fills"),
        (State.CANARY, {"drift": "unexplained"}, "drift"),
        (State.CANARY, {"drift": "not run"}, "drift"),
        (State.CANARY, {"drill_ns": 0}, "kill_drill"),
        (State.CANARY, {"drill_ns": NOW_NS - 91 * 24 * HOUR_NS}, "kill_drill"),
        (State.CANARY, {"alert_ns": 0}, "alerts"),
        (State.CANARY, {"limits_live": {"position_max": "x"}}, "limits"),
        (State.LIVE, {"runs": [run("live", 1, fills=30, fee_e8=1, turnover=1)]}, "canary_hours"),
        (State.LIVE, {"runs": [run("live", 24, fills=3, fee_e8=10**8, turnover=10**9)]}, "canary_fills"),
        (State.LIVE, {"runs": [run("live", 24, fills=30, fee_e8=11 * 10**8, turnover=10_000)]}, "canary_costs"),
    ],
)
def test_what_is_missing_is_named_with_what_helps(to, less, named):
    needs = needs_of(to, replace(GOOD, **less), ASKED, "mine@1")
    assert {one.name for one in needs if not one.met} >= {named}
    (one,) = (one for one in needs if one.name == named)
    assert one.told
    assert one.remedy


def test_what_may_never_be_passed_over():
    bad = replace(GOOD, unproven="x", limits={}, limits_live={}, drift="unexplained")
    kept = {one.name for one in needs_of(State.CANARY, bad, ASKED, "mine@1") if not one.may_skip}
    assert kept == {"proof", "limits", "drift"}


def test_a_fault_voids_what_came_before_it():
    runs = [run("paper", 20, 1, fills=40), run("paper", 1, 2, fault="it halted: books differ"), run("paper", 3, 3, fills=5)]
    sums = clean_runs(runs, "paper")
    assert (sums.hours, sums.fills) == (3, 5)
    assert "it halted" in sums.fault
    (need,) = (one for one in needs_of(State.CANARY, replace(GOOD, runs=runs), ASKED, "m@1") if one.name == "paper_hours")
    assert "3.0 of 24 h without an error; since paper2: it halted: books differ" in need.told


def test_a_session_with_other_parameters_proves_nothing_and_its_fault_counts():
    other = run("paper", 30, 1, fills=99, as_promoted=False)
    assert clean_runs([other], "paper").hours == 0
    assert clean_runs([run("paper", 9, 1), replace(other, began_ns=2, fault="it halted")], "paper").hours == 0


def test_a_strategy_asks_for_more_of_itself_and_never_for_less():
    own = {"paper_hours": 48, "paper_fills": 5, "canary_size_factor": 0.1, "canary_cost_bps_max": 99}
    asked = stricter(ASKED, own, "mine@1")
    assert (asked.paper_hours, asked.paper_fills, asked.canary_size_factor, asked.canary_cost_bps_max) == (48, 30, 0.1, 10)
    for name in OWN:
        low, high = getattr(stricter(ASKED, {name: 1e-9}, "m@1"), name), getattr(stricter(ASKED, {name: 1e9}, "m@1"), name)
        held = getattr(ASKED, name)
        assert (low <= held and high == held) if name in LOWER_IS_STRICTER else (low == held and high >= held)
    with pytest.raises(Misuse, match="paper_hrs"):
        stricter(ASKED, {"paper_hrs": 48}, "mine@1")
    with pytest.raises(Misuse, match="paper_hours='48'"):
        stricter(ASKED, {"paper_hours": "48"}, "mine@1")


def test_the_gate_of_a_class_is_read_and_never_run():
    text = "class Mine(Strategy):\n    gate = {}\n"
    assert own_gate(text.format('(("paper_hours", 48),)'), "Mine") == {"paper_hours": 48}
    assert own_gate(text.format("{'paper_fills': 100}"), "Mine") == {"paper_fills": 100}
    assert own_gate(text.format("{}"), "Other") == {}
    with pytest.raises(Misuse, match="cannot be read"):
        own_gate(text.format("make_gate()"), "Mine")


def test_settings_can_only_be_stricter(monkeypatch):
    from b25.config.settings import read_settings

    monkeypatch.setenv("B25_PROMOTION__PAPER_HOURS", "36")
    assert read_settings().promotion.paper_hours == 36
    monkeypatch.setenv("B25_PROMOTION__PAPER_HOURS", "1")
    with pytest.raises(Misuse, match=r"promotion\.paper_hours"):
        read_settings()
    monkeypatch.delenv("B25_PROMOTION__PAPER_HOURS")
    monkeypatch.setenv("B25_PROMOTION__PAPER_HOUR", "36")
    with pytest.raises(Misuse, match="paper_hour") as told:
        read_settings()
    assert "paper_hours" in told.value.remedy
