"""Run the points of a sweep without coming back to Python: some at a time, each a stretch of bars further in turn.

A point alone would read all bars from memory, which takes as long as all that is done with them; several points that take
turns over a stretch that the processor keeps at hand read it once.
"""

from typing import Final

import numpy as np

from b25.engine.bar_loop import run_bars
from b25.engine.bar_records import BAR_RUN
from b25.engine.records import PAUSE
from b25.kernels.address import array_at, calls, record_at
from b25.kernels.jit import kernel, late_kernel
from b25.model.bar_run import POINT

LANES: Final = 8
STRETCH_STEPS: Final = 2_048  # some 230 kB of bars

# One array that a run changes, and its copy from before.
SEGMENT = np.dtype([("to", "u8"), ("source", "u8"), ("words", "i8")], align=True)
# One of the points that take turns: a run of its own.
LANE = np.dtype(
    [
        ("segments", "u8"),
        ("segment_count", "i8"),
        ("strategy", "u8"),
        ("run", "u8"),
        ("point", "u8"),
        ("ended", "i8"),
        ("raised", "i8"),  # set from outside: its strategy raised, and its result is written already
    ],
    align=True,
)
JOB = np.dtype(
    [
        ("lanes", "u8"),
        ("records", "u8"),  # the strategy's record of each point
        ("record_words", "i8"),
        ("run_code", "u8"),
        ("results", "u8"),  # POINT of each point
        ("next", "i8"),  # the first point of the lanes
        ("count", "i8"),
        ("stop", "i8"),  # set from outside: end after this stretch
        ("taken", "i8"),  # points that the lanes are at; 0 when none is begun
        ("lane", "i8"),  # the one that runs
    ],
    align=True,
)
uint64 = np.dtype(np.uint64)
POINT_WORDS = POINT.itemsize // 8
WORD, LANE_SIZE = np.uint64(8), np.uint64(LANE.itemsize)

call_run = calls("int64(uintp)", otherwise=run_bars)


@kernel
def copy_words(to, source, words):
    """Copy so many words of eight bytes from one address to another."""
    target, origin = array_at(to, words, uint64), array_at(source, words, uint64)
    for k in range(words):
        target[k] = origin[k]


@kernel
def lane_at(job, lane):
    """Return a LANE."""
    return record_at(job["lanes"] + np.uint64(lane) * LANE_SIZE, LANE)


@kernel
def begin_lanes(job):
    """Put the state of as many lanes as there are points back, and give each its point's record."""
    taken = min(LANES, job["count"] - job["next"])
    for k in range(taken):
        lane = lane_at(job, k)
        segments = array_at(lane["segments"], lane["segment_count"], SEGMENT)
        for j in range(segments.shape[0]):
            copy_words(segments[j]["to"], segments[j]["source"], segments[j]["words"])
        at = np.uint64(job["next"] + k)
        copy_words(lane["strategy"], job["records"] + at * np.uint64(job["record_words"]) * WORD, job["record_words"])
        lane["ended"] = 0
        lane["raised"] = 0
    job["taken"] = taken


@kernel
def turn_lanes(job):
    """Run every lane a stretch further; False when all have ended."""
    going = False
    for k in range(job["taken"]):
        lane = lane_at(job, k)
        if lane["ended"] != 0:
            continue
        record_at(lane["run"], BAR_RUN)["budget"] = STRETCH_STEPS
        job["lane"] = k
        if call_run(job["run_code"], (lane["run"],)) == PAUSE:
            going = True
        else:
            lane["ended"] = 1
    return going


@kernel
def end_lanes(job):
    """Keep what came of the points."""
    for k in range(job["taken"]):
        lane = lane_at(job, k)
        if lane["raised"] == 0:
            at = np.uint64(job["next"] + k)
            copy_words(job["results"] + at * np.uint64(POINT_WORDS) * WORD, lane["point"], np.int64(POINT_WORDS))
    job["next"] += job["taken"]
    job["taken"] = 0


@late_kernel("void(uintp)")
def sweep_points(address):
    """Run the points of a JOB from the next one on."""
    job = record_at(address, JOB)
    while job["stop"] == 0:
        if job["taken"] == 0:
            if job["next"] >= job["count"]:
                return
            begin_lanes(job)
        if not turn_lanes(job):
            end_lanes(job)
