"""What a session may do after each command: paused it reduces, flattened it only closes, stopped by the gate it only cancels."""

import numpy as np
import pytest

import b25
from b25.model.event import BUY, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_FILLED, SELL
from b25.model.order import CANCEL, MARKET, REDUCE_ONLY, SUBMIT, Reason
from b25.model.risk import ACTIVE, REDUCING, STOPPED, Control
from b25.model.world import LIMITS
from b25.risk.status import bits_of
from b25.session.commands import Command, override_event
from b25.session.picture import picture_of
from b25.session.replay import replay
from b25.session.session import Session
from tests.engine.runs import ETH
from tests.session.test_session import SECOND_NS, answer, composed, level, snapshot


class Wisher(b25.Strategy):
    """Asks at each book for what its parameters say: +1 buys, -1 sells, at a price away from the touch."""

    wants: int = b25.param(1, ge=-1, le=1)

    def on_book(self, ctx):
        if self.wants > 0:
            ctx.buy(0.001, ctx.bid() - ctx.tick())
        elif self.wants < 0:
            ctx.sell(0.001, ctx.ask() + ctx.tick())


@pytest.fixture
def session(tmp_path):
    acted, seen = [], []
    made = Session(composed(cls=Wisher), tmp_path / "one.journal", lambda rows: acted.extend(rows.copy()))
    made.acted, made.seen = acted, seen
    made.watch = lambda rows: seen.extend(rows.copy())
    return made


def agrees(session):
    report = replay(session.journal.path, Wisher)
    assert report.agrees, report.divergence


def moved(session, at, price=100_001):
    """Let the book change once; give the effects that came of it."""
    before = len(session.seen)
    session.take(level(at * SECOND_NS, BUY, price, 10 + at))
    return session.seen[before:]


def holding_one(session):
    """Start, buy one lot, and be long."""
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    order = session.acted[0]
    answer(session, ORDER_ACCEPTED, order)
    answer(session, ORDER_FILLED, order, qty_lots=int(order["qty_lots"]), price_ticks=int(order["price_ticks"]))
    assert int(session.machine.world.positions["position_lots"][0]) > 0


def test_a_paused_session_adds_nothing_and_lets_exits_pass_and_rest(session):
    holding_one(session)
    moved(session, 2)
    resting = session.acted[-1]
    answer(session, ORDER_ACCEPTED, resting)
    session.command(Command.PAUSE, 3 * SECOND_NS)
    assert session.acted[-1]["kind"] == CANCEL
    answer(session, ORDER_CANCELLED, session.acted[-1], reason=Reason.CANCEL_REQUESTED)
    (refused,) = moved(session, 4)
    assert refused["reason"] == Reason.REDUCING
    session.set_parameter("wants", -1, 4 * SECOND_NS)
    (exit_,) = moved(session, 5)
    assert (exit_["reason"], exit_["side"]) == (Reason.OK, SELL)
    answer(session, ORDER_ACCEPTED, exit_)
    session.set_parameter("wants", 0, 5 * SECOND_NS)
    assert moved(session, 6) == []  # the exit rests: what came after the pause is not cancelled
    session.set_parameter("wants", -1, 6 * SECOND_NS)
    (second,) = moved(session, 7)
    assert second["reason"] == Reason.REDUCING  # together they would turn the position round
    session.command(Command.RESUME, 8 * SECOND_NS)
    assert moved(session, 9)[0]["reason"] == Reason.OK
    session.close("done")
    agrees(session)


def test_a_flattened_session_closes_and_refuses_the_strategy_everything(session):
    holding_one(session)
    session.set_parameter("wants", -1, 2 * SECOND_NS)
    session.command(Command.FLATTEN, 2 * SECOND_NS)
    close = session.acted[-1]
    assert close["flags"] == MARKET | REDUCE_ONLY
    refused = [row for row in moved(session, 3) if row["kind"] == SUBMIT and not row["flags"] & MARKET]
    assert [row["reason"] for row in refused] == [Reason.STOPPED]
    assert picture_of(session.machine)["risk"]["state"] == "stopped"
    session.close("done")
    agrees(session)


def test_a_state_that_was_asked_of_the_gate_outlives_a_resume(session):
    holding_one(session)
    session.command(Command.STATE, 2 * SECOND_NS, amount=STOPPED)
    session.command(Command.PAUSE, 2 * SECOND_NS)
    session.command(Command.RESUME, 3 * SECOND_NS)
    assert moved(session, 4)[0]["reason"] == Reason.STOPPED
    session.command(Command.STATE, 5 * SECOND_NS, amount=REDUCING)
    assert moved(session, 6)[0]["reason"] == Reason.REDUCING
    session.command(Command.PAUSE, 6 * SECOND_NS)
    session.command(Command.STATE, 6 * SECOND_NS, amount=ACTIVE)
    assert moved(session, 7)[0]["reason"] == Reason.REDUCING  # still paused
    session.command(Command.RESUME, 8 * SECOND_NS)
    assert moved(session, 9)[0]["reason"] == Reason.OK
    session.close("done")
    agrees(session)


def test_a_restricted_instrument_is_cancelled_and_refused_until_it_is_permitted(session):
    holding_one(session)
    moved(session, 2)
    answer(session, ORDER_ACCEPTED, session.acted[-1])
    session.command(Command.RESTRICT, 3 * SECOND_NS)
    assert session.acted[-1]["kind"] == CANCEL
    assert moved(session, 4)[0]["reason"] == Reason.SYMBOL_RESTRICTED
    session.command(Command.PERMIT, 5 * SECOND_NS)
    assert moved(session, 6)[0]["reason"] == Reason.OK
    session.close("done")
    agrees(session)


def limited(tmp_path, **limits):
    acted, seen = [], []
    rows = b25.Limits(**limits).record(ETH).astype(LIMITS)
    made = Session(composed(cls=Wisher, limits=rows), tmp_path / "two.journal", lambda rows: acted.extend(rows.copy()))
    made.acted, made.seen = acted, seen
    made.watch = lambda rows: seen.extend(rows.copy())
    return made


def test_an_account_is_marked_though_nothing_is_asked_for_and_a_latch_is_opened_by_a_person(tmp_path):
    session = limited(tmp_path, daily_loss_max=0.01)
    holding_one(session)
    session.command(Command.WATCH, SECOND_NS + 8)
    session.command(Command.STOP, SECOND_NS + 9)  # the strategy is called no more: nobody asks for anything
    session.take(snapshot(2 * SECOND_NS, 50_000, 50_010))
    assert picture_of(session.machine)["risk"]["latched"] == []
    session.command(Command.WATCH, 3 * SECOND_NS)
    assert picture_of(session.machine)["risk"]["latched"] == ["daily_loss"]
    session.command(Command.START, 3 * SECOND_NS)
    assert moved(session, 4, price=50_001)[0]["reason"] == Reason.DAILY_LOSS_LIMIT
    session.command(Command.REARM, 5 * SECOND_NS, amount=bits_of((Control.DAILY_LOSS,)))
    assert picture_of(session.machine)["risk"]["latched"] == []
    assert moved(session, 6, price=50_002)[0]["reason"] == Reason.OK
    session.close("done")
    agrees(session)


def test_one_order_of_a_person_passes_the_limits_and_the_next_does_not(tmp_path):
    session = limited(tmp_path, order_value_max=0.5, daily_loss_max=1.0)
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    assert session.seen[-1]["reason"] == Reason.ORDER_VALUE_LIMIT
    terms = {"instrument": 0, "side": SELL, "qty_lots": 5, "price_ticks": 100_020, "until_ns": 10 * SECOND_NS}
    limits = session.machine.world.limits.copy()
    session.take(override_event(2 * SECOND_NS, **terms))
    sent = session.acted[-1]
    assert (sent["side"], sent["qty_lots"], sent["price_ticks"], sent["reason"]) == (SELL, 5, 100_020, Reason.OK)
    assert np.array_equal(session.machine.world.limits, limits)
    assert moved(session, 3)[0]["reason"] == Reason.ORDER_VALUE_LIMIT
    before = len(session.seen)
    session.take(override_event(11 * SECOND_NS, **terms))  # too late
    assert len(session.seen) == before
    session.close("done")
    agrees(session)
