"""Schedules, tranches and trailing levels equal those of the naive twin, for whatever quantities, fills and prices."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.model.event import BUY, SELL
from b25.model.parent import Role
from tests.execution.parents.desk import SECOND, Desk
from tests.execution.parents.naive_parents import slices_of, trailing_levels, tranches_of

SHARES = st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(1)])


def opened() -> Desk:
    desk = Desk()
    desk.book(9_999, 10_001)
    return desk


def take_share(desk: Desk, parent: int, share: Fraction) -> None:
    """Let the venue fill a share of the child at market, and end it."""
    desk.accept()
    child = desk.child_id(parent)
    if not child:
        return
    lots = int(int(desk.order(child)["leaves_lots"]) * share)
    if lots:
        desk.fill(child, lots, ticks=10_000)
    if desk.is_live(child):
        desk.end(child)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_schedule_asks_for_what_is_due(data):
    side = data.draw(st.sampled_from([BUY, SELL]))
    quantity = data.draw(st.integers(1, 5_000))
    by_volume = data.draw(st.booleans())
    desk = opened()
    if by_volume:
        profile = data.draw(st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(any))
        # Cumulated to nine digits, as the engine keeps a curve.
        sums = [Fraction(round(Fraction(sum(profile[: k + 1]), sum(profile)) * 10**9), 10**9) for k in range(len(profile))]
        shares = [b - a for a, b in zip([Fraction(0), *sums[:-1]], sums, strict=True)]
        parent = desk.do(lambda ctx: ctx.vwap(side, quantity / 1000, 10.0 * len(profile), profile, participation=0.0))
    else:
        n = data.draw(st.integers(1, 12))
        shares = [Fraction(1, n)] * n
        parent = desk.do(lambda ctx: ctx.twap(side, quantity / 1000, 10.0 * n, n))
    takes = [data.draw(SHARES) for _ in shares]
    for share in takes:
        take_share(desk, parent, share)
        desk.wait(10 * SECOND)
    asked = [int(row["qty_lots"]) for row in desk.children(parent)]
    assert asked == slices_of(quantity, shares, takes)
    assert desk.state_of(parent) == "DONE"
    assert desk.machine.parents_due_ns > desk.now_ns


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_bounded_participation_takes_its_share_of_each_slice(data):
    n, quantity = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 3_000))
    volumes = [data.draw(st.integers(0, 5_000)) for _ in range(n)]
    takes = [data.draw(SHARES) for _ in range(n)]
    desk = opened()
    parent = desk.do(lambda ctx: ctx.twap(BUY, quantity / 1000, 10.0 * n, n, participation=0.1))
    for volume, share in zip(volumes, takes, strict=True):
        if volume:
            desk.trade(10_000, volume)
        desk.wait(10 * SECOND)
        take_share(desk, parent, share)
    desk.wait(20 * SECOND)
    asked = [int(row["qty_lots"]) for row in desk.children(parent)]
    assert asked == slices_of(quantity, [Fraction(1, n)] * n, takes, [volume // 10 for volume in volumes])
    assert desk.state_of(parent) == "DONE"


@given(quantity=st.integers(1, 2_000), display=st.integers(50, 700), side=st.sampled_from([BUY, SELL]))
@settings(max_examples=30, deadline=None)
def test_an_iceberg_shows_one_tranche_after_the_other(quantity, display, side):
    desk = opened()
    price = 99.99 if side == BUY else 100.01
    parent = desk.do(lambda ctx: ctx.iceberg(side, quantity / 1000, price, display / 1000))
    while desk.state_of(parent) not in ("DONE", "FAILED"):
        desk.accept()
        desk.fill(desk.child_id(parent))
    assert [int(row["qty_lots"]) for row in desk.children(parent)] == tranches_of(quantity, display)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_trailing_stop_follows_and_never_loosens(data):
    side = data.draw(st.sampled_from([BUY, SELL]))  # of the stop
    bps, step = Decimal(data.draw(st.integers(10, 500))), Decimal(data.draw(st.integers(0, 50)))
    steps = data.draw(st.lists(st.integers(-9, 9), min_size=1, max_size=25))
    prices = np.cumsum([10_000, *steps]).tolist()
    wanted = trailing_levels(side, prices, bps, step)
    desk = Desk()
    desk.book(9_999, 10_001)
    desk.do(lambda ctx: ctx.trade(-side, 1.0))
    desk.accept()
    desk.fill(1, ticks=10_000)
    desk.book(*((prices[0], prices[0] + 1) if side == SELL else (prices[0] - 1, prices[0])))
    parent = desk.do(lambda ctx: ctx.trailing_stop(side, 1.0, distance_bps=float(bps), step_bps=float(step)))
    for price, level in zip(prices, wanted, strict=True):
        if (price - level) * side >= 0:
            break  # the venue lets it go
        desk.wait(SECOND)
        desk.book(*((price, price + 1) if side == SELL else (price - 1, price)))
        desk.accept()
        assert int(desk.child(parent, Role.STOP)["stop_ticks"]) == level
    assert desk.do(lambda ctx: ctx.position()) == -side


def test_slices_below_the_venues_minimum_go_with_the_next():
    small = b25.Instrument(venue="sim", symbol="ETH/USDT:USDT", tick="0.01", lot="0.001", min_notional="20")
    desk = Desk(small)
    desk.book(9_999, 10_001)
    parent = desk.do(lambda ctx: ctx.twap(BUY, 1.0, 12.0, 12))  # some 8.3 quote units a slice
    for _ in range(12):
        take_share(desk, parent, Fraction(1))
        desk.wait(SECOND)
    assert [int(row["qty_lots"]) for row in desk.children(parent)] == [250, 250, 250, 250]
    assert desk.refused == []
