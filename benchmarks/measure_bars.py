"""The figures of bars: equality with vectorbt and backtesting.py first, then speed, memory, two cores and the tear sheet."""

import statistics
import time
from collections.abc import Iterator
from typing import Any

from agreement import furthest, trade_faults
from bar_data import FAST, SLOW, narrowest_decision
from contestants import BenchFailed, Worker, say
from figures import Figure, amount, interleaved, spread
from stage import Stage

BARS, YEAR_BARS, BIG_BARS = 100_000, 525_600, 10_000
FEE, BALANCE = 0.001, 1e7
ONE_FAST, ONE_SLOW = 20, 100
ROUNDS, PEER_ROUNDS, FRESH_ROUNDS = 9, 5, 5
GRID = {"fast": list(FAST), "slow": list(SLOW)}
PAIRS = [(fast, slow) for fast in FAST for slow in SLOW]
BIG_GRID = {"fast": list(range(1, 101)), "slow": list(range(101, 201)), "quantity": [float(k) for k in range(1, 11)]}
ENGINES = ("numba", "rust")  # vectorbt's two


def check_decisions(data: str) -> str:
    """How close the averages of the pairs come to each other without being equal; the peers agree on everything above it."""
    apart = [narrowest_decision(data, *pair) for pair in PAIRS]
    ties, least = sum(ties for _, ties in apart), min(distance for distance, _ in apart)
    return f"averages are exactly equal at {ties:,} bars, else at least {least:.2g} apart"


def ask_vectorbt(peer: Worker, data: str, engine: str) -> dict[str, Any]:
    return peer.ask("sweep", data=data, bars=BARS, pairs=PAIRS, fee=FEE, balance=BALANCE, engine=engine)


def ask_sweep(ours: Worker, data: str, jobs: int) -> dict[str, Any]:
    return ours.ask("sweep", data=data, count=BARS, grid=GRID, fee=FEE, balance=BALANCE, jobs=jobs)


def ma_cross_sweep(stage: Stage) -> Iterator[Figure]:
    """200 pairs of moving averages on 100,000 bars: vectorbt's faster engine against ours, each on one core."""
    data, steps = str(stage.bars(BARS)), BARS * len(PAIRS)
    decisions = check_decisions(data)
    with Worker("peer_vectorbt.py", stage.vectorbt) as peer, Worker("ours_bars.py") as ours:
        say("200 pairs: first calls, and equality")
        expected = {engine: ask_vectorbt(peer, data, engine) for engine in ENGINES}
        found = ask_sweep(ours, data, 1)
        worst = max(furthest(found["total_returns"], one["total_returns"]) for one in expected.values())
        if worst > 1e-9:
            raise BenchFailed(f"total returns differ from vectorbt's by up to {worst:.3g}")
        say(f"{PEER_ROUNDS} rounds in turn")
        taken = interleaved(
            {
                "b25": lambda: min(float(ask_sweep(ours, data, 1)["run_s"]) for _ in range(2)),
                **{engine: lambda engine=engine: float(ask_vectorbt(peer, data, engine)["run_s"]) for engine in ENGINES},
            },
            PEER_ROUNDS,
        )
    with Worker("ours_bars.py", pinned=False) as ours:
        both = [steps / float(ask_sweep(ours, data, 2)["run_s"]) / 1e6 for _ in range(PEER_ROUNDS + 1)][1:]
    speeds = {name: [steps / took_s / 1e6 for took_s in all_s] for name, all_s in taken.items()}
    best = max(statistics.median(speeds[engine]) for engine in ENGINES)
    detail = f"million bar-steps/s on one core: b25 {spread(speeds['b25'])}"
    detail += "".join(f", {engine} engine {spread(speeds[engine])}" for engine in ENGINES)
    detail += f"; as it comes, on all cores, b25 {spread(both)}, {statistics.median(both) / best:.0f} ×"
    detail += f"; {len(PAIRS)} total returns equal to {worst:.1g}; {decisions}; first call there "
    detail += f"{amount(expected['numba']['run_s'])} s"
    what = "MA-cross, 200 pairs × 100,000 bars, bar-steps/s: b25 / vectorbt 1.2 (warm)"
    yield Figure(what, statistics.median(speeds["b25"]) / best, "×", 20, 60, True, detail)


def first_sweep_call(stage: Stage) -> Iterator[Figure]:
    """The same sweep from the start of a fresh process to its answer, caches warm."""
    data = str(stage.bars(BARS))
    taken, calls = [], []
    for round_ in range(FRESH_ROUNDS + 1):
        begun = time.perf_counter()
        with Worker("ours_bars.py", pinned=False) as ours:
            answer = ask_sweep(ours, data, 2)
            if round_:  # the very first fills the caches
                taken.append(time.perf_counter() - begun)
                calls.append(float(answer["run_s"]))
    detail = f"from the start of the process {spread(taken)}; the call alone {spread(calls)}"
    yield Figure("the same, first call in a fresh process with warm caches", statistics.median(taken), "s", 3, 1, False, detail)


def one_bar_run(stage: Stage) -> Iterator[Figure]:
    """One run of 100,000 bars under backtesting.py's rules, with equal trades."""
    data = str(stage.bars(BARS))
    own = {"data": data, "fast": ONE_FAST, "slow": ONE_SLOW, "fee": FEE, "balance": BALANCE}
    with Worker("peer_backtesting.py", stage.backtesting) as peer, Worker("ours_bars.py") as ours:
        expected, found = peer.ask("backtest", bars=BARS, **own), ours.ask("backtest", count=BARS, **own)
        if faults := trade_faults(found["trades"], expected["trades"]):
            raise BenchFailed(f"trades differ from backtesting.py's: {faults[:3]}")
        answers: list[dict[str, Any]] = []

        def once() -> float:
            answers.append(min((ours.ask("backtest", count=BARS, **own) for _ in range(3)), key=lambda one: one["call_s"]))
            return float(answers[-1]["call_s"])

        taken = interleaved(
            {"b25": once, "backtesting.py": lambda: float(peer.ask("backtest", bars=BARS, **own)["run_s"])}, ROUNDS
        )
    theirs = statistics.median(taken["backtesting.py"])
    alone = statistics.median(float(one["run_s"]) for one in answers)
    told = statistics.median(float(one["call_s"]) + float(one["told_s"]) for one in answers)
    detail = f"ms: b25 {spread([1e3 * one for one in taken['b25']])}, backtesting.py "
    detail += f"{spread([1e3 * one for one in taken['backtesting.py']])}; {len(found['trades'])} trades equal; "
    detail += f"the loop alone {theirs / alone:,.0f} ×, with every metric and the trades as a table {theirs / told:,.0f} ×"
    what = "one run of 100,000 bars: b25 / backtesting.py"
    yield Figure(what, theirs / statistics.median(taken["b25"]), "×", 200, 1000, True, detail)


def big_sweep_memory(stage: Stage) -> Iterator[Figure]:
    """Peak of a whole fresh process, and of those that it starts, over 100,000 points."""
    data = str(stage.bars(BARS))
    points = len(BIG_GRID["fast"]) * len(BIG_GRID["slow"]) * len(BIG_GRID["quantity"])
    say(f"a sweep of {points:,} points")
    with Worker("ours_bars.py", pinned=False) as ours:
        found = ours.ask(
            "sweep", data=data, count=BIG_BARS, grid=BIG_GRID, fee=FEE, balance=BALANCE, jobs=2, returns=False, resume=True
        )
    if found["points"] != points:
        raise BenchFailed(f"the sweep has {found['points']:,} rows instead of {points:,}")
    peak = found["tree_rss_bytes"] / 1e9
    detail = f"{points * BIG_BARS / float(found['run_s']) / 1e6:,.0f} million bar-steps/s, {found['run_s']:.1f} s on two cores; "
    detail += "interpreter and libraries count"
    yield Figure("a sweep of 100,000 points × 10,000 bars: peak memory", peak, "GB", 1, None, False, detail)


def two_core_speedup(stage: Stage) -> Iterator[Figure]:
    """The sweep of 200 pairs, longer, on one core and on two."""
    data = str(stage.bars(BARS))
    grid = {**GRID, "quantity": [1.0, 2.0, 3.0, 4.0]}
    with Worker("ours_bars.py", pinned=False) as ours:

        def once(jobs: int) -> dict[str, Any]:
            return ours.ask("sweep", data=data, count=BARS, grid=grid, fee=FEE, balance=BALANCE, jobs=jobs)

        first = {jobs: once(jobs) for jobs in (1, 2)}
        if first[1]["total_returns"] != first[2]["total_returns"] or first[1]["hash"] != first[2]["hash"]:
            raise BenchFailed("one core and two give different results")
        taken = interleaved({str(jobs): lambda jobs=jobs: float(once(jobs)["run_s"]) for jobs in (1, 2)}, ROUNDS)
    speedup = statistics.median(taken["1"]) / statistics.median(taken["2"])
    detail = f"s: one core {spread(taken['1'])}, two {spread(taken['2'])}; 800 points × 100,000 bars, equal hashes"
    yield Figure("speed-up from 1 to 2 cores", speedup, "×", 1.8, None, True, detail)


def tearsheet_year(stage: Stage) -> Iterator[Figure]:
    """The tear sheet of a run over a year of one-minute bars."""
    data = str(stage.bars(YEAR_BARS))
    with Worker("ours_bars.py", pinned=False) as ours:
        answers = [ours.ask("tearsheet", data=data, count=YEAR_BARS) for _ in range(PEER_ROUNDS)]
    taken = [float(one["run_s"]) for one in answers]
    detail = f"{spread(taken)}; first {taken[0]:.2f}; {answers[0]['bytes'] / 1e6:.1f} MB, {answers[0]['trades']:,} trades; "
    detail += f"the run itself {spread([float(one['backtest_s']) for one in answers])}"
    yield Figure("tear sheet of a year of 1-minute bars", statistics.median(taken), "s", 3, 1, False, detail)


MEASURES = (ma_cross_sweep, first_sweep_call, one_bar_run, big_sweep_memory, two_core_speedup, tearsheet_year)
