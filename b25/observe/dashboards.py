"""Grafana's dashboards, made of the declared metrics.

`python -m b25.observe.dashboards deploy/grafana/dashboards` writes them; a test fails when they are out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import orjson

from b25.observe import declared
from b25.observe.declared import Metric

WIDTH, HEIGHT, COLUMNS = 8, 7, 3
SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
OF: Final = '{session=~"$session"}'
COMPONENTS: Final[dict[str, tuple[Metric, ...]]] = {
    "process": declared.PROCESS, "host": declared.HOST, "session": declared.SESSION, "feed": declared.FEED,
    "strategy": declared.STRATEGY, "order": declared.ORDER, "risk": declared.RISK, "account": declared.ACCOUNT,
    "bus": declared.BUS, "kill": declared.KILL, "supervisor": declared.SUPERVISOR, "gateway": declared.GATEWAY,
}  # fmt: skip
UNITS: Final = {"seconds": "s", "bytes": "bytes", "ratio": "percentunit", "base": "none", "quote": "none"}
CHOSEN: Final[dict[str, tuple[str, ...]]] = {
    "health": (
        "b25_process_up", "b25_health_state", "b25_session_active", "b25_session_halted", "b25_feed_connected_sockets",
        "b25_feed_book_healthy", "b25_store_up", "b25_bus_connected", "b25_kill_latched", "b25_supervisor_restarts_total",
        "b25_host_disk_free_ratio", "b25_process_snapshot_age_seconds",
    ),
    "performance": (
        "b25_strategy_decision_seconds", "b25_feed_processing_seconds", "b25_feed_latency_seconds", "b25_order_submit_seconds",
        "b25_order_cancel_seconds", "b25_process_loop_lag_seconds", "b25_gateway_request_seconds",
        "b25_process_cpu_seconds_total", "b25_process_memory_bytes",
        "b25_session_events_total", "b25_bus_waiting_messages", "b25_order_limiter_free_ratio",
    ),
    "business": (
        "b25_account_equity_quote", "b25_account_realised_quote", "b25_account_unrealised_quote", "b25_account_fees_quote",
        "b25_account_position_base", "b25_account_profit_quote", "b25_order_fills_total", "b25_order_maker_ratio",
        "b25_feed_spread_ratio", "b25_feed_imbalance_ratio", "b25_order_refused_total", "b25_account_differences",
    ),
}  # fmt: skip


def expression(metric: Metric) -> list[tuple[str, str]]:
    """What is drawn of a metric: expressions, and how their lines are called."""
    labels = "{{session}}" + "".join(f" {{{{{label}}}}}" for label in metric.labels)
    if metric.kind == "counter":
        return [(f"rate({metric.name}{OF}[1m])", labels)]
    if metric.kind == "histogram":
        by = ", ".join(("le", "session", *metric.labels))
        inner = f"sum by ({by}) (rate({metric.name}_bucket{OF}[5m]))"
        return [(f"histogram_quantile({share}, {inner})", f"{labels} p{share * 100:g}") for share in (0.5, 0.99)]
    return [(f"{metric.name}{OF}", labels)]


def unit_of(metric: Metric) -> str:
    """Grafana's unit of what is drawn."""
    name = metric.name.removesuffix("_total")
    unit = UNITS.get(name.rpartition("_")[2], "short")
    return unit if metric.kind != "counter" else "percentunit" if unit == "s" else "ops"


def panel(metric: Metric, number: int) -> dict[str, Any]:
    """One picture."""
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": metric.name,
        "description": metric.help,
        "datasource": SOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": number % COLUMNS * WIDTH, "y": number // COLUMNS * HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit_of(metric), "custom": {"spanNulls": False}}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(65 + k), "expr": expr, "legendFormat": legend, "datasource": SOURCE}
            for k, (expr, legend) in enumerate(expression(metric))
        ],
    }


def dashboard(name: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    """A page."""
    return {
        "uid": f"b25-{name}",
        "title": f"b25 {name}",
        "tags": ["b25"],
        "schemaVersion": 39,
        "timezone": "utc",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "session", "type": "query", "datasource": SOURCE, "includeAll": True, "multi": True,
                    "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "refresh": 2,
                    "query": "label_values(b25_process_up, session)", "definition": "label_values(b25_process_up, session)",
                }
            ]
        },
        "panels": panels,
    }  # fmt: skip


def alerts_page() -> dict[str, Any]:
    """What fires now."""
    shown = {"id": 1, "type": "alertlist", "title": "Alerts", "gridPos": {"h": 20, "w": 24, "x": 0, "y": 0}}
    return dashboard("alerts", [{**shown, "options": {"stateFilter": {"firing": True, "pending": True}, "groupMode": "default"}}])


def pages() -> dict[str, bytes]:
    """Every dashboard by the name of its file."""
    groups = {name: tuple(declared.DECLARED[one] for one in names) for name, names in CHOSEN.items()} | COMPONENTS
    made = {name: dashboard(name, [panel(metric, k) for k, metric in enumerate(group)]) for name, group in groups.items()}
    made["alerts"] = alerts_page()
    return {f"{name}.json": orjson.dumps(page, option=orjson.OPT_INDENT_2) + b"\n" for name, page in made.items()}


def main(folder: Path) -> None:
    """Write them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pages().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
