"""Each shipped strategy on ticks: compiled backtest = plain backtest = session on a replayed feed = replay of its journal."""

import importlib
from functools import cache

import numpy as np
import pytest

import b25
from b25.kernels.book import CLEAR_CROSSED  # noqa: F401 - the kernels are compiled before the first test is timed
from b25.market.tape import Tape
from b25.model.world import FEES
from b25.promote.lives import Backtested, Lived, Setting
from b25.risk.limits import Limits
from b25.session.replay import replay
from b25.store.journal import EVENTS, Journal, Reading
from b25.strategy.strategy import Strategy
from b25.venue.models import Fees
from tests.conftest import ROOT

MINUTE_NS = 60_000_000_000
FILES = sorted(path.stem for path in (ROOT / "strategies").glob("*.py") if "def on_bar(" not in path.read_text(encoding="utf-8"))
# Thresholds that fire within the minutes that the lives are compared on.
SHORT = {"momentum": {"threshold_bps": 1.0, "allow_short": True}, "scalper": {"target_bps": 1.0, "stop_bps": 0.5}}
CHARGED = Fees(-0.00005, 0.0003)


@cache
def strategy_of(name: str) -> type[Strategy]:
    module = importlib.import_module(f"strategies.{name}")
    (found,) = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Strategy)]
    return found


@pytest.fixture(scope="module")
def tape(tmp_path_factory) -> Tape:
    return b25.sample(minutes=4, catalog=tmp_path_factory.mktemp("catalog")).tape


@pytest.fixture(scope="module")
def span(tape) -> tuple[int, int]:
    first = int(min(tape.venue["exch_ns"][0], tape.messages["local_ns"][0]))
    return first + MINUTE_NS, int(tape.messages["local_ns"][-1])


@pytest.fixture
def lives(tape, span, tmp_path):
    """`lives(name)` runs both backtests and the session; gives the outcome of the first, the second, and the session."""

    def run(name: str, compiled: bool = True):
        limits = Limits(position_max=1.0)
        setting = Setting(cls=strategy_of(name), params=SHORT.get(name, {}), tape=tape, span=span, fees=CHARGED, limits=limits)
        (fast, answers), (slow, _) = (Backtested(setting, compiled=way).run() for way in (True, False))
        lived = Lived(tmp_path / f"{name}.journal", setting, answers, compiled=compiled)
        return fast, slow, lived

    return run


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize("name", FILES)
def test_four_lives_leave_the_same_effects(lives, name, compiled):
    fast, slow, lived = lives(name, compiled)
    assert fast.effects.size > 10
    assert fast.fills.size > 0
    assert fast.effects.tobytes() == slow.effects.tobytes() == lived.effects
    assert lived.session.machine.world.positions.tobytes() == fast.world.positions.tobytes()
    assert lived.session.machine.record.tobytes() == fast.strategy.tobytes()
    for life in (True, False):
        report = replay(lived.path, strategy_of(name), compiled=life)
        assert report.agrees, report.divergence
        assert report.ended
        assert report.effects == fast.effects.size
        assert report.changed == []


def test_one_fee_changed_is_caught_and_named(lives, tape):
    _, _, lived = lives("market_maker")
    dearer = Fees(-0.00004, 0.0003).record(tape.instrument).astype(FEES)
    report = replay(lived.path, strategy_of("market_maker"), fees=dearer)
    assert not report.agrees
    assert "fees" in report.divergence.what
    assert report.divergence.event["kind"] == "order_filled"
    assert report.divergence.journal != report.divergence.replay
    assert len(report.changed) == 1
    assert "fee maker_e8" in report.changed[0]
    # The same fees charged anew are those that the venue charged.
    same = replay(lived.path, strategy_of("market_maker"), fees=CHARGED.record(tape.instrument).astype(FEES))
    assert same.agrees, same.divergence


def test_one_parameter_changed_is_caught_and_named(lives):
    _, _, lived = lives("market_maker")
    report = replay(lived.path, strategy_of("market_maker"), params={"half_spread_bps": 0.31})
    assert not report.agrees
    assert report.divergence.event
    assert report.divergence.before["instruments"][0]["bid"]
    assert report.changed == ["parameter half_spread_bps: was 0.3, now it is 0.31"]


def test_other_code_is_caught_and_named(lives):
    _, _, lived = lives("market_maker")

    class MarketMaker(strategy_of("market_maker")):
        def prices(self, mid, position):
            half = self.half_spread_bps / 1e4
            return mid * (1.0 - half), mid * (1.0 + half)

    report = replay(lived.path, MarketMaker, compiled=False)
    assert not report.agrees
    assert report.changed[0].startswith("code: MarketMaker was ")


def test_a_forged_fill_is_caught(lives, tmp_path):
    """The journal's own bytes with one fee in one fill changed, and every checksum right again."""
    _, _, lived = lives("market_maker")
    records = list(Reading(lived.path))
    forged, done = Journal(tmp_path / "forged.journal", records[0].json), False
    for record in records[1:]:
        body = record.body
        if record.kind == EVENTS and not done and (record.events["amount"][record.events["kind"] == 29] != 0).any():
            events = record.events
            events["amount"][np.flatnonzero(events["kind"] == 29)[0]] += 1
            body, done = events.tobytes(), True
        forged._put(bytes([record.kind]) + body)
    forged.flush()
    forged.close()
    report = replay(tmp_path / "forged.journal", strategy_of("market_maker"))
    assert not report.agrees
    assert "fees" in report.divergence.what
