"""The self-test: silent for a gate that works, and by name for a limit that could never hold or never break."""

from functools import partial

import numpy as np
import pytest

import b25
from b25.engine.world import make_world
from b25.model.errors import Halt
from b25.model.instrument import Instrument
from b25.model.risk import CONTROLS, Control
from b25.risk.limit_set import LimitSet
from b25.risk.selftest import FIELDS, OF_ACCOUNT, require, selftest
from tests.engine.runs import ETH
from tests.risk.all_limits import ALL, FIRST

COIN = Instrument(
    venue="sim", symbol="BTC/USD:BTC", tick="0.5", lot=1, contract_size=100, inverse=True, min_notional=100  # type: ignore[arg-type]
)  # fmt: skip


def tried(limits, instruments=(ETH,), prices=(2_500.0,), balance=10_000.0):
    make = partial(make_world, list(instruments), depth_kept=False, balance=balance)
    rows = limits.records(list(instruments)) if isinstance(limits, LimitSet) else np.concatenate(
        [limits.record(i) for i in instruments]
    )  # fmt: skip
    return selftest(rows, list(instruments), list(prices), make)


def test_every_control_alone_and_all_together():
    assert tried(ALL) == []


def test_without_limits_only_what_always_holds_is_tried():
    assert tried(b25.Limits()) == []


def test_an_inverse_instrument_and_a_second_one():
    limits = LimitSet(account=b25.Limits(leverage_max=2.0, order_value_max=3.0, position_max=500.0, collar=0.02, spread_max=0.01))
    assert tried(limits, (COIN,), (60_000.0,), balance=5.0) == []
    both = LimitSet(account=b25.Limits(gross_max=9_000.0, collar=0.02), reduce_only=frozenset({"ETH/USDT:USDT"}))
    assert tried(both, (ETH, ETH), (2_500.0, 2_500.0)) == []


def test_a_limit_that_refuses_even_the_smallest_order_is_named():
    found = tried(b25.Limits(order_value_max=1.0))
    assert [(f.case, f.found) for f in found] == [("a healthy account", (Control.ORDER_VALUE,))]
    with pytest.raises(Halt, match="a healthy account: should break nothing, but broke order_value"):
        require(found)


def test_a_daily_loss_beyond_the_balance_is_named():
    found = tried(b25.Limits(daily_loss_max=20_000.0))
    assert [f.case for f in found] == ["daily_loss_max"]
    assert Control.EQUITY_UNKNOWN in found[0].found
    require([])


def test_a_gate_that_forgets_its_controls_is_found_out():
    real = make_world

    def forgetful(*args, **kwargs):
        world = real(*args, **kwargs)
        world.context["guarded"] = 0
        return world

    make = partial(forgetful, [ETH], depth_kept=False, balance=10_000.0)
    found = selftest(ALL.record(ETH), [ETH], [2_500.0], make)
    assert {f.case for f in found} == set(FIELDS) - FIRST - {"messages_per_s_max"}


def test_each_control_has_its_trial():
    always = {Control.STATE_STOPPED, Control.STATE_REDUCING, Control.BOOK, Control.RESTRICTED, Control.SYMBOL_REDUCING}
    unknown = {Control.MARKET, Control.COLLAR_UNKNOWN, Control.EQUITY_UNKNOWN}
    assert {control for control, _ in FIELDS.values()} | always | unknown == set(Control)
    assert len(Control) == CONTROLS
    assert set(OF_ACCOUNT) < set(FIELDS)
