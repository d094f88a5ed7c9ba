"""Run point after point without coming back to Python: put the state back, take a point's record, run, keep its figures."""

import numpy as np

from b25.engine.bar_loop import run_bars
from b25.kernels.address import array_at, calls, record_at
from b25.kernels.jit import kernel, late_kernel
from b25.model.bar_run import POINT

# One array that a run changes, and its copy from before.
SEGMENT = np.dtype([("to", "u8"), ("source", "u8"), ("words", "i8")], align=True)
JOB = np.dtype(
    [
        ("segments", "u8"),
        ("segment_count", "i8"),
        ("records", "u8"),  # the strategy's record of each point
        ("record_words", "i8"),
        ("strategy", "u8"),
        ("run", "u8"),
        ("run_code", "u8"),
        ("point", "u8"),
        ("results", "u8"),  # POINT of each point
        ("next", "i8"),
        ("count", "i8"),
        ("stop", "i8"),  # set from outside: end after this point
    ],
    align=True,
)
uint64 = np.dtype(np.uint64)
POINT_WORDS = POINT.itemsize // 8
WORD = np.uint64(8)

call_run = calls("int64(uintp)", otherwise=run_bars)


@kernel
def copy_words(to, source, words):
    """Copy so many words of eight bytes from one address to another."""
    target, origin = array_at(to, words, uint64), array_at(source, words, uint64)
    for k in range(words):
        target[k] = origin[k]


@late_kernel("void(uintp)")
def sweep_points(address):
    """Run the points of a JOB from the next one on."""
    job = record_at(address, JOB)
    segments = array_at(job["segments"], job["segment_count"], SEGMENT)
    while job["next"] < job["count"] and job["stop"] == 0:
        for k in range(segments.shape[0]):
            copy_words(segments[k]["to"], segments[k]["source"], segments[k]["words"])
        at = np.uint64(job["next"])
        copy_words(job["strategy"], job["records"] + at * np.uint64(job["record_words"]) * WORD, job["record_words"])
        call_run(job["run_code"], (job["run"],))
        copy_words(job["results"] + at * np.uint64(POINT_WORDS) * WORD, job["point"], np.int64(POINT_WORDS))
        job["next"] += 1
