"""Faults planted in a notebook: each is refused by the step that must see it, with the cell named, and nothing is left."""

import json
import subprocess
import sys

import pytest

from b25.promote.promote import promotion
from b25.promote.wish import Refused, Wish
from tests.promote.books import GOOD, START, notebook


def mine(body="        pass", fields="    pass", base="b25.Strategy"):
    return f"class Mine({base}):\n{fields}\n    def on_book(self, ctx):\n{body}"


def logs(what):
    return ("mine", mine(f"        ctx.log(1, {what})"))


WRITES = "import numpy as np\nnp.save('left.npy', np.zeros(3))"
JIT = "import numba\nTABLE = [1.0]\n@numba.njit\ndef f():\n    return TABLE[0]"
KEY = "api_secret = 'q8Zk3LmP0vX9sT2wY7bN'"
# By name: the step, its code or words, the cell that is named, the cells, and how they were saved.
PLANTED = {
    "hidden state": ("lint", "UNDEFINED", "mine", [logs("factor")], {}),
    "deleted cell": ("lint", "UNDEFINED", "mine", [("a", "half = 0.5"), logs("halves")], {}),
    "out of order": ("lint", "OUT_OF_ORDER", "strategy", [GOOD], {"counts": {"start": 7}}),
    "unrun cell": ("lint", "UNRUN", "strategy", [GOOD], {"counts": {"strategy": None}}),
    "unrun constant": ("lint", "UNRUN", "a", [("a", "K = 2"), logs("K")], {"counts": {"a": None}}),
    "syntax error": ("lint", "SYNTAX", "mine", [("mine", "class Mine(b25.Strategy:\n    pass")], {}),
    "magic in the class": ("lint", "NOTEBOOK_ONLY", "mine", [("mine", mine("        %time x = 1"))], {}),
    "shell command in the class": ("lint", "NOTEBOOK_ONLY", "mine", [("mine", mine("        !ls"))], {}),
    "display in the class": ("lint", "NOTEBOOK_ONLY", "mine", [("mine", mine("        display(1)"))], {}),
    "await for a constant": ("lint", "NOTEBOOK_ONLY", "mine|a", [("a", "K = await thing()"), logs("K")], {}),
    "run-time global": ("lint", "RUNTIME_GLOBAL", "a", [("a", "frame = b25.sample()"), logs("frame.x")], {}),
    "fitted model": ("lint", "RUNTIME_GLOBAL", "a", [("a", "model = np.linalg.pinv(np.eye(2))"), logs("model[0, 0]")], {}),
    "run-time default": (
        "lint", "RUNTIME_GLOBAL", "a",
        [("a", "frame = b25.sample()"), ("mine", mine(fields="    def helper(self, k=frame.x):\n        return k"))], {},
    ),
    "star import": ("lint", "STAR_IMPORT", "a", [("a", "from math import *"), logs("pi")], {}),
    "helper defined twice": (
        "lint", "REDEFINED", "b",
        [("a", "def f():\n    return 1"), ("b", "def f():\n    return 2"), logs("f()")], {},
    ),
    "class changed after it": ("lint", "REDEFINED", "later", [GOOD, ("later", "Mine.quantity = 3.0")], {}),
    "global statement": ("lint", "GLOBAL_STMT", "mine", [("a", "K = 1"), ("mine", mine("        global K\n        K = 2"))], {}),
    "forbidden import": ("lint", "FORBIDDEN_IMPORT", "mine", [("mine", mine("        import socket"))], {}),
    "environment variable": (
        "lint", "FORBIDDEN_IMPORT", "a", [("a", "import os"), logs("float(os.environ['SIZE'])")], {},
    ),
    "wall clock": ("lint", "NONDETERMINISM", "mine", [("a", "import time"), logs("time.time()")], {}),
    "date of today": ("lint", "NONDETERMINISM", "mine", [("a", "import datetime"), logs("datetime.datetime.now().hour")], {}),
    "dice": ("lint", "NONDETERMINISM", "mine", [("a", "import random"), logs("random.random()")], {}),
    "numpy's dice": ("lint", "NONDETERMINISM", "mine", [logs("np.random.rand()")], {}),
    "uuid": ("lint", "NONDETERMINISM", "mine", [("a", "import uuid"), logs("uuid.uuid4().int")], {}),
    "hash of a text": ("lint", "NONDETERMINISM", "mine", [logs("hash('a')")], {}),
    "order of a set": (
        "lint", "NONDETERMINISM", "mine", [("mine", mine("        for one in {1, 2}:\n            ctx.log(1, one)"))], {},
    ),
    "order of a named set": (
        "lint", "NONDETERMINISM", "mine",
        [("a", "NAMES = frozenset(('a', 'b'))"), ("mine", mine("        for one in NAMES:\n            ctx.log(1, len(one))"))],
        {},
    ),
    "mutable default": (
        "lint", "MUTABLE_DEFAULT", "mine", [("mine", mine(fields="    def helper(self, seen=[]):\n        return seen"))], {},
    ),
    "class state": ("lint", "CLASS_STATE", "mine", [("mine", mine(fields="    seen = {}"))], {}),
    "numba freezes a list": ("lint", "NUMBA_GLOBAL", "a", [("a", JIT), logs("f()")], {}),
    "two statements on a line": ("lint", "SHARED_LINE", "a", [("a", "K = 1; L = 2"), logs("K + L")], {}),
    "no strategy": ("lint", "BAD_ROOT", "mine", [("mine", "class Mine:\n    pass")], {}),
    "function for a class": ("lint", "BAD_ROOT", "mine", [("mine", "def Mine():\n    pass")], {}),
    "secret in a cell": ("lint", "SECRET", "key", [GOOD, ("key", KEY)], {}),
    "secret in an output": ("lint", "SECRET", "strategy", [GOOD], {"outputs": {"strategy": ["-----BEGIN PRIVATE KEY-----"]}}),
    "secret in a shown object": (
        "lint", "SECRET", "strategy", [GOOD], {"shown": {"strategy": [{"application/json": {"note": KEY}}]}},
    ),
    "file written at the import": (
        "isolate", "opened for writing", "", [("w", WRITES), GOOD], {"tags": {"w": ["promote"]}},
    ),
    "error at the import": (
        "isolate", "cannot be imported alone: ZeroDivisionError", "", [("w", "assert 1 / (1 - 1)"), GOOD],
        {"tags": {"w": ["promote"]}},
    ),
    "cell hidden that is needed": ("lint", "UNDEFINED", "mine", [("a", "K = 2"), logs("K")], {"tags": {"a": ["no-promote"]}}),
}  # fmt: skip


def everything_in(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_refused_by_its_step_and_nothing_is_left(tmp_path, name):
    step, told, cell, cells, saved = PLANTED[name]
    path = notebook(tmp_path / "x.ipynb", START, *cells, **saved)
    before = everything_in(tmp_path)
    with pytest.raises(Refused) as refusal:
        promotion(Wish(where=f"{path}:Mine", by="ann"), dry_run=True, root=tmp_path / "live", secrets_folder=tmp_path, now_ns=1)
    report = refusal.value.report
    states = {one.name: one.state for one in report.steps}
    assert states[step] == "refused"
    assert states["freeze"] == "not done"
    said = f"{refusal.value}\n" + "\n".join(found_in(path))
    assert told in said
    assert not cell or any(f"cell {one}" in said for one in cell.split("|"))
    assert everything_in(tmp_path) == before


def found_in(path):
    from b25.promote.cut import cut

    return [str(one) for one in cut(f"{path}:Mine").errors]


def test_there_are_at_least_25_of_them():
    assert len(PLANTED) >= 25


@pytest.mark.parametrize(
    ("history", "told"),
    [
        (["import b25", GOOD[1].replace("0.01", "0.02")], "Mine is another in the kernel, since In[1], than in the file"),
        (["import b25"], "this kernel never ran it"),
        (["import b25", GOOD[1], GOOD[1].replace("ctx.bid()", "ctx.ask()")], "since In[2]"),
    ],
)
def test_what_the_kernel_holds_otherwise_than_the_file_is_refused(tmp_path, history, told):
    path = notebook(tmp_path / "x.ipynb", START, GOOD)
    wish = Wish(where=f"{path}:Mine", by="ann", history=history)
    with pytest.raises(Refused, match="UNSAVED") as refusal:
        promotion(wish, dry_run=True, secrets_folder=tmp_path, now_ns=1)
    assert told in str(refusal.value)


def test_a_kernel_that_ran_what_the_file_says_goes_through(tmp_path):
    path = notebook(tmp_path / "x.ipynb", START, GOOD)
    history = ["", START[1], "%matplotlib inline", "def broken(", GOOD[1] + "\n# a comment more", "data = 3"]
    wish = Wish(where=f"{path}:Mine", by="ann", history=history)
    assert promotion(wish, dry_run=True, secrets_folder=tmp_path, now_ns=1).refusal == ""


def test_a_notebook_that_changes_while_it_is_promoted_is_not_frozen(tmp_path):
    from b25.promote.cut import cut
    from b25.promote.promote import unchanged

    path = notebook(tmp_path / "x.ipynb", START, GOOD)
    made = cut(f"{path}:Mine")
    assert unchanged(made) == path.read_bytes()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"metadata": {"x": 1}}))
    with pytest.raises(Refused, match="changed while it was promoted"):
        unchanged(made)


def test_a_promotion_that_is_killed_leaves_nothing_behind(tmp_path):
    path = notebook(tmp_path / "x.ipynb", START, GOOD)
    before = everything_in(tmp_path)
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom b25.promote.here import promote_here\n"
        "def say(step, text):\n    if step == 'isolate':\n        os.kill(os.getpid(), 9)\n"
        "promote_here(sys.argv[1], by='ann', say=say, root=Path(sys.argv[2]), secrets_folder=Path(sys.argv[2]))"
    )
    run = subprocess.run([sys.executable, "-c", code, f"{path}:Mine", str(tmp_path / "live")], check=False, capture_output=True)
    assert run.returncode == -9
    assert everything_in(tmp_path) == before
