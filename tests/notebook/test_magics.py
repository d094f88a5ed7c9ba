"""Magics: each gives the object, tells its help, refuses by one line, and is gone when the extension is."""

import inspect
import threading

import pytest
from IPython.core.interactiveshell import InteractiveShell

import b25
from b25.model.errors import Misuse
from b25.notebook.faults import is_brief
from b25.notebook.kill import Killed
from b25.runner.kill_scopes import scoped_stops
from b25.runner.seat import Seat
from tests.notebook.things import Cross

CLASS = f"import b25\n\n{inspect.getsource(Cross)}"


def state(shell):
    """What an extension may leave behind."""
    manager, formatters = shell.magics_manager, shell.display_formatter.formatters
    return (
        {kind: sorted(names) for kind, names in manager.magics.items()}, sorted(manager.registry),
        {form: set(one.type_printers) for form, one in formatters.items()}, list(shell.events.callbacks["pre_run_cell"]),
    )  # fmt: skip


def test_loading_twice_is_once_and_unloading_leaves_nothing():
    shell = InteractiveShell()
    before, threads = state(shell), threading.active_count()
    b25.load_ipython_extension(shell)
    b25.load_ipython_extension(shell)
    assert is_brief()
    assert "b25" in shell.magics_manager.magics["line"]
    b25.unload_ipython_extension(shell)
    b25.unload_ipython_extension(shell)
    assert state(shell) == before
    assert not is_brief()
    assert threading.active_count() == threads


def test_a_cell_is_backtested_and_the_result_is_given_and_kept(shell):
    line = "--timeframe 1h --days 60 --param exposure=0.5 --into kept"
    found = shell.run_cell_magic("backtest", line, CLASS)
    assert found.name == "Cross"
    assert found.parameters["exposure"] == 0.5
    assert shell.user_ns["kept"] is found
    same = shell.run_cell_magic("backtest", f"{line} --timerange 2020-01-11..2020-02-01", CLASS)
    assert dict(same.provenance)["from"].startswith("2020-01-11")


def test_a_cell_is_swept(shell):
    found = shell.run_cell_magic("sweep", "--timeframe 1h --days 60 --grid exposure=0.2,0.9 --undefined show", CLASS)
    assert len(found) == 2
    assert found.parameters == ["exposure"]


@pytest.mark.parametrize(
    ("kind", "name", "line", "said"),
    [
        ("line", "b25", "stauts", "did you mean %b25 status"),
        ("line", "b25", "check nothing", "there is no nothing"),
        ("line", "b25", "logs", "required: name"),
        ("line", "b25", "kill nn", "no session nn is known"),
        ("line", "b25", "kill ../x", "names no session"),
        ("line", "b25", "status", "no key for notebooks"),
        ("line", "promote", "Cross", "not told which file"),
        ("line", "promote", "Cross --notebook none.ipynb", "not saved as"),
        ("cell", "backtest", "--nonsense 1", "unrecognized arguments"),
        ("cell", "backtest", "--timeframe 1h --param exposure", "no NAME=VALUE"),
        ("cell", "backtest", "--timeframe 1h --param exposre=1", "did you mean exposure"),
        ("cell", "backtest", "--class Other --timeframe 1h", "defines no strategy Other"),
        ("cell", "backtest", "", "wants bars"),
        ("cell", "backtest", '--timeframe "1h', "close the quotation"),
        ("cell", "sweep", "--timeframe 1h", "a grid or a search"),
    ],
)
def test_what_is_wrong_is_refused_with_a_remedy(shell, monkeypatch, kind, name, line, said):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv("B25_TOKEN_FILE", raising=False)
    with pytest.raises(Misuse) as fault:
        shell.run_line_magic(name, line) if kind == "line" else shell.run_cell_magic(name, line, CLASS)
    assert said in f"{fault.value.what} {fault.value.remedy}"
    assert fault.value.remedy


@pytest.mark.parametrize(
    "words", ["status", "positions", "orders", "logs", "check", "checkout", "diff", "kill", "doctor", "connect"]
)
def test_every_word_tells_its_help_with_an_example(shell, capsys, words):
    assert shell.run_line_magic("b25", f"{words} --help") is None
    assert "Example: %b25" in capsys.readouterr().out


def test_the_overview_names_every_word(shell, capsys):
    shell.run_line_magic("b25", "")
    told = capsys.readouterr().out
    assert [word for word in ("status", "positions", "logs", "kill", "checkout") if f"%b25 {word}" not in told] == []


def test_a_cell_that_fails_or_defines_nothing_is_told(shell, capsys):
    assert shell.run_cell_magic("backtest", "--timeframe 1h", "1 / 0") is None
    assert "ZeroDivisionError" in capsys.readouterr().out
    with pytest.raises(Misuse, match="defines no strategy"):
        shell.run_cell_magic("backtest", "--timeframe 1h", "a = 1")


def test_a_fault_is_a_few_lines_with_its_place_and_remedy_and_others_are_as_before(shell, capsys):
    shell.run_cell("import b25\nb25.bars('1h', source='nowhere.csv')")
    told = capsys.readouterr().out
    assert "remedy: " in told
    assert "Traceback" not in told
    assert len(told.strip().splitlines()) <= 5
    shell.run_cell("{}['a']")
    assert "Traceback" in capsys.readouterr().out


def test_a_kill_needs_no_gateway(shell, tmp_path):
    seat = Seat.take(tmp_path / "data" / "run", "mm", account="demo")
    try:
        found = shell.run_line_magic("b25", "kill mm --reason 'quotes look wrong'")
        assert isinstance(found, Killed)
        (stop,) = scoped_stops(tmp_path / "data" / "run")
        assert (stop.target, stop.reason) == ("mm", "quotes look wrong")
        assert found.kill_id == stop.kill_id
    finally:
        seat.leave()


def test_autoreload_while_a_result_is_recorded_is_warned_of_once(shell, capsys):
    shell.run_cell("%load_ext autoreload\n%autoreload 2")
    shell.run_cell("# b25.backtest(Cross, data)")
    shell.run_cell("# b25.backtest(Cross, data)")
    assert capsys.readouterr().err.count("autoreload is on") == 1
    shell.run_cell("%autoreload 0")


def test_a_promoted_name_that_is_defined_otherwise_is_warned_of(shell, tmp_path, capsys):
    folder = tmp_path / "strategies" / "live" / "cross" / "v0001"
    folder.mkdir(parents=True)
    (folder / "MANIFEST.json").write_text('{"name": "cross", "version": 1, "class": "Cross", "content_id": "a"}')
    (folder / "strategy.py").write_text(CLASS)
    shell.run_cell(CLASS)
    assert "is promoted as" not in capsys.readouterr().err
    shell.run_cell(CLASS.replace("0.9", "0.8"))
    assert "Cross is promoted as cross@1" in capsys.readouterr().err
    assert "not promoted" not in repr(shell.display_formatter.format(shell.user_ns["Cross"])[0]["text/html"])
