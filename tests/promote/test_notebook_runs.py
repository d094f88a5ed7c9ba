"""A notebook with a stored result, promoted whole: A, B, C and D are one strategy, and what changed since is named."""

import re

import nbformat
import orjson
import pytest
from nbclient import NotebookClient

import b25
from b25.promote.here import promote_here
from b25.promote.report_page import SHEET_CSS
from b25.promote.wish import Refused
from tests.promote.books import notebook

CLASS = '''class Turns(b25.Strategy):
    """Changes sides, and cancels what it left."""

    every: int = b25.param(6, ge=2, le=50)  # bars
    k: int = 0

    def on_bar(self, ctx):
        self.k += 1
        ctx.cancel_all()
        if self.k % self.every == 0:
            ctx.target(1.0 if ctx.position() <= 0 else -1.0)
        ctx.buy(0.01, ctx.bar().close * 0.5)
'''
CELLS = (
    ("start", "import b25\nfrom helper import DAYS"),
    ("class", CLASS),
    ("data", "data = b25.sample(bars='1h', days=DAYS)"),
    ("result", "result = b25.backtest(Turns, data)\nresult"),
    ("more", "print(result.outcome.fills.size, 'fills')"),
)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("books")
    (folder / "helper.py").write_text("DAYS = 40")
    path = notebook(folder / "x.ipynb", *CELLS)
    held = nbformat.read(path, as_version=4)
    NotebookClient(held, resources={"metadata": {"path": str(folder)}}, timeout=120).execute()
    nbformat.write(held, path)
    return path


@pytest.fixture(scope="module")
def data():
    return b25.sample(bars="1h", days=30)


def promoted(book, data, place, **how):
    return promote_here(
        f"{book}:Turns", data=data, by="ann", root=place / "live", secrets_folder=place / "secrets", now_ns=7, **how
    )


@pytest.mark.slow
def test_all_four_runs_agree_and_the_folder_holds_the_proof(book, data, tmp_path):
    report = promoted(book, data, tmp_path)
    assert [one.state for one in report.steps] == ["ok"] * 7 + ["next"] * 3
    folder = report.version.folder
    names = {
        "MANIFEST.json",
        "MANIFEST.sig",
        "bias.json",
        "params.toml",
        "proof.json",
        "report.html",
        "source.ipynb",
        "strategy.py",
    }
    assert {one.name for one in folder.iterdir()} == names
    runs = orjson.loads((folder / "proof.json").read_bytes())["runs"]
    assert [runs["notebook"][one]["state"] for one in "ABC"] == ["stored", "equal to A", "equal to B"]
    assert runs["notebook"]["A"]["streams"] == runs["notebook"]["B"]["streams"] == runs["notebook"]["C"]["streams"]
    assert runs["C"]["stream"] == runs["D"]["stream"] == report.version.manifest["evidence"]["stream_sha256"]
    assert runs["notebook"]["environment"]["TZ"] == "UTC"
    assert (folder / "params.toml").read_text().splitlines()[1] == "every = 6  # 2 <= x <= 50"
    assert set(report.version.manifest["files"]) == names - {"MANIFEST.json", "MANIFEST.sig"}
    page_is_of_itself((folder / "report.html").read_text(), report)

    again = promoted(book, data, tmp_path)
    assert again.reference == "turns@2"
    assert again.version.manifest["files"] == report.version.manifest["files"]
    assert again.version.content_id == report.version.content_id


def page_is_of_itself(page, report):
    assert "<script" not in page
    assert not re.search(r"(?:src|href|url\()\s*=?\s*[\"']?(?:https?:)?//", page.replace(SHEET_CSS, ""))
    for word in (
        "The ten steps",
        "equal to A",
        "feed shifted by one bar",
        "one effect dropped",
        "# %% x.ipynb#class",
        "<svg",
        "every",
    ):
        assert word in page


@pytest.mark.slow
def test_a_helper_that_changed_since_is_refused_and_nothing_is_left(book, data, tmp_path):
    helper = book.parent / "helper.py"
    before = helper.read_text()
    helper.write_text("DAYS = 41")
    try:
        with pytest.raises(Refused, match="A and B differ: cell result, result 1") as refusal:
            promoted(book, data, tmp_path)
    finally:
        helper.write_text(before)
    states = {one.name: one.state for one in refusal.value.report.steps}
    assert (states["re-run"], states["freeze"]) == ("refused", "not done")
    assert not (tmp_path / "live").exists()
