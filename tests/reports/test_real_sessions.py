"""Every template over a paper and a live session that really ran, each in a process of its own, at a simulated venue."""

import json
import sqlite3
from decimal import Decimal

import pytest

from tests.end_to_end.stage import ACCOUNT, STRATEGY, Stage
from tests.reports.cells import TEMPLATES, page_of

SET = ("max_position=0.05", "quantity=0.01", "half_spread_bps=0.05", "requote_bps=0.1", "market_spread_bps_min=0.0")
WORDS = [word for one in SET for word in ("--set", one)] + ["--position-max", "0.1", "--for-s", "12"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A folder with the store and the journals of both."""
    folder = tmp_path_factory.mktemp("ran")
    with Stage(folder) as stage:
        live = stage.session("mm", *WORDS, "--flatten")
        paper = stage.start(
            "run", STRATEGY, "--mode", "paper", "--at", str(folder / "venue"), "--rest-url", stage.told["rest_url"],
            "--plain-url", stage.told["ws_url"].replace("ws", "http", 1), "--name", "pp", "--folder", str(folder / "sessions"),
            "--run-folder", str(folder / "paper"), *WORDS, "--json",
        )  # fmt: skip
        told = {name: json.loads(process.communicate(timeout=200)[0]) for name, process in (("mm", live), ("pp", paper))}
        assert (live.returncode, paper.returncode) == (0, 0), stage.said()
    return folder, stage.store, told


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_renders_for_a_live_session_of_the_store(name, ran):
    _, store, _ = ran
    page = page_of(name, source="session:mm", database=store)
    assert '<span class="mode live">live</span>' in page.html
    assert page.records.fills.height > 0
    assert "differs" not in page.text


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_renders_for_a_paper_session(name, ran):
    folder, _, _ = ran
    page = page_of(name, source=f"journal:{folder / 'sessions' / 'pp.journal'}")
    assert '<span class="mode paper">paper</span>' in page.html
    assert page.records.orders.height > 0


def test_journal_store_statement_and_venue_tell_the_same_story(ran):
    folder, store, _ = ran
    session = page_of("daily_performance", source="session:mm", database=store)
    account = page_of("daily_performance", source=f"account:{ACCOUNT}", database=store)
    with sqlite3.connect(folder / "b25.db") as raw:
        rows = raw.execute("SELECT side, qty, price, fee, maker FROM fill").fetchall()
    cash = sum((Decimal(qty) * Decimal(price) * (1 if side == "sell" else -1) for side, qty, price, _, _ in rows), Decimal(0))
    paid = sum((Decimal(fee) for *_, fee, _ in rows), Decimal(0))
    held = sum((Decimal(qty) * (1 if side == "buy" else -1) for side, qty, *_ in rows), Decimal(0))
    assert held == 0  # it was flattened at the end, so that what the fills moved is what was earned
    for page in (session, account):
        assert page.figures["fills"].value == len(rows)
        assert Decimal(page.figures["net_profit"].value) == cash - paid
        assert Decimal(page.figures["fees"].value) == paid
        assert "The parts add up." in page.text
    made = sum((Decimal(qty) * Decimal(price) for _, qty, price, _, maker in rows if maker), Decimal(0))
    volume = sum((Decimal(qty) * Decimal(price) for _, qty, price, *_ in rows), Decimal(0))
    assert session.figures["maker_share"].value == pytest.approx(float(made / volume))


def test_the_books_agree_and_answers_were_timed(ran):
    _, store, _ = ran
    books = page_of("reconciliation_and_drift", source="session:mm", database=store)
    assert books.figures["differences_open"].value == 0
    assert Decimal(books.figures["money_unexplained"].value) == pytest.approx(Decimal(0), abs=Decimal("1e-12"))
    cost = page_of("execution_cost", source="session:mm", database=store)
    waits = [cost.figures[f"latency_acknowledged_p{share}"].value for share in (50, 95, 99)]
    assert 0 < waits[0] <= waits[1] <= waits[2]
    assert cost.figures["slippage"].value is not None
