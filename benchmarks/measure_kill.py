"""The figure of the kill switch: from the request to the moment at which the venue has no order of ours any more."""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from contestants import BenchFailed, Worker
from figures import Figure, spread
from stage import Stage

from b25.runner.kill_latch import Trigger, confirmation, pull, read_report, rearm
from b25.runner.kill_main import is_watching

ROUNDS, ORDERS, LATENCY_MS = 5, 50, 100.0


def kill_switch(stage: Stage) -> Iterator[Figure]:
    """Fifty open orders, REST at 100 ms; the kill process, the venue and the one who asks are a process each."""
    with Worker("ours_kill.py", pinned=False) as venue:
        made = venue.ask("start", latency_ms=LATENCY_MS)
        folder = Path(tempfile.mkdtemp())
        plan = folder / "up.toml"
        plan.write_text(
            "[accounts.bench]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in made["account"].items())
        )
        command = [sys.executable, "-m", "b25.runner.kill_main", "--folder", str(folder / "run"), "--plan", str(plan)]
        watching = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            _wait(lambda: is_watching(folder / "run"))
            time.sleep(2.0)  # it reads the listings beforehand, once
            taken = [_once(venue, folder / "run") for _ in range(ROUNDS)]
        finally:
            watching.terminate()
            watching.wait()
        venue.ask("stop")
    gone_s, verified_s = [gone for gone, _ in taken], [verified for _, verified in taken]
    detail = f"{spread(gone_s)} s over {ROUNDS} kills of {ORDERS} orders, REST at {LATENCY_MS:.0f} ms; "
    detail += f"verified by two reads 2 s apart after {spread(verified_s)} s"
    yield Figure(
        "kill: request → no open order on the venue",
        max(gone_s),
        "s",
        2.0,
        1.0,
        False,
        detail + f"; median {statistics.median(gone_s):.3f}",
    )


def _once(venue: Worker, folder: Path) -> tuple[float, float]:
    if venue.ask("rest", count=ORDERS)["open"] != ORDERS:
        raise BenchFailed("the venue did not take the orders that were to be killed")
    asked_s = time.monotonic()
    latch = pull(folder, "bench", by="bench", reason="measured", trigger=Trigger.COMMAND)
    gone_s = venue.ask("await_none", within_s=30.0)["gone_s"]
    if gone_s is None:
        raise BenchFailed("orders were still open 30 s after the kill")
    _wait(lambda: bool(read_report(folder, latch.kill_id).get("is_complete")))
    verified_s = time.monotonic() - asked_s
    rearm(folder, "bench", by="bench", reason="measured, and again", typed=confirmation(latch))
    return gone_s - asked_s, verified_s


def _wait(so: object, within_s: float = 60.0) -> None:
    until_s = time.monotonic() + within_s
    while not so():  # type: ignore[operator]
        if time.monotonic() > until_s:
            raise BenchFailed("the kill process did not answer within a minute")
        time.sleep(0.01)


MEASURES = (kill_switch,)
