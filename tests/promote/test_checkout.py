"""A version checked out into cells gives, promoted again, the same bytes; and no file is ever written over unasked."""

import json

import pytest

import b25
from b25.cli import main
from b25.model.errors import Misuse
from b25.promote.checkout import checkout, sections_of
from b25.promote.cut import cut
from b25.promote.version import SOURCE
from tests.conftest import ROOT
from tests.promote.makers import frozen, maker_notebook

SHIPPED = (("market_maker", "MarketMaker"), ("breakout", "Breakout"), ("moving_average_cross", "MovingAverageCross"))


@pytest.fixture
def place(tmp_path):
    return tmp_path / "live", tmp_path / "secrets"


def as_if_run(path):
    held = json.loads(path.read_text())
    for count, cell in enumerate((one for one in held["cells"] if one["cell_type"] == "code"), 1):
        cell["execution_count"] = count
    path.write_text(json.dumps(held))
    return path


def test_cells_come_back_under_their_ids_and_promote_to_the_same_bytes(place, tmp_path):
    book = maker_notebook(tmp_path / "makers.ipynb")
    version = frozen(*place, f"{book}:Maker")
    found = checkout("maker@1", place[0])
    assert [one.id for one in found.cells if one.is_source] == ["future", "help", "maker"]
    path = as_if_run(found.write(tmp_path / "other_name.ipynb"))
    again = cut(f"{path}:Maker")
    assert not again.errors
    assert again.text.encode() == (version.folder / SOURCE).read_bytes()


@pytest.mark.parametrize(("file", "name"), SHIPPED)
def test_a_version_out_of_a_file_does_too(place, tmp_path, file, name):
    version = frozen(*place, f"{ROOT / 'strategies' / file}.py:{name}")
    path = as_if_run(checkout(version.reference, place[0]).write(tmp_path / "back.ipynb"))
    assert cut(f"{path}:{name}").text.encode() == (version.folder / SOURCE).read_bytes()


def test_a_mark_within_a_text_or_of_another_cell_splits_nothing():
    text = '# %% a.ipynb#one\n\nX = """\n# %% a.ipynb#two\n"""\n\n# %% a.ipynb#strange\n\nY = 2\n\n# %% a.ipynb#two\n\nZ = 3\n'
    assert [name for name, _ in sections_of(text, ["one", "two"])] == ["one", "two"]


def test_no_file_is_written_over_unless_asked(place, tmp_path):
    frozen(*place, f"{maker_notebook(tmp_path / 'makers.ipynb')}:Maker")
    found = checkout("maker@1", place[0])
    path = found.write(tmp_path / "back.ipynb")
    path.write_text("mine")
    with pytest.raises(Misuse, match="already"):
        found.write(path)
    assert path.read_text() == "mine"
    assert found.write(path, force=True).read_bytes() == found.notebook()
    with pytest.raises(Misuse, match="no name of a notebook"):
        found.write(tmp_path / "x.py")


def test_a_source_that_was_changed_is_not_checked_out(place, tmp_path):
    version = frozen(*place, f"{maker_notebook(tmp_path / 'makers.ipynb')}:Maker")
    source = version.folder / SOURCE
    source.chmod(0o644)
    source.write_text(source.read_text().replace("0.01", "0.02"))
    with pytest.raises(Misuse, match="the manifest says"):
        checkout("maker@1", place[0])
    with pytest.raises(Misuse, match="there is no version"):
        checkout("maker@2", place[0])


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom_and_is_the_same_version_again(place, tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("B25_CATALOG", str(tmp_path / "catalog"))
    monkeypatch.setenv("B25_TRIALS", str(tmp_path / "trials"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    data = b25.sample(minutes=2)
    told = {"venue": data.venue, "symbol": data.symbol, "hash": data.hash, "start_ns": data.start_ns, "end_ns": data.end_ns}
    book = maker_notebook(tmp_path / "makers.ipynb")
    version = frozen(*place, f"{book}:Maker", params={"offset_ticks": 3}, data=[told])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strategies").symlink_to(place[0].parent)
    assert main(["strategies", "checkout", "maker@1", "-o", "back.ipynb", "--json"]) == 0
    held = nbformat.read("back.ipynb", 4)
    NotebookClient(held, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.write(held, "back.ipynb")
    assert "Maker" in held.cells[-1].outputs[0].data["text/plain"]
    again = cut("back.ipynb:Maker")
    assert not again.errors
    assert again.text.encode() == (version.folder / SOURCE).read_bytes()
