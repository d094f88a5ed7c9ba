"""The key of a strategy's code: whatever it can reach is in it, and nothing else."""

import importlib.util
import sys
from pathlib import Path

import pytest

from b25.strategy.source_key import names_read, source_key

MODULE = """
import b25
from beside import doubled

LEAN = 0.5
TABLE = (1, 2, 3)

def leaned(x):
    return doubled(x) * LEAN

class Base(b25.Strategy):
    quantity: float = b25.param(0.01, gt=0)

    def fair(self, ctx):
        return leaned(ctx.mid())

class Made(Base):
    seen: int = 0

    def on_book(self, ctx):
        self.seen += TABLE[1]
        ctx.log(1, self.fair(ctx) + 1.0)

UNRELATED = 1
"""
BESIDE = """
FACTOR = 2.0

def doubled(x):
    return x * FACTOR
"""


def key_of(folder: Path, module: str = MODULE, beside: str = BESIDE) -> str:
    folder.mkdir(exist_ok=True)
    found = {}
    for name, text in (("beside", beside), ("own", module)):
        path = folder / f"{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(name, path)
        found[name] = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found[name])
    try:
        return source_key(found["own"].Made)
    finally:
        for name in found:
            del sys.modules[name]


def test_equal_code_has_an_equal_key_wherever_it_lies(tmp_path):
    assert key_of(tmp_path / "a") == key_of(tmp_path / "a")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LEAN = 0.5", "LEAN = 0.6"),
        ("TABLE = (1, 2, 3)", "TABLE = (1, 5, 3)"),
        ("doubled(x) * LEAN", "doubled(x) + LEAN"),
        ("return leaned(ctx.mid())", "return leaned(ctx.bid())"),
        ("+ 1.0)", "+ 2.0)"),
        ("seen: int = 0", "seen: float = 0"),
        ("    def fair(self, ctx):", "    def fair(self, ctx, skew=1):"),
    ],
)
def test_an_edit_in_reach_changes_the_key(tmp_path, before, after):
    assert before in MODULE
    assert key_of(tmp_path / "a") != key_of(tmp_path / "a", MODULE.replace(before, after))


@pytest.mark.parametrize(("before", "after"), [("FACTOR = 2.0", "FACTOR = 3.0"), ("x * FACTOR", "x + FACTOR")])
def test_an_edit_in_a_module_beside_changes_the_key(tmp_path, before, after):
    assert key_of(tmp_path / "a") != key_of(tmp_path / "a", beside=BESIDE.replace(before, after))


def test_what_is_out_of_reach_does_not_matter(tmp_path):
    assert key_of(tmp_path / "a") == key_of(tmp_path / "a", MODULE.replace("UNRELATED = 1", "UNRELATED = 2"))


def test_names_are_found_through_helpers():
    from tests.strategy.busy import Busy

    assert {"imbalance", "quote", "microprice", "throw"} <= names_read(Busy)
