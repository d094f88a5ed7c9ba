"""The figure of faults: every order fault of the venue, one by one, under a whole session that trades all the time.

The session is a process of its own: feed, strategy, gate, journal, store and orders through ccxt. Each fault is on for ten
seconds of trading, then it is healed, and session, store, venue and replay are compared.

`python benchmarks/measure_faults.py [FAULT …]` does it alone.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from contestants import ROOT, say
from figures import Figure
from stage import Stage


def faults(stage: Stage) -> Iterator[Figure]:
    """Switch each on, trade, heal it, and count what is lost, doubled, orphaned or different: nothing may be."""
    yield _faulted(())


def _faulted(names: Sequence[str]) -> Figure:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))  # the tests have the same loop, shorter
    from tests.runner.faulted import FAULTS, under_fault

    wrong, orders, fills = {}, 0, 0
    for name in names or FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            found, broken = under_fault(Path(folder), name, seconds=10.0)
        say(f"{name}: {found['orders']:,} orders, {found['fills']:,} executions, {broken or 'nothing broken'}")
        orders, fills = orders + found["orders"], fills + found["fills"]
        if broken:
            wrong[name] = broken
    count = len(names or FAULTS)
    detail = f"{orders:,} orders, {fills:,} executions; after each, session, store and venue hold the same; journals replay"
    return Figure(
        f"{count} order faults of the venue, one by one, under trading: invariants broken",
        float(sum(len(one) for one in wrong.values())), "", 0.0, None,
        least=False, detail=detail + (f"; wrong: {wrong}" if wrong else ""),
    )  # fmt: skip


MEASURES = (faults,)


if __name__ == "__main__":
    print(_faulted(sys.argv[1:]).row())
