"""Who stops a parent: the strategy, the session's commands, and the gate when its algorithm goes wrong."""

import pytest

import b25
from b25.model.event import BUY
from b25.model.order import CANCEL, SUBMIT, Reason
from b25.model.parent import NOTE_FAILED, Role
from b25.session.commands import Command
from tests.execution.parents.desk import SECOND, Desk


@pytest.fixture
def desk():
    one = Desk()
    one.book(9_999, 10_001)
    return one


def send(desk, parent_id, lots):
    """Have a child loop gone wrong ask for one more child of a parent, past all that works it."""
    world = desk.machine.world
    row = world.intents[0]
    row["order_id"], row["kind"], row["side"], row["instrument"] = world.head["next_order_id"][0], SUBMIT, BUY, 0
    row["price_ticks"], row["qty_lots"], row["stop_ticks"], row["tif"], row["flags"], row["reason"] = 9_990, lots, 0, 0, 0, 0
    row["parent"], row["role"] = parent_id, Role.WORK
    world.head["next_order_id"] += 1
    world.head["intents"] = 1
    world.head["outbox"] = 0
    desk.machine._judge(desk.machine._context)
    desk.effects(0, world.outbox[: int(world.head["outbox"][0])])


@pytest.mark.parametrize("answered", [True, False], ids=["filled", "unanswered"])
def test_a_child_loop_that_never_sees_a_fill_stops_at_its_parent(desk, answered):
    """Knight: 212 parents, 4 million orders. Here: a parent of 212, and a loop that would send for ever."""
    parent = desk.do(lambda ctx: ctx.iceberg(b25.BUY, 0.212, 99.9, 0.001))
    for _ in range(1_000):
        send(desk, parent, 1)
        if answered:
            desk.accept()
            for order_id in list(desk.live):
                desk.fill(order_id)
    assert sum(int(row["qty_lots"]) for row in desk.children(parent)) == 212
    assert {Reason(int(row["reason"])) for row in desk.refused} == {Reason.PARENT_EXCEEDED}
    desk.accept()
    desk.wait(SECOND)
    desk.accept()
    if answered:
        assert (desk.state_of(parent), desk.position) == ("DONE", 212)
        return
    assert (NOTE_FAILED, parent) in desk.noted
    assert desk.state_of(parent) == "FAILED"
    assert desk.do(lambda ctx: ctx.parent(parent)).reason == Reason.PARENT_EXCEEDED


def test_a_child_beyond_the_limit_is_refused_and_its_parent_fails(desk):
    parent = desk.do(lambda ctx: ctx.iceberg(b25.BUY, 0.5, 99.5, 0.1))
    send(desk, parent, 10)  # at 99.90
    assert [Reason(int(row["reason"])).name for row in desk.refused] == ["PARENT_EXCEEDED"]
    desk.accept()
    desk.wait(SECOND)
    desk.accept()
    assert desk.state_of(parent) == "FAILED"
    assert desk.live == {}


def test_an_amend_by_the_strategy_cannot_stretch_a_child(desk):
    parent = desk.do(lambda ctx: ctx.iceberg(b25.BUY, 0.1, 99.9, 0.1))
    desk.accept()
    child = desk.child_id(parent)
    desk.do(lambda ctx: ctx.amend(child, 99.9, 0.2))
    assert [Reason(int(row["reason"])).name for row in desk.refused] == ["PARENT_EXCEEDED"]
    desk.do(lambda ctx: ctx.amend(child, 99.8, 0.1))
    desk.accept()
    assert int(desk.child(parent)["price_ticks"]) == 9_980
    desk.fill(child)
    desk.wait(1)
    assert desk.state_of(parent) == "DONE"


def test_what_quotes_and_cancels_leaves_children_alone(desk):
    parent = desk.do(lambda ctx: ctx.iceberg(b25.BUY, 0.5, 99.9, 0.1))
    desk.do(lambda ctx: ctx.quote(b25.BUY, 99.8, 0.05))
    desk.accept()
    assert len(desk.live) == 2
    desk.do(lambda ctx: ctx.quote(b25.BUY, 99.7, 0.05))
    desk.accept()
    desk.do(lambda ctx: ctx.cancel_all())
    desk.accept()
    assert list(desk.live) == [desk.child_id(parent)]
    assert len(desk.children(parent)) == 1
    assert desk.do(lambda ctx: [order.parent for order in ctx.orders(b25.BUY)]) == [parent]


def test_a_session_that_pauses_withdraws_children_and_one_that_resumes_goes_on_where_time_stood_still(desk):
    twap = desk.do(lambda ctx: ctx.twap(b25.BUY, 0.4, 40.0, 4))
    iceberg = desk.do(lambda ctx: ctx.iceberg(b25.BUY, 0.5, 99.9, 0.1))
    desk.accept()
    desk.fill(desk.child_id(twap), ticks=10_000)
    desk.command(Command.PAUSE)
    desk.accept()
    assert desk.live == {}
    assert desk.state_of(twap) == desk.state_of(iceberg) == "PAUSED"
    desk.wait(100 * SECOND)
    desk.book(9_998, 10_000)
    assert desk.live == {}
    desk.command(Command.RESUME)
    desk.accept()
    assert [int(effect["parent"]) for effect in desk.live.values()] == [iceberg]
    for _ in range(4):
        desk.wait(10 * SECOND)
        desk.accept()
        if desk.child_id(twap):
            desk.fill(desk.child_id(twap), ticks=10_000)
    assert [int(row["qty_lots"]) for row in desk.children(twap)] == [100, 100, 100, 100]
    assert desk.state_of(twap) == "DONE"


@pytest.mark.parametrize("code", [Command.FLATTEN, Command.DRAIN])
def test_a_flatten_or_drain_ends_every_parent(desk, code):
    twap = desk.do(lambda ctx: ctx.twap(b25.BUY, 0.4, 40.0, 4))
    desk.accept()
    desk.fill(desk.child_id(twap), ticks=10_000)
    trailing = desk.do(lambda ctx: ctx.trailing_stop(b25.SELL, 0.1, distance_bps=100.0))
    iceberg = desk.do(lambda ctx: ctx.iceberg(b25.BUY, 0.5, 99.9, 0.1))
    desk.accept()
    desk.command(Command.STOP)
    desk.command(code)
    desk.settle(9_998)
    assert {desk.state_of(one) for one in (twap, trailing, iceberg)} == {"CANCELLED"}
    asked = len(desk.sent)
    desk.wait(100 * SECOND)
    desk.book(9_998, 10_000)
    desk.settle(9_998)
    assert desk.position == (0 if code is Command.FLATTEN else 100)
    assert len(desk.sent) == asked


def test_a_parent_paused_by_the_strategy_keeps_the_legs_that_protect(desk):
    bracket = desk.do(lambda ctx: ctx.bracket(b25.BUY, 1.0, 99.99, stop=95.0, target=105.0))
    desk.accept()
    desk.fill(desk.child_id(bracket), 400)
    desk.accept()
    desk.do(lambda ctx: ctx.pause_parent(bracket))
    desk.accept()
    assert desk.child(bracket) is None
    assert int(desk.child(bracket, Role.STOP)["leaves_lots"]) == 400
    # The session's own pause takes them too, and its resume does not undo the strategy's.
    desk.command(Command.PAUSE)
    desk.accept()
    assert desk.live == {}
    desk.command(Command.RESUME)
    assert desk.state_of(bracket) == "PAUSED"
    desk.do(lambda ctx: ctx.resume_parent(bracket))
    desk.accept()
    assert int(desk.child(bracket, Role.STOP)["leaves_lots"]) == 400


def test_what_makes_no_sense_is_refused_with_its_reason(desk):
    asks = {
        "SIDE_INVALID": lambda ctx: ctx.twap(0, 1.0, 10.0, 5),
        "QUANTITY_NOT_POSITIVE": lambda ctx: ctx.twap(b25.BUY, 0.0, 10.0, 5),
        "QUANTITY_OFF_LOT": lambda ctx: ctx.iceberg(b25.BUY, 1.0, 99.0, 0.0005),
        "UNKNOWN_INSTRUMENT": lambda ctx: ctx.twap(b25.BUY, 1.0, 10.0, 5, i=3),
        "NOT_A_NUMBER": lambda ctx: ctx.iceberg(b25.BUY, 1.0, float("nan"), 0.1),
        "PRICE_OUT_OF_RANGE": lambda ctx: ctx.oco(b25.SELL, 1.0, stop=0.0, target=105.0),
        "PARENT_INVALID": lambda ctx: ctx.bracket(b25.BUY, 1.0, 99.0, stop=105.0, target=95.0),
        "UNKNOWN_PARENT": lambda ctx: ctx.cancel_parent(77),
    }
    invalid = [
        lambda ctx: ctx.twap(b25.BUY, 1.0, 10.0, 0),
        lambda ctx: ctx.twap(b25.BUY, 1.0, float("inf"), 4),
        lambda ctx: ctx.vwap(b25.BUY, 1.0, 10.0, [0.0, 0.0]),
        lambda ctx: ctx.vwap(b25.BUY, 1.0, 10.0, [1.0, float("nan")]),
        lambda ctx: ctx.vwap(b25.BUY, 1.0, 10.0, [1.0] * 49),
        lambda ctx: ctx.trailing_stop(b25.SELL, 1.0),
        lambda ctx: ctx.trailing_stop(b25.SELL, 1.0, distance_bps=10.0, distance=1.0),
    ]
    for reason, ask in asks.items():
        assert desk.do(ask) in (0, None)
        assert Reason(int(desk.refused[-1]["reason"])).name == reason
    for ask in invalid:
        assert desk.do(ask) == 0
        assert Reason(int(desk.refused[-1]["reason"])).name == "PARENT_INVALID"
    for _ in range(64):
        assert desk.do(lambda ctx: ctx.iceberg(b25.BUY, 1.0, 50.0, 1.0)) > 0
    assert desk.do(lambda ctx: ctx.iceberg(b25.BUY, 1.0, 50.0, 1.0)) == 0
    assert Reason(int(desk.refused[-1]["reason"])).name == "PARENT_TABLE_FULL"
    assert desk.do(lambda ctx: ctx.parent(999)).state == 0


def test_a_bracket_whose_entry_is_refused_fails_and_one_whose_entry_is_cancelled_is_cancelled(desk):
    refused = desk.do(lambda ctx: ctx.bracket(b25.BUY, 0.1, 99.0, stop=95.0, target=105.0))
    desk.end(desk.child_id(refused), kind=25, reason=Reason.INSUFFICIENT_FUNDS)
    desk.wait(1)
    assert desk.state_of(refused) == "FAILED"
    cancelled = desk.do(lambda ctx: ctx.bracket(b25.BUY, 0.1, 99.0, stop=95.0, target=105.0))
    desk.accept()
    child = desk.child_id(cancelled)
    desk.do(lambda ctx: ctx.cancel(child))
    desk.accept()
    assert desk.state_of(cancelled) == "CANCELLED"
    assert len(desk.children(cancelled, CANCEL)) == 0


def test_a_view_tells_what_a_parent_cost(desk):
    twap = desk.do(lambda ctx: ctx.twap(b25.BUY, 0.4, 40.0, 4))
    desk.trade(10_010, 100)
    desk.trade(10_030, 300)
    desk.accept()
    desk.fill(desk.child_id(twap), ticks=10_020)
    seen = desk.do(lambda ctx: ctx.parent(twap))
    assert (seen.quantity, seen.filled, seen.average_price, seen.arrival_price) == (0.4, 0.1, 100.2, 100.0)
    assert seen.slippage_bps == pytest.approx(20.0)
    assert seen.vwap_slippage_bps == pytest.approx((100.2 / 100.25 - 1) * 1e4)
