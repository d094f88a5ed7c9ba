"""The README's strategy runs as printed, in both lives, and its commands are ones that exist."""

import re
import shlex
from pathlib import Path

import pytest

import b25
from b25.cli import main
from bootstrap import TARGETS

README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, text in BLOCKS if not language for line in text.splitlines()]


def test_the_strategy_runs_as_it_is_printed(tmp_path, monkeypatch):
    source = next(text for language, text in BLOCKS if language == "python")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    exec(source, names)  # noqa: S102 - our own text
    result = names["result"]
    plain = b25.backtest(names["Lean"], b25.sample(minutes=5), fees=b25.Fees(maker=-0.00005, taker=0.0003), compiled=False)
    assert result.hash == plain.hash
    assert len(result.fills) > 50
    told = re.search(r"it has `([^`]+)`", README)
    assert told is not None
    assert [name for name in told[1].replace("(path)", "").replace("()", "").split() if not hasattr(result, name[1:])] == []


def test_the_sweep_runs_as_it_is_printed(tmp_path, monkeypatch):
    _, source = [text for language, text in BLOCKS if language == "python"]
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme", "b25": b25}
    exec(source, names)  # noqa: S102 - our own text
    found = names["found"]
    assert len(found) == 4
    assert found.best["weight"] in (0.05, 0.1, 0.2, 0.4)
    assert (tmp_path / "cross.html").stat().st_size > 50_000


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("b25 ")])
def test_a_command_takes_the_options_that_the_readme_gives_it(line, capsys):
    words = shlex.split(line)[1:]
    options = [word for word in words if word.startswith("--")]
    path = words[: 2 if words[0] == "data" else 1]
    assert main([*path, "--help"]) == 0
    text = capsys.readouterr().out
    assert [option for option in options if option not in text] == []


def test_its_targets_exist():
    named = set(re.findall(r"make ([a-z-]+)", README)) - {"help"}
    assert named <= set(TARGETS)
    assert {"demo", "test", "lab"} <= named
