"""A session by itself: commands, halts, faults of the strategy, a killed session's journal, and what a replay says of them."""

import numpy as np
import pytest

import b25
from b25.model.errors import Halt, Misuse
from b25.model.event import BUY, CLEAR, DEPTH, EVENT, LAST_OF_MESSAGE, ORDER_ACCEPTED, ORDER_CANCELLED, SELL, SNAPSHOT
from b25.model.order import CANCEL, SUBMIT, Reason
from b25.model.world import FEES, LIMITS
from b25.session.commands import Command
from b25.session.composition import Composition
from b25.session.gateway import order_event
from b25.session.replay import replay
from b25.session.session import Session
from b25.store.journal import Reading
from b25.venue.models import Fees
from tests.engine.runs import ETH

SECOND_NS = 1_000_000_000


class Quoter(b25.Strategy):
    """One order a side, a note for every book, and a division that fails when asked for."""

    offset_ticks: int = b25.param(2, ge=1)
    divisor: int = b25.param(1, ge=0)
    ticked: int = 0

    def on_start(self, ctx):
        ctx.every(1_000_000_000)

    def on_book(self, ctx):
        ctx.log(1, ctx.bid())
        ctx.quote(b25.BUY, ctx.bid() - self.offset_ticks * ctx.tick(), 0.001 * (1 // self.divisor))

    def on_timer(self, ctx):
        self.ticked += 1


def composed(**changes):
    base = {
        "name": "one", "mode": "replayed", "venue": "sim", "cls": Quoter, "params": {}, "instruments": [ETH],
        "limits": b25.Limits().record(ETH).astype(LIMITS), "fees": Fees().record(ETH).astype(FEES), "balance": 1000.0,
    }  # fmt: skip
    return Composition(**(base | changes))


def snapshot(at_ns, bid, ask):
    rows = np.zeros(4, EVENT)
    rows["exch_ns"] = rows["local_ns"] = at_ns
    rows["kind"] = [CLEAR, SNAPSHOT, CLEAR, SNAPSHOT]
    rows["side"] = [BUY, BUY, SELL, SELL]
    rows["price_ticks"] = [0, bid, 2**31 - 1, ask]
    rows["qty_lots"] = [0, 5000, 0, 5000]
    rows["flags"][-1] = LAST_OF_MESSAGE
    return rows


def level(at_ns, side, ticks, lots):
    row = np.zeros(1, EVENT)
    row["exch_ns"] = row["local_ns"] = at_ns
    row["kind"], row["side"], row["price_ticks"], row["qty_lots"], row["flags"] = DEPTH, side, ticks, lots, LAST_OF_MESSAGE
    return row


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def session(request, tmp_path):
    acted = []
    one = Session(composed(compiled=request.param), tmp_path / "one.journal", lambda rows: acted.extend(rows.copy()))
    one.acted = acted
    return one


def begin(session):
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))


def answer(session, kind, effect, **more):
    event = order_event(
        kind, int(effect["order_id"]), instrument=0, request_id=int(effect["request_id"]), side=int(effect["side"]), **more
    )
    event["local_ns"] = session.machine.now_ns
    session.take(event)


def agrees(session):
    report = replay(session.journal.path, Quoter)
    assert report.agrees, report.divergence
    return report


def test_nothing_is_called_before_the_start(session):
    session.take(snapshot(5, 100_000, 100_010))
    assert session.acted == []
    session.close("done")
    agrees(session)


def test_a_pause_cancels_what_works_and_refuses_what_is_new_until_it_is_over(session):
    begin(session)
    (order,) = session.acted
    assert order["kind"] == SUBMIT
    session.command(Command.PAUSE, 2 * SECOND_NS)
    assert len(session.acted) == 1  # in flight: it cannot be cancelled yet
    answer(session, ORDER_ACCEPTED, order)
    cancel = session.acted[-1]
    assert cancel["kind"] == CANCEL
    answer(session, ORDER_CANCELLED, cancel, reason=Reason.CANCEL_REQUESTED)
    session.take(level(3 * SECOND_NS, BUY, 100_001, 10))
    assert len(session.acted) == 2
    session.command(Command.RESUME, 4 * SECOND_NS)
    session.take(level(5 * SECOND_NS, BUY, 100_002, 10))
    assert session.acted[-1]["price_ticks"] == 100_000
    session.close("done")
    assert agrees(session).effects >= 4


def test_a_parameter_that_is_set_holds_from_the_next_event_on_and_is_replayed(session):
    session.command(Command.START, SECOND_NS)
    session.set_parameter("offset_ticks", 7, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    assert session.acted[0]["price_ticks"] == 99_993
    with pytest.raises(Misuse, match="did you mean offset_ticks"):
        session.set_parameter("offset_tick", 7, SECOND_NS)
    with pytest.raises(Misuse, match="out of bounds"):
        session.set_parameter("offset_ticks", 0, SECOND_NS)
    session.close("done")
    agrees(session)


def test_a_held_book_is_not_traded_on_until_it_is_released(session):
    session.command(Command.START, SECOND_NS)
    session.command(Command.HOLD, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    assert session.acted == []
    session.command(Command.RELEASE, 2 * SECOND_NS)
    session.take(level(3 * SECOND_NS, BUY, 100_002, 10))
    assert len(session.acted) == 1
    session.close("done")
    agrees(session)


def test_timers_come_after_everything_of_their_time_and_before_what_is_later(session):
    begin(session)
    session.timers_until(2 * SECOND_NS)
    assert session.machine.record["ticked"][0] == 0
    session.timers_until(5 * SECOND_NS)
    assert session.machine.record["ticked"][0] == 3
    session.close("done")
    agrees(session)


def test_a_strategy_that_raises_halts_the_session_and_its_replay_halts_alike(session):
    begin(session)
    session.set_parameter("divisor", 0, SECOND_NS)
    with pytest.raises(Halt, match="ZeroDivisionError"):
        session.take(level(2 * SECOND_NS, BUY, 100_002, 10))
    assert session.fault is not None
    session.take(level(3 * SECOND_NS, BUY, 100_003, 10))  # nothing more is taken
    session.close("halted")
    agrees(session)


def test_the_journal_of_a_killed_session_replays_as_far_as_it_reaches(session):
    begin(session)
    for k in range(50):
        session.take(level((2 + k) * SECOND_NS, BUY, 100_001 + k % 3, 10 + k))
    session.journal.flush()
    path = session.journal.path
    whole = path.read_bytes()
    for size in range(len(whole) - 700, len(whole), 7):
        path.write_bytes(whole[:size])
        report = replay(path, Quoter)
        assert report.agrees, report.divergence
        assert not report.ended
    assert [record.number for record in Reading(path)] == list(range(len(list(Reading(path)))))


def test_another_life_of_the_class_leaves_the_same(session):
    begin(session)
    session.take(level(2 * SECOND_NS, BUY, 100_004, 10))
    session.close("done")
    for compiled in (True, False):
        assert replay(session.journal.path, Quoter, compiled=compiled).agrees
