"""Market data may be delivered by a latency model in place of the recorded one."""

from pathlib import Path

import numpy as np
import pytest

import b25
from b25.market.tape import make_tape
from b25.research.dataset import Dataset


class FirstSeen(b25.Strategy):
    """Note how old each book message is."""

    def on_book(self, ctx):
        ctx.log(1, ctx.mid())


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return b25.sample(minutes=1, catalog=Path(tmp_path_factory.mktemp("catalog")))


def messages(sample: Dataset, feed: b25.ConstantLatency | b25.LognormalLatency, profile: str = "bridged") -> np.ndarray:
    stored = sample.catalog.load(sample.venue, sample.symbol)
    return make_tape(stored.instrument, stored.rows, profile=profile, feed=feed.draws).messages


@pytest.mark.parametrize("profile", ["bridged", "hftbacktest"])
def test_a_constant_feed_delivers_every_message_so_much_later(sample: Dataset, profile: str) -> None:
    seen = messages(sample, b25.ConstantLatency(3_000_000), profile)
    assert (seen["local_ns"] - seen["exch_ns"] == 3_000_000).all()


def test_a_drawn_feed_repeats_by_its_seed_and_never_overtakes_itself(sample: Dataset) -> None:
    one, same, other = (messages(sample, b25.LognormalLatency(5_000_000, 1.0, seed=s)) for s in (1, 1, 2))
    assert one.tobytes() == same.tobytes() != other.tobytes()
    assert (np.diff(one["local_ns"]) >= 0).all()
    late = np.median(one["local_ns"] - one["exch_ns"])
    assert 4_000_000 < late < 12_000_000


def test_the_touch_after_a_message_does_not_depend_on_when_it_came(sample: Dataset) -> None:
    near, far = (messages(sample, b25.ConstantLatency(ns)) for ns in (1, 10**9))
    for name in ("exch_ns", "bid_ticks", "ask_ticks", "bid_lots", "ask_lots"):
        assert (near[name] == far[name]).all()


def test_a_strategy_knows_later_what_comes_later(sample: Dataset) -> None:
    soon = b25.backtest(FirstSeen, sample, feed_latency=0)
    late = b25.backtest(FirstSeen, sample, feed_latency=b25.ConstantLatency(20_000_000))
    assert (late.outcome.notes["time_ns"] - soon.outcome.notes["time_ns"] == 20_000_000).all()
    assert (late.outcome.notes["value"] == soon.outcome.notes["value"]).all()
    assert soon.hash != late.hash
    assert ("feed", "as recorded") not in late.assumptions


def test_a_callback_that_is_never_called_is_refused(sample: Dataset) -> None:
    class Barred(b25.Strategy):
        def on_bar(self, ctx):
            ctx.buy(1.0)

    with pytest.raises(b25.Misuse, match="never called on ticks"):
        b25.backtest(Barred, sample)
