"""Drift, drawdown and alerts: what is judged, what is scaled, and what a person hears."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.account.ledger.alerts import EVERY_NS, KEPT, Alerts, Thresholds, concerns
from b25.account.ledger.amounts import atoms
from b25.account.ledger.drift import DriftWatch, Held, Severity, compare
from b25.account.ledger.entries import Transfer
from b25.account.ledger.high_water import DAY_NS, HighWater
from b25.account.ledger.statement import Terms, make_statement
from b25.model.instrument import Instrument
from tests.account.books import ONE, fill, opened
from tests.account.test_golden import tier

F = Fraction
FINE = Instrument(venue="sim", symbol="FINE/USD:USD", tick="0.1", lot="0.01")


def drift(ours, theirs, instrument=FINE):
    account, _ = opened(instrument, USD=100)
    if ours:
        account.book(fill(1, ours, 10, instrument=instrument))
    return compare(account, {"USD": F(100)}, {instrument.symbol: Held(quantity=F(theirs))})


@pytest.mark.parametrize(
    ("theirs", "severity", "halts"),
    [
        ("100", None, False),
        ("100.01", Severity.INFO, False),
        ("101.5", Severity.WARNING, False),
        ("106", Severity.CRITICAL, True),
    ],
)
def test_drift_above_one_percent_alerts_and_above_five_halts(theirs, severity, halts):
    found = drift(10_000, theirs)
    assert bool(found) is (severity is not None)
    judged = DriftWatch().observe(found)
    assert (judged.severity, bool(judged.halt)) == (severity or Severity.INFO, halts)


def test_a_position_that_only_one_side_has_is_wholly_apart():
    for found in (drift(0, "5"), drift(500, "0")):
        assert found[0].ratio == 1
        assert DriftWatch().observe(found).halt


@pytest.mark.parametrize(("off", "differs"), [("0.00000001", False), ("0.00000002", True)])
def test_a_balance_may_be_one_base_unit_apart(off, differs):
    account, _ = opened(ONE, USD=100)
    found = compare(account, {"USD": F(100) + F(off)}, {})
    assert bool(found) is differs
    assert compare(account, {"USD": F(100) + F(off)}, {}, base_units={"USD": F(1)}) == []  # 1e-5 at the most


def test_no_tolerance_is_looser_than_the_bounds():
    account, _ = opened(ONE, USD=100)
    assert compare(account, {"USD": F("100.00002")}, {}, base_units={"USD": F(1)})
    assert compare(account, {"USD": F(100)}, {ONE.symbol: Held(quantity=F("0.3"))})  # half a lot would let it pass


def test_only_mismatches_of_the_same_thing_in_a_row_count():
    watch = DriftWatch()
    one, other = drift(10_000, "100.01"), drift(10_000, "100.02", FINE)
    assert not watch.observe(one).halt
    assert not watch.observe(other).halt
    assert not watch.observe([]).halt
    assert not watch.observe(one).halt
    assert not watch.observe(one).halt
    assert "3 mismatches in a row" in watch.observe(one).halt


def test_an_alert_of_a_kind_is_told_once_a_minute_and_a_worse_one_at_once():
    alerts = Alerts()
    assert alerts.tell("DRIFT", Severity.WARNING, "a", 0) is not None
    assert alerts.tell("DRIFT", Severity.WARNING, "b", EVERY_NS - 1) is None
    assert alerts.tell("OTHER", Severity.WARNING, "c", 1) is not None
    assert alerts.tell("DRIFT", Severity.CRITICAL, "d", 2) is not None
    assert alerts.tell("DRIFT", Severity.WARNING, "e", EVERY_NS + 2) is not None
    assert alerts.recent[0].suppressed == 1
    assert alerts.acknowledge(1, "ann")
    assert not alerts.acknowledge(99, "ann")
    assert [one.number for one in alerts.open()] == [2, 3, 4]
    for k in range(2 * KEPT):
        alerts.tell(f"KIND{k}", Severity.INFO, "x", 0)
    assert len(alerts.recent) == KEPT


def heard(account, prices, water, terms=None, at=None):
    statement = make_statement(account, prices, terms)
    return {kind for kind, _, _ in concerns(statement, water, at or Thresholds())}


def test_each_threshold_is_heard_of():
    account, prices = opened(ONE, USD=10_000)
    water = HighWater()
    water.observe(DAY_NS, F(10_000))
    assert heard(account, prices, water) == set()
    account.book(fill(1, 90, 1_000))
    prices.mark(ONE.symbol, F(1_000))
    terms = {ONE.symbol: Terms(tier(0.1, 0.0).tiers, 10.0)}
    assert heard(account, prices, water, terms) == {"HIGH_MARGIN_USAGE", "LIQUIDATION_NEAR", "LARGE_POSITION", "LOW_FREE_MARGIN"}
    assert "HIGH_MARGIN_USAGE" in heard(account, prices, water)  # without terms the use of margin is unknown
    prices.mark(ONE.symbol, F(900))
    assert {"LOW_BALANCE", "HIGH_DRAWDOWN"} <= heard(account, prices, water, terms, Thresholds(equity_min=F(2_000)))


def test_a_transfer_of_unknown_worth_waits_until_equity_is_known():
    water = HighWater()
    water.observe(DAY_NS, F(1_000))
    water.observe(DAY_NS + 1, F(900))
    water.transfer(F(900))
    water.observe(DAY_NS + 2, None)
    assert (water.day_equity, water.peak) == (1_000, 1_000)
    water.observe(DAY_NS + 3, F(1_800))
    assert (water.day_equity, water.peak) == (2_000, 2_000)


def test_a_new_day_begins_with_the_first_equity_known_in_it_and_keeps_the_peak():
    water = HighWater()
    assert water.observe(DAY_NS, F(1_000))
    assert not water.observe(DAY_NS + 1, F(1_200))
    assert water.observe(2 * DAY_NS, None)
    assert water.drawdown_daily(F(900)) is None
    assert not water.observe(2 * DAY_NS + 1, F(900))
    assert (water.day_equity, water.peak, water.drawdown_max(F(900))) == (900, 1_200, F(1, 4))


@given(equity=st.integers(1, 10**9), peak=st.integers(1, 10**9), moved=st.integers(-(10**9), 10**9))
def test_no_transfer_changes_a_drawdown(equity, peak, moved):
    water = HighWater()
    water.observe(DAY_NS, F(max(equity, peak)))
    water.observe(DAY_NS + 1, F(equity))
    before = water.drawdown_daily(F(equity)), water.drawdown_max(F(equity))
    if equity + moved <= 0:
        return
    water.transfer(F(moved))
    water.observe(DAY_NS + 2, F(equity + moved))
    assert (water.drawdown_daily(F(equity + moved)), water.drawdown_max(F(equity + moved))) == before


def test_an_adjusted_balance_is_no_transfer():
    account, _ = opened(ONE, USD=100)
    account.book(Transfer(transfer_id="x", asset="USD", amount=atoms("1"), time_ms=1, source="adjustments"))
    assert account.books["USD", "adjustments"] == atoms("-1")
    assert compare(account, {"USD": F(101)}, {}) == []
