"""A session's result from its journal is the backtest's, where the session lived the backtest's life."""

import importlib

import numpy as np
import pytest

import b25
from b25.model.errors import Misuse
from b25.model.event import ORDER_FILLED, SELL
from b25.model.position import POSITION
from b25.promote.lives import Backtested, Lived, Setting
from b25.risk.limits import Limits
from b25.session.commands import Command
from b25.session.gateway import order_event
from b25.session.result import SessionResult
from b25.session.session import Session
from b25.venue.models import Fees
from tests.engine.runs import ETH
from tests.session.test_session import SECOND_NS, Quoter, composed, snapshot

MINUTE_NS = 60_000_000_000
MakesMarkets = importlib.import_module("strategies.market_maker").MarketMaker


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    return b25.sample(minutes=2, catalog=tmp_path_factory.mktemp("catalog")).tape


@pytest.fixture
def both(tape, tmp_path):
    """The outcome of a backtest, and the session that lived the same."""
    first = int(min(tape.venue["exch_ns"][0], tape.messages["local_ns"][0]))
    span = first + MINUTE_NS // 2, int(tape.messages["local_ns"][-1])
    fees, limits = Fees(-0.00005, 0.0003), Limits(position_max=1.0)
    setting = Setting(cls=MakesMarkets, params={}, tape=tape, span=span, fees=fees, limits=limits)
    outcome, answers = Backtested(setting, compiled=True).run()
    lived = Lived(tmp_path / "mm.journal", setting, answers, compiled=True)
    return outcome, lived


def test_fills_orders_and_effects_are_the_backtests(both):
    outcome, lived = both
    result = SessionResult(lived.path, MakesMarkets)
    assert outcome.fills.size > 20
    for name in outcome.fills.dtype.names:
        if name != "pad":
            assert np.array_equal(result.outcome.fills[name], outcome.fills[name]), name
    assert result.outcome.effects.tobytes() == outcome.effects.tobytes()
    ended, mine = (np.sort(rows, order="order_id") for rows in (outcome.orders, result.outcome.orders))
    for name in ("order_id", "state", "filled_lots", "filled_ticklots", "created_ns", "updated_ns", "reason"):
        assert np.array_equal(mine[name][: ended.size], ended[name]), name


def test_its_figures_and_pictures_are_those_of_a_backtest(both, tmp_path):
    outcome, lived = both
    result = SessionResult(lived.path, MakesMarkets)
    assert "costs" in repr(result)
    assert "costs" in result._repr_html_()
    last = outcome.marks[-1]
    earned = int(last["realised"]) - int(last["fees"]) - int(last["cost"])
    unit = float(result.instruments[0].money_unit)
    net = result.summary["net_profit"]
    worth = (earned + int(last["position_lots"]) * last["mid2_ticks"] / 2 - int(last["fees_e8"]) / 1e8) * unit
    assert net == pytest.approx(worth, abs=0.05)  # the market may have moved after the last mark of the backtest
    assert result.summary["fills"] == outcome.fills.size
    assert len(result.fills) == outcome.fills.size
    assert len(result.trades) > 0
    page = result.tearsheet(tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "mm.journal" not in page
    assert "session mm" in page
    assert "MarketMaker" in repr(result)
    assert result.hash == SessionResult(lived.path, MakesMarkets).hash


def test_a_journal_in_which_nothing_happened_is_refused(tmp_path, both):
    from b25.store.journal import Journal, read_header

    _, lived = both
    Journal(tmp_path / "empty.journal", read_header(lived.path)).close()
    with pytest.raises(Misuse):
        SessionResult(tmp_path / "empty.journal", MakesMarkets)


def test_what_was_held_and_earned_before_is_no_profit_of_the_session(tmp_path):
    """Two lots bought at 90,000 ticks in an earlier session, which earned; this gains 100 ticks a lot and pays a fee."""
    opening = np.zeros(1, POSITION)
    opening["position_lots"], opening["cost"], opening["cash"] = 2, 180_000, -150_000
    opening["entry_lots"], opening["entry_cost"] = 2, 180_000
    opening["realised"], opening["fees_e8"], opening["funding"], opening["fills"] = 30_000, 7 * 10**8, -11, 5
    path = tmp_path / "one.journal"
    session = Session(composed(opening=opening), path, lambda effects: None)
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    session.take(snapshot(2 * SECOND_NS + 5, 100_100, 100_110))
    sold = order_event(
        ORDER_FILLED, 0, instrument=0, side=SELL, price_ticks=100_105, qty_lots=2, amount=3 * 10**8, exch_ns=3 * SECOND_NS
    )  # fmt: skip
    sold["local_ns"] = 3 * SECOND_NS
    session.take(sold)
    session.close("done")
    result, unit = SessionResult(path, Quoter), float(ETH.money_unit)
    assert result.curve.equity[0] == result.curve.equity[1] == pytest.approx(1000.0)
    gained = (200 - 3) * unit
    assert result.summary["net_profit"] == pytest.approx(gained)
    assert result.curve.equity[-1] == pytest.approx(1000.0 + gained)
    assert result.funding == 0.0
    (trade,) = result.trades.iter_rows(named=True)
    assert trade["net"] == pytest.approx(gained)
    assert result.summary["fills"] == 1
    assert ("began with", f"{ETH.quantity(2)} {ETH.symbol}, at the first mid") in result.assumptions
