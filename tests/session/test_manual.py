"""Orders by hand: judged as the strategy's, hidden from it, counted into what is held, and replayed byte for byte."""

import numpy as np
import pytest

import b25
from b25.model.event import BUY, ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_FILLED, ORDER_REPLACED, SELL
from b25.model.order import AMEND, CANCEL, MANUAL, MARKET, POST_ONLY, REDUCE_ONLY, SUBMIT, Reason, Tif
from b25.model.risk import Control
from b25.model.world import LIMITS
from b25.session.commands import Command
from b25.session.dry_run import dry_run, lots_max
from b25.session.manual import amend_command, cancel_command, number_of_request, order_command
from b25.session.replay import replay
from b25.session.resume import read_past
from b25.session.session import Session
from b25.session.standing import equity_of, limits_of, orders_of, position_facts
from tests.engine.runs import ETH
from tests.session.test_session import SECOND_NS, answer, composed, level, snapshot


class Counts(b25.Strategy):
    """Quotes a bid, and notes what it sees of orders and executions."""

    saw_orders: int = 0
    saw_fills: int = 0
    whose: int = 7
    listed: int = 0
    working: int = 0

    def on_book(self, ctx):
        ctx.quote(b25.BUY, ctx.bid() - ctx.tick(), 0.001)
        self.listed = len(ctx.orders(b25.SELL))
        self.working = ctx.working(b25.SELL)

    def on_order(self, ctx):
        self.saw_orders += 1

    def on_fill(self, ctx):
        self.saw_fills += 1
        self.whose = ctx.fill().parent


def made(path, compiled=None, cls=Counts, **limits):
    acted = []
    rows = b25.Limits(**limits).record(ETH).astype(LIMITS)
    session = Session(composed(cls=cls, limits=rows, compiled=compiled), path, lambda rows: acted.extend(rows.copy()))
    session.acted = acted
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    return session


def by_hand(session, side, lots, price=0, **more):
    flags = more.pop("flags", 0) | (0 if price else MARKET)
    tif = more.pop("tif", Tif.GTC if price else Tif.IOC)
    terms = {"instrument": 0, "side": side, "qty_lots": lots, "price_ticks": price, "flags": flags, "tif": tif}
    (done,) = session.ask(order_command(session.machine.now_ns + 1, **terms, **more))
    return done


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_an_order_by_hand_is_hidden_from_the_strategy_and_its_executions_are_not(tmp_path, compiled):
    session = made(tmp_path / "one.journal", compiled)
    quote = session.acted[0]
    answer(session, ORDER_ACCEPTED, quote)
    done = by_hand(session, SELL, 3, 100_050, flags=POST_ONLY)
    sent, verdict = done.judged()
    assert (sent["reason"], verdict, sent["flags"], sent["qty_lots"]) == (0, 0, POST_ONLY | MANUAL, 3)
    assert session.acted[-1]["order_id"] == sent["order_id"]
    seen = int(session.machine.record[0]["saw_orders"])
    answer(session, ORDER_ACCEPTED, sent)
    session.take(level(2 * SECOND_NS, BUY, 100_000, 11))
    record = session.machine.record[0]
    assert (record["saw_orders"], record["listed"], record["working"]) == (seen, 0, 0)
    buy = by_hand(session, BUY, 2, 99_990).judged()[0]
    answer(session, ORDER_ACCEPTED, buy)
    before = len(session.acted)
    session.take(level(3 * SECOND_NS, BUY, 100_000, 12))
    assert len(session.acted) == before, "its own quote stands where it should: a person's is no reason to move anything"
    answer(session, ORDER_FILLED, sent, qty_lots=3, price_ticks=100_050)
    assert (record["saw_fills"], record["whose"], record["saw_orders"]) == (1, -1, seen)
    assert int(session.machine.world.positions["position_lots"][0]) == -3
    # What the venue says of an amend and a cancel by hand, of either's order.
    (done,) = session.ask(
        amend_command(session.machine.now_ns, int(buy["order_id"]), instrument=0, price_ticks=99_980, qty_lots=4)
    )
    asked = done.judged()[0]
    assert (asked["kind"], asked["reason"], asked["price_ticks"], asked["qty_lots"]) == (AMEND, 0, 99_980, 4)
    answer(session, ORDER_REPLACED, asked, price_ticks=99_980, qty_lots=4)
    (done,) = session.ask(cancel_command(session.machine.now_ns, int(quote["order_id"]), instrument=0))
    assert done.judged()[0]["kind"] == CANCEL
    answer(session, ORDER_CANCELLED, done.judged()[0], reason=Reason.CANCEL_REQUESTED)
    session.take(level(4 * SECOND_NS, BUY, 100_000, 13))
    assert session.acted[-1]["kind"] == SUBMIT, "the strategy quotes anew what a person cancelled"
    session.close("done")
    for life in (True, False):
        report = replay(session.journal.path, Counts, compiled=life)
        assert report.agrees, report.divergence


def test_a_pause_a_flattening_and_a_restriction_take_a_persons_orders_too(tmp_path):
    session = made(tmp_path / "one.journal")
    answer(session, ORDER_ACCEPTED, session.acted[0])
    for command in (Command.RESTRICT, Command.PAUSE, Command.FLATTEN):
        session.command(Command.PERMIT, session.machine.now_ns)
        session.command(Command.RESUME, session.machine.now_ns)
        sent = by_hand(session, SELL, 3, 100_050).judged()[0]
        assert sent["reason"] == 0
        answer(session, ORDER_ACCEPTED, sent)
        session.command(command, session.machine.now_ns)
        (cancel,) = [row for row in session.acted if row["kind"] == CANCEL and row["order_id"] == sent["order_id"]]
        answer(session, ORDER_CANCELLED, cancel, reason=Reason.CANCEL_REQUESTED)
    assert by_hand(session, SELL, 3, 100_050).judged()[0]["reason"] == Reason.STOPPED
    session.close("done")
    assert replay(session.journal.path, Counts).agrees


def test_a_paused_session_lets_exits_by_hand_pass_and_nothing_else(tmp_path):
    session = made(tmp_path / "one.journal")
    held = by_hand(session, BUY, 5).judged()[0]
    answer(session, ORDER_ACCEPTED, held)
    answer(session, ORDER_FILLED, held, qty_lots=5, price_ticks=100_010)
    session.command(Command.PAUSE, session.machine.now_ns)
    assert by_hand(session, BUY, 1).judged()[0]["reason"] == Reason.REDUCING
    assert by_hand(session, SELL, 5, flags=REDUCE_ONLY).judged()[0]["reason"] == Reason.OK
    session.close("done")
    assert replay(session.journal.path, Counts).agrees


def test_every_broken_limit_is_told_and_nothing_of_a_dry_run_is_left(tmp_path):
    session = made(tmp_path / "one.journal", order_value_max=6.0, position_max=0.006, order_qty_max=0.005, collar=0.01)
    machine = session.machine
    now_ns = machine.now_ns + 1
    terms = {"instrument": 0, "side": BUY, "qty_lots": 100, "price_ticks": 150_000}
    before = (machine.world.snapshot(), machine.world.context.tobytes(), machine.world.outbox.tobytes())
    judged = dry_run(machine, order_command(now_ns, **terms))
    assert judged.reasons == ["order_value", "collar", "order_qty", "position"]
    assert judged.used["position"] > 1
    fits = order_command(now_ns, **(terms | {"price_ticks": 100_000}))
    most = lots_max(machine, fits)
    fits["qty_lots"] = most
    assert dry_run(machine, fits).reason is Reason.OK
    fits["qty_lots"] = most + 1
    assert dry_run(machine, fits).reason is not Reason.OK
    assert (machine.world.snapshot(), machine.world.context.tobytes(), machine.world.outbox.tobytes()) == before
    done = by_hand(session, BUY, 100, 150_000)
    row, verdict = done.judged()
    assert row["reason"] == Reason.ORDER_VALUE_LIMIT
    broken = {Control.ORDER_VALUE, Control.COLLAR, Control.ORDER_QTY, Control.POSITION}
    assert {one for one in Control if verdict >> one & 1} == broken
    session.command(Command.STATE, now_ns + 1, amount=2)
    assert lots_max(machine, fits) == 0
    session.close("done")
    assert replay(session.journal.path, Counts).agrees


def test_a_journal_knows_which_requests_were_done_and_what_they_led_to(tmp_path):
    session = made(tmp_path / "one.journal", position_max=0.01)
    by_hand(session, SELL, 3, 100_050, request=number_of_request("first"))
    by_hand(session, SELL, 300, 100_050, request=number_of_request("second"))
    assert set(session.requests) == {number_of_request(one) for one in ("first", "second")}
    session.journal.close()  # as a kill would
    past = read_past(session.journal.path, Counts)
    assert set(past.requests) == set(session.requests)
    for number, (one,) in past.requests.items():
        (was,) = session.requests[number]
        assert (one.seq, one.effects.tobytes()) == (was.seq, was.effects.tobytes())
    (refused,) = past.requests[number_of_request("second")]
    assert refused.judged()[0]["reason"] == Reason.POSITION_LIMIT


def test_a_standing_is_exact_and_unknown_without_a_price(tmp_path):
    session = made(tmp_path / "one.journal", position_max=0.5)
    machine = session.machine
    held = by_hand(session, BUY, 5).judged()[0]
    (row,) = [one for one in orders_of(machine, machine.now_ns) if one["is_manual"]]
    assert (row["type"], row["price"], row["state"], row["pending"]) == ("market", None, "created", "new")
    answer(session, ORDER_FILLED, held, qty_lots=5, price_ticks=100_010, amount=10**8)
    facts = position_facts(machine, 0)
    unit = ETH.money_unit
    assert facts.entry == 100_010 * ETH.tick
    assert facts.unrealised == (5 * 100_005 - 5 * 100_010) * unit
    assert facts.fees == unit
    assert abs(float(equity_of(machine)) - float(machine.door.equity())) < 1e-9
    assert limits_of(machine)["symbols"][ETH.symbol] == {"position_max": "0.5", "trading": "all"}
    machine.world.books["best_ask_ticks"] = 2**31 - 1
    assert (position_facts(machine, 0).worth, equity_of(machine)) == (None, None)
    assert np.isnan(machine.door.equity())
