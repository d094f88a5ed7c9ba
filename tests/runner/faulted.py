"""A fault of the venue under a whole session: trade while it is on, heal it, end in order, and compare all books.

Used by tests and by benchmarks/measure_faults.py.
"""

import os
import signal
import time

from tests.runner.crashes import Crashes, broken

NEW, CANCEL, ANY = "POST /fapi/v1/order", "DELETE /fapi/v1/order", "* /fapi/v1/order"
EVENT = "ORDER_TRADE_UPDATE"

# Every fault that concerns orders, with values that strike often within ten seconds.
FAULTS = {
    "latency_ms": [{"max": 80.0, "jitter": 30.0}],
    "request_delay_ms": [{"where": ANY, "max": 400.0, "chance": 0.5}],
    "request_lost": [{"where": NEW, "how": "close", "chance": 0.2}],
    "ack_lost": [{"where": NEW, "how": "close", "chance": 0.2}, {"where": CANCEL, "how": "close", "chance": 0.2}],
    "ack_delay_ms": [{"where": ANY, "max": 400.0, "chance": 0.5}],
    "conn_reset_mid_response": [{"where": ANY, "chance": 0.2}],
    "backend_unknown": [{"where": ANY, "chance": 0.2}],
    "force_error": [
        {"where": NEW, "http": 503, "code": -1008, "msg": "Server is currently overloaded", "chance": 0.1},
        {"where": ANY, "http": 502, "html": True, "accepted": True, "chance": 0.1},
    ],
    "read_lag_ms": [{"max": 1500.0, "mode": "stale"}],
    "maintenance": [{"for_ms": 3_000}],
    "fill_before_cancel": [{"chance": 0.5}],
    "event_before_response": [{"where": ANY, "ms": 80.0}],
    "event_dup": [{"where": EVENT, "times": 2, "chance": 0.5}],
    "event_drop": [{"where": EVENT, "chance": 0.4}],
    "event_delay_ms": [{"where": EVENT, "max": 800.0}],
    "user_stream": [{"what": "listenKeyExpired"}],
    "cut": [{}],
    "half_open": [{"for_ms": 4_000}],
    "mute_stream": [{"for_ms": 4_000}],
    "clock_offset_ms": [{"ms": 3_000, "for_ms": 5_000}],
}


def under_fault(folder, name, *, seconds, seed=25):
    """Returns what was found at the end, and what of it is not as it must be."""
    with Crashes(folder, seed=seed) as stand:
        size, pid = stand.size(), stand.born()
        stand.wait_trading(pid, size)
        for values in FAULTS[name]:
            stand.venue.call(lambda inside, values=values: inside.faults.set(name, **values))
        time.sleep(seconds)
        stand.venue.call(lambda inside: inside.faults.clear())
        stand.wait_trading(pid, stand.size(), more=30_000)
        os.kill(pid, signal.SIGTERM)
        code = stand.end_of(pid)
        found = stand.check()
        wrong = broken(found)
        if code:
            wrong["exit code"] = code
        return found, wrong
