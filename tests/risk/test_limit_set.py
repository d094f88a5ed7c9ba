"""Limits by scope: the tightest wins, nothing is guessed, and equal sets have equal hashes."""

import pytest

import b25
from b25.model.errors import Misuse
from b25.model.world import NO_LIMIT, TRADING_NOTHING, TRADING_REDUCES
from b25.risk.limit_set import LimitSet
from tests.engine.runs import ETH, ONE

DOCUMENT = {
    "version": 3,
    "account": {"gross_max": 100_000, "order_value_max": 50_000, "duplicates_max": 3, "duplicates_window_s": 1},
    "strategy": {"Maker": {"gross_max": 50_000, "duplicates_max": 5, "duplicates_window_s": 9}},
    "symbol": {"ETH/USDT:USDT": {"order_value_max": 2_000}},
    "restricted": ["ONE/USD"],
}


def test_the_tightest_wins():
    limits = LimitSet.of(DOCUMENT)
    assert limits.limits("ETH/USDT:USDT", "Maker").gross_max == 50_000
    assert limits.limits("ETH/USDT:USDT", "Maker").order_value_max == 2_000
    assert limits.limits("ONE/USD", "Taker").gross_max == 100_000
    # A window belongs to its limit.
    assert limits.limits("ONE/USD", "Maker").duplicates_window_s == 1


def test_what_a_world_is_made_with():
    limits = LimitSet.of(DOCUMENT)
    rows = limits.records([ETH, ONE], "Maker")
    assert rows["trading"].tolist() == [NO_LIMIT, TRADING_NOTHING]
    assert rows["version"].tolist() == [3, 3]
    assert rows["hash"][0].tobytes()[::-1].hex() == limits.hash[:16]
    allowed = LimitSet(allowed=frozenset({"ETH/USDT:USDT"}), reduce_only=frozenset({"ETH/USDT:USDT"}))
    assert allowed.records([ETH, ONE])["trading"].tolist() == [TRADING_REDUCES, TRADING_NOTHING]


def test_the_hash_is_of_the_limits_and_not_of_the_version():
    one = LimitSet.of(DOCUMENT)
    assert one.hash == LimitSet.of({**DOCUMENT, "version": 4}).hash
    assert one.hash != LimitSet.of({**DOCUMENT, "restricted": []}).hash
    assert one.hash != LimitSet.of({**DOCUMENT, "account": {"gross_max": 99_999}}).hash


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"acount": {}}, "acount.*\n.*did you mean 'account'"),
        ({"account": {"gros_max": 1}}, "account has no 'gros_max'"),
        ({"version": 0}, "version=0"),
        ({"symbol": {"ETH": {"daily_loss_max": 5}}}, "daily_loss_max is a limit of the account"),
        ({"strategy": {"X": {"drawdown_max": 1.5}}}, "strategy X: limit drawdown_max=1.5 can never"),
        ({"account": {"order_value_max": 10, "gross_max": 4}}, "order_value_max=10 could never refuse beside gross_max=4"),
        ({"account": {"net_max": 10, "gross_max": 4}}, "net_max=10 could never refuse"),
        ({"account": {"order_qty_max": 3, "position_max": 1}}, "order_qty_max=3 could never refuse"),
        ({"account": {"concentration_max": 3, "leverage_max": 1}}, "concentration_max=3 could never refuse"),
        ({"account": {"adv_share_max": 0.01}}, "adv_share_max=0.01 does nothing without adv"),
        ({"account": {"executions_window_s": 5}}, "executions_window_s does nothing alone"),
        ({"account": {"duplicates_max": 2.5}}, "duplicates_max=2.5 is not a whole number"),
        ({"account": {"duplicates_max": 64}}, "duplicates_max=64 is above 63"),
        ({"account": {"reject_ratio_max": 0.9, "reject_window": 99}}, "reject_window=99 is above 62"),
        ({"account": {"data_age_max_s": 1e6}}, "data_age_max_s=1000000.0 is above 86400"),
    ],
)
def test_what_is_absurd_or_inverted_is_refused_by_name(document, named):
    with pytest.raises(Misuse, match=named):
        LimitSet.of(document)


def test_live_trading_needs_limits():
    with pytest.raises(Misuse, match="live trading needs order_value_max, position_max, daily_loss_max"):
        LimitSet().check_live(1_000, ["ETH/USDT:USDT"])
    whole = {
        "order_value_max": 1_000.0, "position_max": 5.0, "daily_loss_max": 50.0, "drawdown_max": 0.2, "orders_per_s_max": 5,
        "collar": 0.02, "data_age_max_s": 5.0,
    }  # fmt: skip
    LimitSet(account=b25.Limits(**whole)).check_live(1_000, ["ETH/USDT:USDT"])
    with pytest.raises(Misuse, match="is wider than"):
        LimitSet(account=b25.Limits(**{**whole, "collar": 0.2})).check_live(1_000, ["ETH/USDT:USDT"])
    with pytest.raises(Misuse, match="not below the balance"):
        LimitSet(account=b25.Limits(**whole)).check_live(50, ["ETH/USDT:USDT"])


def test_what_is_not_set_leaves_a_results_name_as_it_was():
    assert repr(b25.Limits(position_max=1)) == (
        "Limits(position_max=1, order_value_max=None, collar=None, open_orders_max=None, orders_per_s_max=None, "
        "orders_burst_max=None)"
    )
    assert "gross_max=5" in repr(b25.Limits(gross_max=5))
