"""What the product is for, in a real browser: open a tutorial, change it, promote it, see the proof, watch it run, kill it."""

import json
import os
import shutil
import signal
from pathlib import Path

import httpx
import nbformat
import pytest

from b25.runner.control import ask_session
from tests.conftest import ROOT
from tests.end_to_end.lab import CHROMIUM, Lab
from tests.end_to_end.stage import ACCOUNT, Stage
from tests.end_to_end.test_platform import Platform

TUTORIAL = ROOT / "notebooks" / "tutorials" / "02_first_strategy.ipynb"
FIRST_BACKTEST = "result = b25.backtest(Lean, data)"
pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium on this machine")


def copy_of_the_tutorial(folder):
    """The tutorial up to its first backtest, as a person copies it to try something."""
    book = nbformat.read(TUTORIAL, as_version=4)
    last = next(number for number, cell in enumerate(book.cells) if FIRST_BACKTEST in cell.source)
    book.cells = book.cells[: last + 1]
    folder.mkdir()
    nbformat.write(book, folder / "lean.ipynb")


REPORT = """[daily]
notebook = "daily_performance.ipynb"
"""
LIMITS = {"account": {"position_max": 1.0, "order_value_max": 100_000.0}}


def session_of_the_version(stage):
    """What a plan says of the promoted version: on paper, at the simulated venue, and begun by a person."""
    run = [
        "{python}", "-m", "b25", "run", "lean@1", "--mode", "paper", "--at", str(stage.folder / "venue"),
        "--rest-url", stage.told["rest_url"], "--plain-url", stage.told["ws_url"].replace("ws", "http", 1), "--name", "lean",
        "--folder", str(stage.folder / "sessions"), "--run-folder", str(stage.run), "--store", stage.store, "--account", ACCOUNT,
    ]  # fmt: skip
    return f'[processes.lean]\ncommand = {json.dumps(run)}\naccount = "{ACCOUNT}"\nautostart = false\n'


def promoted_in(lab):
    """Change the tutorial's class, run everything, save, promote; returns what the proof says."""
    lab.open("lean.ipynb")
    lab.change("b25.param(0.3, ge=0, le=1)", "b25.param(0.25, ge=0, le=1)")
    shown = next(cell["said"] for cell in lab.run_all()["cells"] if FIRST_BACKTEST in cell["source"])
    assert "Net profit" in shown
    lab.save()
    lab.cell("%load_ext b25")
    said = lab.cell("%promote Lean")
    lab.picture("promoted")
    return said


@pytest.mark.spec("SE-24", "RB-04", "AN-12")
def test_from_the_tutorial_to_a_version_that_runs_is_killed_and_reported(tmp_path):
    folder = tmp_path / "home"
    copy_of_the_tutorial(folder)
    shutil.copy(ROOT / "notebooks" / "reports" / "daily_performance.ipynb", folder)
    (folder / "reports.toml").write_text(REPORT)
    with Stage(tmp_path / "stage") as stage:
        ask = Platform(stage, session_of_the_version(stage), cwd=folder)
        stage.until(lambda: httpx.get(f"{ask.at}/health/live").status_code == 200, ask.up)
        ask.sign_in()
        with Lab(folder, {**ask.environment, "GATEWAY": ask.at, "TOKEN": ask.token}) as lab:
            said = promoted_in(lab)
            assert "lean@1" in said
            version = folder / "strategies" / "live" / "lean" / "v0001"
            assert "b25.param(0.25, ge=0, le=1)" in (version / "strategy.py").read_text()

            # It runs no sooner than somebody has assigned limits and agreed.
            move = "/strategies/versions/lean/1/move"
            status, told = ask("POST", move, {"to": "observe", "reason": "looks right"})
            assert (status, told["code"]) == (409, "NOT_YET"), told
            limits = {"key": "default/default/default/limits", "limits": LIMITS, "reason": "first"}
            status, told = ask("PUT", "/risk/limits", limits)
            assert status == 200, told
            status, told = ask("POST", move, {"to": "observe", "reason": "looks right"})
            assert (status, told["state"]) == (200, "observe"), told
            status, told = ask("POST", "/sessions/lean/start", {"reason": "to see it run"})
            assert status in (200, 202), told
            stage.until(lambda: ask("GET", "/sessions/lean")[1]["state"] == "active", ask.up)

            seen = lab.cell("import os\nbot = b25.connect(os.environ['GATEWAY'], token=os.environ['TOKEN']).bot('lean')\nbot")
            lab.picture("watched")
            assert "lean" in seen
            assert "paper" in seen.lower()
            stage.until(lambda: ask_session(stage.run, "lean", "status")["fills"] >= 1, ask.up)
            lab.cell("bot.kill(confirm='lean', reason='seen enough')")
            lab.picture("killed")
            assert lab.outside() == []
        # The kernel is gone. What was told goes on to hold.
        stage.until(lambda: ask("GET", "/sessions/lean")[1]["gate"] == "stopped", ask.up)
        assert ask_session(stage.run, "lean", "status")["orders_open"] == 0

        journal = ask_session(stage.run, "lean", "status")["journal"]
        status, told = ask("POST", "/reports/daily/runs", {"params": {"source": f"journal:{journal}"}})
        assert status in (200, 201, 202), told
        run = told["run"]["id"]
        done = stage.until(lambda: _ended(ask("GET", f"/reports/runs/{run}")[1]), ask.up)
        assert done["state"] == "ok", done
        page = httpx.get(f"{ask.at}/api/v1/reports/runs/{run}/html", headers={"Authorization": f"Bearer {ask.token}"})
        assert "Lean" in page.text
        assert "paper" in page.text.lower()
        os.kill(ask.up.pid, signal.SIGTERM)
        assert ask.up.wait(90) == 0, stage.said()


def _ended(run):
    return run if run["state"] not in ("queued", "running") else False
