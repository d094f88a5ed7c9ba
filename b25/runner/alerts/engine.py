"""The state of every alert: inactive, pending, firing, resolved. It is told what happens and what time it is, and decides.

No clock, no database, no network: what it says is to be kept and sent is in `Told`, and who drives it does both in one
transaction (`b25.runner.alerts.service`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from b25.runner.alerts.metrics import Readings
from b25.runner.alerts.own_subjects import EVENTS, OWN
from b25.runner.alerts.rules import AlertRule, Severity
from b25.runner.alerts.wording import TEXT_MAX, digest_of, text_of

S: Final = 1_000_000_000
GROUP_NS: Final = 10 * S
GROUP_CRITICAL_NS: Final = 4 * S  # whoever must know within five seconds waits no ten for company
REPEAT_NS: Final = 12 * 3_600 * S  # of what somebody has acknowledged
ESCALATE_NS: Final = 15 * 60 * S
HOUR_NS: Final = 3_600 * S
INSTANCES_MAX: Final = 5_000
IDENTITY: Final = ("session", "symbol", "strategy", "component", "name", "process", "annotation_id")


class State(StrEnum):
    """How far an alert is."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Why(StrEnum):
    """Why somebody is told."""

    FIRING = "firing"
    REPEAT = "repeat"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(slots=True, kw_only=True)
class Alert:
    """One rule, at one source.

    Attributes
    ----------
    key : str
        Source and what it is about: ``"session/live-1|symbol=BTC/USDT:USDT"``.
    hold_until_ns : int
        Of what an event told: it is over then; 0 for a state, which says itself when it is over.
    notified_ns : int
        When somebody was told last, of this alert or the one before at the same key: the cooldown counts from here.
    is_told : bool
        Whether somebody was told of this one.
    """

    alert_id: str
    rule: str
    severity: Severity
    key: str
    text: str
    value: str = ""
    state: State = State.PENDING
    since_ns: int = 0
    seen_ns: int = 0
    hold_until_ns: int = 0
    fired_ns: int = 0
    resolved_ns: int = 0
    notified_ns: int = 0
    is_told: bool = False
    acknowledged_ns: int = 0
    acknowledged_by: str = ""
    escalated_ns: int = 0
    group: str = ""

    @property
    def source(self) -> str:
        """Whose it is."""
        return self.key.split("|")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Somebody's wish not to be told for a while; what is empty matches everything."""

    ends_ns: int
    rule: str = ""
    source: str = ""
    starts_ns: int = 0

    def covers(self, alert: Alert, now_ns: int) -> bool:
        """Whether an alert is silenced now."""
        inside = self.starts_ns <= now_ns < self.ends_ns
        return inside and self.rule in ("", alert.rule) and self.source in ("", alert.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One message to be: alerts that share it."""

    why: Why
    rule: AlertRule
    alerts: tuple[Alert, ...]
    at_ns: int
    is_folded: bool = False  # into the next digest


@dataclass(slots=True)
class Told:
    """What is to be kept and sent."""

    changed: list[Alert] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    known: set[int] = field(default_factory=set, repr=False)

    def add(self, alert: Alert) -> None:
        """Keep an alert, once."""
        if id(alert) not in self.known:
            self.known.add(id(alert))
            self.changed.append(alert)


class Engine:
    """All alerts of a set of rules.

    Parameters
    ----------
    rules : iterable of AlertRule
    """

    def __init__(self, rules: Iterable[AlertRule]) -> None:
        self.alerts: dict[tuple[str, str], Alert] = {}
        self.silences: tuple[Silence, ...] = ()
        self.now_ns = 0
        self.passed_over = 0  # alerts for which there was no room
        self._down: dict[str, set[tuple[str, str]]] = {}  # by source: inhibiting alerts that fire
        self._open: dict[str, tuple[int, list[tuple[Why, Alert]]]] = {}  # groups: until when, and what waits
        self._hours: dict[str, deque[int]] = {}
        self.use(rules)

    def use(self, rules: Iterable[AlertRule]) -> None:
        """Take other rules; alerts of rules that are gone end without a word at the next `tick`."""
        self.rules = {one.name: one for one in rules if one.enabled}
        self._down = {}
        for held in self.alerts.values():
            self._note_down(held)
        self.readings = Readings([one.read for one in self.rules.values() if one.read is not None])
        self._reading: dict[str, list[AlertRule]] = {}
        for one in self.rules.values():
            for name in one.subjects:
                self._reading.setdefault(name, []).append(one)

    @property
    def subjects(self) -> list[str]:
        """Declared subjects that its rules read."""
        return sorted(self._reading)

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Go on with what an earlier life kept: what fired fires on, and cooldowns go on."""
        for one in alerts:
            if one.rule in self.rules:
                self.alerts[one.rule, one.key] = one
                self._note_down(one)

    # -- what happens -----------------------------------------------------------------------------

    def observe(self, pattern: str, source: str, fields: Mapping[str, Any], now_ns: int, *, is_event: bool | None = None) -> Told:
        """Take a message.

        Parameters
        ----------
        pattern : str
            Declared subject.
        source : str
            Who says so, as on the envelope.
        is_event : bool, optional
            Whether it tells of something that happened, and not how something is.
        """
        told = Told()
        now_ns = self._now(now_ns)
        key = "|".join([source, *(f"{name}={fields[name]}" for name in IDENTITY if fields.get(name) not in (None, "", source))])
        if len(key) > TEXT_MAX:
            key = key[:TEXT_MAX]
        self.readings.take(pattern, key, fields, now_ns)
        momentary = pattern in EVENTS if is_event is None and pattern in OWN else bool(is_event)
        for rule in self._reading.get(pattern, []):
            if rule.read is not None:
                self._measure(rule, key, fields, now_ns, told)
            elif rule.condition.holds_in(fields):
                self._active(rule, key, fields, now_ns, told, momentary=momentary)
            elif not momentary:
                self._inactive(rule, key, now_ns, told)
        if pattern.startswith("health.") and fields.get("state") == "ended":
            self._ended(source, now_ns, told)
        return told

    def tick(self, now_ns: int) -> Told:
        """Let time pass: what must be said now, because of it."""
        told = Told()
        now_ns = self._now(now_ns)
        self._flush(now_ns, told)
        for rule in self.rules.values():
            if rule.read is not None and rule.read.is_timed:
                for key in self.readings.keys(rule.read):
                    self._measure(rule, key, {}, now_ns, told)
        for (name, _), alert in list(self.alerts.items()):
            found = self.rules.get(name)
            if found is None or (alert.hold_until_ns and now_ns >= alert.hold_until_ns and self._may_end(found, alert)):
                self._resolve(alert, now_ns, told, None)
            else:
                self._advance(found, alert, now_ns, told)
        self._forget(now_ns)
        return told

    def acknowledge(self, alert_id: str, by: str, now_ns: int) -> bool:
        """Somebody has seen it: no escalation, and repeated after twelve hours only."""
        for alert in self.alerts.values():
            if alert.alert_id == alert_id and not alert.acknowledged_ns:
                alert.acknowledged_ns, alert.acknowledged_by = self._now(now_ns), by
                return True
        return False

    # -- one alert --------------------------------------------------------------------------------

    def _measure(self, rule: AlertRule, key: str, fields: Mapping[str, Any], now_ns: int, told: Told) -> None:
        assert rule.read is not None
        value = self.readings.value(rule.read, key, now_ns)
        if value is None:
            return  # not known, which is neither good nor bad
        if rule.condition.holds_of(value):
            self._active(rule, key, {**fields, "value": f"{value:.6g}"}, now_ns, told, momentary=False)
        else:
            self._inactive(rule, key, now_ns, told)

    def _active(self, rule: AlertRule, key: str, fields: Mapping[str, Any], now_ns: int, told: Told, *, momentary: bool) -> None:
        alert = self.alerts.get((rule.name, key))
        if alert is None or alert.state is State.RESOLVED:
            if alert is None and len(self.alerts) >= INSTANCES_MAX:
                self.passed_over += 1  # who drives us says so
                return
            before = alert.notified_ns if alert is not None else 0
            name = f"{rule.name}~{now_ns:x}~{digest_of(key)}"  # fit for an address
            alert = self.alerts[rule.name, key] = Alert(
                alert_id=name, rule=rule.name, severity=rule.severity, key=key, text="", since_ns=now_ns, notified_ns=before
            )
            alert.group = "|".join([rule.name, *(str(fields.get(one, "")) for one in rule.group_by)])
        alert.seen_ns, alert.value = now_ns, str(fields.get("value", ""))[:100]
        alert.text = text_of(rule, key, fields)
        if momentary:
            alert.hold_until_ns = now_ns + int((rule.for_s or max(rule.cooldown_s, 1.0)) * S)
        self._advance(rule, alert, now_ns, told)

    def _inactive(self, rule: AlertRule, key: str, now_ns: int, told: Told) -> None:
        alert = self.alerts.get((rule.name, key))
        if alert is not None and alert.state is not State.RESOLVED:
            self._resolve(alert, now_ns, told, rule)

    def _advance(self, rule: AlertRule, alert: Alert, now_ns: int, told: Told) -> None:
        if alert.state is State.PENDING and now_ns - alert.since_ns >= int(rule.for_s * S):
            alert.state, alert.fired_ns = State.FIRING, now_ns
            self._note_down(alert)
            told.add(alert)
        if alert.state is not State.FIRING or self.hidden(alert, now_ns):
            return
        wait_ns = max(int(rule.cooldown_s * S), REPEAT_NS if alert.acknowledged_ns else 0)
        is_new = not alert.hold_until_ns or alert.seen_ns > alert.notified_ns or not alert.is_told
        if is_new and (not alert.notified_ns or now_ns - alert.notified_ns >= wait_ns):
            why = Why.REPEAT if alert.is_told else Why.FIRING
            alert.notified_ns, alert.is_told = now_ns, True
            self._say(why, alert, now_ns, told)
        late = rule.severity is not Severity.INFO and now_ns - alert.fired_ns >= ESCALATE_NS
        if late and alert.is_told and not alert.acknowledged_ns and not alert.escalated_ns:
            alert.escalated_ns = now_ns
            told.add(alert)
            told.batches.append(Batch(why=Why.ESCALATED, rule=rule, alerts=(alert,), at_ns=now_ns))

    def _resolve(self, alert: Alert, now_ns: int, told: Told, rule: AlertRule | None) -> None:
        """End an alert; of a state that is over everybody is told who was told of its beginning."""
        if alert.state is State.RESOLVED:
            return
        if alert.state is State.PENDING:
            if alert.notified_ns:  # its cooldown goes on
                alert.state, alert.resolved_ns = State.RESOLVED, now_ns
            else:
                del self.alerts[alert.rule, alert.key]
            return
        alert.state, alert.resolved_ns = State.RESOLVED, now_ns
        self._note_down(alert)
        told.add(alert)
        if rule is not None and alert.is_told and not self.hidden(alert, now_ns):
            self._say(Why.RESOLVED, alert, now_ns, told)

    def _may_end(self, rule: AlertRule, alert: Alert) -> bool:
        """What happened and is critical stays until somebody has seen it."""
        return not rule.critical or alert.state is State.PENDING or bool(alert.acknowledged_ns)

    def hidden(self, alert: Alert, now_ns: int) -> bool:
        """Whether nobody is told now: silenced, or what it is a part of is down."""
        if any(one.covers(alert, now_ns) for one in self.silences):
            return True
        rule = self.rules.get(alert.rule)
        return bool(self._down.get(alert.source)) and rule is not None and not rule.inhibits

    def _note_down(self, alert: Alert) -> None:
        """Keep in mind what is down, whose other alerts are not told."""
        rule = self.rules.get(alert.rule)
        if rule is None or not rule.inhibits:
            return
        held = self._down.setdefault(alert.source, set())
        (held.add if alert.state is State.FIRING else held.discard)((alert.rule, alert.key))
        if not held:
            del self._down[alert.source]

    def _ended(self, source: str, now_ns: int, told: Told) -> None:
        """A source has ended in order: what was said of it is over, and its silence is no alarm."""
        self.readings.forget(source)
        for alert in list(self.alerts.values()):
            if alert.source == source and not alert.hold_until_ns:
                self._resolve(alert, now_ns, told, self.rules.get(alert.rule))

    # -- one message ------------------------------------------------------------------------------

    def _say(self, why: Why, alert: Alert, now_ns: int, told: Told) -> None:
        until_ns, waiting = self._open.get(alert.group, (0, []))
        waiting.append((why, alert))
        if now_ns < until_ns:
            self._open[alert.group] = (until_ns, waiting)
        else:
            self._emit(alert.group, waiting, now_ns, told)

    def _flush(self, now_ns: int, told: Told) -> None:
        for group, (until_ns, waiting) in list(self._open.items()):
            if now_ns >= until_ns and waiting:
                self._emit(group, waiting, now_ns, told)
            elif now_ns >= until_ns:
                del self._open[group]

    def _emit(self, group: str, waiting: list[tuple[Why, Alert]], now_ns: int, told: Told) -> None:
        """Say everything that waits in a group: what begins or goes on in one message, what is over in another."""
        rule = self.rules.get(waiting[0][1].rule)
        if rule is None:
            del self._open[group]
            return
        self._open[group] = (now_ns + (GROUP_CRITICAL_NS if rule.critical else GROUP_NS), [])
        over = [one for why, one in waiting if why is Why.RESOLVED]
        if going := [(why, one) for why, one in waiting if why is not Why.RESOLVED]:
            why = Why.REPEAT if all(why is Why.REPEAT for why, _ in going) else Why.FIRING
            for _, one in going:
                one.notified_ns = now_ns  # it waited for company: its cooldown begins now
            self._batch(why, rule, [one for _, one in going], now_ns, told)
        if over:
            self._batch(Why.RESOLVED, rule, over, now_ns, told)

    def _batch(self, why: Why, rule: AlertRule, alerts: list[Alert], now_ns: int, told: Told) -> None:
        hour = self._hours.setdefault(rule.name, deque())
        while hour and now_ns - hour[0] >= HOUR_NS:
            hour.popleft()
        is_folded = not rule.critical and len(hour) >= rule.max_per_hour
        if not is_folded:
            hour.append(now_ns)
        for one in alerts:
            told.add(one)
        unique = {one.alert_id: one for one in alerts}
        told.batches.append(Batch(why=why, rule=rule, alerts=tuple(unique.values()), at_ns=now_ns, is_folded=is_folded))

    def _forget(self, now_ns: int) -> None:
        """Let go of what is over and whose cooldown is too."""
        for at, alert in list(self.alerts.items()):
            rule = self.rules.get(alert.rule)
            cooldown_ns = int(rule.cooldown_s * S) if rule is not None else 0
            if alert.state is State.RESOLVED and now_ns - max(alert.notified_ns, alert.resolved_ns) >= cooldown_ns:
                del self.alerts[at]

    def _now(self, now_ns: int) -> int:
        self.now_ns = max(self.now_ns, now_ns)  # a clock that was set back stops here for a while, and goes on
        return self.now_ns
