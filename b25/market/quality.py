"""What is wrong with a capture, counted: gaps, repeats, crossings, clock, silence, foreign and damaged lines."""

from typing import Any

import numpy as np

from b25.kernels.book import CLEAR_CROSSED, make_ladder
from b25.kernels.book_rows import apply_rows
from b25.market.bridge import bridge
from b25.market.capture import Capture
from b25.market.clock import clock_quality

BAD_SHOWN = 20


def quality_report(capture: Capture, survey: np.void, l2: np.ndarray, venue: str) -> dict[str, Any]:
    """Return one capture's quality as JSON values; every count is of messages unless its name says otherwise."""
    bridged = bridge(l2, venue)
    ladder = make_ladder()
    apply_rows(bridged.rows, CLEAR_CROSSED, *ladder.book)
    head = ladder.head[0]
    return {
        "gaps": int(survey["gaps"]),
        "repeated_diffs": int(survey["repeated_diffs"]),
        "repeated_trades": int(survey["repeated_trades"]),
        "unbridged_diffs": bridged.unbridged,
        "snapshots_not_needed": bridged.spare_snapshots,
        "crossed_messages": int(head["crossed_messages"]),
        "crossed_levels_cleared": int(head["cleared_levels"]),
        "far_levels_lost": int(head["lost_levels"]),
        "stale_stretches": int(survey["stale"]),
        "stale_ns_max": int(survey["stale_ns_max"]),
        "receive_time_backwards": int(survey["recv_backwards"]),
        "venue_time_backwards": int(survey["exch_backwards"]),
        "slow_path": capture.slow_messages,
        "ignored": dict(sorted(capture.ignored.items())),
        "bad_lines": capture.bad_lines,
        "bad": [{"line": line, "why": why} for line, why, _ in capture.bad[:BAD_SHOWN]],
        "damage": capture.damage,
        **clock_quality(l2, max(0, -int(survey["latency_ns_min"]))),
    }
