"""Faults of a command end as one message and an exit code, never as a traceback."""

import json

import pytest
import typer

from b25 import cli
from b25.cli.output import answer
from b25.model.errors import Misuse


@pytest.fixture
def failing(monkeypatch):
    """A command line on which every command meets the same fault."""

    def register_fault(fault):
        def application(words):
            app = typer.Typer()

            @app.command()
            def run(json: bool = False):
                raise fault

            return app

        monkeypatch.setattr(cli, "_application", application)

    return register_fault


def test_without_words_the_commands_are_shown(capsys):
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in cli.command_names())


def test_the_version_is_that_of_the_project(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("b25 0.")


def test_an_unknown_command_is_a_usage_error_with_the_nearest_name(capsys, monkeypatch):
    monkeypatch.setattr(cli, "command_names", lambda: ["backtest", "data"])
    assert cli.main(["bakctest"]) == 4
    assert "there is no command 'bakctest'; did you mean `b25 backtest`?" in capsys.readouterr().err


def test_an_unknown_option_is_a_usage_error(capsys):
    assert cli.main(["--no-such-option"]) == 4
    assert "b25 --help" in capsys.readouterr().err


def test_a_fault_is_one_message_with_its_remedy(capsys, failing):
    failing(Misuse("the capture is empty", remedy="record one"))
    assert cli.main([]) == 1
    assert capsys.readouterr().err == "b25: the capture is empty\n  remedy: record one\n"


def test_a_fault_is_an_object_with_json(capsys, failing):
    failing(Misuse("the capture is empty", remedy="record one"))
    assert cli.main(["--json"]) == 1
    told = {"code": "misuse", "what": "the capture is empty", "remedy": "record one"}
    assert json.loads(capsys.readouterr().out) == {"ok": False, "code": 1, "error": told}


def test_an_interrupt_has_its_own_exit_code(failing):
    failing(KeyboardInterrupt())
    assert cli.main([]) == 130


def test_an_answer_is_lines_for_a_person_and_one_object_for_a_program(capsys):
    answer({"rows": 3, "sharpe": float("nan")}, json=False)
    assert capsys.readouterr().out.splitlines() == ["rows    3", "sharpe  nan"]
    answer({"rows": 3, "sharpe": float("nan")}, json=True)
    assert json.loads(capsys.readouterr().out) == {"ok": True, "code": 0, "rows": 3, "sharpe": None}
