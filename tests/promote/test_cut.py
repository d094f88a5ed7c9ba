"""What is cut out of a notebook: the class and all it needs, as written, and nothing else."""

import json
import subprocess
import sys

import pytest

from b25.model.errors import Misuse
from b25.promote.cut import cut
from tests.promote.books import GOOD, START, notebook


def test_the_class_is_cut_out_with_its_comments_and_the_marks_of_its_cells(tmp_path):
    path = notebook(tmp_path / "x.ipynb", START, ("noise", "data = b25.sample()\ndata.hash"), GOOD)
    made = cut(f"{path}:Mine")
    assert made.findings == ()
    assert made.cells == ("start", "strategy")
    assert made.text == ("# %% x.ipynb#start\n\nimport b25\n\n# %% x.ipynb#strategy\n\n" + GOOD[1].rstrip("\n") + "\n")


def test_it_is_the_same_twice(tmp_path):
    path = notebook(tmp_path / "x.ipynb", START, GOOD)
    assert cut(f"{path}:Mine") == cut(f"{path}:Mine")


def test_helpers_constants_bases_and_text_annotations_come_along_in_the_order_of_the_file(tmp_path):
    path = notebook(
        tmp_path / "x.ipynb",
        START,
        ("types", "from typing import NamedTuple\nclass Pair(NamedTuple):\n    a: float"),
        ("half", "HALF = 0.5\nTWICE = HALF * 4"),
        ("unused", "def other():\n    return 1"),
        ("base", "class Base(b25.Strategy):\n    pass"),
        ("fair", "def fair(ctx) -> 'Pair':\n    return ctx.mid() * TWICE"),
        ("mine", "class Mine(Base):\n    def on_book(self, ctx):\n        fair(ctx)"),
    )
    made = cut(f"{path}:Mine")
    assert [str(one) for one in made.findings] == []
    assert made.cells == ("start", "types", "half", "base", "fair", "mine")
    assert "numpy" not in made.text
    assert "other" not in made.text


def test_the_text_of_a_shipped_strategy_can_be_imported_alone(tmp_path):
    made = cut("strategies/market_maker.py:MarketMaker")
    (tmp_path / "strategy.py").write_text(made.text)
    told = subprocess.run([sys.executable, "-I", "-c", "import runpy; print('MarketMaker' in runpy.run_path('strategy.py'))"],
                          cwd=tmp_path, capture_output=True, text=True, check=True)  # fmt: skip
    assert told.stdout.strip() == "True"


def test_a_future_import_comes_first(tmp_path):
    path = notebook(tmp_path / "x.ipynb", START, ("later", "from __future__ import annotations\nX: int = 1"),
                    ("mine", "class Mine(b25.Strategy):\n    n: int = X"), tags={"later": ["promote"]})  # fmt: skip
    made = cut(f"{path}:Mine")
    assert made.text.index("__future__") < made.text.index("import b25")


def test_a_hidden_cell_is_not_looked_into_and_a_forced_one_comes_along(tmp_path):
    trial = ("trial", "class Mine(b25.Strategy):\n    pass")
    path = notebook(tmp_path / "x.ipynb", START, GOOD, trial, ("sign", "NAME = 'mine'"),
                    tags={"trial": ["no-promote"], "sign": ["promote"]})  # fmt: skip
    made = cut(f"{path}:Mine")
    assert made.findings == ()
    assert "NAME = 'mine'" in made.text


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{", "is no notebook"),
        (json.dumps({"cells": [{"cell_type": "code", "source": "1"}]}), "has no id"),
        (json.dumps({"cells": [], "metadata": {"kernelspec": {"language": "R"}}}), "in R"),
    ],
)
def test_what_is_no_notebook_is_refused(tmp_path, written, told):
    (tmp_path / "x.ipynb").write_text(written)
    with pytest.raises(Misuse, match=told):
        cut(f"{tmp_path / 'x.ipynb'}:Mine")


@pytest.mark.parametrize("where", ["x.ipynb", "x.ipynb:", ":Mine", "missing.ipynb:Mine", "x.ipynb:1a"])
def test_what_names_nothing_is_refused(where):
    with pytest.raises(Misuse):
        cut(where)
