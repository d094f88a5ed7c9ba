"""What is said to whom: a batch of alerts becomes one message to each channel that wants it, or waits for a digest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from b25.runner.alerts.channels import clean
from b25.runner.alerts.engine import Batch, Why
from b25.runner.alerts.rules import NotificationRoute, Severity
from b25.store.notification_queue import ids_text

TRIES: Final = {Severity.CRITICAL: 5, Severity.WARNING: 3, Severity.INFO: 3}
AGAIN_S: Final = 5.0  # doubled with every try
HOUR_NS: Final = 3_600 * 10**9
MINUTE_NS: Final = 60 * 10**9
PER_MINUTE: Final = 10  # of one rule to one channel; what is more is folded, and what is critical never
LISTED: Final = 20  # alerts that a message tells one by one
Count = Callable[[str, int, str], int]


def messages(batch: Batch, routes: Iterable[NotificationRoute], now_ns: int, count: Count) -> list[dict[str, Any]]:
    """Rows for the queue.

    Parameters
    ----------
    count : callable
        Channel, time and rule (empty: all) to the number of messages since then.
    """
    rule, rows = batch.rule, []
    for route in routes:
        if not wants(route, batch):
            continue
        is_folded = not rule.critical and (
            batch.is_folded
            or (route.quiet_hours is not None and not rule.quiet_hours_bypass and route.quiet_hours.hold(now_ns))
            or count(route.name, now_ns - HOUR_NS, "") >= route.max_per_hour
            or count(route.name, now_ns - MINUTE_NS, rule.name) >= PER_MINUTE
        )
        title, body = words(batch)
        rows.append(
            {
                "notification_id": f"{batch.alerts[0].alert_id}/{batch.why}/{batch.at_ns:x}/{route.name}", "channel": route.name,
                "severity": str(rule.severity), "rule": rule.name, "title": title, "body": body,
                "alert_ids": ids_text(one.alert_id for one in batch.alerts), "correlation_id": batch.alerts[0].alert_id,
                "status": "folded" if is_folded else "pending", "tries_max": TRIES[rule.severity], "created_ns": now_ns,
                "next_ns": now_ns,
            }
        )  # fmt: skip
    return rows


def wants(route: NotificationRoute, batch: Batch) -> bool:
    """Whether a channel is told: named by the rule or, if it names none, wanting its severity. An escalation goes to all."""
    if batch.why is Why.ESCALATED:
        return True
    if batch.rule.channels:
        return route.name in batch.rule.channels
    return batch.rule.severity in route.severities


def words(batch: Batch) -> tuple[str, str]:
    """Title and body of a message."""
    rule, alerts = batch.rule, batch.alerts
    head = {
        Why.RESOLVED: "resolved",
        Why.ESCALATED: f"{rule.severity}, nobody has acknowledged",
        Why.REPEAT: f"{rule.severity}, still",
    }
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    title = f"[b25 {head.get(batch.why, str(rule.severity))}] {alerts[0].text}{more}"
    lines = []
    for one in alerts[:LISTED]:
        lines.append(f"{one.text}\n  {one.key}; since {moment(one.since_ns)}{f'; {one.value}' if one.value else ''}")
        if batch.why is not Why.RESOLVED:
            lines.append(f"  b25 alerts acknowledge {one.alert_id}")
    if len(alerts) > LISTED:
        lines.append(f"and {len(alerts) - LISTED} more: b25 alerts list")
    if rule.runbook:
        lines.append(f"what to do: {rule.runbook}")
    return clean(title.replace("\n", " "))[:200], clean("\n".join(lines))


def digest(held: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Message that tells of what was held back."""
    by_rule: dict[str, int] = {}
    for one in held:
        by_rule[one["rule"]] = by_rule.get(one["rule"], 0) + 1
    lines = [f"{count} × {name}" for name, count in sorted(by_rule.items(), key=lambda one: -one[1])]
    lines += ["", *(f"{moment(one['created_ns'])} {one['title']}" for one in held[-LISTED:])]
    severity = "warning" if any(one["severity"] == "warning" for one in held) else "info"
    return {"title": f"[b25 digest] {len(held)} messages held back", "body": clean("\n".join(lines)), "severity": severity}


def moment(time_ns: int) -> str:
    """A time for people."""
    return datetime.fromtimestamp(time_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
