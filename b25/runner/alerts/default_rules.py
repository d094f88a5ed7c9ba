"""What is watched when nobody has said otherwise: rules over what the bus and this machine really tell, and nothing else."""

from __future__ import annotations

from typing import Any, Final

from b25.runner.alerts.rules import AlertRule, rules_from

_EQUITY: Final = "account.balance.equity"


def _metric(
    name: str, metric: str, op: str, threshold: float, for_s: float, severity: str, text: str, **more: Any
) -> dict[str, Any]:
    return {
        "name": name, "source": "metric", "metric": metric, "condition": {"op": op, "threshold": threshold}, "for_s": for_s,
        "severity": severity, "text": text, "runbook": f"docs/alerts.md#{name}", "cooldown_s": _COOLDOWN_S[severity], **more,
    }  # fmt: skip


def _event(name: str, subject: str, condition: dict[str, Any], severity: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "source": "event", "subject": subject, "condition": condition, "severity": severity, "text": text,
        "runbook": f"docs/alerts.md#{name}", "cooldown_s": _COOLDOWN_S[severity], **more,
    }  # fmt: skip


def _said(name: str, words: str, severity: str) -> dict[str, Any]:
    """A rule over what a session says of its account: `b25.runner.account_watch`, `b25.session.desk_gateway.tell_person`."""
    condition = {"field": "text", "op": "contains", "value": f"{words}: "}
    return _event(name, "alerts.{severity}", condition, severity, "{session}: {text}")


_COOLDOWN_S: Final = {"critical": 60.0, "warning": 300.0, "info": 900.0}  # seconds between two messages of one alert
_ANY: Final[dict[str, Any]] = {"op": "any"}
_HEALTH: Final = "health.{component}"
ROWS: Final[tuple[dict[str, Any], ...]] = (
    # What is down.
    _metric("component_down", f"age({_HEALTH})", ">", 60, 0, "critical", "{about} is silent for {value} s", inhibits=True),
    _metric("process_down", "own.process.is_up", "<", 1, 60, "critical", "process {name} is down: {phase} {why}"),
    _metric(
        "restart_loop", "increase(own.process.restarts, 120)", ">=", 3, 0, "critical",
        "{about} started {value} times anew in 120 s",
    ),
    _metric("gate_silent", "age(risk.metrics)", ">", 60, 0, "critical", "the risk gate of {about} is silent for {value} s"),
    _metric("store_down", "own.store.is_up", "<", 1, 0, "critical", "the database takes nothing: {why}"),
    _metric("bus_down", "own.bus.is_up", "<", 1, 30, "critical", "the bus is gone"),
    _metric("disk_full", "own.machine.disk_free_share", "<", 0.10, 300, "critical", "{value} of the disk is free"),
    _metric(
        "book_stale", "market_data.{symbol}.orderbook.is_healthy", "<", 1, 10, "critical",
        "the book of {symbol} is not healthy",
    ),
    # What happened.
    _event("session_halted", "risk.emergency", _ANY, "critical", "{session} halted: {reason}"),
    _event("gate_latched", "risk.alert", _ANY, "critical", "{session}: {text}"),
    _event("violation", "risk.violation", _ANY, "critical", "{session}: {count} wishes refused for {rule}", for_s=30.0),
    _event("alarm", "own.alarm", _ANY, "critical", "{process}: {kind}: {what}"),
    _event(
        "session_critical", "alerts.{severity}", {"field": "severity", "op": "==", "value": "critical"}, "critical",
        "{session}: {text}",
    ),
    # The account.
    _metric(
        "drawdown_daily", f"drop_today({_EQUITY})", ">", 0.05, 60, "critical",
        "{about} is {value} below the highest of the day",
    ),
    _metric("balance_low", _EQUITY, "<", 1_000, 60, "critical", "{session} has {equity} {asset}"),
    _said("low_balance", "low balance", "warning"),
    _said("high_drawdown", "high drawdown", "critical"),
    _said("high_margin_usage", "high margin usage", "critical"),
    _said("liquidation_near", "liquidation near", "critical"),
    _said("large_position", "large position", "warning"),
    _said("low_free_margin", "low free margin", "warning"),
    _said("balance_drift", "balance drift", "critical"),
    _said("position_drift", "position drift", "critical"),
    _said("unexpected_fill", "unexpected fill", "critical"),
    # A version and what its sessions did.
    _event(
        "drift_unexplained", "drift.{session}", {"field": "state", "op": "==", "value": "unexplained"}, "critical",
        "{session} did not do what {version} does: {detail}",
    ),
    # What should be looked at.
    _metric(
        "refusals", "share(risk.metrics.refused, risk.metrics.submits, 300)", ">", 0.5, 0, "warning",
        "{value} of the wishes of {about} are refused",
    ),
    _metric("cpu_high", "own.machine.cpu_share", ">", 0.80, 600, "warning", "the processors are {value} busy"),
    _metric("memory_high", "own.machine.memory_share", ">", 0.90, 300, "warning", "{value} of the memory is used"),
    _metric(
        "backlog", f"{_HEALTH}.bus_waiting", ">", 100, 30, "warning",
        "{bus_waiting} messages of {component} wait for the bus",
    ),
    _metric(
        "messages_lost", f"increase({_HEALTH}.bus_refused, 300)", ">", 0, 0, "warning",
        "{about} had no room for {value} messages",
    ),
    _metric("delivery_dead", "increase(own.delivery.dead, 600)", ">", 0, 0, "warning", "{value} notifications were given up"),
    _event(
        "report_failed", "own.report", {"field": "change", "op": "==", "value": "failed"}, "warning",
        "report {name} failed: {error_cell} {error_name}; {link}", cooldown_s=0,
    ),
    _event(
        "report_secret", "own.report", {"field": "change", "op": "==", "value": "quarantined"}, "critical",
        "a secret was found in {run_id}, which nobody is shown", cooldown_s=0,
    ),
    _metric(
        "report_silent", "own.report_silence.is_overdue", ">", 0, 0, "warning",
        "report {name} has not been well for two of its periods; last: {last_ok}", cooldown_s=3_600.0,
    ),
    # What is good to know.
    _event(
        "report_recovered", "own.report", {"field": "change", "op": "==", "value": "recovered"}, "info",
        "report {name} is well again; {link}", cooldown_s=0,
    ),
    _event("config_changed", "config.updates.{type}", _ANY, "info", "{key} ({type}): {action} by {by}, version {version}"),
    _event("parameter_changed", "config.parameters.{session}", _ANY, "info", "{session}: {name} is {new}, was {old}"),
    _event("mention", "own.mention", _ANY, "info", "@{user}: {author} wrote about {object}"),
)  # fmt: skip


def default_rules() -> tuple[AlertRule, ...]:
    """Return the rules that hold by themselves; a rule of the same name in the configuration replaces one."""
    return rules_from({"rules": ROWS})


def with_defaults(own: tuple[AlertRule, ...]) -> tuple[AlertRule, ...]:
    """Return own rules with the defaults that they do not replace; one that is switched off switches the default off."""
    names = {one.name for one in own}
    return (*own, *(one for one in default_rules() if one.name not in names))
