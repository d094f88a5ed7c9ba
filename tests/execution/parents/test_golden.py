"""The numbered cases of parent orders: their figures bind."""

from itertools import pairwise

import pytest

import b25
from b25.model.event import BUY, ORDER_REJECTED, SELL
from b25.model.order import MARKET, REDUCE_ONLY, Reason
from b25.model.parent import NOTE_EXCESS, Role
from tests.execution.parents.desk import CANCEL, SECOND, SUBMIT, Desk


@pytest.fixture
def desk():
    one = Desk()
    one.book(9_999, 10_001)
    return one


def fill_market(desk, parent_id, role=Role.WORK):
    """Accept and fill a child at market."""
    desk.accept()
    if child := desk.child_id(parent_id, role):
        desk.fill(child, ticks=10_000)


@pytest.mark.golden("F05")
def test_a_twap_of_one_in_twelve_slices(desk):
    twap = desk.do(lambda ctx: ctx.twap(b25.BUY, 1.0, 12.0, 12))
    for _ in range(12):
        fill_market(desk, twap)
        desk.wait(SECOND)
    assert [int(row["qty_lots"]) for row in desk.children(twap)] == [83, 83, 84] * 4
    assert desk.state_of(twap) == "DONE"
    assert desk.position == 1_000


@pytest.mark.golden("F05")
def test_a_twap_that_is_killed_after_its_fifth_slice_goes_on_to_the_same_total(desk):
    twap = desk.do(lambda ctx: ctx.twap(b25.BUY, 1.0, 12.0, 12))
    for _ in range(5):
        fill_market(desk, twap)
        desk.wait(SECOND)
    restored = desk.new_machine()
    for name in (*desk.machine.world.ARRAYS, "bar_slots"):
        getattr(restored.world, name)[...] = getattr(desk.machine.world, name)
    restored._callbacks = desk.machine._callbacks
    desk.machine = restored
    for _ in range(7):
        fill_market(desk, twap)
        desk.wait(SECOND)
    assert [int(row["qty_lots"]) for row in desk.children(twap)] == [83, 83, 84] * 4
    assert desk.position == 1_000
    assert desk.state_of(twap) == "DONE"


@pytest.mark.golden("F05")
def test_a_vwap_over_a_profile(desk):
    vwap = desk.do(lambda ctx: ctx.vwap(b25.BUY, 0.5, 40.0, [0.1, 0.2, 0.4, 0.3], participation=0.0))
    for _ in range(4):
        fill_market(desk, vwap)
        desk.wait(10 * SECOND)
    assert [int(row["qty_lots"]) for row in desk.children(vwap)] == [50, 100, 200, 150]
    assert desk.state_of(vwap) == "DONE"


@pytest.mark.golden("F05")
def test_a_vwap_takes_no_more_than_its_share_of_a_bucket(desk):
    vwap = desk.do(lambda ctx: ctx.vwap(b25.BUY, 0.5, 40.0, [0.1, 0.2, 0.4, 0.3]))
    desk.trade(10_000, 400)  # 0.4 in the first bucket, nothing in the second
    for _ in range(6):
        desk.wait(10 * SECOND)
        fill_market(desk, vwap)
    assert [int(row["qty_lots"]) for row in desk.children(vwap)] == [40]
    assert desk.state_of(vwap) == "DONE"  # its time is over; what is left is told
    assert desk.do(lambda ctx: ctx.parent(vwap)).filled == 0.04


@pytest.mark.golden("F05")
def test_an_iceberg_of_one_shows_a_tenth(desk):
    iceberg = desk.do(lambda ctx: ctx.iceberg(b25.BUY, 1.0, 99.99, 0.1))
    while desk.state_of(iceberg) not in ("DONE", "FAILED"):
        desk.accept()
        assert sum(int(desk.order(k)["leaves_lots"]) for k in desk.live) <= 100
        assert all(int(desk.order(k)["price_ticks"]) <= 9_999 for k in desk.live)
        desk.fill(desk.child_id(iceberg), min(60, int(desk.child(iceberg)["leaves_lots"])))
    assert len(desk.children(iceberg)) == 10
    assert desk.position == 1_000


def held(side):
    """A desk that holds one unit of a side, in a market at 100."""
    desk = Desk()
    desk.book(*((10_000, 10_001) if side == BUY else (9_999, 10_000)))
    desk.do(lambda ctx: ctx.trade(side, 1.0))
    desk.accept()
    desk.fill(1, ticks=10_000)
    return desk


@pytest.mark.golden("F06")
@pytest.mark.parametrize(
    ("side", "prices", "stops", "through"),
    [
        (BUY, [100, 102, 101, 103], [99.0, 100.98, 100.98, 101.97], 101.9),
        (SELL, [100, 98, 97, 97.9], [101.0, 98.98, 97.97, 97.97], 98.1),
    ],
)
def test_a_trailing_stop_of_one_per_cent(side, prices, stops, through):
    desk = held(side)
    trailing = desk.do(lambda ctx: ctx.trailing_stop(-side, 1.0, distance_bps=100.0))
    for price, stop in zip(prices, stops, strict=True):
        desk.wait(2 * SECOND)
        ticks = round(price * 100)
        desk.book(*((ticks, ticks + 1) if side == BUY else (ticks - 1, ticks)))
        desk.accept()
        child = desk.child(trailing, Role.STOP)
        assert (int(child["stop_ticks"]), int(child["leaves_lots"])) == (round(stop * 100), 1_000)
        assert child["flags"] == MARKET | REDUCE_ONLY
    assert len(desk.children(trailing)) == len(set(stops))
    assert (through - stops[-1]) * side < 0  # where the venue lets it go
    desk.trade(round(through * 100), 1)
    desk.fill(desk.child_id(trailing, Role.STOP), ticks=round(through * 100))
    assert desk.state_of(trailing) == "DONE"
    assert desk.position == 0


@pytest.mark.golden("F07")
def test_a_bracket_protects_what_is_filled_of_its_entry(desk):
    bracket = desk.do(lambda ctx: ctx.bracket(b25.BUY, 1.0, 99.99, stop=95.0, target=105.0))
    desk.accept()
    assert desk.child(bracket, Role.STOP) is None
    for lots, open_lots in ((400, 400), (600, 1_000)):
        desk.fill(desk.child_id(bracket), lots)
        desk.accept()
        legs = [desk.child(bracket, role) for role in (Role.STOP, Role.TARGET)]
        assert [int(leg["leaves_lots"]) for leg in legs] == [open_lots, open_lots]
        assert (int(legs[0]["stop_ticks"]), int(legs[1]["price_ticks"])) == (9_500, 10_500)
    desk.fill(desk.child_id(bracket, Role.TARGET))
    desk.accept()
    assert desk.state_of(bracket) == "DONE"
    assert (desk.position, desk.live) == (0, {})


@pytest.mark.golden("F07")
def test_what_one_leg_of_an_oco_fills_comes_off_the_other():
    desk = held(BUY)
    oco = desk.do(lambda ctx: ctx.oco(b25.SELL, 1.0, stop=95.0, target=105.0))
    desk.accept()
    desk.fill(desk.child_id(oco, Role.TARGET), 300)
    desk.accept()
    assert int(desk.child(oco, Role.STOP)["leaves_lots"]) == 700
    assert int(desk.child(oco, Role.TARGET)["leaves_lots"]) == 700
    desk.fill(desk.child_id(oco, Role.STOP), ticks=9_490)
    desk.accept()
    assert desk.state_of(oco) == "DONE"
    assert (desk.position, desk.live) == (0, {})


@pytest.mark.golden("F07")
def test_what_both_legs_closed_too_much_is_taken_back_and_told():
    desk = held(BUY)
    oco = desk.do(lambda ctx: ctx.oco(b25.SELL, 1.0, stop=95.0, target=105.0))
    desk.accept()
    stop, target = desk.child_id(oco, Role.STOP), desk.child_id(oco, Role.TARGET)
    desk.fill(target)
    desk.fill(stop, ticks=9_500)  # before its cancel is answered, at a venue that does not hold it to the position
    assert desk.position == -1_000
    fill_market(desk, oco, Role.EXCESS)
    desk.accept()
    assert desk.position == 0
    assert (NOTE_EXCESS, oco) in desk.noted
    assert desk.state_of(oco) == "DONE"
    assert desk.live == {}


@pytest.mark.golden("O10")
def test_a_trailing_stop_moves_once_a_second_and_by_its_step_at_least():
    desk = held(BUY)
    trailing = desk.do(lambda ctx: ctx.trailing_stop(b25.SELL, 1.0, distance_bps=100.0, step_bps=5.0))
    placed, last = [], 0
    for second in range(14 * 60):
        for part in range(4):
            desk.wait(SECOND // 4)
            ticks = 10_000 + second + part
            desk.book(ticks, ticks + 1)
            desk.accept()
            stop = int(desk.child(trailing, Role.STOP)["stop_ticks"])
            if stop != last:
                placed.append((desk.now_ns, stop))
                last = stop
    assert len(placed) > 100
    for (before_ns, before), (at_ns, stop) in pairwise(placed):
        assert at_ns - before_ns >= SECOND
        assert stop - before >= max(1, stop * 5 // 10_000)
    # Closed elsewhere: the stop goes, and does not come again.
    sells = len(desk.children(trailing))
    desk.do(lambda ctx: ctx.close())
    (closing,) = [k for k, effect in desk.live.items() if effect["parent"] == 0]
    desk.accept()
    desk.fill(closing, ticks=last)
    desk.accept()
    desk.book(20_000, 20_001)
    desk.wait(10 * SECOND)
    assert desk.state_of(trailing) == "DONE"
    assert len(desk.children(trailing)) == sells
    assert len(desk.children(trailing, CANCEL)) == len(placed)
    assert desk.live == {}


def test_a_leg_that_cannot_be_placed_in_three_tries_closes_at_market(desk):
    bracket = desk.do(lambda ctx: ctx.bracket(b25.BUY, 1.0, 99.99, stop=95.0, target=105.0))
    desk.accept()
    desk.fill(desk.child_id(bracket), 500)
    for _ in range(3):
        child = desk.child_id(bracket, Role.STOP)
        assert child
        desk.end(child, kind=ORDER_REJECTED, reason=Reason.NOT_SUPPORTED)
        desk.wait(SECOND)
    desk.accept()
    desk.wait(SECOND)
    close = desk.child(bracket, Role.CLOSE)
    assert (int(close["leaves_lots"]), int(close["flags"]), int(close["side"])) == (500, MARKET | REDUCE_ONLY, SELL)
    fill_market(desk, bracket, Role.CLOSE)
    desk.accept()
    assert desk.state_of(bracket) == "DONE"
    assert (desk.position, desk.live) == (0, {})
    assert all(row["kind"] == SUBMIT for row in desk.children(bracket))
