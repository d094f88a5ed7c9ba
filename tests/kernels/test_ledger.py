"""The ledger against exact fractions, the golden ladders, and integers without bounds."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.kernels.ledger import (
    book_fill,
    book_funding,
    equity_change,
    notional,
    notional_fits,
    other_flows,
    scaled,
    share,
    signed_value,
    unrealised,
    wide_share,
)
from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.model.position import POSITION

ONE = Instrument(venue="sim", symbol="ONE/USD", tick="1", lot="1")
TENTH = Instrument(venue="sim", symbol="TEN/USD", tick="0.1", lot="1")
COIN = Instrument(venue="sim", symbol="BTC/USD:BTC", tick="0.1", lot="1", contract_size="100", inverse=True)
E8 = 10**8


def booked(fills, instrument=ONE, rate=Fraction(0)):
    """The position after (signed quantity, price) fills, prices in ticks, and what was realised after each."""
    record, position, path = instrument.record()[0], np.zeros(1, POSITION)[0], []
    for quantity, price in fills:
        fee_e8 = abs(quantity) * price * rate * E8
        assert fee_e8.denominator == 1
        book_fill(position, record, BUY if quantity > 0 else SELL, price, abs(quantity), int(fee_e8))
        path.append((int(position["position_lots"]), entry(position), int(position["realised"])))
    return position, path


def entry(position):
    held = int(position["position_lots"])
    return Fraction(int(position["cost"]), held) if held else None


def fees(position):
    return Fraction(int(position["fees"])) + Fraction(int(position["fees_e8"]), E8)


L01 = [(100, 10), (100, 15), (-50, 12), (-100, 20), (-50, 5)]
L02 = [(100, 3), (100, 7), (-100, 11), (150, 15), (-100, 19), (-150, 23)]
L03 = [(100, 8), (100, 9), (-100, 10), (150, 11), (-100, 12), (-150, 14)]
F = Fraction


@pytest.mark.parametrize(
    ("fills", "entries", "realised", "net"),
    [
        pytest.param(L01, [10, F(25, 2)], [-25, 725, 350], F("336.625"), marks=pytest.mark.golden("L01")),
        pytest.param(L02, [3, 5, 5, 11], [600, 1_400, 3_200], F("3175.75"), marks=pytest.mark.golden("L02")),
        pytest.param(L03, [8, F(17, 2), F(17, 2), 10], [150, 350, 950], F("930.875"), marks=pytest.mark.golden("L03")),
    ],
)
def test_a_ladder_of_fills_has_the_entries_and_the_profit_of_the_book(fills, entries, realised, net):
    position, path = booked(fills, rate=F("0.0025"))
    assert [p[1] for p in path][: len(entries)] == entries
    closing = [path[k][2] for k in range(1, len(fills)) if fills[k][0] < 0]
    assert closing == realised
    assert position["position_lots"] == 0
    assert position["realised"] - fees(position) == net


@pytest.mark.golden("L05")
@pytest.mark.parametrize("fills", [L01, L02, L03])
def test_a_ladder_with_its_sides_swapped_has_the_same_entries_and_the_negated_profit(fills):
    _, path = booked(fills)
    _, mirrored = booked([(-quantity, price) for quantity, price in fills])
    assert mirrored == [(-lots, price, -realised) for lots, price, realised in path]


@pytest.mark.golden("L04")
@pytest.mark.parametrize(
    ("side", "close", "funding", "net"),
    [
        (BUY, 21, 0, "2.6925"),
        (BUY, 19, 0, "-3.2925"),
        (BUY, 22, 0, "5.685"),
        (SELL, 21, 0, "-3.3075"),
        (SELL, 19, 0, "2.7075"),
        (BUY, 21, 1, "3.6925"),
        (SELL, 21, 1, "-2.3075"),
        (BUY, 22, 1, "6.685"),
        (BUY, 19, -1, "-4.2925"),
        (SELL, 19, -1, "1.7075"),
        (SELL, 22, -1, "-7.315"),
    ],
)
def test_profit_after_fees_and_funding_is_exact(side, close, funding, net):
    position, _ = booked([(side * 30, 20), (-side * 30, close)], TENTH, F("0.0025"))
    position["funding"] = funding * 10  # a money unit is 0.1
    total = position["realised"] - fees(position) + int(position["funding"])
    assert total * TENTH.money_unit == F(net)
    assert equity_change(position, TENTH.record()[0], 2 * close) == pytest.approx(float(total), rel=1e-12)


@pytest.mark.golden("L06")
def test_fees_on_the_last_two_fills_alone():
    record, position = ONE.record()[0], np.zeros(1, POSITION)[0]
    for side, price, fee in ((BUY, 10, 0), (SELL, 15, 0), (SELL, 20, 200), (BUY, 15, 150)):
        book_fill(position, record, side, price, 100, fee * E8)
    assert position["realised"] == 1_000
    assert position["realised"] - fees(position) == 650


@pytest.mark.golden("L07")
def test_an_average_price_is_weighted_by_quantity():
    assert booked([(100, 10), (300, 20)])[1][-1][1] == F(35, 2)


@pytest.mark.golden("L08")
def test_an_inverse_contract_earns_coin():
    position, _ = booked([(10, 500_000), (-10, 550_000)], COIN)
    assert float(position["realised"] * COIN.money_unit) == pytest.approx(0.00181818181818, abs=1e-12)
    short, _ = booked([(-10, 500_000), (10, 550_000)], COIN)
    assert short["realised"] == -position["realised"]
    held, _ = booked([(10, 500_000)], COIN)
    assert unrealised(held, COIN.record()[0], 1_100_000) == pytest.approx(float(position["realised"]), abs=1)


@pytest.mark.golden("L09")
def test_a_price_below_a_satoshi_keeps_its_profit():
    tiny = Instrument(venue="sim", symbol="TINY/BTC", tick="0.00000001", lot="1")
    position, _ = booked([(1_000_000, 89), (-1_000_000, 90)], tiny)
    assert position["realised"] * tiny.money_unit == F("0.01")


@pytest.mark.golden("G03")
def test_a_short_has_a_positive_entry_and_gains_as_the_price_falls():
    position, path = booked([(-1, 100), (-1, 110)])
    assert path[-1][:2] == (-2, 105)
    assert [unrealised(position, ONE.record()[0], 2 * mark) for mark in (105, 100, 110)] == [0, 10, -10]


@pytest.mark.golden("G04")
def test_a_reversal_closes_the_old_holding_and_opens_the_new_one():
    _, path = booked([(2, 100), (-1, 110), (-2, 90)])
    assert path == [(2, 100, 0), (1, 100, 10), (-1, 90, 0)]


@pytest.mark.golden("G05")
def test_the_net_of_a_round_trip_is_its_profit_less_both_fees():
    record, position = ONE.record()[0], np.zeros(1, POSITION)[0]
    book_fill(position, record, BUY, 100, 1, E8 // 10)
    book_fill(position, record, SELL, 110, 1, 11 * E8 // 100)
    assert position["realised"] - fees(position) == F("9.79")


FILLS = st.lists(st.tuples(st.integers(-500, 500).filter(bool), st.integers(1, 3_000)), min_size=1, max_size=30)
FEE_E8 = st.integers(-3 * E8, 3 * E8)


@pytest.mark.golden("G04")
@given(
    fills=st.lists(st.tuples(st.integers(-500, 500).filter(bool), st.integers(1, 3_000), FEE_E8), max_size=30),
    mark=st.integers(1, 3_000),
    instrument=st.sampled_from([ONE, COIN]),
)
def test_equity_moves_by_what_was_earned_less_what_was_paid(fills, mark, instrument):
    record, position = instrument.record()[0], np.zeros(1, POSITION)[0]
    lots, cash, paid = 0, 0, 0
    for quantity, price, fee_e8 in fills:
        before = int(position["realised"]), int(signed_value(record, mark, lots)) - int(position["cost"])
        book_fill(position, record, BUY if quantity > 0 else SELL, price, abs(quantity), fee_e8)
        value = abs(quantity) * price if instrument is ONE else int(notional(record, price, abs(quantity)))
        change = value if (quantity > 0) == (instrument is ONE) else -value
        lots, cash, paid = lots + quantity, cash - change, paid + fee_e8
        held = int(signed_value(record, mark, lots))
        after = int(position["realised"]), held - int(position["cost"])
        assert (position["position_lots"], position["cash"]) == (lots, cash)
        assert position["cash"] + position["cost"] == position["realised"]
        # The same change of equity, seen from the cash and seen from profit.
        assert -change + held - int(signed_value(record, mark, lots - quantity)) == sum(after) - sum(before)
        assert fees(position) == F(paid, E8)
        assert 0 <= position["fees_e8"] < E8
        if lots == 0:
            assert position["cost"] == position["entry_cost"] == position["entry_lots"] == 0


@given(fills=FILLS)
def test_the_opening_value_of_what_is_held_is_its_proportion_within_half_a_unit(fills):
    record, position = ONE.record()[0], np.zeros(1, POSITION)[0]
    lots, grown_lots, grown_cost = 0, 0, F(0)  # when the holding last grew
    for quantity, price in fills:
        before = int(position["cost"])
        book_fill(position, record, BUY if quantity > 0 else SELL, price, abs(quantity), 0)
        closes = min(abs(quantity), abs(lots)) if lots * quantity < 0 else 0
        exact = grown_cost * F(abs(lots) - closes, grown_lots) if closes else F(before)
        lots += quantity
        opens = abs(quantity) - closes
        if opens:
            exact = (exact if lots * quantity > 0 and not closes else F(0)) + (1 if quantity > 0 else -1) * opens * price
            grown_lots, grown_cost = abs(lots), F(int(position["cost"]))
        assert abs(position["cost"] - exact) <= F(1, 2)


@pytest.mark.golden("L05")
@given(fills=FILLS, cuts=st.lists(st.integers(1, 499), min_size=1, max_size=30))
def test_a_fill_in_parts_changes_nothing(fills, cuts):
    parts = []
    for k, (quantity, price) in enumerate(fills):
        first = min(cuts[k % len(cuts)], abs(quantity)) * (1 if quantity > 0 else -1)
        parts += [(part, price) for part in (first, quantity - first) if part]
    whole, split = booked(fills)[0], booked(parts)[0]
    for name in POSITION.names:
        if name != "fills":
            assert whole[name] == split[name], name


LIMIT = 2**31 - 1


@given(amount=st.integers(-(2**62), 2**62), part=st.integers(0, LIMIT), whole=st.integers(1, LIMIT))
def test_a_share_is_exact_to_the_bounds(amount, part, whole):
    part = min(part, whole)
    assert share(np.int64(amount), np.int64(part), np.int64(whole)) == (amount * part + whole // 2) // whole


def test_a_large_position_of_small_lots_keeps_its_cost():
    pepe = Instrument(venue="sim", symbol="PEPE/USDT", tick="0.00000001", lot="1")
    most = 2**31 - 1
    with np.errstate(all="ignore"):
        position, _ = booked([(most, 1_001), (most, 1_000), (most, 1_003), (most, 1_003), (-most, 1_000)], pepe)
    assert abs(position["cost"] - F(4_007 * 3, 4) * most) <= F(1, 2)


@given(price=st.integers(1, 2**31 - 2), lots=st.integers(1, 2**31))
def test_the_largest_linear_notional_fits(price, lots):
    assert notional(ONE.record()[0], np.int64(price), np.int64(lots)) == price * lots


@given(price=st.integers(300_000, 2**31 - 2), lots=st.integers(1, 2**31))
def test_an_inverse_notional_is_rounded_half_up(price, lots):
    k = COIN.inverse_num
    assert notional(COIN.record()[0], np.int64(price), np.int64(lots)) == (k * lots + price // 2) // price


@given(price=st.integers(1, 2**31 - 2), lots=st.integers(1, 2**31))
def test_an_inverse_notional_that_would_wrap_is_known_beforehand(price, lots):
    record = COIN.record()[0]
    if notional_fits(record, np.int64(price), np.int64(lots)):
        assert abs(notional(record, np.int64(price), np.int64(lots)) - F(COIN.inverse_num * lots, price)) <= F(1, 2)
    else:
        assert COIN.inverse_num * lots // price >= 2**61


@given(part=st.integers(0, 2**62 - 1), whole=st.integers(1, 2**62 - 1), rest=st.integers(0, 2**62 - 1))
def test_a_share_of_any_size_is_exact(part, whole, rest):
    part, rest = part % (whole + 1), rest % whole
    assert wide_share(np.int64(rest), np.int64(part), np.int64(whole)) == (rest * part + whole // 2) // whole


E12 = 10**12


@given(amount=st.integers(-(2**62), 2**62), ratio=st.integers(-E12, E12))
def test_a_scaled_amount_is_rounded_half_away_from_zero(amount, ratio):
    exact = F(amount * ratio, E12)
    size = (2 * abs(exact) + 1) // 2  # floor(|x| + 1/2)
    assert scaled(np.int64(amount), np.int64(ratio)) == (size if exact >= 0 else -size)


@pytest.mark.parametrize(("amount", "ratio", "result"), [(5, 1, 3), (-5, 1, -3), (5, -1, -3), (4, 1, 2), (2**62, 10, 2**62)])
def test_scaled_by_hand(amount, ratio, result):
    tenths = {1: E12 // 2, -1: -E12 // 2, 10: E12}[ratio]
    assert scaled(np.int64(amount), np.int64(tenths)) == result


@pytest.mark.golden("L08")
@pytest.mark.parametrize(("lots", "paid"), [(2, -6), (-2, 6), (0, 0)])
def test_a_long_pays_a_positive_rate_and_a_short_receives_it(lots, paid):
    position, _ = booked([(lots, 30_000)] if lots else [])
    book_funding(position, ONE.record()[0], np.int64(10**8), np.int64(30_000))
    assert position["funding"] == paid
    assert position["realised"] == 0


@given(amounts=st.tuples(*[st.integers(-(10**12), 10**12)] * 4), rest=st.integers(0, E8 - 1))
def test_the_other_flows_are_fees_funding_borrowing_and_insurance(amounts, rest):
    position = np.zeros(1, POSITION)[0]
    for name, amount in zip(("fees", "funding", "borrow", "insurance"), amounts, strict=True):
        position[name] = amount
    position["fees_e8"] = rest
    fee, funding, borrow, insurance = amounts
    exact = -(fee + F(rest, E8)) + funding - borrow + insurance
    assert other_flows(position) == pytest.approx(float(exact), rel=1e-12, abs=1e-3)
    assert equity_change(position, ONE.record()[0], 2) == other_flows(position)
