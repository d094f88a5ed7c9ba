"""Parent orders in four lives: compiled backtest = plain backtest = session on a replayed feed = replay of its journal."""

import numpy as np
import pytest

import b25
from b25.market.tape import Tape
from b25.model.order import SUBMIT
from b25.model.parent import Algo
from b25.promote.lives import Backtested, Lived, Setting
from b25.risk.limits import Limits
from b25.session.replay import replay
from b25.venue.models import Fees
from tests.parity.with_parents import Scheduled, Watching

MINUTE_NS = 60_000_000_000
CHARGED = Fees(-0.00005, 0.0003)


@pytest.fixture(scope="module")
def tape(tmp_path_factory) -> Tape:
    return b25.sample(minutes=4, catalog=tmp_path_factory.mktemp("catalog")).tape


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize("cls", [Scheduled, Watching])
def test_four_lives_of_parent_orders_leave_the_same_effects(cls, compiled, tape, tmp_path):
    first = int(min(tape.venue["exch_ns"][0], tape.messages["local_ns"][0]))
    span = first + MINUTE_NS, int(tape.messages["local_ns"][-1])
    setting = Setting(cls=cls, params={}, tape=tape, span=span, fees=CHARGED, limits=Limits(position_max=1.0))
    (fast, answers), (slow, _) = (Backtested(setting, compiled=way).run() for way in (True, False))
    lived = Lived(tmp_path / "one.journal", setting, answers, compiled=compiled)
    assert fast.effects.tobytes() == slow.effects.tobytes()
    assert fast.effects.tobytes() == lived.effects
    world = lived.session.machine.world
    assert world.positions.tobytes() == fast.world.positions.tobytes()
    assert world.parents["filled_lots"].tobytes() == fast.world.parents["filled_lots"].tobytes()
    assert lived.session.machine.record.tobytes() == fast.strategy.tobytes() == slow.strategy.tobytes()
    children = fast.effects[(fast.effects["parent"] > 0) & (fast.effects["kind"] == SUBMIT) & (fast.effects["reason"] == 0)]
    algos = {int(fast.world.parents[k % 64]["algo"]) for k in np.unique(children["parent"])}
    assert algos >= {Algo.TWAP, Algo.VWAP, Algo.ICEBERG, Algo.BRACKET, Algo.OCO}
    assert fast.fills.size > 20
    for life in (True, False):
        report = replay(lived.path, cls, compiled=life)
        assert report.agrees, report.divergence
        assert report.effects == fast.effects.size
