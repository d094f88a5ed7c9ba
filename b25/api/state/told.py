"""What a message of the bus means for the state: which entry of which channel it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from b25.api.state.state import State
from b25.bus import bodies
from b25.bus.message import Message
from b25.bus.subjects import symbol_token
from b25.execution.orders.states import TERMINAL

PRINTS_KEPT: Final = 50
BARS_KEPT: Final = 120
ENDED: Final = frozenset(map(str, TERMINAL))


def take(state: State, name: str, message: Message) -> None:
    """Put a message into the state.

    Parameters
    ----------
    state : State
    name : str
        Full subject.
    message : Message
    """
    put = PUTS.get(type(message.body))
    if put is not None:
        with state.lock:
            put(state, name, message)


def _put(state: State, channel: str, key: str, message: Message, fields: dict[str, Any], *, is_done: bool = False) -> None:
    source, account = message.source, message.account
    state.put(channel, key, fields, time_ns=message.event_ns, source=source, account=account, is_done=is_done)


def _part(state: State, channel: str, key: str, message: Message, part: str, fields: dict[str, Any], **more: Any) -> None:
    """Set one part of an entry, with its own time: the others may be older."""
    told = {part: fields | {"time_ns": message.event_ns}} | more
    state.merge(channel, key, told, time_ns=message.event_ns, source=message.source, account=message.account)


def _is_late(state: State, channel: str, key: str, message: Message) -> bool:
    """Whether another source has told something newer; two sessions may watch one market."""
    old = state.get(channel, key)
    return old is not None and not old["is_stale"] and old["source"] != message.source and old["time_ns"] > message.event_ns


def _ticker(state: State, name: str, message: Message) -> None:
    key = symbol_token(message.body.symbol)
    if not _is_late(state, "market_data", key, message):
        _put(state, "market_data", key, message, asdict(message.body))


def _book(state: State, name: str, message: Message) -> None:
    key = symbol_token(message.body.symbol)
    if not _is_late(state, "orderbook", key, message):
        _put(state, "orderbook", key, message, asdict(message.body))


def _prints(state: State, name: str, message: Message) -> None:
    """Add public trades, numbered so that a client can tell their order: of several at one time, too."""
    body: bodies.Prints = message.body
    key = symbol_token(body.symbol)
    old = state.get("trades", key)
    if old is not None and old["source"] != message.source and not old["is_stale"]:
        return  # another session tells this market's trades; told by both they would be there twice
    kept: dict[str, Any] = dict(old["prints"]) if old is not None and old["source"] == message.source else {}
    number = int(next(reversed(kept), "0"))
    for one in body.prints:
        number += 1
        kept[f"{number:012d}"] = asdict(one)
    kept = dict(list(kept.items())[-PRINTS_KEPT:])
    _put(state, "trades", key, message, {"symbol": body.symbol, "prints": kept, "left_out": body.left_out})


def _candle(state: State, name: str, message: Message) -> None:
    body: bodies.Candle = message.body
    key = symbol_token(body.symbol)
    old = state.get("candles", key)
    if old is not None and old["source"] != message.source and not old["is_stale"]:
        return
    bars: dict[str, Any] = dict(old["bars"]) if old is not None else {}
    bars[str(body.open_ns)] = {one: value for one, value in asdict(body).items() if one not in ("symbol", "open_ns")}
    bars = dict(sorted(bars.items())[-BARS_KEPT:])
    _put(state, "candles", key, message, {"symbol": body.symbol, "bars": bars})


def _signal(state: State, name: str, message: Message) -> None:
    key = f"{message.event_ns}-{message.source}-{message.seq}"
    _put(state, "signals", key, message, asdict(message.body), is_done=True)


def _order(state: State, name: str, message: Message) -> None:
    body: bodies.OrderChange = message.body
    fields = asdict(body) | {"changed_ns": message.receive_ns}
    put_order(state, fields, time_ns=message.event_ns, source=message.source, account=message.account)


def put_order(state: State, fields: dict[str, Any], *, time_ns: int, source: str, account: str) -> None:
    """Set an order, unless a later change of it is there already: the store may have told it before the bus does."""
    old = state.get("orders", fields["client_id"])
    if old is None or old["changed_ns"] <= fields["changed_ns"]:
        is_done = fields["status"] in ENDED
        state.put("orders", fields["client_id"], fields, time_ns=time_ns, source=source, account=account, is_done=is_done)


def _fill(state: State, name: str, message: Message) -> None:
    put_fill(state, asdict(message.body), time_ns=message.event_ns, source=message.source, account=message.account)


def put_fill(state: State, fields: dict[str, Any], *, time_ns: int, source: str, account: str) -> None:
    """Set a fill: the same one, however often it is told, is one entry."""
    key = f"{fields['venue']}/{account}/{symbol_token(fields['symbol'])}/{fields['trade_id']}"
    old = state.get("fills", key)
    if old is None or old["is_synthetic"]:
        state.put("fills", key, fields, time_ns=time_ns, source=source, account=account, is_done=True)


def _balance(state: State, name: str, message: Message) -> None:
    fields = asdict(message.body)
    _part(state, "account", message.body.session, message, "balance", fields, session=message.body.session)


def _profit(state: State, name: str, message: Message) -> None:
    fields = asdict(message.body)
    _part(state, "account", message.body.session, message, "pnl", fields, session=message.body.session)


def _holdings(state: State, name: str, message: Message) -> None:
    """Set every position of a session; one that it does not tell any more is there no more."""
    body: bodies.Holdings = message.body
    told = {}
    for one in body.positions:
        key = f"{body.session}/{symbol_token(one.symbol)}"
        told[key] = asdict(one) | {"session": body.session}
    for key, entry in state.entries("positions").items():
        if entry.get("session") == body.session and key not in told:
            state.remove("positions", key)
    for key, fields in told.items():
        _put(state, "positions", key, message, fields)


def _metrics(state: State, name: str, message: Message) -> None:
    _part(state, "risk", message.body.session, message, "metrics", asdict(message.body), session=message.body.session)


def _violation(state: State, name: str, message: Message) -> None:
    body: bodies.RiskViolation = message.body
    old = state.get("risk", body.session) or {}
    violations = dict(old.get("violations", {})) | {body.rule: asdict(body) | {"time_ns": message.event_ns}}
    more = {"violations": violations, "session": body.session}
    state.merge("risk", body.session, more, time_ns=message.event_ns, source=message.source, account=message.account)


def _risk_alert(state: State, name: str, message: Message) -> None:
    _part(state, "risk", message.body.session, message, "alert", asdict(message.body), session=message.body.session)


def _emergency(state: State, name: str, message: Message) -> None:
    _part(state, "risk", message.body.session, message, "emergency", asdict(message.body), session=message.body.session)


def _parameter(state: State, name: str, message: Message) -> None:
    body: bodies.ParameterChange = message.body
    old = state.get("sessions", body.session) or {}
    changed = dict(old.get("changed", {})) | {body.name: {"old": body.old, "new": body.new, "time_ns": message.event_ns}}
    changed = dict(list(changed.items())[-BARS_KEPT:])
    more = {"changed": changed, "session": body.session}
    state.merge("sessions", body.session, more, time_ns=message.event_ns, source=message.source, account=message.account)


def _configured(state: State, name: str, message: Message) -> None:
    """Tell which version of a configuration a session runs."""
    body: bodies.ConfigAck = message.body
    old = state.get("sessions", body.session) or {}
    known = dict(old.get("configured", {})) | {body.key: asdict(body) | {"time_ns": message.event_ns}}
    more = {"configured": dict(list(known.items())[-BARS_KEPT:]), "session": body.session}
    state.merge("sessions", body.session, more, time_ns=message.event_ns, source=message.source, account=message.account)


def _alert_state(state: State, name: str, message: Message) -> None:
    body: bodies.AlertState = message.body
    _put(state, "alerts", body.alert_id, message, asdict(body), is_done=bool(body.resolved_ns))


def _annotation(state: State, name: str, message: Message) -> None:
    _put(state, "annotations", message.body.annotation_id, message, asdict(message.body))


def _alert(state: State, name: str, message: Message) -> None:
    fields = asdict(message.body) | {"severity": name.rpartition(".")[2]}
    key = f"{message.source}-{message.event_ns}-{message.seq}".replace("/", "-")
    _put(state, "alerts", key, message, fields, is_done=True)


def _health(state: State, name: str, message: Message) -> None:
    """Tell how a component is; of a session, also which strategy it runs."""
    body: bodies.Health = message.body
    fields = asdict(body)
    _put(state, "system_health", name.rpartition(".")[2], message, fields)
    component, _, session = body.component.partition("/")
    if component != "session" or not session:
        return
    more = {"session": session, "mode": body.mode, "strategy": body.strategy}
    _part(state, "sessions", session, message, "health", fields, **more)
    if body.strategy is not None:
        _part(state, "strategies", f"{body.strategy}/{session}", message, "health", fields, **more)
    if body.state in ("ended", "halted"):
        state.mark_stale(message.source)


PUTS: Final[dict[type, Callable[[State, str, Message], None]]] = {
    bodies.Ticker: _ticker, bodies.OrderBook: _book, bodies.Prints: _prints, bodies.Candle: _candle, bodies.Signal: _signal,
    bodies.OrderChange: _order, bodies.Fill: _fill, bodies.Balance: _balance, bodies.ProfitAndLoss: _profit,
    bodies.Holdings: _holdings, bodies.RiskMetrics: _metrics, bodies.RiskViolation: _violation, bodies.RiskAlert: _risk_alert,
    bodies.RiskEmergency: _emergency, bodies.ParameterChange: _parameter, bodies.Alert: _alert, bodies.Health: _health,
    bodies.ConfigAck: _configured, bodies.AlertState: _alert_state, bodies.AnnotationChange: _annotation,
}  # fmt: skip
