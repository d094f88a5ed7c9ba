"""Every test that docs/security.md names exists."""

import ast
import re

import pytest

from tests.conftest import ROOT

NAMED = re.findall(r"`([a-z_/0-9]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "security.md").read_text(encoding="utf-8"))


def test_tests_are_named():
    assert len(NAMED) > 30


@pytest.mark.parametrize(("file", "test"), NAMED, ids=[f"{file}-{test}" for file, test in NAMED])
def test_a_named_test_exists(file, test):
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    names = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not test or test in names
