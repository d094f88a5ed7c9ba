"""What the product is for, in a real browser: open a tutorial, change it, promote it, and see the proof."""

import nbformat
import pytest

from tests.conftest import ROOT
from tests.end_to_end.lab import CHROMIUM, Lab

TUTORIAL = ROOT / "notebooks" / "tutorials" / "02_first_strategy.ipynb"
FIRST_BACKTEST = "result = b25.backtest(Lean, data)"


def copy_of_the_tutorial(folder):
    """The tutorial up to its first backtest, as a person copies it to try something."""
    book = nbformat.read(TUTORIAL, as_version=4)
    last = next(number for number, cell in enumerate(book.cells) if FIRST_BACKTEST in cell.source)
    book.cells = book.cells[: last + 1]
    folder.mkdir()
    nbformat.write(book, folder / "lean.ipynb")


@pytest.mark.skipif(not __import__("pathlib").Path(CHROMIUM).exists(), reason="no chromium")
def test_from_the_tutorial_to_the_live_bot(tmp_path):
    folder = tmp_path / "home"
    copy_of_the_tutorial(folder)
    places = {"B25_SECRETS_FOLDER": str(tmp_path / "secrets"), "B25_CATALOG": str(tmp_path / "catalog")}
    with Lab(folder, places) as lab:
        lab.open("lean.ipynb")
        lab.change("b25.param(0.3, ge=0, le=1)", "b25.param(0.25, ge=0, le=1)")
        lab.run_all()
        lab.save()
        said = lab.cell("!{__import__('sys').executable} -m b25 promote lean.ipynb:Lean")
        lab.picture("promoted")
        print(said)
        assert "lean@1" in said
        assert "0.25" in (folder / "strategies/live/lean/v0001/strategy.py").read_text()
