"""Messages of the bus as events of analytics: their names, whose they are, and the price that held when they happened."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Final

import orjson

from b25.analytics.events.event import FILL, DomainEvent, checked
from b25.analytics.events.order_fold import text
from b25.bus.message import Message, decoded
from b25.bus.subjects import subject_of
from b25.model.errors import B25Error, Misuse
from b25.store.dead_letters import settle, waiting_letter
from b25.store.event_log import EventLog, Letter

TYPES: Final = {
    "signals.{strategy}": "signal.generated", "fills.{symbol}": FILL, "risk.violation": "risk.violation",
    "risk.alert": "risk.alert", "risk.emergency": "risk.emergency", "config.updates.{type}": "config.updated",
    "config.acks.{session}": "config.acknowledged", "config.parameters.{session}": "config.parameter_set",
    "alerts.{severity}": "alert.triggered", "health.{component}": "health.changed",
    **{f"orders.{what}.{{symbol}}": f"order.{what}" for what in ("created", "updated", "filled", "canceled", "rejected")},
}  # fmt: skip
MID_AGE_NS: Final = 5 * 10**9
MIDS_KEPT: Final = 1_000
TEXT_LENGTH_MAX: Final = 250  # of a platform's own text: at four bytes a character it is within a property's limit


@dataclass(slots=True)
class Mids:
    """Mid prices of the last minutes, by who told them and symbol."""

    known: dict[tuple[str, str], deque[tuple[int, str]]] = field(default_factory=dict)

    def note(self, source: str, symbol: str, time_ns: int, bid: str, ask: str) -> None:
        """Take a touch."""
        mid = text((Decimal(bid) + Decimal(ask)) / 2)
        self.known.setdefault((source, symbol), deque(maxlen=MIDS_KEPT)).append((time_ns, mid))

    def at(self, source: str, symbol: str, time_ns: int) -> str | None:
        """Return the mid that held at a time; None when none was told within five seconds before it."""
        for told_ns, mid in reversed(self.known.get((source, symbol), ())):
            if told_ns <= time_ns:
                return mid if time_ns - told_ns <= MID_AGE_NS else None
        return None


def event_of(name: str, message: Message, message_id: str, mids: Mids) -> DomainEvent:
    """Return the event that a message tells.

    Parameters
    ----------
    name : str
        The full subject.
    message_id : str
        Under which the server keeps it; empty for what only the newest counts of, which has none.
    """
    kind = TYPES.get(subject_of(name).pattern)
    if kind is None:
        raise Misuse(f"{name} tells no event", remedy="see TYPES of b25/runner/analytics_events.py")
    facts: dict[str, Any] = {word: _short(value) for word, value in asdict(message.body).items()}
    facts.pop("value", None)  # of a configuration: a whole document, which its own table has
    facts["receive_ns"] = message.receive_ns
    if kind == "alert.triggered":
        facts["severity"] = name.partition(".")[2]
    symbol = str(facts.get("symbol") or "")
    if kind in (FILL, "order.created"):
        moment = message.event_ns if kind == FILL else message.receive_ns
        facts["mid"] = mids.at(message.source, symbol, moment)
    event = DomainEvent(
        id=message_id or f"{message.source}/{name}/{message.seq}/{message.event_ns}", type=kind, time_ns=message.event_ns,
        principal=str(facts.get("by") or ""), account=message.account,
        session=str(facts.get("session") or message.source.partition("/")[2]), strategy=str(facts.get("strategy") or ""),
        symbol=symbol, source=message.source, properties=facts,
    )  # fmt: skip
    return checked(event)


def _short(value: Any) -> Any:
    return value[: TEXT_LENGTH_MAX - 1] + "…" if isinstance(value, str) and len(value) > TEXT_LENGTH_MAX else value


def read(name: str, message_id: str, payload: bytes, mids: Mids) -> DomainEvent:
    """Return the event in a message as it came, or in a dead letter. Raises B25Error for one that cannot be read."""
    if name == "event":
        try:
            return checked(DomainEvent(**orjson.loads(payload)))
        except (TypeError, ValueError) as fault:
            raise Misuse(f"no event: {fault}", remedy="drop it") from None
    kind = subject_of(name)
    return event_of(name, decoded(payload, kind.body, kind.version, name), message_id, mids)


def letter(name: str, message_id: str, payload: bytes, fault: B25Error) -> Letter:
    """A dead letter of what could not be read."""
    return Letter(subject=name, id=message_id, payload=payload, reason=fault.what)


def replay(log: EventLog, number: int) -> bool:
    """Read a dead letter again, as after an update; return whether it was stored now, or had been.

    Raises
    ------
    Misuse
        When there is no such letter that waits.
    """
    row = waiting_letter(log.store, number)
    try:
        event = read(row.subject, row.id, bytes(row.payload), Mids())
    except B25Error as fault:
        settle(log.store, number, None, now_ns=log.now_ns(), reason=fault.what)
        return False
    added = log.add([event])
    if added.dead:
        settle(log.store, number, None, now_ns=log.now_ns(), reason="the database did not take it; see the newest letter")
        return False
    settle(log.store, number, "replayed", now_ns=log.now_ns())
    return True
