"""Many points of one plan over bars: the same loop, its state put back by one stroke of copying between two points."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from b25.engine.bar_backtest import BarEngine, BarSetup, BarTrack
from b25.engine.bar_loop import run_bars
from b25.engine.sweep_loop import JOB, LANE, LANES, SEGMENT, sweep_points
from b25.kernels.address import address_of
from b25.model.bar_run import POINT
from b25.strategy.compile import Compiled
from b25.strategy.strategy import Strategy

RAISED = -1  # status of a point whose strategy raised
# Of the world's arrays those that no run changes, and those that are written before they are read: their counts are in the head.
LEFT = ("instruments", "limits", "intents", "outbox", "notes", "verdicts")


class Lane:
    """One run that a worker uses for point after point, and how all that it changes was before the first of them."""

    def __init__(self, engine: BarEngine) -> None:
        self.engine = engine
        world = engine.world
        moving = [getattr(world, name) for name in world.ARRAYS if name not in LEFT]
        moving += [world.context, world.bar_at, engine.run, engine.tapes, engine.bar_venues, engine.last_mid2, engine.point]
        moving = [array for array in moving if array.nbytes]
        self.kept = [array.copy() for array in moving]
        self.segments = np.zeros(len(moving), SEGMENT)
        for segment, array, kept in zip(self.segments, moving, self.kept, strict=True):
            assert array.nbytes % 8 == 0
            assert array.flags.c_contiguous
            segment["to"], segment["source"], segment["words"] = array.ctypes.data, kept.ctypes.data, array.nbytes // 8

    def write(self, row: Any) -> None:
        """Write it into a LANE record."""
        row["segments"], row["segment_count"] = self.segments.ctypes.data, self.segments.size
        row["strategy"], row["run"] = self.engine.strategy.ctypes.data, self.engine.run.ctypes.data
        row["point"] = self.engine.point.ctypes.data


class SweepWorker:
    """What one thread needs to run points: engines of its own over shared bars, one for each point that is under way at once.

    Parameters
    ----------
    cls : type of Strategy
    fixed : dict
        Parameters that are the same in all points.
    tracks : sequence of BarTrack
    setup : BarSetup
    compiled : Compiled
    """

    def __init__(
        self, cls: type[Strategy], fixed: Mapping[str, Any], tracks: Sequence[BarTrack], setup: BarSetup, compiled: Compiled
    ) -> None:
        self.cls, self.fixed = cls, dict(fixed)
        self.engine = BarEngine(cls, self.fixed, tracks, setup, compiled, compact=True)
        engines = [self.engine]
        for _ in range(LANES - 1):
            engines.append(BarEngine(cls, self.fixed, tracks, setup, compiled, compact=True))
            engines[-1].share_clock(self.engine)
        self.lanes = [Lane(engine) for engine in engines]
        self.rows = np.zeros(LANES, LANE)
        for lane, row in zip(self.lanes, self.rows, strict=True):
            lane.write(row)
        self.job = np.zeros(1, JOB)
        job = self.job
        job["lanes"], job["record_words"] = self.rows.ctypes.data, self.engine.strategy.nbytes // 8
        job["run_code"] = address_of(run_bars)
        self.loop = sweep_points.code()

    def run(self, columns: Mapping[str, np.ndarray[Any, Any]], results: np.ndarray[Any, Any]) -> None:
        """Run points and write their figures.

        Parameters
        ----------
        columns : mapping of str to ndarray, shape (m,)
            Parameters of each point, within their bounds.
        results : ndarray of POINT, shape (m,)
            Written; a point whose strategy raised has the status RAISED, one that halted that of its world.
        """
        count = results.size
        records = np.repeat(self.cls.record(self.fixed), count)
        for name, values in columns.items():
            records[name] = values
        job = self.job
        job["records"], job["results"] = records.ctypes.data, results.ctypes.data
        job["next"], job["count"], job["stop"], job["taken"] = 0, count, 0, 0
        while int(job[0]["next"]) < count and not int(job[0]["stop"]):
            try:
                self.loop(np.uintp(job.ctypes.data))
            except Exception:
                # The world of that point is half moved; the others go on, and its lane begins afresh with its next point.
                lane = int(job[0]["lane"])
                at = int(job[0]["next"]) + lane
                results[at] = np.zeros(1, POINT)[0]
                results["status"][at] = RAISED
                self.rows["ended"][lane] = self.rows["raised"][lane] = 1

    def stop(self) -> None:
        """Let the run end soon; points that are under way are given up, and what is not run keeps what its results held."""
        self.job["stop"] = 1

    @property
    def done(self) -> int:
        """Points of the present run that are finished."""
        return int(self.job[0]["next"])
