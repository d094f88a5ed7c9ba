"""Parameters: only those of the notebook, of its types and within its bounds."""

import pytest

from b25.reports.parameters import parameters_of
from b25.reports.refusals import BadReport
from tests.reports.stand import book

CELL = """
symbols: list[str] = ["BTC/USDT:USDT"]
days: int = 3  # 1..30: how far back
share: float = 0.5  # 0.0..1.0
mode: str = "paper"  # backtest | paper | live
until: str | None = None
quick = False
"""


@pytest.fixture
def known(tmp_path):
    book(tmp_path / "a.ipynb", "print(1)", params=CELL)
    return parameters_of(tmp_path / "a.ipynb")


def test_defaults_stand_in_for_what_is_left_out(known):
    assert known.checked({"days": 7}) == {
        "symbols": ["BTC/USDT:USDT"], "days": 7, "share": 0.5, "mode": "paper", "until": None, "quick": False,
    }  # fmt: skip


@pytest.mark.spec("AN-12")
@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"dais": 3}, "did you mean days"), ({"days": 31}, "less than or equal to 30"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"days": "3"}, "days is '3'"), ({"days": True}, "days is True"), ({"days": 2.5}, "days is 2.5"),
        ({"share": float("nan")}, "finite"),
        ({"mode": "demo"}, "'paper'"), ({"symbols": "BTC"}, "give a list"), ({"symbols": [1]}, "symbols.0"),
        ({"quick": "yes"}, "quick"),
        ({"until": 3}, "until"), ({"../../x": 1}, "has no parameter"),
    ],
)  # fmt: skip
def test_what_is_unknown_or_out_of_range_is_refused(known, told, says):
    with pytest.raises(BadReport, match=says):
        known.checked(told)


def test_words_of_the_command_line_are_read_by_the_parameters_types(known):
    told = known.read(["days=7", "mode=live", 'symbols=["A", "B"]', "until=2026-01-01", "quick=true"])
    assert known.checked(told)["symbols"] == ["A", "B"]
    assert told["quick"] is True
    with pytest.raises(BadReport, match="is no parameter"):
        known.read(["days"])


@pytest.mark.parametrize(
    ("cell", "says"), [("days = f()", "no constant"), ("days: int = = 3", "no Python"), ("days: Frame = 3", "has the type")]
)
def test_a_cell_that_cannot_be_read_says_why(tmp_path, cell, says):
    book(tmp_path / "a.ipynb", params=cell)
    with pytest.raises(BadReport, match=says):
        parameters_of(tmp_path / "a.ipynb")


def test_a_secret_is_no_parameter(tmp_path):
    book(tmp_path / "a.ipynb", params="api_key: str = ''")
    with pytest.raises(BadReport, match="would be a secret"):
        parameters_of(tmp_path / "a.ipynb").checked({"api_key": "x"})


def test_what_is_no_notebook_says_so(tmp_path):
    (tmp_path / "a.ipynb").write_text("{}")
    with pytest.raises(BadReport, match="is no notebook"):
        parameters_of(tmp_path / "a.ipynb")
    with pytest.raises(BadReport, match="there is no notebook"):
        parameters_of(tmp_path / "b.ipynb")
