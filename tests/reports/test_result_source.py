"""Figures of single journals by hand: an opening position and coin-margined contracts; outliers and spans."""

from decimal import Decimal

import numpy as np
import pytest

from b25.model.event import BUY, ORDER_FILLED, SELL
from b25.model.instrument import Instrument
from b25.model.position import POSITION
from b25.model.world import FEES, LIMITS
from b25.reports.market_data import outliers
from b25.reports.result_source import records_of
from b25.reports.span import ALL, span_of
from b25.risk.limits import Limits
from b25.session.commands import Command
from b25.session.gateway import order_event
from b25.session.result import SessionResult
from b25.session.session import Session
from b25.venue.models import Fees
from tests.engine.runs import ETH
from tests.session.test_session import SECOND_NS, Quoter, composed, snapshot


def test_what_was_held_before_is_no_profit_of_the_span(tmp_path):
    """Two lots bought at 90,000 ticks earlier; sold at 100,105 where the first mid was 100,005: 200 tick-lots less a fee of 3."""
    opening = np.zeros(1, POSITION)
    opening["position_lots"], opening["cost"], opening["cash"] = 2, 180_000, -150_000
    opening["entry_lots"], opening["entry_cost"] = 2, 180_000
    opening["realised"], opening["fees_e8"], opening["funding"], opening["fills"] = 30_000, 7 * 10**8, -11, 5
    session = Session(composed(opening=opening), tmp_path / "one.journal", lambda effects: None)
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    session.take(snapshot(2 * SECOND_NS + 5, 100_100, 100_110))
    sold = order_event(
        ORDER_FILLED, 0, instrument=0, side=SELL, price_ticks=100_105, qty_lots=2, amount=3 * 10**8, exch_ns=3 * SECOND_NS
    )  # fmt: skip
    sold["local_ns"] = 3 * SECOND_NS
    session.take(sold)
    session.close("done")
    found = records_of(SessionResult(tmp_path / "one.journal", Quoter), *ALL)
    (profit,), unit = found.profits, Decimal(str(float(ETH.money_unit)))
    assert profit.realised == 20_210 * unit
    assert profit.unrealised == -20_010 * unit
    assert profit.fees == 3 * unit
    assert profit.funding == 0
    assert profit.net == 197 * unit == found.equity_change
    assert found.held[0].quantity == 0
    assert found.curve.net_profit == pytest.approx(float(197 * unit))


def test_a_step_out_of_proportion_is_an_outlier_and_a_still_price_is_none():
    times = np.arange(200, dtype=np.int64) * SECOND_NS
    prices = 100 * np.exp(np.where(np.arange(200) % 2, 1e-4, 0.0))
    assert outliers(times, prices) == (0, [])
    prices[150] = 101.0
    count, said = outliers(times, prices)
    assert count == 2  # there and back
    assert "101" in said[0]
    assert outliers(times, np.full(200, 100.0)) == (0, [])
    assert outliers(times[:1], prices[:1]) == (0, [])


@pytest.mark.parametrize(
    ("start", "end", "days"), [("2026-11-26", "2026-11-27", 1), ("2026-11-26T00:00:00Z", "2026-11-26T12:00:00+00:00", 0.5)]
)
def test_a_span_is_half_open_and_in_utc(start, end, days):
    first, last = span_of(start, end)
    assert last - first == days * 86_400 * SECOND_NS
    assert first == 1_795_651_200 * SECOND_NS


def test_yesterday_is_a_whole_day():
    first, last = span_of("yesterday", "")
    assert last - first == 86_400 * SECOND_NS
    assert first % (86_400 * SECOND_NS) == 0
    assert span_of("", "", lookback_days=2)[0] < first
    assert span_of("", "") == ALL


@pytest.mark.parametrize(
    ("start", "end"), [("2026-11-27", "2026-11-26"), ("nonsense", ""), ("2026-11-26T08:00:00", ""), ("26.11.", "")]
)
def test_a_span_that_is_none_is_refused(start, end):
    from b25.model.errors import Misuse

    with pytest.raises(Misuse):
        span_of(start, end)


def test_a_coin_margined_contract_earns_in_its_coin(tmp_path):
    """Ten contracts of 100 USD bought at 50,000, marked at 55,000: 1,000 / 50,000 - 1,000 / 55,000 coins, less the fee."""
    sizes = {"tick": Decimal("0.5"), "lot": Decimal(1), "contract_size": Decimal(100)}
    coin = Instrument(venue="sim", symbol="BTC/USD:BTC", **sizes, inverse=True)
    terms = {"limits": Limits().record(coin).astype(LIMITS), "fees": Fees().record(coin).astype(FEES), "instruments": [coin]}
    session = Session(composed(**terms, params={"offset_ticks": 90_000}), tmp_path / "coin.journal", lambda effects: None)
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 99_999, 100_001))
    bought = order_event(
        ORDER_FILLED, 0, instrument=0, side=BUY, price_ticks=100_000, qty_lots=10, amount=10**13, exch_ns=2 * SECOND_NS
    )  # fmt: skip
    bought["local_ns"] = 2 * SECOND_NS
    session.take(bought)
    session.take(snapshot(3 * SECOND_NS + 5, 109_999, 110_001))
    session.close("done")
    found = records_of(SessionResult(tmp_path / "coin.journal", Quoter), *ALL)
    (profit,), fee = found.profits, Decimal(10**13) / 10**8 * Decimal("1e-12")
    by_hand = Decimal(1_000) / 50_000 - Decimal(1_000) / 55_000 - fee
    assert profit.fees == fee
    assert profit.net == pytest.approx(by_hand, abs=Decimal("1e-11"))
    assert found.equity_change == pytest.approx(profit.net, abs=Decimal("1e-11"))
    assert found.currency == "BTC"
    assert found.fills["notional"][0] == Decimal("0.02")
    assert found.held[0].entry == pytest.approx(Decimal(50_000), rel=Decimal("1e-9"))
    assert float(found.held[0].worth) == pytest.approx(1_000 / 55_000)
