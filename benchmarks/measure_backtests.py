"""The figures of the tick backtest: equality with hftbacktest first, then its speed, its start and its memory."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agreement import differences, reference_digest
from contestants import BenchFailed, Worker, b25, say
from figures import Figure, interleaved, spread
from reference_runs import backtest_words
from stage import Stage

DEPTHS = ("hashmap", "roi")  # hftbacktest's two books
SHORT_ROUNDS, LONG_ROUNDS, COLD_ROUNDS = 9, 9, 3


def without_fills(run: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in run.items() if name != "fills"}


def equal_to_the_reference(stage: Stage) -> Iterator[Figure]:
    """Run all five reference backtests with both engines, and hold each against the file."""
    place, data = stage.short.place, str(stage.short.peer_data)
    right, faults = 0, []
    with Worker("peer_hftbacktest.py", stage.hftbacktest) as peer, Worker("ours_backtest.py") as ours:
        for number, expected in enumerate(stage.runs, 1):
            run, wanted = without_fills(expected), {**expected, "digest": reference_digest(expected)}
            for depth in DEPTHS:
                if found := differences(peer.ask("backtest", data=data, depth=depth, run=run), wanted):
                    raise BenchFailed(f"hftbacktest ({depth}) does not reproduce its own run {number}: {found}")
            found = differences(ours.ask("backtest", run=run, place=place), wanted)
            right += not found
            faults += [f"run {number}: {fault}" for fault in found]
    detail = "fills, steps, submits, cancels, position, cash, fees; both of hftbacktest's books agree with the file too"
    yield Figure("reference backtests with every fill equal", right, "of 5", 5, None, True, "; ".join(faults) or detail)


def rows_per_second(stage: Stage) -> Iterator[Figure]:
    """ReferenceMaker on the tiled capture, warm: hftbacktest's faster book against ours."""
    run, rows = without_fills(stage.runs[0]), stage.long.rows
    data, place = str(stage.long.peer_data), stage.long.place
    with Worker("peer_hftbacktest.py", stage.hftbacktest) as peer, Worker("ours_backtest.py") as ours:
        say(f"the maker on {rows:,} rows: first calls, and equality")
        expected = peer.ask("backtest", data=data, depth="hashmap", run=run)
        for name, found in {
            "hftbacktest's range vector": peer.ask("backtest", data=data, depth="roi", run=run),
            "b25": ours.ask("backtest", run=run, place=place),
        }.items():
            if faults := differences(found, expected):
                raise BenchFailed(f"{name} differs from hftbacktest's hash map on the tiled capture: {faults}")
        say(f"{LONG_ROUNDS} rounds in turn")
        taken = interleaved(
            {
                "b25": lambda: float(ours.ask("backtest", run=run, place=place)["run_s"]),
                **{
                    depth: lambda depth=depth: float(peer.ask("backtest", data=data, depth=depth, run=run)["run_s"])
                    for depth in DEPTHS
                },
            },
            LONG_ROUNDS,
        )
    speeds = {name: [rows / took_s / 1e6 for took_s in all_s] for name, all_s in taken.items()}
    best = max(statistics.median(speeds[depth]) for depth in DEPTHS)
    named = {"b25": "b25", "hashmap": "hash map", "roi": "range vector"}
    detail = "million rows/s: " + ", ".join(f"{named[name]} {spread(speeds[name])}" for name in speeds)
    detail += f"; {rows:,} rows, {expected['fill_count']:,} fills equal"
    yield Figure("ReferenceMaker, rows/s: b25 / hftbacktest", statistics.median(speeds["b25"]) / best, "×", 8, 15, True, detail)


def plain_python(stage: Stage) -> Iterator[Figure]:
    """The same strategy class uncompiled; it must give the same fills."""
    run, place = without_fills(stage.runs[0]), stage.short.place
    with Worker("ours_backtest.py") as ours:
        compiled = ours.ask("backtest", run=run, place=place)
        answers = [ours.ask("backtest", run=run, place=place, python=True) for _ in range(5)]
    if faults := [fault for answer in answers for fault in differences(answer, compiled)]:
        raise BenchFailed(f"the plain-Python life differs from the compiled one: {faults[:3]}")
    speeds = [stage.short.rows / float(answer["run_s"]) / 1e3 for answer in answers]
    detail = f"{spread(speeds)}; its fills equal the compiled life's"
    yield Figure("plain-Python life of a strategy", statistics.median(speeds), "k rows/s", 250, 500, True, detail)


def first_result(stage: Stage) -> Iterator[Figure]:
    """A fresh process from its start to its answer: caches warm, and empty."""
    words = backtest_words(stage.runs[0], stage.short.place)
    b25(words)
    warm = [b25(words).wall_s for _ in range(SHORT_ROUNDS)]
    peers = [peer_first_result_s(stage) for _ in range(COLD_ROUNDS)]
    yield Figure(
        "time to the first result, fresh process, caches warm",
        statistics.median(warm),
        "s",
        1.5,
        0.7,
        False,
        f"{spread(warm)}; hftbacktest, which compiles in each process: {spread(peers)}",
    )
    cold = []
    for _ in range(COLD_ROUNDS):
        with tempfile.TemporaryDirectory() as empty:
            finished = b25(words, {"B25_CACHE_DIR": empty})
        if not finished.progress.strip():
            raise BenchFailed("a cold start says nothing while it compiles")
        cold.append(finished.wall_s)
    yield Figure(
        "the same with an empty cache", statistics.median(cold), "s", 40, 20, False, f"{spread(cold)}; it shows progress"
    )


def peer_first_result_s(stage: Stage) -> float:
    begun = time.perf_counter()
    with Worker("peer_hftbacktest.py", stage.hftbacktest) as peer:
        peer.ask("backtest", data=str(stage.short.peer_data), depth="hashmap", run=without_fills(stage.runs[0]))
        return time.perf_counter() - begun


def peak_memory(stage: Stage) -> Iterator[Figure]:
    """Peak of a whole fresh process on the tiled capture, less the tape that it maps."""
    finished = b25(backtest_words(stage.runs[0], stage.long.place))
    tape = sum(path.stat().st_size for path in Path(stage.long.catalog).rglob("*") if path.suffix == ".npy")
    beyond = (finished.peak_rss_bytes - tape) / 1e6
    detail = f"peak {finished.peak_rss_bytes / 1e6:,.0f} MB, of which the mapped tape {tape / 1e6:,.0f} MB; "
    detail += "the interpreter and its libraries count"
    yield Figure("peak memory of a backtest beyond the tape", beyond, "MB", 200, None, False, detail)


def same_hash(stage: Stage) -> Iterator[Figure]:
    """The same backtest in two processes."""
    words = backtest_words(stage.runs[2], stage.short.place)
    hashes = [str(b25(words).answer["hash"]) for _ in range(2)]
    yield Figure("the same backtest in two processes: same hash", hashes[0] == hashes[1], "yes", 1, None, True, hashes[0][:16])


MEASURES = (equal_to_the_reference, rows_per_second, first_result, plain_python, peak_memory, same_hash)
