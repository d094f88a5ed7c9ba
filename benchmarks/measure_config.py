"""Figures of the configuration: reading, updating and rolling back, and from a commit to the answer of a running session."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator

from contestants import BenchFailed
from figures import Figure, spread
from stage import Stage

from b25.config.configurations import Configurations
from b25.config.outcome import Author
from b25.store.store import open_store

ROUNDS, RELOADS = 300, 60
BENCH = Author("bench")
KEY = "default/bench/paper/limits"


def configuration_store(stage: Stage) -> Iterator[Figure]:
    """One client, SQLite: what holds under a key with all that it inherits; an update; a rollback that holds at once."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/config.db", readers=2)
        configurations = Configurations(store)
        for key in ("default/default/default/limits", "default/default/paper/limits", KEY):
            configurations.create(key, "risk_limit", limits(1), BENCH)
            configurations.activate(key, BENCH)
        read = [timed(lambda: configurations.effective("risk_limit", KEY)) for _ in range(ROUNDS)]
        updated = [timed(lambda k=k: configurations.update(KEY, k, limits(k), BENCH)) for k in range(1, ROUNDS + 1)]
        back = [timed(lambda: configurations.rollback(KEY, 1, BENCH, reason="measured", approved=True)) for _ in range(ROUNDS)]
        head = configurations.head(KEY)
        if (head.version, configurations.version(KEY)[1].value) != (2 * ROUNDS + 1, limits(1)):
            raise BenchFailed("the configuration is not what was written")
        store.close()
    for what, taken, bar in (("read, with what it inherits", read, 10.0), ("update", updated, 150.0), ("rollback", back, 150.0)):
        detail = f"median {statistics.median(taken):.3g} ms over {ROUNDS}; SQLite, audit included, value checked"
        yield Figure(f"configuration: {what}, p99", p99(taken), "ms", bar, None, False, detail)


def configuration_reload(stage: Stage) -> Iterator[Figure]:
    """A session on paper at a simulated venue, in this process; the store is written by another thread."""
    from reloading import reloads

    taken, version = reloads(RELOADS)
    if version != RELOADS:
        raise BenchFailed(f"the session runs version {version}, not {RELOADS}")
    detail = (
        f"{spread(taken)} ms over {RELOADS}; other limits each time, the gate tried under each; found by looking at the store"
    )
    what = "configuration: committed → acknowledged by a running session, p99"
    yield Figure(what, p99(taken), "ms", 500.0, 100.0, False, detail)


def limits(k: int) -> dict[str, dict[str, float]]:
    """Limits that get tighter with every version."""
    return {"account": {"order_value_max": 500_000.0, "collar": 0.05 - k * 1e-5}}


def timed(act: Callable[[], object]) -> float:
    """Milliseconds that something takes."""
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1e3


def p99(taken: list[float]) -> float:
    """The hundredth slowest."""
    return sorted(taken)[int(len(taken) * 0.99) - 1]


MEASURES = (configuration_store, configuration_reload)
