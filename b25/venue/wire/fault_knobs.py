"""Every knob that makes the venue misbehave: its name, what it is aimed at, and the values it takes with their defaults."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Stage(StrEnum):
    """Where a knob works."""

    REST = "rest"  # applied to HTTP requests; `where` is a glob over "POST /api/v3/order"
    STREAM = (
        "stream"  # applied to sockets; `where` is a glob over a stream ("btcusdt@depth@100ms") or an event ("ORDER_TRADE_UPDATE")
    )
    MARKET = "market"  # changes what the venue says of a symbol or of itself; `where` is a glob over symbols
    ACTION = "action"  # happens once, when it is set; nothing stays switched on


@dataclass(frozen=True, slots=True)
class Knob:
    """One knob: its stage, its values with defaults, and what it does."""

    stage: Stage
    values: dict[str, Any]
    does: str


_SPAN = {"min": 0.0, "max": 0.0}

KNOBS: dict[str, Knob] = {
    # Requests
    "latency_ms": Knob(
        Stage.REST, {**_SPAN, "jitter": 0.0}, "every answer is late by min to max, plus an exponential tail of mean jitter"
    ),
    "request_delay_ms": Knob(Stage.REST, _SPAN, "the request reaches the core late; its recvWindow is looked at again there"),
    "request_lost": Knob(
        Stage.REST, {"how": "hang", "hang_ms": 60_000}, "the request never reaches the core, and no answer comes"
    ),
    "ack_lost": Knob(
        Stage.REST, {"how": "hang", "hang_ms": 60_000}, "the core has done it, and no answer comes (how: hang or close)"
    ),
    "ack_delay_ms": Knob(Stage.REST, _SPAN, "the core has done it, and the answer is late"),
    "conn_reset_mid_response": Knob(
        Stage.REST, {}, "the core has done it; half of the answer is sent, then the connection is reset"
    ),
    "backend_unknown": Knob(
        Stage.REST,
        {"code": -1007, "http": 0, "accepted": None},
        "the outcome is said to be unknown; accepted: true, false, null for a coin",
    ),
    "force_error": Knob(
        Stage.REST,
        {"http": 400, "code": -1000, "msg": "", "headers": {}, "html": False, "accepted": False},
        "any error of the table, or an HTML page; accepted: the core did it all the same",
    ),
    "read_lag_ms": Knob(
        Stage.REST,
        {"min": 0.0, "max": 500.0, "mode": "delay"},
        "lagged reads come late (delay), or at once and from the past (stale)",
    ),
    "maintenance": Knob(Stage.REST, {"html": False}, "every request but the status page's answers 503"),
    "fill_before_cancel": Knob(Stage.REST, {"share": 0.5}, "a part of the order trades just before its cancel arrives"),
    "event_before_response": Knob(Stage.REST, {"ms": 50.0}, "the user event is on its way this long before the answer"),
    "snapshot_age_ms": Knob(
        Stage.REST, {"ms": 1_000.0}, "GET depth shows the book of up to this long ago (older than the diffs)"
    ),
    "batch_partial": Knob(Stage.REST, {"every": 2, "code": -1001}, "every n-th order of a batch fails"),
    "clock_offset_ms": Knob(Stage.MARKET, {"ms": 0}, "the server's time is off by this much"),
    # User events
    "event_dup": Knob(Stage.STREAM, {"times": 1}, "the event is sent again this many times"),
    "event_drop": Knob(Stage.STREAM, {}, "the event is never sent"),
    "event_delay_ms": Knob(Stage.STREAM, _SPAN, "the event is late, and may be overtaken"),
    "user_stream": Knob(Stage.ACTION, {"what": "listenKeyExpired"}, "listenKeyExpired, eventStreamTerminated, or silence"),
    # Market data
    "diff_drop": Knob(Stage.STREAM, {}, "a depth diff is never sent: a gap in the sequence"),
    "diff_dup": Knob(Stage.STREAM, {}, "a depth diff is sent twice"),
    "diff_reorder": Knob(Stage.STREAM, {}, "a depth diff is sent after its successor"),
    "snapshot_newer_ms": Knob(Stage.STREAM, {"ms": 1_000.0}, "depth diffs come this late, so that a snapshot is newer than they"),
    "book_cross": Knob(Stage.STREAM, {}, "a diff carries a bid above the best ask"),
    "price_spike": Knob(Stage.STREAM, {"factor": 10.0}, "a trade is printed at the price times the factor"),
    "future_ts": Knob(Stage.STREAM, {"ms": 3_600_000}, "event times lie in the future"),
    "kline_revise": Knob(Stage.STREAM, {}, "a closed kline is sent again with other figures"),
    # Connections
    "mute_stream": Knob(Stage.STREAM, {}, "the subscription stands, pings are answered, and no data comes"),
    "half_open": Knob(Stage.STREAM, {}, "the socket stays open and nothing is sent or answered, not even a pong"),
    "cut": Knob(Stage.ACTION, {"code": 0}, "sockets are closed with this code; 0: reset without a close frame"),
    "server_shutdown": Knob(Stage.ACTION, {"after_ms": 10_000}, "serverShutdown is announced, then every socket is closed"),
    "ws_wrong_path": Knob(Stage.STREAM, {"mode": "silent"}, "a futures channel asked on the wrong path: silent or error"),
    # The contract
    "symbol_status": Knob(Stage.MARKET, {"status": "BREAK"}, "the symbol's status"),
    "filters": Knob(Stage.MARKET, {"change": {}}, "filters of the symbol, by name"),
    "delivery_date": Knob(Stage.MARKET, {"ms": 0}, "a futures symbol is about to be delisted"),
    "unknown_enum": Knob(
        Stage.MARKET, {"field": "status", "value": "SOMETHING_NEW"}, "exchangeInfo carries a value nobody has seen"
    ),
    "hostile_symbol": Knob(
        Stage.MARKET, {"name": "<img src=x onerror=alert(1)>"}, "exchangeInfo lists a symbol with HTML in its name"
    ),
    "key_flags": Knob(Stage.MARKET, {"flags": {"enableWithdrawals": True}}, "apiRestrictions says this of every key"),
    # Things that the client never did
    "foreign_order": Knob(
        Stage.ACTION,
        {"market": "spot", "symbol": "", "order": {}},
        "an order of the account that its client never sent",
    ),
    "liquidate": Knob(Stage.ACTION, {"symbol": ""}, "the position is liquidated"),
    "adl": Knob(Stage.ACTION, {"symbol": ""}, "the position is reduced by auto-deleveraging"),
    "settle": Knob(Stage.ACTION, {"symbol": ""}, "the symbol is settled: positions are closed, orders cancelled"),
    "transfer": Knob(
        Stage.ACTION,
        {"asset": "", "amount": "0", "market": "spot", "between": False},
        "money comes, goes (amount < 0), or is moved between wallets to the market",
    ),
    "algo_reject": Knob(
        Stage.ACTION,
        {"rm": "Reduce Only reject", "algo_id": None},
        "an algo order, or the next to trigger, is rejected for this reason",
    ),
    "crash": Knob(Stage.ACTION, {"symbol": "", "market": "spot", "share": 0.05, "over_ms": 10_000}, "the market falls"),
    "squeeze": Knob(Stage.ACTION, {"symbol": "", "market": "spot", "share": 0.05, "over_ms": 10_000}, "the market rises"),
}
