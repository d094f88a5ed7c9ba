"""What `make demo` installs has no Jupyter: a file is promoted all the same, and a notebook is refused with one clear line."""

import subprocess
import sys

from tests.conftest import ROOT

BARE = """
import sys
for name in ("IPython", "apscheduler", "ipykernel", "jupyter_client", "nbclient", "nbformat", "papermill"):
    sys.modules[name] = None
from b25.cli import main
"""
NOTEBOOK = 'main(["promote", "notebooks/tutorials/02_first_strategy.ipynb:Lean"])'


def bare(code):
    return subprocess.run([sys.executable, "-c", BARE + code], capture_output=True, text=True, timeout=120, cwd=ROOT)


def test_a_file_is_judged_and_a_notebook_says_what_is_missing():
    done = bare('sys.exit(main(["promote", "strategies/market_maker.py:MarketMaker", "--dry-run"]))')
    assert done.returncode == 0, done.stderr
    done = bare(f"sys.exit({NOTEBOOK})")
    assert done.returncode != 0
    assert 'pip install "b25[' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_report_says_what_is_missing():
    done = bare('sys.exit(main(["report", "run", "tearsheet"]))')
    assert done.returncode != 0
    assert 'pip install "b25[reports]"' in done.stderr
    assert "Traceback" not in done.stderr
