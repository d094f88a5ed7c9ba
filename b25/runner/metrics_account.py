"""Orders, risk and money of a session as metrics. What is not known is not told."""

from __future__ import annotations

import math
import time
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from b25.execution.orders.states import OrderState
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.risk import Control
from b25.observe.meter import Meter
from b25.session.desk_gateway import DeskGateway
from b25.session.picture import profit_of

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop
    from b25.session.machine import Machine


def read_worth(machine: Machine, meter: Meter) -> None:
    """Tell of the session's own account and of its gate."""
    door, world = machine.door, machine.world
    each = range(len(machine.instruments))
    equity = float(door.equity())
    meter.set("b25_account_equity_quote", equity)
    meter.set("b25_account_realised_quote", sum(float(door.realized(i)) for i in each))
    meter.set("b25_account_unrealised_quote", sum(float(door.unrealized(i)) for i in each))
    meter.set("b25_account_fees_quote", sum(float(door.fees(i)) for i in each))
    gross = 0.0
    for i, one in enumerate(machine.instruments):
        held, position = world.positions[i], float(door.position(i))
        meter.set("b25_account_position_base", position, symbol=one.symbol)
        meter.set("b25_account_profit_quote", profit_of(machine, i), symbol=one.symbol)
        meter.total("b25_order_fills_total", int(held["fills"]), symbol=one.symbol)
        traded = int(held["maker_lots"]) + int(held["taker_lots"])
        meter.set("b25_order_maker_ratio", int(held["maker_lots"]) / traded if traded else None, symbol=one.symbol)
        gross += abs(_worth(machine, i, position)) if position else 0.0
    meter.set("b25_account_gross_quote", gross)
    meter.set("b25_account_leverage_ratio", gross / equity if equity > 0 else None)
    _read_gate(world.risk[0], bool(world.context["guarded"][0]), meter)


def _worth(machine: Machine, i: int, quantity: float) -> float:
    book, one = machine.world.books[i], machine.instruments[i]
    if int(book["best_bid_ticks"]) == NO_BID_TICKS or int(book["best_ask_ticks"]) == NO_ASK_TICKS:
        return math.nan
    mid, size = float(machine.door.mid(i)), float(one.contract_size)
    return quantity * (size / mid if one.inverse else mid * size)


def _read_gate(risk: Any, is_watched: bool, meter: Meter) -> None:
    meter.set("b25_risk_gate_state", int(risk["state"]))
    meter.set("b25_risk_latched", int(risk["latched"]).bit_count())
    for control in Control:
        if (used := float(risk["used"][control])) > 0 and math.isfinite(used):
            meter.set("b25_risk_limit_used_ratio", used, control=control.name.lower())
    peak, equity, day = float(risk["peak"]), float(risk["equity"]), float(risk["day_equity"])
    known = is_watched and int(risk["day"]) >= 0
    meter.set("b25_risk_drawdown_ratio", (peak - equity) / peak if known and peak > 0 else None)
    meter.set("b25_risk_daily_loss_quote", day - equity if known else None)


def read_desk(loop: LiveLoop, meter: Meter) -> None:
    """Tell of the order desk of a live session; one on paper has none."""
    gateway = loop.gateway
    if not isinstance(gateway, DeskGateway) or not hasattr(gateway, "desk"):
        return
    desk = gateway.desk
    now_ns, orders = time.time_ns(), list(desk.manager.orders.values())
    states = Counter(order.state for order in orders)
    for state in OrderState:
        meter.set("b25_order_states", states.get(state, 0), status=state.value.lower())
    ages = [now_ns - order.changed_ns for order in orders if order.in_doubt and order.changed_ns]
    meter.set("b25_order_unknown_age_seconds", max(ages, default=0) / 1e9)
    meter.set("b25_order_holds", sum(1 for causes in desk.manager.holds.values() if causes))
    meter.set("b25_order_store_up", desk.hands.store_fault is None)
    meter.set("b25_order_stream_losses", desk.stream.losses)
    meter.set("b25_order_clock_offset_seconds", desk.time.offset_ms / 1e3 if desk.time.is_known else None)
    limiter = getattr(desk.port, "limiter", None)
    if limiter is None:
        return
    now_ns, name = time.monotonic_ns(), str(desk.port.name)
    windows = [window for family in limiter.families.values() for window in (family.weight, *family.orders)]
    free = min((1.0 - window.used(now_ns) / window.limit for window in windows if window.limit > 0), default=math.nan)
    meter.set("b25_order_limiter_free_ratio", max(0.0, free) if free == free else None, exchange=name)
    meter.set("b25_order_limiter_halted", limiter.halted, exchange=name)


def read_account(loop: LiveLoop, meter: Meter) -> None:
    """Tell of the account that a live session sends for."""
    watch = loop.account
    if watch is None or watch.statement is None:
        return
    statement, book, last = watch.statement, watch.book, watch.check.last
    equity, gross = _number(statement.equity), _number(statement.gross)
    meter.set("b25_account_equity_quote", equity)
    meter.set("b25_account_gross_quote", gross)
    meter.set("b25_account_leverage_ratio", gross / equity if gross is not None and equity else None)
    meter.set("b25_account_margin_usage_ratio", statement.margin.usage)
    meter.set("b25_account_margin_cushion_ratio", statement.margin.cushion)
    age_s = (book.now_ns() - book.reconciled_ns) / 1e9 if book.reconciled_ns else None
    meter.set("b25_account_reconciled_age_seconds", age_s)
    meter.set("b25_account_differences", len(last.differences) if last is not None and last.is_compared else None)
    meter.set("b25_account_policies_broken", sum(1 for one in watch.verdicts if not one.holds))
    meter.set("b25_account_alerts_open", sum(1 for _ in book.alerts.open()))


def _number(value: Fraction | None) -> float | None:
    return float(value) if value is not None else None
