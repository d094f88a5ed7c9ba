"""What the product is for, in a real browser: open a tutorial, change it, promote it, see the proof; watch a bot, and kill it."""

import os
import signal
from pathlib import Path

import httpx
import nbformat
import pytest

from b25.client.client import Client
from tests.conftest import ROOT
from tests.end_to_end.lab import CHROMIUM, Lab
from tests.end_to_end.stage import Stage
from tests.end_to_end.test_platform import Platform

TUTORIAL = ROOT / "notebooks" / "tutorials" / "02_first_strategy.ipynb"
FIRST_BACKTEST = "result = b25.backtest(Lean, data)"
PROMOTE = "import sys\n!{sys.executable} -m b25 promote lean.ipynb:Lean"
pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium on this machine")


def copy_of_the_tutorial(folder):
    """The tutorial up to its first backtest, as a person copies it to try something."""
    book = nbformat.read(TUTORIAL, as_version=4)
    last = next(number for number, cell in enumerate(book.cells) if FIRST_BACKTEST in cell.source)
    book.cells = book.cells[: last + 1]
    folder.mkdir()
    nbformat.write(book, folder / "lean.ipynb")


def test_from_the_tutorial_to_a_promoted_version(tmp_path):
    folder = tmp_path / "home"
    copy_of_the_tutorial(folder)
    places = {"B25_SECRETS_FOLDER": str(tmp_path / "secrets"), "B25_CATALOG": str(tmp_path / "catalog")}
    with Lab(folder, places) as lab:
        lab.open("lean.ipynb")
        lab.change("b25.param(0.3, ge=0, le=1)", "b25.param(0.25, ge=0, le=1)")
        shown = next(cell["said"] for cell in lab.run_all()["cells"] if FIRST_BACKTEST in cell["source"])
        assert "Net profit" in shown
        lab.save()
        said = lab.cell(PROMOTE)
        lab.picture("promoted")
        assert "the same in every life" in said
        assert "lean@1" in said
        assert lab.outside() == []
    version = folder / "strategies" / "live" / "lean" / "v0001"
    assert "b25.param(0.25, ge=0, le=1)" in (version / "strategy.py").read_text()
    assert (version / "MANIFEST.sig").exists()


@pytest.mark.skipif(not hasattr(Client, "bots"), reason="the client knows no bots yet")
def test_a_bot_is_watched_and_killed_from_a_notebook(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    book = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    book.cells = [nbformat.v4.new_code_cell("import b25, os", id="begin")]
    nbformat.write(book, folder / "room.ipynb")
    with Stage(tmp_path / "stage") as stage:
        ask = Platform(stage)
        stage.until(lambda: httpx.get(f"{ask.at}/health/live").status_code == 200, ask.up)
        ask.sign_in()
        stage.until(lambda: ask.status()["fills"] >= 1, ask.up)
        stage.until(lambda: ask("GET", "/sessions/mm")[1]["state"] == "active", ask.up)
        with Lab(folder, {"GATEWAY": ask.at, "TOKEN": ask.token}) as lab:
            lab.open("room.ipynb")
            lab.run_all()
            seen = lab.cell("bot = b25.connect(os.environ['GATEWAY'], token=os.environ['TOKEN']).bot('mm')\nbot")
            lab.picture("watched")
            assert "mm" in seen
            assert "active" in seen
            lab.cell("bot.kill(confirm='mm', reason='seen enough')")
            lab.picture("killed")
            assert lab.outside() == []
        # The kernel is gone. What was told goes on to hold.
        stage.until(lambda: ask.status()["gate"] == "stopped", ask.up)
        stage.until(lambda: not stage.world()[0], ask.up)
        assert ask("GET", "/sessions/mm")[1]["gate"] == "stopped"
        os.kill(ask.up.pid, signal.SIGTERM)
        assert ask.up.wait(90) == 0, stage.said()
