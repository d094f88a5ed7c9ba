"""Alert rules and the routes by which they are told: types `alert_rule` and `notification_route`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from b25.config.schemas.base import Name, Schema, SecretRef, Zone

Severity = Literal["info", "warning", "critical"]
Scalar = str | int | float | bool
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class MetricCondition(Schema):
    """A metric compared with a threshold; `absent` is true when it has not been told for `for_s`."""

    op: Literal["gt", "gte", "lt", "lte", "eq", "ne", "absent"]
    threshold: float | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.threshold is None) != (self.op == "absent"):
            raise ValueError("every op but `absent` needs a threshold, and `absent` takes none")
        return self


class EventCondition(Schema):
    """A field of an event compared with a value; `any` is true for every event of the subject."""

    field: Annotated[str, Field(max_length=100)] = ""
    op: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "contains", "any"]
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.op == "any":
            if self.field or self.value is not None:
                raise ValueError("`any` takes neither field nor value")
            return self
        if not self.field or self.value is None:
            raise ValueError("every op but `any` needs a field and a value")
        if (self.op == "in") != isinstance(self.value, tuple):
            raise ValueError("`in` needs a list of values, every other op a single one")
        return self


class AlertRule(Schema):
    """When somebody is to be told.

    Attributes
    ----------
    metric, subject : str
        One of them, by `source`: what is measured, as docs/alerts.md names it, or subject of the bus with its holes or `*`.
    for_s : float
        Seconds for which the condition must hold.
    cooldown_s : float
        Seconds after which the same group is told of again.
    group_by : tuple of str
        Fields or labels; each combination is an alert of its own.
    """

    name: Name
    source: Literal["metric", "event"]
    metric: Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_.:{}(), ]{0,199}$")] | None = None
    subject: Annotated[str, Field(pattern=r"^[A-Za-z0-9_*{}>-]+(\.[A-Za-z0-9_*{}>-]+)*$", max_length=200)] | None = None
    condition: MetricCondition | EventCondition
    for_s: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    severity: Severity = "warning"
    channels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)]
    cooldown_s: Annotated[float, Field(ge=0, le=7 * 86_400)] = 300.0
    max_per_hour: Annotated[int, Field(ge=1, le=3_600)] = 12
    group_by: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=8)] = ()
    quiet_hours_bypass: bool = False
    enabled: bool = True
    summary: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        wanted, other = ("metric", "subject") if self.source == "metric" else ("subject", "metric")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"source {self.source} needs {wanted}, and takes no {other}")
        kind = MetricCondition if self.source == "metric" else EventCondition
        if not isinstance(self.condition, kind):
            raise ValueError(f"source {self.source} needs a condition of {', '.join(kind.model_fields)}")
        return self


class QuietHours(Schema):
    """Hours in which only what may bypass them is told; an end before the start is on the next day."""

    start: Clock
    end: Clock
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same: leave quiet_hours out, or give a span")
        return self


class NotificationRoute(Schema):
    """A way to somebody.

    Attributes
    ----------
    secretref : str, optional
        Where its address is found, e.g. ``secretref://alerts/telegram``; a log needs none.
    severities : tuple of str
        What it is told of.
    """

    name: Name
    kind: Literal["mail", "slack", "telegram", "webhook", "log"]
    secretref: SecretRef | None = None
    severities: Annotated[tuple[Severity, ...], Field(min_length=1)] = ("warning", "critical")
    quiet_hours: QuietHours | None = None
    max_per_hour: Annotated[int, Field(ge=1, le=3_600)] = 60
    enabled: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind == "log") == (self.secretref is not None):
            raise ValueError("a log takes no secretref, and every other kind needs one")
        if len(set(self.severities)) != len(self.severities):
            raise ValueError("a severity is named twice")
        return self
