"""A session's state in words: what a person is shown of a world, of an event, of an effect."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from b25.engine.apply_bar import HALF, LOW_HALF
from b25.model import event as kinds
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.instrument import Instrument
from b25.model.order import AMEND, CANCEL, SUBMIT, Reason, State
from b25.risk.status import risk_status
from b25.session.commands import Command
from b25.session.machine import Machine
from b25.session.session import working_orders

EFFECT_NAMES: Final = {SUBMIT: "submit", CANCEL: "cancel", AMEND: "amend"}
EVENT_KINDS: Final = (
    "DEPTH TRADE CLEAR SNAPSHOT BBO GAP BAR FUNDING MARK TIMER COMMAND ORDER_ACCEPTED ORDER_REJECTED ORDER_EXPIRED "
    "ORDER_CANCELLED ORDER_REPLACED ORDER_FILLED CANCEL_REJECTED REPLACE_REJECTED ORDER_TRIGGERED"
).split()
EVENT_NAMES: Final = {getattr(kinds, name): name.lower() for name in EVENT_KINDS}


def picture_of(machine: Machine) -> dict[str, Any]:
    """Touch, positions, working orders and the strategy's fields, in whole numbers as they stand."""
    world = machine.world
    record = machine.record[0]
    markets = []
    for i, one in enumerate(machine.instruments):
        book, position = world.books[i], world.positions[i]
        bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
        markets.append(
            {
                "symbol": one.symbol,
                "bid": str(one.price(bid)) if bid != NO_BID_TICKS else None,
                "ask": str(one.price(ask)) if ask != NO_ASK_TICKS else None,
                "health": int(book["health"]),
                "position": str(one.quantity(int(position["position_lots"]))),
                "profit": profit_of(machine, i),
                **{name: int(position[name]) for name in ("cash", "realised", "fees", "fees_e8", "funding", "fills")},
            }
        )
    return {
        "seq": machine.seq,
        "now_ns": machine.now_ns,
        "instruments": markets,
        "orders": [row_facts(row, machine.instruments) for row in working_orders(machine)],
        "risk": risk_facts(machine),
        "strategy": {name: _plain(record[name]) for name in [*machine.cls.params, *machine.cls.state]},
    }


def risk_facts(machine: Machine) -> dict[str, Any]:
    """The gate in words: its state, its latches, what is near its limit, and the limits that it judges by."""
    world = machine.world
    found = risk_status(world.risk, world.limits)
    watched = bool(world.context["guarded"][0])
    return {
        "state": found.state,
        "latched": [one.name.lower() for one in found.latched],
        "latched_ns": found.latched_ns,
        "warnings": [str(one) for one in found.warnings],
        "equity": found.equity if watched else None,
        "peak": found.peak if watched else None,
        "limits_version": found.limits_version,
        "limits_hash": f"{int(world.limits['hash'][0]) & (2**64 - 1):016x}",
        "refused": int(machine.head["refused"]),
    }


def profit_of(machine: Machine, i: int) -> float | None:
    """What one instrument has earned, at the mid, in its settlement currency; None while something held has no mid."""
    one, position, book = machine.instruments[i], machine.world.positions[i], machine.world.books[i]
    held = int(position["position_lots"])
    bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
    if held and (bid == NO_BID_TICKS or ask == NO_ASK_TICKS):
        return None
    worth = 0.0
    if held:
        worth = -held * one.inverse_num * 2 / (bid + ask) if one.inverse else held * (bid + ask) / 2
    flows = int(position["funding"]) + int(position["insurance"]) - int(position["borrow"])
    fees = int(position["fees"]) + int(position["fees_e8"]) / 1e8
    return float((int(position["cash"]) + worth + flows - fees) * float(one.money_unit))


def event_facts(event: Any, instruments: Sequence[Instrument]) -> dict[str, Any]:
    """An event in words."""
    if event is None:
        return {}
    facts = row_facts(event, instruments)
    facts["kind"] = EVENT_NAMES.get(int(event["kind"]), str(event["kind"]))
    if event["kind"] == kinds.COMMAND:
        facts["command"] = Command(int(event["status"])).name.lower()
    if event["kind"] == kinds.BAR:
        return _bar_facts(event, instruments)
    return facts


def _bar_facts(event: Any, instruments: Sequence[Instrument]) -> dict[str, Any]:
    """A bar in words; see engine/apply_bar.py for how an event holds one."""
    one = instruments[int(event["instrument"])]
    pairs = {"open": event["price_ticks"] >> HALF, "high": event["amount"] >> HALF, "low": event["amount"] & LOW_HALF}
    prices = {name: str(one.price(int(ticks))) for name, ticks in pairs.items()}
    return {
        "kind": "bar",
        "symbol": one.symbol,
        "timeframe": int(event["status"]),
        "opened_ns": int(event["exch_ns"]),
        "closed_ns": int(event["seq"]),
        "local_ns": int(event["local_ns"]),
        **prices,
        "close": str(one.price(int(event["price_ticks"] & LOW_HALF))),
        "volume": str(one.quantity(int(event["qty_lots"]))),
    }


def row_facts(row: Any, instruments: Sequence[Instrument]) -> dict[str, Any]:
    """A record's fields that are not zero, with prices and quantities in the instrument's units beside their ticks and lots."""
    names = [name for name in row.dtype.names if name not in ("pad", "next", "prev")]
    facts: dict[str, Any] = {name: _plain(row[name]) for name in names if np.any(row[name] != 0)}
    if "instrument" in names and int(row["instrument"]) < len(instruments):
        one = instruments[int(row["instrument"])]
        facts["symbol"] = one.symbol
        for told, unit in (("price_ticks", "price"), ("stop_ticks", "stop")):
            if told in facts:
                facts[unit] = str(one.price(facts[told]))
        if "qty_lots" in facts:
            facts["quantity"] = str(one.quantity(facts["qty_lots"]))
    if "request_id" in names and "state" not in names and "kind" in facts:
        facts["kind"] = EFFECT_NAMES.get(facts["kind"], facts["kind"])
    if facts.get("reason"):
        facts["reason"] = Reason(facts["reason"]).name.lower()
    if "state" in names:
        facts["state"] = State(int(row["state"])).name.lower()
    return facts


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else np.asarray(value).tolist()
