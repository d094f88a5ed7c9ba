"""Fees in exact integers: rebates, tiers by volume, per lot and flat."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.model.errors import Misuse
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.venue.fees import fee_of
from b25.venue.models import Fees
from tests.engine.runs import ETH, ONE, book, check_sums, depth, play, trade

E8 = 10**8


@given(
    value=st.integers(0, 10**12),
    lots=st.integers(1, 10**6),
    maker=st.booleans(),
    rates=st.tuples(st.integers(-100, 100), st.integers(-100, 100)),
)
def test_a_fee_is_the_ratio_of_the_value_to_the_last_digit(value, lots, maker, rates):
    bps = [Decimal(rate) / 10_000 for rate in rates]
    record = Fees(float(bps[0]), float(bps[1])).record(ETH)[0]
    assert fee_of(record, value, lots, maker, 0) == value * (bps[0] if maker else bps[1]) * E8


def test_a_tier_begins_at_its_volume():
    record = Fees(0.0002, 0.0005, tiers=[(1_000.0, 0.0001, 0.0004), (5_000.0, -0.0001, 0.0003)]).record(ONE)[0]
    taker = [int(fee_of(record, 100, 1, False, volume)) for volume in (0, 999, 1_000, 4_999, 5_000, 10**9)]
    assert taker == [5_000_000, 5_000_000, 4_000_000, 4_000_000, 3_000_000, 3_000_000]
    assert fee_of(record, 100, 1, True, 5_000) == -1_000_000


def test_a_tier_is_reached_by_what_was_traded_before():
    fees = Fees(0.0, 0.001, tiers=[(300.0, 0.0, 0.0001)])
    rows = [*book(1, {99: 50}, {100: 50}), depth(100, BUY, 50, 1)]
    played = play(rows, {at: lambda ctx: ctx.buy(1) for at in (2, 3, 4, 5)}, fees=fees)
    assert (played.outcome.fills["fee_e8"] / 1e8).tolist() == [0.1, 0.1, 0.1, 0.01]
    check_sums(played.outcome)


def test_a_fee_per_lot_and_a_flat_fee_are_charged_per_fill():
    fees = Fees(0.0, 0.0, per_lot=0.5, flat=2.0)
    rows = [*book(1, {99: 50}, {100: 2, 101: 2}), depth(100, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(4)}, fees=fees)
    assert (played.outcome.fills["fee_e8"] / 1e8).tolist() == [3.0, 3.0]
    assert played.position["fees"] == 6


def test_a_rebate_is_money_received():
    rows = [*book(1, {99: 1}, {101: 5}), trade(10, SELL, 98, 5), depth(100, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(2, 100)}, fees=Fees(-0.001, 0.0005))
    assert played.outcome.fills["fee_e8"].tolist() == [-20_000_000]
    assert played.position["fees"] + played.position["fees_e8"] / E8 == pytest.approx(-0.2)
    check_sums(played.outcome)


@pytest.mark.parametrize("ratio", [0.05, -0.02, math.nan, math.inf, "cheap"])
def test_a_ratio_that_looks_like_a_percentage_is_refused(ratio):
    # 0.05 charged as five per cent, where 5 bps were meant.
    with pytest.raises(Misuse, match=r"0\.0002 for 2 bps"):
        Fees(maker=ratio).record(ETH)


@pytest.mark.parametrize("tiers", [[(10.0, 0, 0), (5.0, 0, 0)], [(-1.0, 0, 0)], [(float(k), 0, 0) for k in range(1, 10)]])
def test_tiers_ascend_and_are_few(tiers):
    with pytest.raises(Misuse, match="ascending"):
        Fees(tiers=tiers).record(ETH)


def test_an_order_whose_fee_would_not_fit_is_refused():
    pepe = Instrument(venue="sim", symbol="PEPE/USDT", tick="0.00000001", lot="1")
    rows = [*book(1, {99_999: 2**31}, {100_000: 2**31}), depth(100, BUY, 50, 1)]
    played = play(rows, {2: lambda ctx: ctx.buy(2.0**31, 0.001)}, fees=Fees(0.0, 0.001), instrument=pepe)
    assert played.refused == ["QUANTITY_OUT_OF_RANGE"]
