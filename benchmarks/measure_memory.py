"""Whether a session grows: a day of market and orders through one session, accelerated, and the process's memory over it."""

import gc
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from figures import Figure
from measure_live import BTC, NOW_NS, PARAMS, Ends
from stage import Stage

HOURS, MESSAGES_AN_HOUR, WARM_HOURS = 24, 14_400, 2  # four messages a second
LEVELS = 10


def memory(stage: Stage) -> Iterator[Figure]:
    """A day at four messages a second, an order placed, moved and now and then filled at each; the journal goes to the disk."""
    from b25.model.event import DEPTH, EVENT, LAST_OF_MESSAGE
    from b25.research.strategy_file import load_strategy
    from b25.session.commands import Command

    assert PARAMS
    assert BTC
    strategy = Path(__file__).resolve().parent.parent / "strategies" / "market_maker.py"
    cls, sizes, effects = load_strategy(f"{strategy}:MarketMaker"), [], 0
    with tempfile.TemporaryDirectory() as folder:
        ends = Ends(Path(folder), cls)
        ends.session.command(Command.START, NOW_NS)
        rows = np.zeros(2 * LEVELS, EVENT)
        rows["kind"], rows["side"] = DEPTH, np.repeat([1, -1], LEVELS)
        rows["flags"][-1] = LAST_OF_MESSAGE
        step = np.concatenate([-np.arange(LEVELS), np.arange(LEVELS)])
        at_ns = NOW_NS
        for _ in range(HOURS):
            for k in range(MESSAGES_AN_HOUR):
                at_ns += 250_000_000
                rows["local_ns"] = rows["exch_ns"] = at_ns
                rows["price_ticks"] = 600_000 + 3 * (k % 7) + step + np.repeat([0, 2], LEVELS)
                rows["qty_lots"] = 1 + (k + np.arange(2 * LEVELS)) % 90
                ends.session.take(rows)
                effects += len(ends.effects)
                ends.answer()
            gc.collect()
            sizes.append(_resident_mb())
        written_mb = ends.session.journal.bytes / 1e6
        ends.session.close("measured")
    slope = float(np.polyfit(np.arange(HOURS - WARM_HOURS), sizes[WARM_HOURS:], 1)[0])
    detail = f"{sizes[WARM_HOURS]:.1f} MB after {WARM_HOURS} hours, {sizes[-1]:.1f} after {HOURS}; "
    detail += f"{HOURS * MESSAGES_AN_HOUR:,} messages, {effects:,} effects, {written_mb:,.0f} MB of journal"
    yield Figure("growth of memory, a day accelerated", max(slope, 0.0), "MB/h", 5, 0.1, False, detail)


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


MEASURES = [memory]
