"""A run that somebody waits for: started at once, watched, and ended when whoever waits goes away."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from b25.model.errors import B25Error, Retry
from b25.reports.definition import report_of
from b25.reports.desk import ReportDesk
from b25.reports.process_limits import kill_tree
from b25.reports.run import TAKEN
from b25.reports.scheduler import OVER_S, start_run
from b25.store.report_runs import OPEN

LOOK_S: Final = 0.2


class TooLate(Retry):
    """Nobody answered in time."""

    exit_code = 5


def run_now(desk: ReportDesk, row: Mapping[str, Any], begun: Callable[[int, int], None]) -> dict[str, Any]:
    """Do a queued run and wait for its end; one that a scheduler has taken meanwhile is waited for.

    Parameters
    ----------
    begun : callable
        Told the number of each cell, and how many there are.

    Returns
    -------
    dict
        The run as it ended.

    Raises
    ------
    TooLate
        When it has not ended long after its time.
    """
    definition = report_of(desk.reports(), row["report"])
    until_s = time.monotonic() + definition.timeout_s + OVER_S
    process = start_run(row["id"], desk.settings, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        told: dict[str, Any] = {}
        with process.stdout:
            for line in process.stdout:
                told = orjson.loads(line)
                if "cell" in told:
                    begun(int(told["cell"]), int(told["of"]))
        code = process.wait()
    except BaseException:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            kill_tree(process.pid)
        raise
    if "error" in told:
        fault = B25Error(told["error"], remedy=told["remedy"])
        fault.exit_code = code  # type: ignore[attr-defined]
        raise fault
    while (ended := desk.run(row["id"]))["state"] in OPEN:
        if code != TAKEN or time.monotonic() > until_s:
            raise TooLate(f"{row['id']} is still {ended['state']}", remedy=f"b25 report show {row['id']}")
        time.sleep(LOOK_S)
    return ended
