"""The figure of crashes: a whole live session, killed at random instants and started again, against the venue's own books.

The session is a process of its own: feed, strategy, gate, journal, store and orders through ccxt. It asks for everything
that can be asked for (rests, takes, changes, cancels, stops) every 40 ms.

`python benchmarks/measure_crashes.py [KILLS]` does it alone.
"""

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from contestants import ROOT, BenchFailed, say
from figures import Figure, amount
from stage import Stage

KILLS = 200


def crashes(stage: Stage) -> Iterator[Figure]:
    """Kill it, start it, and count what is lost, doubled, orphaned or different at the end: nothing may be."""
    yield _killed(KILLS)


def _killed(kills: int) -> Figure:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))  # the tests have the same loop, shorter
    from tests.runner.crashes import Crashes, broken

    with tempfile.TemporaryDirectory() as folder, Crashes(Path(folder), seed=kills) as stand:
        for number in range(kills):
            stand.kill()
            if number % 20 == 19:
                say(f"{number + 1} of {kills} kills")
        facts = stand.last_life()
        found = stand.check()
        if facts["live_orders"] or facts["not_certainly_cancelled"]:
            raise BenchFailed(f"the last life did not end in order: {facts}")
        wrong = broken(found)
        recovery_s = statistics.median(stand.recoveries_s)
    detail = (
        f"{found['orders']:,} orders, {found['fills']:,} executions; session, store and venue hold the same; the journal of all "
        f"lives replays; killed while it began or traded; it trades again after {amount(recovery_s)} s (median)"
    )
    counted = sum(value if isinstance(value, int) else 1 for value in wrong.values())
    return Figure(
        f"`kill -9` at {kills} random instants: lost, doubled, orphaned orders; differences", float(counted), "", 0.0, None,
        least=False, detail=detail + (f"; wrong: {wrong}" if wrong else ""),
    )  # fmt: skip


MEASURES = (crashes,)


if __name__ == "__main__":
    print(_killed(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS).row())
