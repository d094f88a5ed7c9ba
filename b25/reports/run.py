"""One run of a report, in a process of its own: `python -m b25.reports.run RUN_ID`.

The scheduler, `b25 report run` and the API all enter a row and come here. The run is built beside its place and moved there by
one rename: there is a whole folder, or none.

    <reports>/<report>/<YYYY>/<MM>/<run id>/     executed.ipynb, report.html, metrics.json, run.json, stderr.log

On standard output it tells a line of JSON for every cell that begins, and one at its end.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import orjson

from b25.config.settings import Settings, read_settings
from b25.model.errors import B25Error, Misuse
from b25.reports.definition import Report, read_reports, report_of
from b25.reports.finish import finish
from b25.reports.process_limits import adopt_orphans, kill_below, worker_of
from b25.reports.refusals import NoReport
from b25.store.report_runs import Ending, ReportRuns
from b25.store.store import Store, open_store

if TYPE_CHECKING:
    from b25.reports.build import Build

EXIT_OF: Final = {"ok": 0, "timed_out": 5}
TAKEN: Final = 3  # somebody else has it, or it is over


def main(words: list[str]) -> int:
    """Run it; gives the exit code: 0 ok, 1 failed or quarantined, 3 not to be run, 4 misuse, 5 timed out."""
    if len(words) != 1:
        print("usage: python -m b25.reports.run RUN_ID", file=sys.stderr)
        return 4
    try:
        settings = read_settings()
        store = open_store(settings.database_url)
        try:
            return run_report(settings, store, words[0])
        finally:
            store.close()
    except B25Error as fault:
        say(error=fault.what, remedy=fault.remedy)
        return getattr(fault, "exit_code", 4 if isinstance(fault, Misuse) else 1)


def run_report(settings: Settings, store: Store, run_id: str) -> int:
    """Take a queued run, do it, and say what became of it; gives the exit code.

    Raises
    ------
    Misuse
        When there is no such run, or reports.toml cannot be read.
    StoreFailed
    """
    runs, worker = ReportRuns(store), worker_of(os.getpid())
    row = runs.run(run_id)
    if row is None:
        raise NoReport(f"there is no run {run_id!r}", remedy="see b25 report list")
    if not runs.claim(run_id, worker, time.time_ns()):
        say(state=row["state"], note="it is not to be run now: somebody else has it, or it is over")
        return TAKEN
    definition: Report | None = None
    try:
        definition = report_of(read_reports(settings.reports_file), row["report"])
        ending, may_retry = _done(settings, store, row, definition, worker)
    except (B25Error, OSError) as fault:
        ending, may_retry = _fault(fault), not isinstance(fault, Misuse | OSError)
    is_ours = finish(store, row, definition, worker, ending, may_retry=may_retry, now_ns=time.time_ns())
    say(state=ending.state if is_ours else "lost", error_cell=ending.error_cell, error_name=ending.error_name)
    return EXIT_OF.get(ending.state, 1) if is_ours else TAKEN


def _done(settings: Settings, store: Store, row: dict[str, Any], definition: Report, worker: str) -> tuple[Ending, bool]:
    runs = ReportRuns(store)
    build = _build(settings, row, definition)

    def stop(_: int, __: FrameType | None) -> None:
        build.stop("stopped")

    adopt_orphans()
    os.nice(max(0, definition.nice - os.nice(0)))
    before = signal.signal(signal.SIGTERM, stop)
    try:
        made = build.run(lambda: runs.beat(row["id"], worker, time.time_ns()), lambda cell, of: say(cell=cell, of=of))
        return made, build.is_infrastructure
    finally:
        kill_below(os.getpid())
        build.tidy()
        signal.signal(signal.SIGTERM, before)


def _build(settings: Settings, row: dict[str, Any], definition: Report) -> Build:
    """What papermill and nbconvert are needed for: imported when the run is ours, and without what takes longest.

    jsonschema would build a grammar of internationalised addresses, for seconds, which no notebook is checked by.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from b25.reports.build import Build

    return Build(settings, row, definition)


def _fault(fault: B25Error | OSError) -> Ending:
    if isinstance(fault, B25Error):
        return Ending(state="failed", error_name=type(fault).__name__, error_text=f"{fault.what}; {fault.remedy}"[:2_000])
    return Ending(state="failed", error_name=type(fault).__name__, error_text=f"{fault.strerror}: its folder was not made")


def say(**facts: Any) -> None:
    """Tell whoever started this; one that is gone does not matter."""
    try:
        os.write(1, orjson.dumps(facts) + b"\n")
    except OSError:
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
