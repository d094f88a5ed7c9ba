"""Two runs side by side: a follower that skips to a moment knows what one knows that went through all that led to it."""

import pytest

import b25
from b25.research.in_step import Follower, disagreements
from strategies.market_maker import MarketMaker


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return b25.backtest(MarketMaker, b25.sample(minutes=6, catalog=tmp_path_factory.mktemp("sample"))).outcome


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("fills_first", [True, False])
def test_skipping_is_going_through(outcome, share, fills_first):
    times = outcome.effects["time_ns"]
    begin = int(share * times.size)
    patient, hasty = (Follower(outcome, fills_first=fills_first) for _ in range(2))
    hasty.skip_to(int(times[begin]))
    for time_ns in times[begin : begin + 200].tolist():
        assert patient.before(time_ns) == hasty.before(time_ns)


def test_a_run_agrees_with_itself(outcome):
    first_ns, moments, compared = disagreements(outcome, outcome, 0, fills_first=True)
    assert first_ns == outcome.effects["time_ns"][0]
    assert moments == []
    assert compared > 100
