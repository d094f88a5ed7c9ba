"""What differs between a version and a notebook, a file or another version; comments apart from code, values with old and new."""

import json

import pytest

from b25.cli import main
from b25.model.errors import Misuse
from b25.promote.diff import diff
from tests.conftest import ROOT
from tests.promote.makers import HELPER, MAKER, frozen, maker_notebook


@pytest.fixture
def place(tmp_path):
    root, secrets = tmp_path / "strategies" / "live", tmp_path / "secrets"
    frozen(root, secrets, f"{maker_notebook(tmp_path / 'makers.ipynb')}:Maker")
    return root, secrets


def against(place, **changes):
    path = maker_notebook(place[1].parent / "now.ipynb", **changes)
    return diff("maker@1", f"{path}:Maker", place[0])


def test_the_notebook_as_it_was_behaves_the_same(place):
    found = against(place)
    assert (found.is_same, found.definitions, found.parameters) == (True, (), ())
    assert "they behave the same" in found.headline


def test_comments_and_docstrings_are_told_apart_from_code(place):
    found = against(place, help=HELPER.replace("# One", "# 1").replace("one comparison", "cheap").replace("no higher", "at most"))
    assert [(one.name, one.kind) for one in found.definitions] == [("Rounded", "comments")]
    assert found.is_same


def test_a_changed_helper_changes_the_behaviour_though_the_class_is_the_same(place):
    found = against(place, help=HELPER.replace("min(price, WIDEST)", "min(price, WIDEST) - 1"))
    assert [(one.name, one.kind) for one in found.definitions] == [("Rounded", "code")]
    assert found.same_behaviour is False
    assert "-        return min(price, WIDEST)  # one comparison" in found.definitions[0].lines


def test_a_parameter_is_told_with_its_old_and_new_value(place):
    found = against(place, maker=MAKER.replace("b25.param(2,", "b25.param(5,"))
    assert [(one.name, one.old, one.new) for one in found.parameters] == [("offset_ticks", 2, 5)]
    assert not found.is_same


def test_versions_differ_in_conditions_too(place, tmp_path):
    dear = "Fees(maker=0.0003, taker=0.0005, tiers=(), per_lot=0.0, flat=0.0)"
    told = [{"venue": "sim", "symbol": "X/Y", "hash": "ab" * 32}]
    frozen(
        *place,
        f"{tmp_path / 'makers.ipynb'}:Maker",
        fees=dear,
        params={"quantity": 0.02},
        data=told,
        environment={"engine": "e2"},
    )
    found = diff("maker@1", "maker@2", place[0])
    assert found.same_behaviour
    assert [one.name for one in found.parameters] == ["quantity"]
    assert {one.name for one in found.conditions} == {"fees", "engine"}
    assert any("maker@1 does not say: data" in one for one in found.notes)


def test_what_the_notebook_recorded_counts_as_its_parameters(place, tmp_path):
    path = maker_notebook(tmp_path / "ran.ipynb")
    held = json.loads(path.read_text())
    payload = {"strategy": {"name": "Maker"}, "parameters": {"offset_ticks": 9}, "data": ["feed" * 16]}
    held["cells"][-1]["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": {"application/vnd.b25.backtest+json": payload}}
    ]
    path.write_text(json.dumps(held))
    found = diff("maker@1", str(path), place[0])
    assert [(one.name, one.new) for one in found.parameters] == [("offset_ticks", 9)]


def test_a_notebook_that_cannot_be_promoted_is_compared_all_the_same(place):
    found = against(place, help="Rounded = table[0]")
    assert found.same_behaviour is None
    assert any("RUNTIME_GLOBAL" in one or "cannot be run" in one for one in found.notes)
    with pytest.raises(Misuse, match="SYNTAX"):
        against(place, help="def Rounded(:")
    with pytest.raises(Misuse, match="neither a version nor"):
        diff("maker@1", "nothing", place[0])


def test_the_page_is_escaped_and_has_no_script(place):
    found = against(place, maker=MAKER.replace("Quote a little", "<script>alert(1)</script>"))
    page = found.html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert found._repr_mimebundle_()["text/plain"] == repr(found)


def test_the_command_says_so_by_its_exit_code(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["diff", "maker@1", "makers.ipynb:Maker", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["is_same"] is True
    assert main(["strategies", "diff", "maker@1", f"{ROOT / 'strategies' / 'breakout.py'}:Breakout"]) == 1
    assert "do not behave the same" in capsys.readouterr().out
    assert main(["strategies", "checkout", "maker@1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notebook"] == "maker_v1.ipynb"
    assert main(["strategies", "checkout", "maker@1"]) == 1
