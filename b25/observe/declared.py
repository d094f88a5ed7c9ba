"""Every metric there is: what is not declared here cannot be made, and what is declared is seen by a test to be told.

Names are ``b25_{component}_{name}_{unit}``; counters end in ``_total``. No label holds an id of an order, a user or a request.
Every series of a process bears ``component`` and ``session``, its name in the run folder, as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]

# Upper bounds, seconds.
OF_FEED: Final = (10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3)
OF_TRAVEL: Final = (1e-3, 2e-3, 4e-3, 8e-3, 16e-3, 32e-3, 64e-3, 128e-3, 256e-3, 512e-3)
OF_DECISION: Final = (50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3)
OF_ORDERS: Final = (10e-3, 20e-3, 40e-3, 80e-3, 160e-3, 320e-3, 640e-3, 1.28)
OF_LOOP: Final = (1e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1.0)
OF_REQUESTS: Final = (1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """A declared metric.

    Attributes
    ----------
    labels : tuple of str
        Beside `component` and `session`.
    buckets : tuple of float
        Of a histogram.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _counter(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "counter", help, labels)


def _gauge(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, "gauge", help, labels)


def _histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name, "histogram", help, labels, buckets)


PROCESS: Final = (
    _gauge("b25_process_up", "1 while the process tells how it is, 0 when it has become silent."),
    _gauge("b25_process_snapshot_age_seconds", "How old what a process told is."),
    _counter("b25_process_cpu_seconds_total", "Processor time that the process has used."),
    _gauge("b25_process_memory_bytes", "Memory that the process holds."),
    _gauge("b25_process_open_files", "Files and sockets that the process holds open."),
    _gauge("b25_process_start_time_seconds", "When the process began, since 1970."),
    _counter("b25_process_gc_collections_total", "Rounds of the garbage collector.", "generation"),
    _histogram("b25_process_loop_lag_seconds", "How late the event loop wakes for a timer.", OF_LOOP),
)
HOST: Final = (
    _gauge("b25_host_disk_free_bytes", "Room left on the disk of the run folder."),
    _gauge("b25_host_disk_free_ratio", "Share of that disk that is free."),
    _gauge("b25_health_state", "0 healthy, 1 degraded, 2 unhealthy, 3 unknown, 4 disabled.", "part"),
    _gauge("b25_store_up", "1 while the database answers."),
    _gauge("b25_store_size_bytes", "Room that the database takes."),
    _gauge("b25_store_ping_seconds", "How long the database took to answer."),
)
SESSION: Final = (
    _gauge("b25_session_info", "1; its labels say what runs.", "strategy", "mode", "account"),
    _gauge("b25_session_active", "1 while the session may trade."),
    _gauge("b25_session_paused", "1 while it is paused."),
    _gauge("b25_session_halted", "1 once it has halted."),
    _counter("b25_session_events_total", "Events that the session took."),
    _counter("b25_session_effects_total", "Effects that came of them, refused ones too."),
    _gauge("b25_journal_size_bytes", "Length of the session's journal."),
)
FEED: Final = (
    _counter("b25_feed_messages_total", "Deliveries of the feed to the session."),
    _counter("b25_feed_news_total", "What the feed told beside data.", "kind"),
    _gauge("b25_feed_connected_sockets", "Sockets to the venue's market data that are open."),
    _counter("b25_feed_refused_total", "Messages that were set aside as wrong."),
    _counter("b25_feed_gaps_total", "Breaks in the venue's sequence.", "symbol"),
    _counter("b25_feed_snapshots_total", "Snapshots of the book that were taken.", "symbol"),
    _gauge("b25_feed_data_age_seconds", "Time since the newest message of the symbol.", "symbol"),
    _gauge("b25_feed_book_healthy", "1 while the book may be traded on.", "symbol"),
    _gauge("b25_feed_spread_ratio", "Best ask less best bid, as a share of the mid.", "symbol"),
    _gauge("b25_feed_imbalance_ratio", "Best bid quantity less best ask quantity, as a share of their sum.", "symbol"),
    _gauge("b25_feed_levels", "Price levels in the book.", "symbol", "side"),
    _histogram("b25_feed_latency_seconds", "From the venue's stamp to ours, sampled; both clocks are in it.", OF_TRAVEL),
    _histogram("b25_feed_processing_seconds", "From receipt to the end of the decision, sampled.", OF_FEED),
)
STRATEGY: Final = (
    _histogram(
        "b25_strategy_decision_seconds", "From rows handed to the session until it is done with them, sampled.", OF_DECISION
    ),
    _counter("b25_strategy_intents_total", "New orders that the strategy wished for.", "side", "order_type", "status"),
)
ORDER: Final = (
    _counter("b25_order_submits_total", "New orders that the gate let through."),
    _counter("b25_order_cancels_total", "Cancels that left."),
    _counter("b25_order_amends_total", "Changes of orders that left."),
    _counter("b25_order_refused_total", "Wishes that our own gate refused.", "reason"),
    _counter("b25_order_answers_total", "What the venue told of orders.", "status"),
    _counter("b25_order_fills_total", "Executions.", "symbol"),
    _gauge("b25_order_maker_ratio", "Share of the executed quantity that rested first.", "symbol"),
    _gauge("b25_order_live", "Orders that are live or in flight."),
    _histogram("b25_order_submit_seconds", "From the decision to the venue's acceptance.", OF_ORDERS),
    _histogram("b25_order_cancel_seconds", "From the decision to the venue's word that it is cancelled.", OF_ORDERS),
    _gauge("b25_order_states", "Orders that the desk knows, by state.", "status"),
    _gauge("b25_order_unknown_age_seconds", "For how long the oldest order in doubt has been so; 0 without one."),
    _gauge("b25_order_holds", "Symbols on hold."),
    _gauge("b25_order_limiter_free_ratio", "Share of the venue's request budget that is left.", "exchange"),
    _gauge("b25_order_limiter_halted", "1 once the venue has banned us.", "exchange"),
    _gauge("b25_order_store_up", "1 while what the desk writes is stored."),
    _gauge("b25_order_stream_losses", "How often the account's stream was lost."),
    _gauge("b25_order_clock_offset_seconds", "The venue's clock less ours."),
)
RISK: Final = (
    _gauge("b25_risk_gate_state", "0 active, 1 reducing, 2 stopped."),
    _gauge("b25_risk_latched", "Latches of the gate that are closed."),
    _gauge("b25_risk_limit_used_ratio", "Share of a limit that is used, as last judged.", "control"),
    _counter("b25_risk_refused_total", "Wishes that the gate refused."),
    _gauge("b25_risk_drawdown_ratio", "Fall from the peak, as a share of it."),
    _gauge("b25_risk_daily_loss_quote", "Fall since 00:00 UTC, settlement currency."),
)
ACCOUNT: Final = (
    _gauge("b25_account_equity_quote", "Worth at the mids, settlement currency."),
    _gauge("b25_account_realised_quote", "Realised profit."),
    _gauge("b25_account_unrealised_quote", "Unrealised profit."),
    _gauge("b25_account_fees_quote", "Fees paid."),
    _gauge("b25_account_gross_quote", "Sum of the absolute values held."),
    _gauge("b25_account_leverage_ratio", "Gross over equity."),
    _gauge("b25_account_position_base", "Quantity held, signed.", "symbol"),
    _gauge("b25_account_profit_quote", "Profit of one symbol, after fees.", "symbol"),
    _gauge("b25_account_margin_usage_ratio", "Maintenance margin over what there is of it."),
    _gauge("b25_account_margin_cushion_ratio", "Share of the equity that no margin is asked for."),
    _gauge("b25_account_reconciled_age_seconds", "Time since the account was last compared with the venue."),
    _gauge("b25_account_differences", "Differences that the last comparison found."),
    _gauge("b25_account_policies_broken", "Policies of the account that do not hold."),
    _gauge("b25_account_alerts_open", "Alerts of the account that are not closed."),
)
BUS: Final = (
    _gauge("b25_bus_connected", "1 while messages go through."),
    _counter("b25_bus_reconnects_total", "How often the connection came back."),
    _gauge("b25_bus_waiting_messages", "Messages that wait to leave."),
    _counter("b25_bus_published_total", "Messages that left."),
    _counter("b25_bus_overtaken_total", "Messages that a newer one replaced before they left."),
    _counter("b25_bus_refused_total", "Messages for which there was no room."),
    _counter("b25_bus_failed_total", "Tries that were not answered."),
)
KILL: Final = (
    _counter("b25_kill_looks_total", "How often the kill process looked at everything."),
    _gauge("b25_kill_accounts", "Accounts within its reach."),
    _gauge("b25_kill_latched", "1 while the kill switch is latched.", "account"),
    _counter("b25_kill_alarms_told_total", "Alarms that were told."),
    _gauge("b25_kill_alarm_delay_seconds", "The longest time between an alarm and its telling."),
)
SUPERVISOR: Final = (
    _gauge("b25_supervisor_process_up", "1 while a planned process runs.", "process"),
    _counter("b25_supervisor_restarts_total", "How often a process was started anew.", "process"),
    _gauge("b25_supervisor_silent_seconds", "Time since the process' last heartbeat.", "process"),
    _gauge("b25_supervisor_memory_bytes", "Memory of the process, as the supervisor sees it.", "process"),
    _counter("b25_supervisor_clock_steps_total", "How often the machine's clock was set."),
)
GATEWAY: Final = (
    _counter("b25_gateway_requests_total", "Requests that were answered.", "method", "route", "status"),
    _histogram("b25_gateway_request_seconds", "How long an answer took.", OF_REQUESTS, "route"),
    _gauge("b25_gateway_in_flight_requests", "Requests that are being answered."),
)

GROUPS: Final = (PROCESS, HOST, SESSION, FEED, STRATEGY, ORDER, RISK, ACCOUNT, BUS, KILL, SUPERVISOR, GATEWAY)
DECLARED: Final[dict[str, Metric]] = {one.name: one for group in GROUPS for one in group}
CONSTANT: Final = ("component", "session")


def series_names(metric: Metric) -> tuple[str, ...]:
    """Names under which Prometheus keeps it."""
    if metric.kind != "histogram":
        return (metric.name,)
    return tuple(f"{metric.name}{suffix}" for suffix in ("_bucket", "_sum", "_count"))
