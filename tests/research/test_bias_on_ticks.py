"""Bias checks over recorded messages: the strategies that are shipped pass, and the command line says what was found."""

import importlib
import json

import pytest

import b25
from b25 import cli
from b25.research.bias import check
from b25.strategy.strategy import Strategy
from tests.conftest import ROOT

SHIPPED = sorted(path.stem for path in (ROOT / "strategies").glob("*.py"))
TICK_CALLBACKS = {"on_book", "on_trade", "on_timer", "on_gap"}


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
    if not TICK_CALLBACKS & set(cls.callbacks()):
        pytest.skip("runs on bars")
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
