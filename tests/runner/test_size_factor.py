"""A canary's limits: every size in every scope is scaled, in the plan and in what is configured; nothing is not a limit."""

from types import SimpleNamespace

import pytest

from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.world import NO_LIMIT
from b25.risk.limit_set import LimitSet
from b25.risk.limits import Limits
from b25.runner.size_factor import SIZES, scaled_records, scaled_set


@pytest.fixture
def instrument():
    return Instrument(venue="sim", symbol="BTC/USDT:USDT", tick="0.1", lot="0.001")


def plan(instrument, factor):
    return SimpleNamespace(instruments=[instrument], cls=SimpleNamespace(__name__="Mine"), size_factor=factor)


SET = LimitSet(
    account=Limits(position_max=2.0, order_value_max=4_000.0, daily_loss_max=400.0, gross_max=9_000.0, collar=0.02),
    strategy={"Mine": Limits(position_max=1.0)}, symbol={"BTC/USDT:USDT": Limits(order_qty_max=0.4)},
)  # fmt: skip


def test_sizes_are_scaled_and_nothing_else():
    found = scaled_set(SET, 0.25)
    assert (found.account.position_max, found.account.order_value_max, found.account.daily_loss_max) == (0.5, 1_000.0, 100.0)
    assert (found.strategy["Mine"].position_max, found.symbol["BTC/USDT:USDT"].order_qty_max) == (0.25, 0.1)
    assert found.account.collar == 0.02
    assert scaled_set(SET, 1.0) is SET
    assert {name for name, value in Limits().items()} >= set(SIZES)


def test_the_rows_are_a_quarter(instrument):
    whole, quarter = (scaled_records(SET, plan(instrument, factor)) for factor in (1.0, 0.25))
    for name in ("position_lots_max", "order_value_max"):
        assert whole[name][0] != NO_LIMIT
        assert quarter[name][0] == whole[name][0] // 4
    assert quarter["hash"][0] != whole["hash"][0]


def test_a_factor_of_no_limit_and_of_less_than_a_lot_are_refused(instrument):
    with pytest.raises(Misuse, match="of no position_max and no order_value_max is no limit"):
        scaled_records(LimitSet(), plan(instrument, 0.25))
    assert scaled_records(LimitSet(), plan(instrument, 1.0)) is not None
    small = LimitSet(account=Limits(position_max=float(instrument.lot), order_value_max=10.0))
    with pytest.raises(Misuse, match="less than a lot"):
        scaled_records(small, plan(instrument, 0.25))
