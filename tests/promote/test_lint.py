"""Each code of the lint: one case that has it, and the good notebook that has none."""

import pytest

from b25.promote.cut import cut
from b25.promote.findings import CODES, Level
from tests.promote.books import GOOD, START, notebook


def mine(body="        pass", before="", fields="    pass"):
    return f"{before}\nclass Mine(b25.Strategy):\n{fields}\n    def on_book(self, ctx):\n{body}"


BAD = {
    "SYNTAX": [("broken", "class Mine(b25.Strategy:\n    pass")],
    "UNDEFINED": [("mine", mine("        ctx.log(1, factor)"))],
    "STAR_IMPORT": [("mine", mine(before="from math import *"))],
    "REDEFINED": [("a", "K = 1"), ("b", "K = 2"), ("mine", mine("        ctx.log(1, K)"))],
    "RUNTIME_GLOBAL": [("a", "frame = b25.sample()"), ("mine", mine("        ctx.log(1, frame.x)"))],
    "GLOBAL_STMT": [("a", "K = 1"), ("mine", mine("        global K\n        K = 2"))],
    "NOTEBOOK_ONLY": [("mine", mine("        display(1)"))],
    "FORBIDDEN_IMPORT": [("mine", mine("        import socket"))],
    "NONDETERMINISM": [("mine", mine("        for one in {1, 2}:\n            ctx.log(1, one)"))],
    "MUTABLE_DEFAULT": [("mine", mine(fields="    def helper(self, seen=[]):\n        return seen"))],
    "CLASS_STATE": [("mine", mine(fields="    seen = {}"))],
    "NUMBA_GLOBAL": [
        ("a", "from decimal import Decimal\nimport numba\nK = Decimal('1')\n@numba.njit\ndef f():\n    return K"),
        ("mine", mine("        f()")),
    ],
    "SHARED_LINE": [("a", "K = 1; L = 2"), ("mine", mine("        ctx.log(K, L)"))],
    "BAD_ROOT": [("mine", "class Mine:\n    pass")],
    "SECRET": [("mine", mine()), ("key", "api_secret = 'q8Zk3LmP0vX9sT2wY7bN'")],
    "AUTORELOAD": [("reload", "%autoreload 2"), ("mine", mine())],
    "LONG_CELL": [("mine", mine("\n".join(["        ctx.log(1, 2.0)"] * 61)))],
}  # fmt: skip


def found(tmp_path, *cells, **more):
    path = notebook(tmp_path / "x.ipynb", START, *cells, **more)
    return cut(f"{path}:Mine").findings


@pytest.mark.parametrize("code", BAD)
def test_a_fault_is_found_under_its_code(tmp_path, code):
    findings = found(tmp_path, *BAD[code])
    assert code in {one.code for one in findings}
    told = next(str(one) for one in findings if one.code == code)
    assert CODES[code].remedy in told


def test_every_code_has_a_case():
    assert set(BAD) | {"OUT_OF_ORDER", "UNRUN", "UNSAVED"} == set(CODES)


# What is near a fault and is none: the other side of every code.
FINE = {
    "SYNTAX": [("scratch", "%timeit 1 + 1"), GOOD],
    "OUT_OF_ORDER": [("later", "1 + 1"), GOOD],
    "UNRUN": [("words", ""), GOOD],
    "UNSAVED": [GOOD],
    "UNDEFINED": [("mine", mine("        ctx.log(1, max(1.0, abs(-2.0)))"))],
    "STAR_IMPORT": [("a", "from math import floor"), ("mine", mine("        ctx.log(1, floor(2.0))"))],
    "REDEFINED": [("a", "K = 1"), ("b", "K = 1"), ("mine", mine("        ctx.log(1, K)"))],
    "RUNTIME_GLOBAL": [("data", "frame = b25.sample()"), ("a", "K = -2.5"), ("mine", mine("        ctx.log(1, K)"))],
    "GLOBAL_STMT": [("trial", "def f():\n    global seen\n    seen = 1"), GOOD],
    "NOTEBOOK_ONLY": [("look", "display(1)"), GOOD],
    "FORBIDDEN_IMPORT": [("look", "import socket"), ("a", "import math"), ("mine", mine("        ctx.log(1, math.floor(1.5))"))],
    "NONDETERMINISM": [("mine", mine("        for one in sorted({1, 2}):\n            ctx.log(1, one if one in {1, 3} else 0)"))],
    "MUTABLE_DEFAULT": [("mine", mine(fields="    def helper(self, k=2, names=()):\n        return k"))],
    "CLASS_STATE": [("mine", mine(fields="    NAMES = ('a', 'b')\n    seen: int = 0"))],
    "NUMBA_GLOBAL": [("a", "K = 2.0\n@np.vectorize\ndef f(x):\n    return K"), ("mine", mine("        ctx.log(1, K)"))],
    "SHARED_LINE": [("look", "a = 1; b = 2"), GOOD],
    "BAD_ROOT": [("base", "class Base(b25.Strategy):\n    pass"), ("mine", "class Mine(Base):\n    pass")],
    "SECRET": [("mine", mine()), ("look", "api_key = read('key')\ntoken = 'short'")],
    "AUTORELOAD": [("off", "%autoreload 0"), ("mine", mine())],
    "LONG_CELL": [("mine", mine("\n".join(["        ctx.log(1, 2.0)"] * 40)))],
}


@pytest.mark.parametrize("code", CODES)
def test_what_is_near_a_fault_and_is_none_is_let_through(tmp_path, code):
    assert [str(one) for one in found(tmp_path, *FINE[code])] == []


def test_a_good_notebook_has_no_finding(tmp_path):
    assert found(tmp_path, GOOD) == ()


def test_a_notebook_that_ran_out_of_order_is_refused(tmp_path):
    assert [one.code for one in found(tmp_path, GOOD, counts={"start": 5})] == ["OUT_OF_ORDER"]


def test_a_needed_cell_that_never_ran_is_refused_and_another_is_not(tmp_path):
    assert [one.code for one in found(tmp_path, GOOD, counts={"strategy": None})] == ["UNRUN"]
    assert found(tmp_path, GOOD, ("later", "1 + 1"), counts={"later": None}) == ()


def test_a_warning_does_not_stop(tmp_path):
    made = cut(f"{notebook(tmp_path / 'x.ipynb', START, *BAD['AUTORELOAD'])}:Mine")
    assert not made.errors
    assert made.text
    assert CODES["AUTORELOAD"].level is Level.WARNING


@pytest.mark.parametrize(
    "cells",
    [
        [("mine", mine("        !ls"))],
        [("mine", mine("        %time x = 1"))],
        [("a", "K = await thing()"), ("mine", mine("        ctx.log(1, K)"))],
        [("mine", mine("        eval('1')"))],
        [("mine", mine("        open('x')"))],
    ],
)
def test_what_works_in_a_notebook_only_is_refused(tmp_path, cells):
    assert any(one.level is Level.ERROR for one in found(tmp_path, *cells))


@pytest.mark.parametrize(
    "body",
    [
        "        ctx.log(1, np.random.rand())",
        "        ctx.log(1, hash('a'))",
        "        import time\n        ctx.log(1, time.time())",
        "        ctx.log(1, [x for x in set([1, 2])][0])",
    ],
)
def test_what_decides_differently_another_time_is_refused(tmp_path, body):
    assert {"NONDETERMINISM", "FORBIDDEN_IMPORT"} & {one.code for one in found(tmp_path, ("mine", mine(body)))}


def test_a_helper_that_is_changed_after_its_definition_is_refused(tmp_path):
    cells = [("f", "def f():\n    return 1"), ("mine", mine("        ctx.log(1, f())")), ("later", "Mine.seen = 3")]
    assert "REDEFINED" in {one.code for one in found(tmp_path, *cells)}


def test_a_deleted_cell_is_named_with_what_is_near(tmp_path):
    (one,) = (
        f for f in found(tmp_path, ("a", "factors = 2"), ("mine", mine("        ctx.log(1, factor)"))) if f.code == "UNDEFINED"
    )
    assert "did you mean factors?" in one.text
    assert one.cell == "mine"
    assert one.line == 5


def test_a_secret_in_an_output_is_found(tmp_path):
    outputs = {"strategy": ["connected with -----BEGIN PRIVATE KEY-----"]}
    assert [one.code for one in found(tmp_path, GOOD, outputs=outputs)] == ["SECRET"]


def test_ordinary_outputs_are_no_secret(tmp_path):
    outputs = {"strategy": ["hash 9f2c" + "0" * 60, "strategies/market_maker.py", "token bucket: 12 of 20 left"]}
    assert found(tmp_path, GOOD, outputs=outputs) == ()
