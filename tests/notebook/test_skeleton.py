"""A new strategy runs as it is written, and can be promoted as far as the lint, the cut and the import alone go."""

import json
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from b25.cli import main
from b25.model.errors import Misuse
from b25.notebook.skeleton import TEMPLATES, notebook_text, snake, strategy_text, write_skeleton
from b25.promote.cut import cut
from b25.promote.here import promote_here
from b25.research.backtest import backtest
from b25.research.dataset import sample
from b25.research.strategy_file import load_strategy
from tests.conftest import ROOT


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_file_trades_on_the_sample_and_is_cut_clean(tmp_path, template):
    path = write_skeleton("MeanReversion", template, folder=tmp_path)
    assert path.name == "mean_reversion.py"
    told = promote_here(f"{path}:MeanReversion", by="ann", dry_run=True)
    assert (told.refusal, told.warnings) == ("", ())
    found = backtest(load_strategy(f"{path}:MeanReversion"), sample(minutes=2), compiled=False)
    assert found.fills.height > 0


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_notebook_runs_from_top_to_bottom_and_is_cut_clean(tmp_path, monkeypatch, template):
    monkeypatch.setenv("B25_CATALOG", str(tmp_path / "catalog"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    path = write_skeleton("Lean", template, notebook=True, folder=tmp_path)
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    tags = [cell.metadata.get("tags", []) for cell in book.cells if cell.cell_type == "code"]
    assert ["parameters", "no-promote"] in tags
    for cell in book.cells:
        if cell.source.startswith("minutes = "):
            cell.source = "minutes = 2"
    NotebookClient(book, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.write(book, path)
    assert promote_here(f"{path}:Lean", by="ann", dry_run=True).refusal == ""
    assert "b25.notebook.setup" not in cut(f"{path}:Lean").text


def test_equal_names_give_equal_bytes_and_nothing_is_written_over(tmp_path):
    assert notebook_text("Lean", "full") == notebook_text("Lean", "full")
    ids = [cell["id"] for cell in json.loads(notebook_text("Lean", "full"))["cells"]]
    assert len(set(ids)) == len(ids)
    write_skeleton("Lean", folder=tmp_path)
    with pytest.raises(Misuse, match="already"):
        write_skeleton("Lean", folder=tmp_path)
    assert write_skeleton("Lean", "full", folder=tmp_path, force=True).read_text() == strategy_text("Lean", "full")


@pytest.mark.parametrize(
    ("name", "hint"), [("mean-rev", "MeanRev"), ("Strategy", "MeanReversion"), ("class", "Class"), ("../x", "X")]
)
def test_a_name_that_is_none_is_refused_with_one_that_is(name, hint):
    with pytest.raises(Misuse, match="no name") as fault:
        strategy_text(name)
    assert hint in fault.value.remedy


def test_names_of_files():
    assert [snake(name) for name in ("MeanReversion", "ABTest", "X", "Ema20Cross")] == [
        "mean_reversion",
        "ab_test",
        "x",
        "ema20_cross",
    ]


def test_the_command_writes_it_and_a_wrong_template_is_a_fault_of_usage(tmp_path, capsys):
    assert main(["strategies", "new", "Lean", "--folder", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"] == str(tmp_path / "lean.py")
    assert main(["strategies", "new", "Lean", "--template", "large", "--folder", str(tmp_path)]) == 4
    assert "minimal or full" in capsys.readouterr().err
    assert sys.version_info >= (3, 11)
