"""Promotion from end to end: what is proven is frozen and can be loaded; what is not the same every time is refused."""

import json

import pytest

import b25
from b25.cli import main
from b25.model.errors import Misuse
from b25.promote.promote import promote, promotion
from b25.promote.proof import difference
from b25.promote.version import load, versions
from b25.promote.wish import Refused, Wish
from b25.risk.limits import Limits
from b25.strategy.source_key import behaviour_key
from tests.conftest import ROOT
from tests.promote.books import START, notebook

MAKER = str(ROOT / "strategies" / "market_maker.py")
# Reads what the process knows and no record holds: another run of it decides otherwise.
HIDDEN = '''class Hidden(b25.Strategy):
    """Quotes, and counts in a place that outlives it."""

    seen: int = 0

    def on_book(self, ctx):
        if ctx.ready():
            self.seen += 1
            COUNTER[0] += 1
            if COUNTER[0] % 7:
                ctx.quote(b25.BUY, ctx.bid(), 0.01)
                ctx.quote(b25.SELL, ctx.ask(), 0.01)
            else:
                ctx.cancel_all()
'''


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return b25.sample(minutes=4, catalog=tmp_path_factory.mktemp("catalog"))


def wish(where, data, **more):
    return Wish(where=where, data=data, by="ann", limits=Limits(position_max=1.0), **more)


def promoted(tmp_path, made):
    said = []
    version = promote(
        made, lambda step, text: said.append(step), root=tmp_path / "live", secrets_folder=tmp_path / "secrets", now_ns=1
    )
    return version, said


@pytest.mark.slow
def test_a_shipped_strategy_is_promoted_with_proof_and_loaded_again(tmp_path, data):
    version, said = promoted(tmp_path, wish(f"{MAKER}:MarketMaker", data))
    assert list(dict.fromkeys(said)) == ["lint", "cut", "isolate", "prove", "bias", "freeze"]
    evidence = version.manifest["evidence"]
    assert evidence["counts"]["orders"] > 100
    assert all(evidence["controls"].values())
    assert len(evidence["controls"]) == 4
    cls = load(version, tmp_path / "secrets")
    assert behaviour_key(cls) == version.manifest["behaviour"]


@pytest.mark.slow
def test_a_strategy_on_bars_is_promoted_and_one_without_cancels_has_to_say_so(tmp_path):
    data = (b25.sample(bars="1h", days=60),)
    where = str(ROOT / "strategies" / "breakout.py") + ":Breakout"
    version, _ = promoted(tmp_path, Wish(where=where, data=data, by="ann"))
    assert "feed shifted by one bar" in version.manifest["evidence"]["controls"]
    crosses = str(ROOT / "strategies" / "moving_average_cross.py") + ":MovingAverageCross"
    params = {"fast": 4, "slow": 12}
    with pytest.raises(Refused, match="no cancels"):
        promoted(tmp_path, Wish(where=crosses, data=data, by="ann", params=params))
    version, _ = promoted(tmp_path, Wish(where=crosses, data=data, by="ann", params=params, never_cancels=True))
    assert version.manifest["evidence"]["counts"]["cancels"] == 0


@pytest.mark.slow
def test_promoted_twice_it_is_the_same_but_for_number_and_time(tmp_path, data):
    first, _ = promoted(tmp_path, wish(f"{MAKER}:MarketMaker", data))
    second, _ = promoted(tmp_path, wish(f"{MAKER}:MarketMaker", data))
    assert first.content_id == second.content_id
    assert first.manifest["files"] == second.manifest["files"]
    other, _ = promoted(tmp_path, wish(f"{MAKER}:MarketMaker", data, params={"half_spread_bps": 0.4}))
    assert other.content_id != first.content_id


@pytest.mark.slow
def test_a_class_that_trades_too_little_is_refused_and_nothing_is_left(tmp_path, data):
    quiet = "class Quiet(b25.Strategy):\n    def on_book(self, ctx):\n        pass"
    path = notebook(tmp_path / "x.ipynb", START, ("quiet", quiet))
    with pytest.raises(Refused, match="prove too little: 0 orders"):
        promoted(tmp_path, wish(f"{path}:Quiet", data))
    assert versions(tmp_path / "live") == []
    assert not (tmp_path / "live").exists()


def test_state_outside_the_record_is_refused_before_anything_runs(tmp_path, data):
    path = notebook(tmp_path / "x.ipynb", START, ("state", "COUNTER = np.zeros(1)"), ("hidden", HIDDEN))
    with pytest.raises(Refused, match="RUNTIME_GLOBAL"):
        promotion(wish(f"{path}:Hidden", data), dry_run=True, secrets_folder=tmp_path, now_ns=1)


@pytest.mark.slow
def test_state_that_the_lint_does_not_see_is_found_by_the_lives(tmp_path, data):
    text = "import b25\n\nCOUNTER = [0]\n\n\n" + HIDDEN
    (tmp_path / "hidden.py").write_text(text)
    with pytest.raises(Misuse):  # numba refuses to change a list of the module; plain Python would count on
        promoted(tmp_path, wish(f"{tmp_path / 'hidden.py'}:Hidden", data))
    assert versions(tmp_path / "live") == []


def test_the_first_difference_is_named_with_both_sides():
    import numpy as np

    from b25.model.order import EFFECT

    left = np.zeros(3, EFFECT)
    right = left.copy()
    right["price_ticks"][1] = 7
    found = difference("a and b", left, right)
    assert found.place == 1
    assert (found.left["price_ticks"], found.right["price_ticks"]) == (0, 7)
    assert difference("a and b", left, left[:2]).place == 2
    assert difference("a and b", left, left.copy()) is None


def test_a_dry_run_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["promote", f"{MAKER}:MarketMaker", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["class"] == "MarketMaker"
    assert list(tmp_path.iterdir()) == []


def test_a_code_is_explained_and_an_unknown_one_refused(capsys):
    assert main(["promote", "--explain", "undefined"]) == 0
    assert "UNDEFINED (error)" in capsys.readouterr().out
    assert main(["promote", "--explain", "nothing"]) == 1
    assert main(["promote", "nowhere.ipynb:Mine"]) == 4
    assert main(["promote"]) == 4


def test_nothing_promoted_yet_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["strategies", "list"]) == 0
    assert "nothing was promoted yet" in capsys.readouterr().out
    assert main(["strategies", "verify", "mine@1"]) == 1
