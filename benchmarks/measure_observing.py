"""What a session pays for being looked at: once a second for its metrics, and for each decision that is noted."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from figures import Figure, spread
from stage import Stage

TELLS, BATCHES, NOTES = 200, 40, 500
STRATEGY = Path(__file__).resolve().parent.parent / "strategies" / "market_maker.py"


def observing(stage: Stage) -> Iterator[Figure]:
    """Reading and writing everything that a session tells; and putting an effect aside."""
    with tempfile.TemporaryDirectory() as folder:
        told, noted, lines = asyncio.run(_measured(Path(folder)))
    detail = f"median and range of {TELLS}, {lines} lines, the file included; once a second, between two events"
    yield Figure(
        "metrics of a session read and written", statistics.median(told), "ms", 20, 3, False, f"{spread(told)} ms; {detail}"
    )
    yield Figure(
        "a decision noted for metrics",
        noted,
        "µs",
        5,
        1,
        False,
        f"least of {BATCHES} times {NOTES}; nothing is paid without a decision",
    )


async def _measured(folder: Path) -> tuple[list[float], float, int]:
    from b25.model.instrument import Instrument
    from b25.model.order import EFFECT
    from b25.observe.meter import Meter
    from b25.research.strategy_file import load_strategy
    from b25.runner.live import LiveLoop
    from b25.runner.live_session import LivePlan
    from b25.runner.metrics_file import MetricsFile
    from b25.runner.metrics_session import SessionMetrics
    from b25.runner.seat import session_folder
    from b25.session.gateway import Watching
    from b25.session.session import Session

    btc = Instrument(venue="binanceusdm", symbol="BTC/USDT:USDT", tick="0.1", lot="0.001")  # type: ignore[arg-type]
    cls = load_strategy(f"{STRATEGY}:MarketMaker")
    plan = LivePlan(name="bench", mode="observe", cls=cls, instruments=[btc], folder=folder, compiled=False)
    loop = LiveLoop(time.time_ns, lambda text: None)
    gateway = Watching(loop.deliver, asyncio.get_running_loop().call_soon)
    loop.wire(Session(plan.composition(), plan.journal, gateway.act), gateway)
    meter = Meter("session", "bench")
    metrics = SessionMetrics(loop, meter, mode="observe", account="")
    session_folder(folder, "bench").mkdir(parents=True)
    file = MetricsFile(folder, "bench", meter, metrics.read)
    metrics.attach()
    watch = loop.session.watch
    assert watch is not None
    row = np.zeros(1, EFFECT)
    row["kind"], row["side"] = 1, 1
    noted = min(_per_call(lambda: watch(row)) for _ in range(BATCHES))
    file.tell()
    told = []
    for _ in range(TELLS):
        began = time.perf_counter()
        file.tell()
        told.append((time.perf_counter() - began) * 1e3)
    loop.until.set()
    loop.session.close("measured")
    return told, noted, meter.text().count("\n")


def _per_call(act: Callable[[], None]) -> float:
    """Microseconds of one call."""
    began = time.perf_counter()
    for _ in range(NOTES):
        act()
    return (time.perf_counter() - began) / NOTES * 1e6


MEASURES = (observing,)
