"""The worker's end of a benchmark: a process that stays up and answers one JSON request a line.

Contestants live in environments of their own, so this file needs nothing but the standard library. A worker that waits
for its next line costs no CPU: that is how warm runs of two engines are taken in turn without starting either anew.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any


def serve(actions: dict[str, Callable[..., Any]]) -> None:
    """Answer ``{"do": action, ...arguments}`` lines from stdin until it closes."""
    # Anything that a library prints must not end up between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        action = request.pop("do")
        answer = actions[action](**request)
        answers.write(json.dumps({"answer": answer, "peak_rss_bytes": peak_rss_bytes()}) + "\n")


def peak_rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def seconds(action: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return how long `action` took, and what it returned."""
    begun = time.perf_counter()
    answer = action(*arguments)
    return time.perf_counter() - begun, answer


def percentiles_us(durations_ns: list[int]) -> dict[str, float]:
    """Median, 99th percentile and maximum, in microseconds."""
    ranked = sorted(durations_ns)
    return {
        "p50_us": ranked[len(ranked) // 2] / 1e3,
        "p99_us": ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))] / 1e3,
        "max_us": ranked[-1] / 1e3,
    }
