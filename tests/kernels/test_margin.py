"""Margin kernels against the venue's worked example, the golden cases, and bisection."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from b25.kernels.margin import (
    entry_liquidation_price,
    inverse_liquidation_price,
    leverage_allowed,
    liquidation_price,
    maintenance,
    maintenance_margin,
    margin_cushion,
    margin_usage,
    tiered_liquidation_price,
)
from b25.model.margin import TIERS
from tests.kernels.naive_margin import consistent_price, naive_liquidation_price, naive_maintenance, spare

LONG, SHORT = 1, -1
WALLET = 1_535_443.01
BTC = {"side": LONG, "quantity": 109.488, "entry": 32_481.980, "mmr": 0.025, "cum": 16_300.0}
ETH = {"side": LONG, "quantity": 3_683.979, "entry": 1_456.840, "mmr": 0.10, "cum": 135_365.0}
MARKS = {"BTC": 31_967.27, "ETH": 1_335.18}


def table(rows, leverages=None, notional_max=math.inf):
    record = np.zeros(1, TIERS)[0]
    record["count"], record["notional_max"] = len(rows), notional_max
    for k, (notional_from, mmr, cum) in enumerate(rows):
        record["notional_from"][k], record["mmr"][k], record["cum"][k] = notional_from, mmr, cum
        record["leverage_max"][k] = leverages[k] if leverages else 1.0
    return record


def price_of(one, *, wallet=WALLET, maintenance_of_others=0.0, profit_of_others=0.0, fee=0.0):
    own = (one["side"], one["quantity"], one["entry"], one["mmr"], one["cum"])
    return liquidation_price(wallet, maintenance_of_others, profit_of_others, *own, fee)


@pytest.mark.golden("Q01")
def test_the_worked_example_of_the_exchange_holds_to_the_cent_when_isolated():
    assert round(price_of(BTC), 2) == 18_778.73
    assert round(price_of(ETH), 2) == 1_114.78


@pytest.mark.golden("Q01")
def test_the_worked_example_of_the_exchange_holds_to_the_cent_when_margin_is_shared():
    held = {"BTC": BTC, "ETH": ETH}
    demanded, profit = {}, {}
    for name, one in held.items():
        rows = table([(0.0, one["mmr"], one["cum"])])
        demanded[name] = maintenance_margin(rows, one["quantity"] * MARKS[name])
        profit[name] = one["quantity"] * (MARKS[name] - one["entry"])
    assert round(demanded["ETH"], 3) == 356_512.508
    assert round(demanded["BTC"], 3) == 71_200.811
    assert round(profit["ETH"], 3) == -448_192.885
    assert round(profit["BTC"], 3) == -56_354.568
    assert round(price_of(BTC, maintenance_of_others=demanded["ETH"], profit_of_others=profit["ETH"]), 2) == 26_316.89
    assert round(price_of(ETH, maintenance_of_others=demanded["BTC"], profit_of_others=profit["BTC"]), 2) == 1_153.26


@pytest.mark.golden("Q02")
@pytest.mark.parametrize(
    ("side", "leverage", "entry", "quantity", "expected"),
    [
        (SHORT, 5, 10.0, 1.0, 11.8910891089),
        (SHORT, 3, 10.0, 1.0, 13.2112211221),
        (SHORT, 5, 8.0, 1.0, 9.5148514851),
        (SHORT, 5, 10.0, 0.6, 11.8976897690),
        (LONG, 5, 10.0, 1.0, 8.0707070707),
        (LONG, 5, 8.0, 1.0, 6.4545454545),
        (LONG, 3, 10.0, 1.0, 6.7239057239),
        (LONG, 5, 10.0, 0.6, 8.0639730640),
    ],
)
def test_an_isolated_position_is_liquidated_where_the_golden_cases_say(side, leverage, entry, quantity, expected):
    wallet = quantity * entry / leverage
    found = liquidation_price(wallet, 0.0, 0.0, side, quantity, entry, 0.01, 0.01, 0.0)
    assert found == pytest.approx(expected, abs=5e-11)


@pytest.mark.golden("Q03")
@pytest.mark.parametrize(
    ("side", "leverage", "entry", "expected"),
    [
        (SHORT, 5, 10.0, 11.8741341777),
        (SHORT, 3, 10.0, 13.1934824197),
        (SHORT, 5, 8.0, 9.4993073422),
        (LONG, 5, 10.0, 8.0857085102),
        (LONG, 3, 10.0, 6.7380904252),
    ],
)
def test_a_venue_that_keeps_back_the_closing_fee_liquidates_earlier(side, leverage, entry, expected):
    found = liquidation_price(entry / leverage, 0.0, 0.0, side, 1.0, entry, 0.01, 0.0, 0.0006)
    assert found == pytest.approx(expected, abs=5e-11)


@pytest.mark.golden("Q04")
@pytest.mark.parametrize(
    ("side", "leverage", "expected"),
    [
        (LONG, 1, 0.1),
        (LONG, 3, 6.7666666667),
        (LONG, 5, 8.1),
        (LONG, 10, 9.1),
        (SHORT, 1, 19.9),
        (SHORT, 3, 13.2333333333),
        (SHORT, 5, 11.9),
        (SHORT, 10, 10.9),
    ],
)
def test_a_venue_that_demands_a_part_of_the_entry_value_has_a_simple_price(side, leverage, expected):
    assert entry_liquidation_price(side, 10.0, leverage, 0.01) == pytest.approx(expected, abs=5e-11)


@pytest.mark.golden("Q04")
def test_spot_is_never_liquidated():
    spot = table([])
    assert tiered_liquidation_price(spot, 100.0, 0.0, 0.0, LONG, 1.0, 10.0, 0.0, False) == 0.0
    assert tiered_liquidation_price(spot, 100.0, 0.0, 0.0, SHORT, 1.0, 10.0, 0.0, False) == math.inf
    assert maintenance_margin(spot, 1e9) == 0.0
    assert leverage_allowed(spot, 1e9) == math.inf


@pytest.mark.golden("Q06")
def test_usage_and_cushion_of_margin():
    assert (margin_usage(10_000.0, 8_000.0), margin_cushion(10_000.0, 8_000.0)) == (0.8, pytest.approx(0.2, abs=1e-15))
    assert (margin_usage(10_000.0, 0.0), margin_cushion(10_000.0, 0.0)) == (0.0, 1.0)


@pytest.mark.golden("Q06")
@pytest.mark.parametrize("equity", [0.0, -1.0, math.nan])
def test_without_equity_the_usage_of_margin_is_unknown(equity):
    assert math.isnan(margin_usage(equity, 5.0))
    assert math.isnan(margin_cushion(equity, 5.0))
    # Unknown fails every comparison, so a limit written as "holds while usage <= 0.8" is breached.
    assert not margin_usage(equity, 5.0) <= 0.8


def test_nobody_liquidates_a_flat_position():
    for price in (liquidation_price, inverse_liquidation_price):
        assert price(-5.0, 0.0, 0.0, LONG, 0.0, 10.0, 0.01, 0.0, 0.0) == 0.0
        assert price(-5.0, 0.0, 0.0, SHORT, 0.0, 10.0, 0.01, 0.0, 0.0) == math.inf


def test_leverage_falls_with_the_size_and_ends_with_the_table():
    tiers = table([(0.0, 0.01, 0.0), (100.0, 0.02, 1.0)], [50.0, 20.0], notional_max=500.0)
    assert [leverage_allowed(tiers, n) for n in (0.0, 99.0, 100.0, 500.0, 501.0)] == [50.0, 50.0, 20.0, 20.0, 0.0]


# Tables as venues have them: rates rise, and `cum` makes the margin continuous.
@st.composite
def rows_of_tiers(draw):
    steps = draw(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 60)), min_size=1, max_size=7))
    rows, notional_from, mmr, cum = [], 0.0, 0.0, 0.0
    for width, rise in steps:
        cum += notional_from * (rise / 1000 if rows else 0.0)
        mmr = mmr + rise / 1000
        rows.append((notional_from, mmr, cum))
        notional_from += float(width)
    return rows


positions = st.tuples(
    st.sampled_from([LONG, SHORT]),
    st.floats(1e-3, 1e5),  # quantity
    st.floats(1e-2, 1e5),  # entry
    st.floats(0.005, 3.0),  # wallet, in parts of the notional at entry
    st.sampled_from([0.0, 0.0006]),
    st.booleans(),
)


@given(rows_of_tiers(), st.lists(st.floats(0, 1e7), min_size=1, max_size=9))
def test_the_tier_lookup_equals_its_naive_twin(rows, notionals):
    tiers = table(rows)
    for notional in notionals + [row[0] for row in rows]:
        assert maintenance(tiers, notional) == naive_maintenance(rows, notional)


@given(rows_of_tiers())
def test_the_margin_does_not_jump_at_a_border(rows):
    tiers = table(rows)
    for border, _, _ in rows[1:]:
        below, at = maintenance_margin(tiers, math.nextafter(border, 0)), maintenance_margin(tiers, border)
        assert at == pytest.approx(below, rel=1e-9)


@given(rows_of_tiers(), positions)
def test_the_liquidation_price_equals_bisection_and_the_consistent_tier(rows, position):
    side, quantity, entry, share, fee, inverse = position
    notional = quantity / entry if inverse else quantity * entry
    wallet = share * notional
    found = tiered_liquidation_price(table(rows), wallet, 0.0, 0.0, side, quantity, entry, fee, inverse)
    naive = naive_liquidation_price(rows, wallet, side, quantity, entry, fee, inverse)
    # Between the ends of the bisection the two agree; beyond them it only says that the price is there.
    if 1e-9 < found < 1e12 and 0 < naive < math.inf:
        assert found == pytest.approx(naive, rel=1e-6)
    else:
        assert found <= 1e-9 or found >= 1e12
        assert (naive <= 1e-9) == (found <= 1e-9)
    consistent = consistent_price(rows, wallet, side, quantity, entry, fee, inverse)
    if consistent is not None:
        assert found == pytest.approx(consistent, rel=1e-9)


@given(rows_of_tiers(), positions)
def test_at_the_liquidation_price_equity_equals_the_maintenance_margin(rows, position):
    side, quantity, entry, share, fee, inverse = position
    notional = quantity / entry if inverse else quantity * entry
    wallet = share * notional
    found = tiered_liquidation_price(table(rows), wallet, 0.0, 0.0, side, quantity, entry, fee, inverse)
    assume(1e-6 * entry < found < 1e6 * entry)
    scale = wallet + notional + (quantity / found if inverse else quantity * found)
    assert spare(rows, wallet, side, quantity, entry, fee, inverse, found) == pytest.approx(0.0, abs=1e-9 * scale)


@given(rows_of_tiers(), positions)
def test_a_solvent_long_is_liquidated_below_its_entry_and_a_short_above(rows, position):
    side, quantity, entry, share, fee, inverse = position
    notional = quantity / entry if inverse else quantity * entry
    mmr, cum = naive_maintenance(rows, notional)
    wallet = share * notional
    assume(wallet > 1.0001 * (notional * (mmr + fee) - cum))
    found = tiered_liquidation_price(table(rows), wallet, 0.0, 0.0, side, quantity, entry, fee, inverse)
    assert found < entry if side == LONG else found > entry


@given(positions, st.floats(0.01, 0.9))
def test_more_margin_moves_the_price_away_from_the_entry(position, more):
    side, quantity, entry, share, fee, inverse = position
    price = inverse_liquidation_price if inverse else liquidation_price
    notional = quantity / entry if inverse else quantity * entry
    one = price(share * notional, 0.0, 0.0, side, quantity, entry, 0.01, 0.0, fee)
    other = price((share + more) * notional, 0.0, 0.0, side, quantity, entry, 0.01, 0.0, fee)
    assert side * (other - one) <= 0 or other == one


def test_an_inverse_short_without_leverage_is_never_liquidated():
    # Ten contracts of 100 USD at 50 000, covered by the 0.02 coins that they are worth.
    assert inverse_liquidation_price(0.02, 0.0, 0.0, SHORT, 1_000.0, 50_000.0, 0.004, 0.0, 0.0) == math.inf
    # The long with the same coins: 0.02 + 0.02 - 1000/p == 0.004 * 1000/p.
    long = inverse_liquidation_price(0.02, 0.0, 0.0, LONG, 1_000.0, 50_000.0, 0.004, 0.0, 0.0)
    assert long == pytest.approx(1_004.0 / 0.04)


def test_a_position_under_water_at_every_price_is_liquidated_at_every_price():
    assert inverse_liquidation_price(-1.0, 0.0, 0.0, LONG, 1_000.0, 50_000.0, 0.004, 0.0, 0.0) == math.inf
    assert liquidation_price(-1e6, 0.0, 0.0, SHORT, 1.0, 50_000.0, 0.004, 0.0, 0.0) == 0.0
