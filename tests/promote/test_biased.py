"""Strategies with a bias that is known: each is found, by the name of what carries it, and none is promoted."""

import pytest

import b25
from b25.promote.promote import promotion
from b25.promote.wish import Refused, Wish
from b25.research.bias import check
from b25.research.strategy_file import load_strategy
from tests.conftest import ROOT

BIASED = ROOT / "tests" / "promote" / "biased"
KNOWN = {
    "reads_next_bar.py:ReadsNextBar": ("look-ahead", "CLOSES"),
    "reads_frame.py:ReadsFrame": ("look-ahead", "FRAME"),
    "feature_ahead.py:FeatureAhead": ("look-ahead", "tomorrow"),
    "acts_too_early.py:ActsTooEarly": ("warm-up", "level"),
}
NOT_CUT = {"reads_next_bar.py:ReadsNextBar": "RUNTIME_GLOBAL", "reads_frame.py:ReadsFrame": "RUNTIME_GLOBAL"}


@pytest.fixture(scope="module")
def data():
    return b25.sample(bars="1h", days=125)


@pytest.mark.parametrize("where", KNOWN)
def test_a_known_bias_is_found_by_its_name(where, data):
    kind, name = KNOWN[where]
    report = check(load_strategy(f"{BIASED}/{where}"), data)
    assert not report.ok
    assert any(name in finding.what for finding in report.of(kind)), report


@pytest.mark.parametrize("where", NOT_CUT)
def test_what_brings_its_data_along_is_not_even_cut_out(tmp_path, where):
    with pytest.raises(Refused, match=NOT_CUT[where]):
        promotion(Wish(where=f"{BIASED}/{where}", by="ann"), root=tmp_path / "live", secrets_folder=tmp_path, now_ns=1)


@pytest.mark.slow
def test_a_warm_up_that_is_too_short_is_refused_after_the_proof(tmp_path, data):
    where = f"{BIASED}/acts_too_early.py:ActsTooEarly"
    wish = Wish(where=where, by="ann", data=(data,), never_cancels=True)
    with pytest.raises(Refused, match="warm-up") as told:
        promotion(wish, root=tmp_path / "live", secrets_folder=tmp_path, now_ns=1)
    assert {one.name: one.state for one in told.value.report.steps}["bias"] == "refused"
    assert not (tmp_path / "live").exists()
