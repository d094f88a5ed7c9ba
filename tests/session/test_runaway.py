"""A strategy that sends a thousand orders a second: none above its limits leaves; the throttle latches until a person acts."""

import numpy as np

import b25
from b25.model.event import BUY, ORDER_ACCEPTED, ORDER_FILLED
from b25.model.order import SUBMIT, Reason
from b25.model.world import LIMITS
from b25.session.commands import Command
from b25.session.picture import picture_of
from b25.session.session import Session
from tests.engine.runs import ETH
from tests.session.test_session import SECOND_NS, answer, composed, level, snapshot

RATE, BURST, POSITION_LOTS, EXECUTIONS = 20, 30, 40, 25
SECONDS, STEP_NS = 3, SECOND_NS // 1_000


class Runaway(b25.Strategy):
    """Buys at the ask with every book, whatever came of the last."""

    def on_book(self, ctx):
        ctx.buy(0.001, ctx.ask())


def run(tmp_path, fills, **limits):
    """Drive it for some seconds of event time; gives what left, in order, and all that was decided."""
    rows = b25.Limits(orders_per_s_max=RATE, orders_burst_max=BURST, **limits).record(ETH).astype(LIMITS)
    acted, seen, most = [], [], 0
    session = Session(composed(cls=Runaway, limits=rows), tmp_path / "one.journal", lambda new: acted.extend(new.copy()))
    session.watch = lambda new: seen.extend(new.copy())
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS, 100_000, 100_010))
    answered = 0
    for k in range(SECONDS * 1_000):
        session.take(level(SECOND_NS + (k + 1) * STEP_NS, BUY, 99_990 - k % 2, 10 + k % 7))
        while fills and answered < len(acted):
            order, answered = acted[answered], answered + 1
            answer(session, ORDER_ACCEPTED, order)
            answer(session, ORDER_FILLED, order, qty_lots=int(order["qty_lots"]), price_ticks=int(order["price_ticks"]))
        position = session.machine.world.positions[0]
        most = max(most, int(position["position_lots"]) + int(position["open_buy_lots"]))
    session.close("done")
    return session, [row for row in acted if row["kind"] == SUBMIT], seen, most


def above_bucket(times_ns):
    """Orders that a token bucket of this rate and burst would not have let through: an independent count."""
    tokens, last_ns, above = float(BURST), int(times_ns[0]), 0
    for time_ns in times_ns:
        tokens = min(float(BURST), tokens + (int(time_ns) - last_ns) / 1e9 * RATE)
        last_ns = int(time_ns)
        if tokens < 1.0 - 1e-9:
            above += 1
        else:
            tokens -= 1.0
    return above


def test_no_order_above_the_rate_leaves(tmp_path):
    _, sent, seen, _ = run(tmp_path, fills=True)
    assert len(seen) >= SECONDS * 1_000
    assert above_bucket([row["time_ns"] for row in sent]) == 0
    assert BURST < len(sent) <= BURST + RATE * SECONDS + 1
    assert {Reason(int(row["reason"])) for row in seen} == {Reason.OK, Reason.RATE_LIMIT}


def test_no_order_beyond_the_position_leaves_answered_or_not(tmp_path):
    for fills in (True, False):
        folder = tmp_path / str(fills)
        _, sent, _, most = run(folder, fills, position_max=POSITION_LOTS * float(ETH.lot))
        assert most == POSITION_LOTS
        assert sum(int(row["qty_lots"]) for row in sent) == POSITION_LOTS


def test_the_throttle_latches_and_stays_so(tmp_path):
    session, sent, seen, _ = run(tmp_path, fills=True, executions_max=EXECUTIONS, executions_window_s=60.0)
    assert len(sent) == EXECUTIONS + 1  # the one that breaks it is the last
    assert picture_of(session.machine)["risk"]["latched"] == ["executions"]
    reasons = np.array([int(row["reason"]) for row in seen])
    last_ok = int(np.flatnonzero(reasons == 0)[-1])
    assert set(reasons[last_ok + 1 :]) <= {int(Reason.EXECUTION_LIMIT), int(Reason.RATE_LIMIT)}
