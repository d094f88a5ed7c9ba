"""Policies say what must hold, hold at their very threshold, and hold nothing that is not known."""

import math

import pytest

from b25.model.errors import Misuse
from b25.risk.account_wide.policies import DEFAULTS, Breaker, Holding, Policy, Snapshot, Weight, evaluate, metrics, violations

FLAT = Snapshot(equity=10_000.0, day_equity=10_000.0, peak=10_000.0)


def broken(policies, **changed):
    fields = {"equity": 10_000.0, "day_equity": 10_000.0, "peak": 10_000.0, **changed}
    return [v.policy.id for v in violations(policies, Snapshot(**fields))]


@pytest.mark.golden("G01")
def test_a_flat_account_breaks_nothing_and_a_condition_holds_at_its_threshold():
    assert violations(DEFAULTS, FLAT) == []
    lever = [Policy(id="lever", metric="leverage", threshold=10.0)]
    held = [(50_000, []), (100_000, []), (120_000, ["lever"])]
    assert all(broken(lever, holdings=[Holding("BTC", "A", value)]) == expected for value, expected in held)
    margin = [Policy(id="margin", metric="margin_usage", threshold=0.80)]
    assert [broken(margin, margin_demanded=m) for m in (0.0, 8_000.0, 8_100.0)] == [[], [], ["margin"]]
    assert broken(margin, margin_demanded=math.nan) == ["margin"]


def test_each_default_breaks_exactly_where_it_should():
    assert broken(DEFAULTS, day_equity=10_400.0) == ["day-warn"]
    assert broken(DEFAULTS, day_equity=10_600.0) == ["day", "day-warn"]
    assert broken(DEFAULTS, peak=12_600.0) == ["peak"]
    assert broken(DEFAULTS, peak=14_000.0) == ["peak", "peak-stop"]
    assert broken(DEFAULTS, holdings=[Holding("BTC", "A", 29_000.0, open_buys=2_000.0)]) == ["leverage"]


def test_scopes_and_what_is_under_way():
    held = Snapshot(
        equity=1_000.0, day_equity=1_000.0, peak=1_000.0,
        holdings=[Holding("BTC", "A", 500.0, open_sells=1_200.0, open_orders=2),
                  Holding("BTC", "B", -200.0), Holding("ETH", "A", 100.0)],
    )  # fmt: skip
    assert metrics(held)["gross"] == 1_000.0
    assert metrics(held)["concentration"] == 0.9
    assert metrics(held, "strategy", "A")["gross"] == 800.0
    assert metrics(held, "symbol", "ETH")["leverage"] == 0.1
    rules = [
        Policy(id="b", metric="gross", threshold=100, scope="strategy", scope_id="B"),
        Policy(id="a", metric="open_orders", threshold=1),
    ]
    assert [(v.policy.id, v.holds) for v in evaluate(rules, held)] == [("a", False), ("b", False)]


def test_the_breaker_counts_what_is_new():
    breaker = Breaker()
    bad = evaluate([Policy(id="g", metric="gross", threshold=-1.0)], FLAT)
    assert [breaker.observe(k * 10**9, bad) for k in range(20)] == [False] * 20
    assert [breaker.observe((20 + k) * 10**9, bad if k % 2 else []) for k in range(8)] == [False] * 7 + [True]
    breaker.clear()
    assert not breaker.observe(29 * 10**9, bad)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"metric": "luck"}, "metric='luck'"),
        ({"require": "near"}, "require='near'"),
        ({"scope": "symbol"}, "scope symbol"),
        ({"scope_id": "BTC"}, "scope account"),
        ({"threshold": math.nan}, "threshold"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, named):
    with pytest.raises(Misuse, match=named):
        Policy(**{"id": "p", "metric": "gross", "threshold": 1.0, "weight": Weight.SOFT, **wrong})
