"""Many points of one plan over bars: the same loop, its state put back by one stroke of copying between two points."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from b25.engine.bar_backtest import BarEngine, BarSetup, BarTrack
from b25.engine.bar_loop import run_bars
from b25.engine.sweep_loop import JOB, SEGMENT, sweep_points
from b25.kernels.address import address_of
from b25.model.bar_run import POINT
from b25.strategy.compile import Compiled
from b25.strategy.strategy import Strategy

RAISED = -1  # status of a point whose strategy raised
# Of the world's arrays those that no run changes, and those that are written before they are read: their counts are in the head.
LEFT = ("instruments", "limits", "intents", "outbox", "notes")


class SweepWorker:
    """What one thread needs to run points: an engine of its own over shared bars, and how it was before the first of them.

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
        engine, world = self.engine, self.engine.world
        moving = [getattr(world, name) for name in world.ARRAYS if name not in LEFT]
        moving += [world.context, world.bar_at, engine.run, engine.tapes, engine.bar_venues, engine.last_mid2, engine.point]
        moving = [array for array in moving if array.nbytes]
        self.kept = [array.copy() for array in moving]
        self.segments = np.zeros(len(moving), SEGMENT)
        for segment, array, kept in zip(self.segments, moving, self.kept, strict=True):
            assert array.nbytes % 8 == 0
            assert array.flags.c_contiguous
            segment["to"], segment["source"], segment["words"] = array.ctypes.data, kept.ctypes.data, array.nbytes // 8
        self.job = np.zeros(1, JOB)
        job = self.job
        job["segments"], job["segment_count"] = self.segments.ctypes.data, self.segments.size
        job["strategy"], job["record_words"] = engine.strategy.ctypes.data, engine.strategy.nbytes // 8
        job["run"], job["run_code"] = engine.run.ctypes.data, address_of(run_bars)
        job["point"] = engine.point.ctypes.data
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
        job["next"], job["count"], job["stop"] = 0, count, 0
        while int(job[0]["next"]) < count and not int(job[0]["stop"]):
            try:
                self.loop(np.uintp(job.ctypes.data))
            except Exception:
                # The world of that point is half moved; the next one begins with a fresh one.
                at = int(job[0]["next"])
                results[at] = np.zeros(1, POINT)[0]
                results["status"][at] = RAISED
                job["next"] = at + 1

    def stop(self) -> None:
        """Let the run end after the point that it is at; what is not run keeps what its results held."""
        self.job["stop"] = 1

    @property
    def done(self) -> int:
        """Points of the present run that are finished."""
        return int(self.job[0]["next"])
