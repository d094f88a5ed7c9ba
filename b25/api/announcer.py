"""Tells those who look what was just committed: the own clients by the state, other processes by the bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from b25.bus.bodies import AlertState, AnnotationChange
from b25.bus.publisher import Publisher
from b25.runner.alerts.rules import Severity
from b25.store.annotations import KINDS

Put = Callable[[str, str, Any], Any]


class Announcer:
    """A part of the gateway.

    Parameters
    ----------
    put : callable, optional
        Channel, key and value: that of the gateway's state.
    publisher : Publisher, optional
        Of component `gateway`; without one other processes are not told.
    """

    def __init__(self, put: Put | None = None, publisher: Publisher | None = None) -> None:
        self.put = put
        self._annotations = (
            {kind: publisher.channel("annotations.{kind}", kind=kind) for kind in KINDS} if publisher is not None else {}
        )
        self._alerts = (
            {str(one): publisher.channel("alert_states.{severity}", severity=str(one)) for one in Severity}
            if publisher is not None
            else {}
        )

    def annotation(self, row: Mapping[str, Any]) -> None:
        """Tell of an annotation as it stands now."""
        body = AnnotationChange(
            annotation_id=row["annotation_id"], kind=row["kind"], object=row["object"], version=row["version"],
            author=row["author"], text=row["text"], tags=tuple(row["tags"]), mentions=tuple(row["mentions"]),
            parent_id=row["parent_id"] or None, is_deleted=row["is_deleted"],
        )  # fmt: skip
        if self.put is not None:
            self.put("annotations", row["annotation_id"], dict(row))
        if self._annotations:
            self._annotations[row["kind"]].offer(body, row["updated_ns"], correlation_id=row["annotation_id"])

    def alert(self, row: Mapping[str, Any], now_ns: int) -> None:
        """Tell of an alert that somebody has acknowledged."""
        names = ("alert_id", "rule", "severity", "state", "key", "text", "value", "fired_ns", "resolved_ns", "acknowledged_by")
        told = {name: row[name] for name in names}
        if self.put is not None:
            self.put("alerts", row["alert_id"], told)
        if self._alerts:
            self._alerts[row["severity"]].offer(AlertState(**told), now_ns, correlation_id=row["alert_id"])


def announcer_of(parts: Mapping[type, Any]) -> Announcer:
    """Return the gateway's announcer; one that tells nobody, when it was made without."""
    found: Announcer = parts.get(Announcer) or Announcer()
    return found
