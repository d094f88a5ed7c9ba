"""Bias checks over recorded messages: the strategies that are shipped pass, and the command line says what was found."""

import importlib
import json

import pytest

import b25
from b25 import cli
from b25.research.bias import check
from b25.strategy.strategy import Strategy
from tests.conftest import ROOT

# Those on bars are checked in tests/strategies/test_every_strategy.py.
SHIPPED = sorted(p.stem for p in (ROOT / "strategies").glob("*.py") if "def on_bar(" not in p.read_text())


def class_of(name):
    module = importlib.import_module(f"strategies.{name}")
    (found,) = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Strategy)]
    return found


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return b25.sample(minutes=10, catalog=tmp_path_factory.mktemp("sample"))


@pytest.mark.parametrize("name", SHIPPED)
def test_no_shipped_strategy_is_flagged(data, name):
    cls = class_of(name)
    report = check(cls, data)
    assert report.ok
    assert not report.of("look-ahead")
    assert not report.of("warm-up")


def test_the_command_line_checks_when_asked(data, capsys):
    words = ["backtest", str(ROOT / "strategies/scalper.py:Scalper"), "--symbol", data.symbol, "--venue", data.venue]
    assert cli.main([*words, "--catalog", str(data.catalog.folder), "--check", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["check"]["ok"] is True
    assert "look-ahead" in said["check"]["checked"]
