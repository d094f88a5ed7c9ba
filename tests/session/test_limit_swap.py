"""Limits that are swapped while a session runs: by events, so that a replay ends in the same bytes; and nothing is forgotten."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b25
from b25.model.event import ORDER_ACCEPTED, ORDER_CANCELLED, ORDER_FILLED
from b25.model.order import CANCEL, Reason
from b25.model.risk import Control
from b25.model.world import LIMITS, NO_LIMIT
from b25.risk.limit_set import LimitSet
from b25.session.commands import Command, configured_event
from b25.session.limit_swap import PLACES, RISK_LIMIT, limit_events
from b25.session.replay import replay
from b25.session.session import Session
from tests.engine.runs import ETH
from tests.session.test_commands_state import Wisher, moved
from tests.session.test_session import SECOND_NS, answer, composed, snapshot

SUM = "ab" * 32


def rows_of(version=2, **limits):
    """LIMITS of one account; `restricted` and the like belong to the set."""
    of_set = {name: limits.pop(name) for name in ("restricted", "reduce_only", "allowed") if name in limits}
    return LimitSet(version=version, account=b25.Limits(**limits), **of_set).records([ETH], "Wisher")


def made(path, limits=None, **more):
    acted, seen = [], []
    rows = rows_of(1) if limits is None else limits
    session = Session(composed(cls=Wisher, limits=rows, **more), path, lambda rows: acted.extend(rows.copy()))
    session.acted, session.seen = acted, seen
    session.watch = lambda rows: seen.extend(rows.copy())
    return session


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def session(request, tmp_path):
    one = made(tmp_path / "one.journal", compiled=request.param)
    one.command(Command.START, SECOND_NS)
    one.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    return one


def configure(session, rows, version=2):
    """Swap, as a running session does it: one batch."""
    machine = session.machine
    stamp = configured_event(machine.now_ns, kind=RISK_LIMIT, version=version, checksum=SUM)
    session.take(np.concatenate([*limit_events(machine.world.limits, rows, machine.now_ns), stamp]))


def agrees(session):
    session.close("done")
    report = replay(session.journal.path, Wisher)
    assert report.agrees, report.divergence


@pytest.mark.spec("CF-16")
def test_tighter_limits_hold_from_the_very_next_event_and_the_journal_replays_to_the_same_bytes(session):
    assert moved(session, 2)[-1]["reason"] == Reason.OK
    configure(session, rows_of(order_value_max=0.5, collar=0.05))
    assert moved(session, 3)[-1]["reason"] == Reason.ORDER_VALUE_LIMIT
    configure(session, rows_of(3, order_value_max=5_000.0, collar=0.05), 3)
    assert moved(session, 4, 100_002)[-1]["reason"] == Reason.OK
    assert int(session.machine.world.limits["version"][0]) == 3
    assert session.machine.configured[RISK_LIMIT] == (3, int.from_bytes(bytes.fromhex(SUM)[:8], "big", signed=True))
    agrees(session)


def test_a_swap_is_all_or_nothing_what_is_said_of_limits_holds_only_at_the_end(session):
    machine = session.machine
    before = machine.world.limits.copy()
    events = limit_events(machine.world.limits, rows_of(order_value_max=0.5, position_max=0.001), machine.now_ns)
    assert len(events) >= 3
    session.take(np.concatenate(events))
    assert machine.world.limits.tobytes() == before.tobytes()
    assert moved(session, 2)[-1]["reason"] == Reason.OK
    session.take(configured_event(machine.now_ns, kind=RISK_LIMIT, version=2, checksum=SUM))
    assert moved(session, 3)[-1]["reason"] == Reason.ORDER_VALUE_LIMIT
    agrees(session)


def test_a_limit_of_the_account_that_is_set_while_it_runs_makes_the_gate_watch_the_account(session):
    assert not session.machine.world.context["guarded"][0]
    configure(session, rows_of(daily_loss_max=100.0))
    assert session.machine.world.context["guarded"][0]
    configure(session, rows_of(3), 3)
    assert session.machine.world.context["guarded"][0]  # what is watched once stays watched
    agrees(session)


def test_a_latch_that_is_closed_is_not_opened_by_a_wider_limit(session):
    (order,) = session.acted
    answer(session, ORDER_ACCEPTED, order)
    answer(session, ORDER_FILLED, order, qty_lots=int(order["qty_lots"]), price_ticks=int(order["price_ticks"]))
    configure(session, rows_of(turnover_max=0.01))
    answer_another(session, 2)
    assert moved(session, 3, 100_004)[-1]["reason"] == Reason.TURNOVER_LIMIT
    assert int(session.machine.world.risk["latched"][0]) >> Control.TURNOVER & 1
    configure(session, rows_of(3, turnover_max=1e9), 3)
    assert moved(session, 9, 100_005)[-1]["reason"] == Reason.TURNOVER_LIMIT
    agrees(session)


def answer_another(session, at):
    order = moved(session, at, 100_000 + at)[-1]
    assert order["reason"] == Reason.OK
    answer(session, ORDER_ACCEPTED, order)
    answer(session, ORDER_FILLED, order, qty_lots=int(order["qty_lots"]), price_ticks=int(order["price_ticks"]))
    return order


def test_a_window_that_is_set_counts_from_then_on_and_one_of_another_length_forgets_nothing(session):
    first = session.acted[0]
    answer(session, ORDER_ACCEPTED, first)
    answer(session, ORDER_FILLED, first, qty_lots=int(first["qty_lots"]), price_ticks=int(first["price_ticks"]))
    configure(session, rows_of(executions_max=2, executions_window_s=600.0))
    for at in (2, 3):  # the fill before the limit was set is not counted
        answer_another(session, at)
    for window_s in (20.0, 4_000.0):
        configure(session, rows_of(executions_max=2, executions_window_s=window_s), 3)
        assert int(session.machine.world.risk["bucket_fills"].sum()) == 2
    answer_another(session, 4)
    assert moved(session, 5, 100_009)[-1]["reason"] == Reason.EXECUTION_LIMIT
    agrees(session)


def test_a_symbol_that_is_restricted_by_configuration_has_its_orders_cancelled(session):
    answer(session, ORDER_ACCEPTED, session.acted[0])
    configure(session, rows_of(restricted=frozenset({ETH.symbol})))
    assert session.acted[-1]["kind"] == CANCEL
    answer(session, ORDER_CANCELLED, session.acted[-1], reason=Reason.CANCEL_REQUESTED)
    assert moved(session, 3)[-1]["reason"] == Reason.SYMBOL_RESTRICTED
    agrees(session)


def test_what_a_person_restricted_stays_so_whatever_is_configured(session):
    configure(session, rows_of(restricted=frozenset({ETH.symbol})))
    session.command(Command.RESTRICT, session.machine.now_ns)
    configure(session, rows_of(3), 3)
    assert moved(session, 3)[-1]["reason"] == Reason.SYMBOL_RESTRICTED
    session.command(Command.PERMIT, session.machine.now_ns)
    assert moved(session, 4, 100_004)[-1]["reason"] == Reason.OK
    agrees(session)


LIMIT = st.fixed_dictionaries(
    {},
    optional={
        "position_max": st.floats(0.001, 10), "order_value_max": st.floats(0.1, 1e4), "open_orders_max": st.integers(1, 50),
        "orders_per_s_max": st.integers(1, 50), "turnover_max": st.floats(1, 1e6), "executions_max": st.integers(1, 50),
        "daily_loss_max": st.floats(0.1, 1e4), "drawdown_max": st.floats(0.01, 0.9), "leverage_max": st.floats(0.1, 50),
        "messages_per_s_max": st.integers(1, 100),
    },
)  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(st.lists(LIMIT, min_size=1, max_size=4))
def test_any_sequence_of_limits_leaves_exactly_the_last_and_replays(tmp_path_factory, sequence):
    session = made(tmp_path_factory.mktemp("swap") / "one.journal")
    session.command(Command.START, SECOND_NS)
    session.take(snapshot(SECOND_NS + 5, 100_000, 100_010))
    for k, limits in enumerate(sequence):
        rows = rows_of(k + 2, **limits)
        configure(session, rows, k + 2)
        moved(session, k + 2, 100_001 + k)
        for name in PLACES:
            assert session.machine.world.limits[name].tobytes() == rows[name].tobytes()
    agrees(session)


def test_every_field_of_the_limits_can_be_swapped_but_the_bound_of_what_a_number_holds():
    assert set(PLACES) == set(LIMITS.names) - {"value_bound"}
    assert len(PLACES) < 2**15
    assert NO_LIMIT == -1
