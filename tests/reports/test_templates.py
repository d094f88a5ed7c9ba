"""The six templates: thin, without outputs, and the same over a backtest and over the journal of a session."""

import ast
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import b25
from b25.promote.lives import Backtested, Lived, Setting
from b25.reports.describe import REPORT_MIME
from b25.reports.record import METRIC_MIME
from b25.research.strategy_file import load_strategy
from b25.risk.limits import Limits
from b25.venue.models import Fees
from tests.conftest import ROOT
from tests.reports.cells import TEMPLATES, book_of, page_of

SECOND_NS = 10**9
STRATEGY = ROOT / "strategies" / "market_maker.py"
OUTSIDE = re.compile(r"<script|\bon\w+\s*=|\bhttps?://|@import|url\(|<(?:iframe|object|embed|link)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    return b25.sample(minutes=2, catalog=tmp_path_factory.mktemp("catalog")).tape


@pytest.fixture(scope="module")
def journal(tape, tmp_path_factory):
    """A session that lived what a backtest lived, and its journal."""
    first = int(min(tape.venue["exch_ns"][0], tape.messages["local_ns"][0]))
    span = first + 30 * SECOND_NS, int(tape.messages["local_ns"][-1])
    fees, limits = Fees(-0.00005, 0.0003), Limits(position_max=1.0)
    cls = load_strategy(str(STRATEGY))
    setting = Setting(cls=cls, params={}, tape=tape, span=span, fees=fees, limits=limits)
    outcome, answers = Backtested(setting, compiled=True).run()
    lived = Lived(tmp_path_factory.mktemp("sessions") / "mm.journal", setting, answers, compiled=True)
    return lived.path, outcome


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backtest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("B25_CATALOG", str(folder))
        patch.setenv("B25_TRIALS", str(folder / "trials"))
        yield folder


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_thin_and_stored_without_outputs(name):
    book = book_of(name)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    assert book["metadata"]["language_info"]["version"] == "3.11"
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    tagged = [cell for cell in code if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    for statement in ast.parse("".join(tagged[0]["source"])).body:
        assert isinstance(statement, ast.AnnAssign)
    assert not any(isinstance(node, ast.FunctionDef) for cell in code for node in ast.walk(ast.parse("".join(cell["source"]))))
    assert max(len(cell["source"]) for cell in code) <= 10


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_renders_for_a_session_and_its_figures_are_the_journals(name, journal):
    path, outcome = journal
    page = page_of(name, source=f"journal:{path}")
    assert not OUTSIDE.search(page.html)
    assert '<span class="mode other">replayed</span>' in page.html
    assert page.records.fills.height == outcome.fills.size > 20
    assert "newest record" in page.text


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_renders_for_a_backtest(name, catalog):
    page = page_of(name, source=f"backtest:{STRATEGY}:MarketMaker", data="sample 2")
    assert not OUTSIDE.search(page.html)
    assert '<span class="mode backtest">backtest</span>' in page.html
    assert page.figures
    assert all((one.value is None) == bool(one.reason) for one in page.figures.values())


def test_the_page_is_the_same_every_time(journal):
    path, _ = journal
    assert (
        page_of("daily_performance", source=f"journal:{path}").html == page_of("daily_performance", source=f"journal:{path}").html
    )


def test_figures_are_those_that_the_raw_fills_give(journal):
    """By hand: every fill moves money; what is held at the end is worth the last mid."""
    path, outcome = journal
    page = page_of("daily_performance", source=f"journal:{path}")
    unit, cash, lots, fee_e8, volume, maker = 10**-4, 0, 0, 0, 0, 0
    for row in outcome.fills:
        value = int(row["price_ticks"]) * int(row["qty_lots"])
        cash -= int(row["side"]) * value
        lots += int(row["side"]) * int(row["qty_lots"])
        fee_e8 += int(row["fee_e8"])
        volume += value
        maker += value if row["maker"] else 0
    mid2 = round(2 * float(page.records.traces[0].mids.values[-1]) / 0.1)
    net = (cash + lots * mid2 / 2 - fee_e8 / 10**8) * unit
    assert float(page.figures["net_profit"].value) == pytest.approx(net, abs=1e-9)
    assert float(page.figures["fees"].value) == pytest.approx(fee_e8 / 10**8 * unit, abs=1e-12)
    assert float(page.figures["volume"].value) == pytest.approx(volume * unit, rel=1e-12)
    assert page.figures["maker_share"].value == pytest.approx(maker / volume)
    assert page.figures["fills"].value == outcome.fills.size
    assert "The parts add up." in page.text


def test_latencies_and_fill_ratio_are_those_of_a_loop_over_the_orders(journal):
    path, outcome = journal
    page = page_of("execution_cost", source=f"journal:{path}")
    orders = page.records.orders
    asked = sum(int(row["qty_lots"]) for row in outcome.orders)
    filled = sum(int(row["filled_lots"]) for row in outcome.orders)
    still = orders.height - outcome.orders.size  # those that the session still has, which no record of the backtest ended
    assert 0 <= still <= 4
    assert page.figures["fill_ratio"].value == pytest.approx(filled / asked, rel=0.05)
    first = {}
    for row in outcome.fills:
        first.setdefault(int(row["order_id"]), int(row["local_ns"]))
    made = {int(row["order_id"]): int(row["created_ns"]) for row in outcome.orders}
    waits = sorted(at - made[order] for order, at in first.items() if order in made)
    assert page.figures["latency_first_fill_p50"].value == pytest.approx(np.quantile(waits, 0.5), rel=0.1)


def test_halves_of_a_session_add_up_to_the_whole(journal):
    from b25.reports.sources import open_source

    path, _ = journal
    whole = open_source(f"journal:{path}")
    middle = str(np.datetime64((whole.start_ns + whole.end_ns) // 2, "ns").astype("datetime64[us]")) + "+00:00"
    first, second = open_source(path, end=middle), open_source(path, start=middle)
    assert first.fills.height + second.fills.height == whole.fills.height
    assert first.orders.height + second.orders.height == whole.orders.height
    for name in ("realised", "unrealised", "fees"):
        assert first.part(name) + second.part(name) == whole.part(name)
    assert first.equity_change + second.equity_change == pytest.approx(whole.equity_change)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_day_with_nothing_says_so(name, journal):
    path, _ = journal
    page = page_of(name, source=f"journal:{path}", start="2001-01-01", end="2001-01-02")
    assert "no record was read" in page.text
    if name != "data_quality":
        assert "Nothing was ordered, filled or held in this span." in page.text
    for one in page.figures.values():
        assert one.value is None or float(one.value) == 0, one.name


PAPERMILL = """
import sys, papermill
from jupyter_client.manager import AsyncKernelManager
papermill.execute_notebook(
    sys.argv[1], sys.argv[2], parameters={"source": sys.argv[3]}, kernel_name="python3", cwd=sys.argv[4], progress_bar=False,
    km=AsyncKernelManager(kernel_name="python3", transport="ipc"), start_timeout=120, execution_timeout=120,
    raise_on_iopub_timeout=True)
"""


def test_one_template_through_papermill(journal, tmp_path):
    path, outcome = journal
    template, made = ROOT / "notebooks" / "reports" / "daily_performance.ipynb", tmp_path / "out.ipynb"
    words = [sys.executable, "-c", PAPERMILL, str(template), str(made), f"journal:{path}", str(tmp_path)]
    subprocess.run(words, check=True, timeout=240, env={**os.environ, "PYTHONPATH": str(ROOT)})
    cells = json.loads(made.read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    data = [output["data"] for output in outputs if "data" in output]
    told = {one[METRIC_MIME]["name"]: one[METRIC_MIME] for one in data if METRIC_MIME in one}
    assert told["fills"]["value"] == outcome.fills.size
    assert told["net_profit"]["unit"] == "USDT"
    assert told["net_profit"]["headline"]
    (facts,) = [one[REPORT_MIME] for one in data if REPORT_MIME in one]
    assert facts["mode"] == "replayed"
    assert facts["end_ns"] > facts["data_until_ns"] >= facts["start_ns"] > 0
    assert not [output for output in outputs if output["output_type"] in ("error", "stream")]


def test_a_relative_path_is_found_from_the_kernels_own_folder(journal, tmp_path, monkeypatch):
    from b25.reports.sources import open_source

    path, outcome = journal
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("B25_STRATEGIES_FOLDER", str(path.parent.parent / "strategies"))
    found = open_source(f"journal:{path.parent.name}/{path.name}")
    assert found.fills.height == outcome.fills.size
