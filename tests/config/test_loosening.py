"""Which changes let more risk through: field by field, where they bite, and nothing that only tightens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.config.loosening import DIRECTIONS, LESS, loosened
from b25.risk.limits import Limits
from tests.config.examples import GOOD

BTC = "BTC/USDT:USDT"
# A limit with what it needs beside it.
BESIDE = {
    "adv_share_max": {"adv": 100.0}, "adv": {"adv_share_max": 0.5}, "duplicates_window_s": {"duplicates_max": 3},
    "reject_window": {"reject_ratio_max": 0.5}, "executions_window_s": {"executions_max": 5},
    "messages_burst_max": {"messages_per_s_max": 5}, "orders_burst_max": {"orders_per_s_max": 5},
}  # fmt: skip


def fields(kind, before, after):
    return [one.field for one in loosened(kind, before, after)]


def account(**limits):
    return {"account": limits}


def value_of(name):
    return True if name == "no_self_cross" else 5 if isinstance(getattr(b25.Limits(), name), int) or name in WHOLE else 0.5


WHOLE = {"open_orders_max", "orders_per_s_max", "orders_burst_max", "duplicates_max", "executions_max", "reject_window",
         "messages_per_s_max", "messages_burst_max"}  # fmt: skip


@pytest.mark.spec("CF-16")
@pytest.mark.parametrize("name", [one for one, _ in Limits().items()])
def test_of_every_limit_it_is_known_which_way_loosens_and_to_take_it_away_always_does(name):
    assert set(DIRECTIONS) == {one for one, _ in Limits().items()}
    beside, value = BESIDE.get(name, {}), value_of(name)
    has = account(**beside, **{name: value})
    has_not = account(**beside)
    if name != "adv":
        gone = {"account": {}} if name in ("adv_share_max",) else has_not
        alone = name in ("duplicates_window_s", "reject_window", "executions_window_s", "orders_burst_max", "messages_burst_max")
        assert alone or fields("risk_limit", has, gone)
        assert alone or not fields("risk_limit", gone, has)
    if name == "no_self_cross":
        return
    more = account(**beside, **{name: 0.9 if value == 0.5 else value + 1})
    looser, tighter = (has, more) if DIRECTIONS[name] == LESS else (more, has)
    if DIRECTIONS[name] == "changed":
        assert fields("risk_limit", has, more) == fields("risk_limit", more, has) == ["account: reject_window"]
        return
    assert fields("risk_limit", tighter, looser)
    assert not fields("risk_limit", looser, tighter)


def test_a_limit_is_compared_where_it_bites():
    wide = {"account": {"collar": 0.02}, "symbol": {BTC: {"collar": 0.05}}}
    assert fields("risk_limit", wide, account(collar=0.02)) == []  # the symbol's never was the tightest
    tight = {"account": {"collar": 0.05}, "symbol": {BTC: {"collar": 0.02}}}
    assert fields("risk_limit", tight, account(collar=0.05)) == [f"symbol {BTC}: collar"]
    assert fields("risk_limit", account(collar=0.05), tight) == []
    assert fields("risk_limit", tight, {"account": {"collar": 0.02}}) == []


def test_symbols_that_may_be_traded_again_loosen():
    held = {"restricted": [BTC], "allowed": [BTC]}
    assert fields("risk_limit", held, {"allowed": [BTC]}) == [f"restricted: {BTC}"]
    assert fields("risk_limit", held, {"restricted": [BTC]}) == ["allowed"]
    assert fields("risk_limit", {"reduce_only": [BTC]}, {"restricted": [BTC]}) == []
    assert fields("risk_limit", {"restricted": [BTC]}, {"reduce_only": [BTC]}) == [f"restricted: {BTC}"]
    assert fields("risk_limit", {}, held) == []


LIMITS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([0.1, 0.2, 0.5]) for name in ("collar", "spread_max", "drawdown_max", "leverage_max")}
)
SETS = st.fixed_dictionaries({"account": LIMITS}, optional={"strategy": st.fixed_dictionaries({"S": LIMITS})})


@settings(deadline=None)
@given(SETS, SETS)
def test_nothing_is_loosened_exactly_when_every_order_that_passes_passed_before(before, after):
    def tightest(value, strategy):
        scopes = [value["account"], value.get("strategy", {}).get(strategy, {})]
        return {name: min(s[name] for s in scopes if name in s) for name in {n for s in scopes for n in s}}

    loosens = any(
        name not in tightest(after, strategy) or tightest(after, strategy)[name] > limit
        for strategy in ("S", "other")
        for name, limit in tightest(before, strategy).items()
    )
    assert bool(loosened("risk_limit", before, after)) == loosens


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("account_policy", {"threshold": 0.05}, {"threshold": 0.06}, ["policy day: threshold"]),
        ("account_policy", {"threshold": 0.05}, {"threshold": 0.04}, []),
        ("account_policy", {}, {"enabled": False}, ["policy day"]),
        ("account_policy", {"enabled": False}, {}, []),
        ("account_policy", {"weight": "emergency"}, {"weight": "soft"}, ["policy day: weight"]),
        ("account_policy", {"require": "gte"}, {"require": "gte", "threshold": 0.01}, ["policy day: threshold"]),
        ("account_policy", {}, {"metric": "gross"}, ["policy day"]),
        ("trading_pair", {}, {"max_order_size": "11"}, ["max_order_size"]),
        ("trading_pair", {}, {"max_order_size": "9"}, []),
        ("trading_pair", {"enabled": False}, {}, ["enabled"]),
        ("session", {}, {"mode": "live"}, ["mode"]),
        ("session", {"mode": "live"}, {"mode": "paper"}, []),
        ("session", {"on_latch": "flatten"}, {"on_latch": "reduce"}, ["on_latch"]),
        ("exchange", {}, {"testnet": False}, ["testnet"]),
        ("exchange", {"testnet": False}, {"testnet": False, "key": "secretref://other"}, ["key"]),
        ("feature_flag", {}, {"enabled": False}, []),
    ],
)  # fmt: skip
def test_of_the_other_types_what_lets_more_through(kind, before, after, expected):
    def made(changes):
        if kind == "account_policy":
            return {"policies": [{**GOOD[kind]["policies"][0], **changes}]}
        return {**GOOD[kind], **changes}

    assert fields(kind, made(before), made(after)) == expected


def test_to_begin_live_needs_a_second_person_too():
    assert fields("session", None, {**GOOD["session"], "mode": "live"}) == ["mode"]
    assert fields("exchange", None, {**GOOD["exchange"], "testnet": False}) == ["testnet"]
    assert fields("risk_limit", None, account(collar=0.5)) == []
    assert fields("risk_limit", account(collar=0.5), None) == ["account: collar"]
