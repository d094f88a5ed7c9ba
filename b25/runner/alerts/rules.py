"""What is watched and who is told: rules and channels as configuration says them, checked when they are read."""

from __future__ import annotations

import operator
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from b25.model.errors import Misuse
from b25.runner.alerts.metrics import Metric, fields_of, number, parse_metric

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
OPS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
EVENT_OPS: Final = (*OPS, "in", "contains", "any")
CHANNEL_KINDS: Final = ("log", "mail", "slack", "telegram", "webhook", "apprise")
WORDS: Final = {"rule", "about", "value", "severity"}  # of a rule's text, beside the fields of what it reads


class Severity(StrEnum):
    """How urgent."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """When a rule holds.

    Attributes
    ----------
    op : str
        Of a metric one of ``> >= < <= == !=``; of an event also ``in``, ``contains``, and ``any`` for whatever comes.
    threshold : float
        Of a metric.
    field, value : str, any
        Of an event: which field of the message is compared, and with what.
    """

    op: str
    threshold: float = 0.0
    field: str = ""
    value: Any = None

    def holds_of(self, value: float) -> bool:
        """Whether it holds of a metric's value."""
        return OPS[self.op](value, self.threshold)

    def holds_in(self, fields: Mapping[str, Any]) -> bool:
        """Whether it holds of a message."""
        if self.op == "any":
            return True
        held = fields.get(self.field)
        if self.op == "in":
            return held in self.value
        if self.op == "contains":
            return isinstance(held, str | list | tuple) and self.value in held
        if self.op in ("==", "!="):
            return OPS[self.op](_plain(held), _plain(self.value))
        left, right = number(held), number(self.value)
        return left is not None and right is not None and OPS[self.op](left, right)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """One thing to watch.

    Attributes
    ----------
    source : str
        ``"metric"`` or ``"event"``.
    metric, subject : str
        A metric as `b25.runner.alerts.metrics` says; or the declared subject of the events.
    for_s : float
        How long it must hold before anybody is told.
    channels : tuple of str
        Who is told; empty for every channel that wants this severity.
    cooldown_s : float
        The same alert is told once in so long.
    max_per_hour : int
        Messages of this rule; what is more is folded into a digest. It never holds back what is critical.
    group_by : tuple of str
        Fields: alerts of this rule that agree in them share a message within ten seconds.
    quiet_hours_bypass : bool
        Whether it is told in quiet hours; what is critical always is.
    inhibits : bool
        While it fires, other alerts of the same source are not told.
    text : str
        What is said, with fields in braces; a field that is not there is refused when the rule is read.
    runbook : str
        Where it stands what to do.
    """

    name: str
    source: str
    condition: Condition
    metric: str = ""
    subject: str = ""
    for_s: float = 0.0
    severity: Severity = Severity.WARNING
    channels: tuple[str, ...] = ()
    cooldown_s: float = 300.0
    max_per_hour: int = 12
    group_by: tuple[str, ...] = ()
    quiet_hours_bypass: bool = False
    enabled: bool = True
    inhibits: bool = False
    text: str = ""
    runbook: str = ""
    read: Metric | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(bool(NAME.fullmatch(self.name)), f"{self.name!r} names no rule", "use letters, digits, -, _ and ., at most 64")
        where = f"rule {self.name}"
        _check(self.source in ("metric", "event"), f"{where}: source {self.source!r}", "use metric or event")
        ops = OPS if self.source == "metric" else EVENT_OPS
        _check(self.condition.op in ops, f"{where}: op {self.condition.op!r}", f"use one of {', '.join(ops)}")
        for name in ("for_s", "cooldown_s", "max_per_hour"):
            told = getattr(self, name)
            _check(0 <= told <= 604_800, f"{where}: {name} is {told}", "give a number from 0 to a week's seconds")
        if self.source == "metric":
            object.__setattr__(self, "read", parse_metric(self.metric))
            known = set().union(*(fields_of(subject) for subject, _ in self.read.names)) if self.read is not None else set()
        else:
            known = fields_of(self.subject)
            if self.condition.op != "any":
                ours = self.condition.field
                _check(ours in known, f"{where}: {self.subject} has no field {ours!r}", f"use {', '.join(sorted(known))}")
        value, op = self.condition.value, self.condition.op
        _check(op != "in" or isinstance(value, list | tuple), f"{where}: in {value!r}", "give a list of values")
        _check(op != "contains" or isinstance(value, str), f"{where}: contains {value!r}", "give a text")
        wrong = [name for name in _names_in(self.text, where) if name not in known | WORDS]
        _check(not wrong, f"{where}: its text needs {{{', '.join(wrong)}}}", f"use {', '.join(sorted(known | WORDS))}")

    @property
    def subjects(self) -> tuple[str, ...]:
        """Declared subjects that it reads."""
        return tuple(dict.fromkeys(name for name, _ in self.read.names)) if self.read is not None else (self.subject,)

    @property
    def critical(self) -> bool:
        """Whether it is critical."""
        return self.severity is Severity.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """Hours of the day, in somebody's zone, in which only what is critical is told; `start` after `end` spans midnight."""

    start: str = "22:00"
    end: str = "08:00"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        for told in (self.start, self.end):
            _check(bool(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", told)), f"{told!r} is no time of day", 'write e.g. "22:00"')
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise Misuse(f"{self.timezone!r} is no time zone", remedy='write e.g. "Europe/Berlin"') from None

    def hold(self, now_ns: int) -> bool:
        """Whether it is quiet now."""
        local = datetime.fromtimestamp(now_ns / 1e9, UTC).astimezone(ZoneInfo(self.timezone)).strftime("%H:%M")
        if self.start <= self.end:
            return self.start <= local < self.end
        return local >= self.start or local < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRoute:
    """One channel.

    Attributes
    ----------
    kind : str
        One of `CHANNEL_KINDS`.
    secretref : str
        Where its address is kept: ``env:NAME``, ``file:NAME`` in the folder of secrets, or ``keyring:SERVICE/NAME``.
    severities : tuple of Severity
        What it wants.
    max_per_hour : int
        Messages; what is more is folded into a digest. It never holds back what is critical.
    """

    name: str
    kind: str
    secretref: str = ""
    severities: tuple[Severity, ...] = tuple(Severity)
    quiet_hours: QuietHours | None = None
    max_per_hour: int = 50

    def __post_init__(self) -> None:
        _check(bool(NAME.fullmatch(self.name)), f"{self.name!r} names no channel", "use letters, digits, -, _ and ., at most 64")
        _check(self.kind in CHANNEL_KINDS, f"channel {self.name}: kind {self.kind!r}", f"use one of {', '.join(CHANNEL_KINDS)}")
        needs = self.kind != "log"
        right = bool(re.fullmatch(r"(env|file|keyring):\S+", self.secretref)) if needs else not self.secretref
        _check(right, f"channel {self.name}: its secretref is not one", "write env:NAME, file:NAME or keyring:SERVICE/NAME")
        _check(self.max_per_hour > 0, f"channel {self.name}: max_per_hour is {self.max_per_hour}", "give at least 1")


def rules_from(held: Mapping[str, Any]) -> tuple[AlertRule, ...]:
    """Rules of a mapping ``{"rules": [{…}, …]}``. Raises Misuse for what is missing, strange or wrong."""
    return _each(held, "rules", _rule)


def routes_from(held: Mapping[str, Any]) -> tuple[NotificationRoute, ...]:
    """Channels of a mapping ``{"routes": [{…}, …]}``. Raises Misuse for what is missing, strange or wrong."""
    return _each(held, "routes", _route)


def _each(held: Mapping[str, Any], name: str, make: Callable[[Mapping[str, Any]], Any]) -> tuple[Any, ...]:
    rows = held.get(name, [])
    _check(isinstance(rows, list | tuple), f"{name} is no list", f"write [[{name}]] for each")
    made = tuple(make(row) for row in rows)
    names = [one.name for one in made]
    doubled = sorted({one for one in names if names.count(one) > 1})
    _check(not doubled, f"{name}: {', '.join(doubled)} twice", "give each a name of its own")
    return made


def _rule(row: Mapping[str, Any]) -> AlertRule:
    told = _known(row, AlertRule, "rule", {"read"})
    condition = told["condition"]
    _check(isinstance(condition, Mapping), f"rule {row.get('name')}: condition is no table", "write condition = {op, threshold}")
    told["condition"] = Condition(**_known(condition, Condition, f"rule {row.get('name')}: condition"))
    if "severity" in told:
        told["severity"] = _severity(told["severity"])
    made: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    return AlertRule(**made)


def _route(row: Mapping[str, Any]) -> NotificationRoute:
    told = _known(row, NotificationRoute, "channel")
    if "severities" in told:
        told["severities"] = tuple(_severity(one) for one in told["severities"])
    if told.get("quiet_hours") is not None:
        told["quiet_hours"] = QuietHours(**_known(told["quiet_hours"], QuietHours, f"channel {row.get('name')}: quiet_hours"))
    return NotificationRoute(**told)


def _known(row: Any, cls: type[Any], where: str, hidden: set[str] | None = None) -> dict[str, Any]:
    _check(isinstance(row, Mapping), f"{where}: no table", "write its fields by name")
    names = {one.name: one for one in fields(cls) if one.name not in (hidden or set())}
    strange = sorted(set(row) - set(names))
    _check(not strange, f"{where} {row.get('name', '')}: no field {', '.join(strange)}", f"use {', '.join(names)}")
    required = [name for name, one in names.items() if one.default is MISSING and one.default_factory is MISSING]
    lacking = [name for name in required if name not in row]
    _check(not lacking, f"{where} {row.get('name', '')}: {', '.join(lacking)} is missing", "give it")
    for name, value in row.items():
        kind = str(names[name].type)
        right = {"float": int | float, "int": int, "str": str, "bool": bool}.get(kind)
        fits = right is None or (isinstance(value, right) and not (kind != "bool" and isinstance(value, bool)))
        _check(fits, f"{where} {row.get('name', '')}: {name} is {value!r}", f"give a {kind}")
    return dict(row)


def _severity(told: Any) -> Severity:
    _check(told in list(Severity), f"severity {told!r}", f"use {', '.join(Severity)}")
    return Severity(told)


def _names_in(text: str, where: str) -> list[str]:
    """Names in braces; a text that is none, or that shapes a value, is refused here and not when the alert fires."""
    try:
        parts = [one for one in string.Formatter().parse(text) if one[1] is not None]
    except ValueError as fault:
        raise Misuse(f"{where}: its text is wrong: {fault}", remedy="write a brace that is meant as one twice") from None
    _check(not any(spec or turn for _, _, spec, turn in parts), f"{where}: its text shapes a value", "write {name} only")
    return [str(name) for _, name, _, _ in parts]


def _plain(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str | int) and not isinstance(value, bool) else value
    except InvalidOperation:
        return value


def _check(holds: bool, what: str, remedy: str) -> None:
    if not holds:
        raise Misuse(what, remedy=remedy)
