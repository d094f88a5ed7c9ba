"""The parameter explorer: from a slider that was moved to the new equity curve in the widget, on bars and on ticks."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from contestants import BenchFailed
from figures import Figure, spread
from stage import Stage

BARS, TICK_MINUTES, MOVES = 100_000, 5, 25
BALANCE = 1e7  # a lot of the bench's bars is worth 30,000
STRATEGIES = Path(__file__).resolve().parent.parent / "strategies"


def explorer(stage: Stage) -> Iterator[Figure]:
    """Settings that were never tried, one after the other; each curve is that of the backtest of its own."""
    from b25.research.dataset import sample
    from b25.research.strategy_file import load_strategy

    with tempfile.TemporaryDirectory() as folder:
        os.environ["B25_TRIALS"] = str(Path(folder) / "trials")
        cross = load_strategy(f"{STRATEGIES / 'moving_average_cross.py'}:MovingAverageCross")
        bars = bars_of(stage.bars(BARS))
        yield asyncio.run(moved(f"{BARS:,} bars", cross, bars, lambda k: {"fast": 5 + k, "slow": 100 + 3 * k}, balance=BALANCE))
        maker = load_strategy(f"{STRATEGIES / 'market_maker.py'}:MarketMaker")
        ticks = sample(minutes=TICK_MINUTES, catalog=Path(folder) / "catalog")
        yield asyncio.run(moved(f"{TICK_MINUTES} min of ticks", maker, ticks, lambda k: {"half_spread_bps": 0.2 + k / 50}))


async def moved(what: str, cls: Any, data: Any, setting: Callable[[int], dict[str, Any]], **how: Any) -> Figure:
    """Move the sliders as a page does, in a loop as a kernel's, and wait for the curve and for the figures."""
    from b25.notebook.widgets import ParamExplorer
    from b25.research.backtest import backtest

    made = ParamExplorer(cls, data, **how)
    curves, wholes = [], []
    await reached(made, "done")
    for k in range(1, MOVES + 1):
        values = {**made.values, **setting(k)}
        before, begun = made.curve, time.perf_counter()
        made.values = values
        await reached(made, "curve", "done")
        curves.append((time.perf_counter() - begun) * 1e3)
        await reached(made, "done")
        wholes.append((time.perf_counter() - begun) * 1e3)
        if made.result is None or made.result.parameters != values or made.curve == before:
            raise BenchFailed(f"{what}: the curve of move {k} is not that of {values}")
    if made.result.hash != backtest(cls, data, **how, **made.values).hash:
        raise BenchFailed(f"{what}: the explorer's run is not the backtest of its values")
    made.close()
    detail = f"ms to the curve {spread(curves)}, to all figures {spread(wholes)}; {MOVES} settings never tried before, "
    detail += "the last equal to b25.backtest by its hash; what the browser draws is not in it"
    what = f"parameter explorer, {what}: slider → new equity curve, median"
    return Figure(what, float(np.median(curves)), "ms", 500, 150, False, detail)


async def reached(made: Any, *states: str) -> None:
    """Wait until a run has come so far."""
    came = asyncio.Event()

    def look(_: Any = None) -> None:
        if made.run.get("state") in states:
            came.set()

    made.observe(look, "run")
    look()
    await came.wait()
    made.unobserve(look, "run")


def bars_of(path: Path) -> Any:
    """The bench's bars as ours."""
    import ours_bars

    return ours_bars.bars(str(path), BARS)


MEASURES = [explorer]
