"""Parent orders in a session: the times that they wait for, commands, a killed session's journal, and its replay."""

import numpy as np
import pytest

import b25
from b25.model.event import ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_FILLED, TIMER
from b25.model.order import CANCEL, MARKET, SUBMIT
from b25.model.parent import ParentState
from b25.model.world import FEES, LIMITS
from b25.session.commands import Command
from b25.session.composition import Composition
from b25.session.gateway import order_event
from b25.session.replay import replay
from b25.session.session import Session
from b25.store.journal import EVENTS, Reading
from b25.venue.models import Fees
from tests.engine.runs import ETH
from tests.session.test_session import SECOND_NS, snapshot


class Buyer(b25.Strategy):
    """Buy in twelve slices, rest an iceberg, and protect what is held; its own timer rings every three seconds."""

    seen: int = 0

    def on_start(self, ctx):
        ctx.every(3_000_000_000)
        ctx.twap(b25.BUY, 1.0, 12.0, 12)
        ctx.iceberg(b25.BUY, 0.5, 999.0, 0.1)
        ctx.trailing_stop(b25.SELL, 1.0, distance_bps=100.0)

    def on_timer(self, ctx):
        self.seen += 1


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def session(request, tmp_path):
    acted = []
    composition = Composition(
        name="one", mode="replayed", venue="sim", cls=Buyer, params={}, instruments=[ETH], balance=1e6, compiled=request.param,
        limits=b25.Limits().record(ETH).astype(LIMITS), fees=Fees().record(ETH).astype(FEES),
    )  # fmt: skip
    one = Session(composition, tmp_path / "one.journal", lambda rows: acted.extend(rows.copy()))
    one.acted = acted
    one.take(snapshot(SECOND_NS, 100_000, 100_010))
    one.command(Command.START, SECOND_NS)
    answer(one, SECOND_NS)
    return one


def answer(session, at_ns):
    """Be a venue that fills what is at market, and lets everything else rest."""
    while session.acted:
        effect = session.acted.pop(0)
        facts = {"instrument": 0, "request_id": int(effect["request_id"]), "side": int(effect["side"])}
        kind = ORDER_ACCEPTED if effect["kind"] == SUBMIT else ORDER_CANCELLED
        if effect["kind"] == SUBMIT and effect["flags"] & MARKET and not effect["stop_ticks"]:
            kind, facts["price_ticks"], facts["qty_lots"] = ORDER_FILLED, 100_010, int(effect["qty_lots"])
        assert effect["kind"] in (SUBMIT, CANCEL)
        event = order_event(kind, int(effect["order_id"]), **facts)
        event["local_ns"] = max(at_ns, session.machine.now_ns)
        session.take(event)


def pass_time(session, until_ns):
    """Let time pass as the live loop does, which wakes when the machine says that something is due."""
    while (due_ns := session.machine.timer_due_ns) < until_ns:
        session.timers_until(due_ns + 1)
        answer(session, due_ns)


def states(session):
    table = session.machine.world.parents
    return [ParentState(int(row["state"])).name for row in table[1:4]]


def timers(session):
    records = [record.events for record in Reading(session.journal.path) if record.kind == EVENTS]
    return np.concatenate([rows[rows["kind"] == TIMER] for rows in records])


def test_a_schedule_is_worked_in_a_market_where_nothing_happens(session):
    pass_time(session, 20 * SECOND_NS)
    assert states(session) == ["DONE", "WORKING", "WORKING"]
    assert int(session.machine.world.positions[0]["position_lots"]) == 1_000
    session.close("tested")
    rung = timers(session)
    assert (rung["status"] == 1).sum() >= 8  # for parents only
    assert int(session.machine.record["seen"][0]) == (rung["status"] == 0).sum() == 6
    report = replay(session.journal.path, Buyer)
    assert report.agrees, report.divergence


def test_a_killed_session_replays_to_the_slice_at_which_it_died(session):
    pass_time(session, 6 * SECOND_NS)
    session.journal.flush()
    filled = session.machine.world.parents["filled_lots"].copy()
    assert 0 < filled[1][0] < 1_000
    report = replay(session.journal.path, Buyer)
    assert report.agrees, report.divergence
    assert not report.ended


@pytest.mark.parametrize("code", [Command.FLATTEN, Command.DRAIN])
def test_commands_reach_every_parent_and_are_replayed(session, code):
    pass_time(session, 4 * SECOND_NS)
    session.command(Command.PAUSE, session.machine.now_ns)
    answer(session, session.machine.now_ns)
    assert states(session) == ["PAUSED"] * 3
    assert session.machine.live_orders == 0
    pass_time(session, 60 * SECOND_NS)
    session.take(snapshot(60 * SECOND_NS, 100_000, 100_010))
    session.command(Command.RESUME, 60 * SECOND_NS)
    answer(session, 60 * SECOND_NS)
    assert session.machine.live_orders == 2  # a tranche and a stop
    pass_time(session, 63 * SECOND_NS)
    bought = int(session.machine.world.positions[0]["position_lots"])
    assert 250 < bought < 1_000
    session.command(Command.STOP, 63 * SECOND_NS)
    for second in range(63, 70):
        session.command(code, second * SECOND_NS)
        answer(session, second * SECOND_NS)
    assert states(session) == ["CANCELLED"] * 3
    assert session.machine.live_orders == 0
    assert int(session.machine.world.positions[0]["position_lots"]) == (0 if code is Command.FLATTEN else bought)
    session.close("tested")
    report = replay(session.journal.path, Buyer)
    assert report.agrees, report.divergence
