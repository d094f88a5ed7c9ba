"""ccxt's markets as instruments: precision modes, contract sizes, inverse contracts, limits, and names that are not shown."""

from decimal import Decimal

import pytest

from b25.venue.ccxt.listings import listing_of, venue_name
from b25.venue.port.reports import Kind

DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4


def market(**changes):
    base = {
        "id": "BTCUSDT",
        "symbol": "BTC/USDT",
        "spot": True,
        "active": True,
        "precision": {"price": "0.01", "amount": "0.00001"},
        "limits": {"price": {"min": "0.05", "max": "1000"}, "amount": {"min": "0.00003", "max": "9"}, "cost": {"min": "5"}},
        "info": {},
    }
    return base | changes


def swap(**changes):
    return market(spot=False, swap=True, symbol="BTC/USDT:USDT", **changes)


def test_tick_sizes_are_taken_as_they_are():
    listing = listing_of(market(), TICK_SIZE, "kraken")
    instrument = listing.instrument
    assert (instrument.tick, instrument.lot, instrument.min_notional) == (Decimal("0.01"), Decimal("0.00001"), Decimal(5))
    assert (instrument.price_ticks_max, instrument.qty_lots_max) == (100_000, 900_000)
    assert (listing.price_ticks_min, listing.qty_lots_min) == (5, 3)
    assert listing.kind is Kind.SPOT


def test_floats_of_ccxt_become_the_number_that_was_meant():
    listing = listing_of(market(precision={"price": 1e-08, "amount": 0.1}), TICK_SIZE, "x")
    assert (listing.instrument.tick, listing.instrument.lot) == (Decimal("1E-8"), Decimal("0.1"))


def test_decimal_places_become_a_step():
    listing = listing_of(market(precision={"price": 2, "amount": 0}), DECIMAL_PLACES, "x")
    assert (listing.instrument.tick, listing.instrument.lot) == (Decimal("0.01"), Decimal(1))


@pytest.mark.parametrize(
    "unfit",
    [
        (market(), SIGNIFICANT_DIGITS),
        (market(precision={"price": None, "amount": "1"}), TICK_SIZE),
        (market(precision={"price": "0", "amount": "1"}), TICK_SIZE),
        (market(spot=False, option=True), TICK_SIZE),
        (market(symbol="<img src=x onerror=alert(1)>/USDT"), TICK_SIZE),
        (market(symbol="BTC/USDT; rm -rf"), TICK_SIZE),
        (market(symbol=""), TICK_SIZE),
    ],
)
def test_what_makes_no_grid_or_has_a_strange_name_is_left_out(unfit):
    assert listing_of(*unfit, "x") is None


def test_linear_contracts_have_their_size_and_inverse_ones_are_told():
    linear = listing_of(swap(linear=True, inverse=False, contractSize="0.01"), TICK_SIZE, "okx")
    assert (linear.kind, linear.instrument.contract_size, linear.instrument.inverse) == (Kind.LINEAR, Decimal("0.01"), False)
    inverse = listing_of(
        swap(linear=False, inverse=True, contractSize=100, precision={"price": "0.1", "amount": "1"}), TICK_SIZE, "binancecoinm"
    )
    assert (inverse.kind, inverse.instrument.contract_size, inverse.instrument.inverse) == (Kind.INVERSE, Decimal(100), True)


@pytest.mark.parametrize(
    ("changes", "trading"),
    [
        ({"active": True}, True),
        ({"active": False}, False),
        ({"active": None}, False),
        ({"active": True, "info": {"filters": [], "status": "TRADING"}}, True),
        ({"active": True, "info": {"filters": [], "status": "SOMETHING_NEW"}}, False),
        ({"active": True, "info": {"filters": []}}, False),
    ],
)
def test_a_market_that_does_not_say_that_it_trades_does_not(changes, trading):
    assert listing_of(market(**changes), TICK_SIZE, "x").is_trading is trading


def test_bounds_that_int64_cannot_hold_are_cut():
    huge = {"price": {"max": "1e30"}, "amount": {"max": "1e30"}}
    instrument = listing_of(market(limits=huge), TICK_SIZE, "x").instrument
    assert instrument.price_ticks_max * instrument.qty_lots_max < 2**63


def test_binances_markets_are_venues_of_their_own():
    assert [venue_name("binance", kind) for kind in Kind] == ["binance", "binanceusdm", "binancecoinm"]
    assert venue_name("bybit", Kind.LINEAR) == "bybit"
