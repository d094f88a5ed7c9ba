"""Runs of reports: entered once for each slot, moved through their states one legal step at a time, and looked up.

    queued ──> running ──> ok | failed | timed_out | quarantined
       └─────> skipped                      missed is entered as such

Every step names the state that it comes from, so that of two processes that try it one alone succeeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from b25.model.errors import Misuse
from b25.store.plain_rows import plain as plain_row
from b25.store.report_tables import report_run
from b25.store.store import Store

OPEN: Final = ("queued", "running")
BAD: Final = ("failed", "timed_out", "quarantined")
ENDS: Final = ("ok", *BAD)
STEPS: Final = {"queued": ("running", "skipped"), "running": ENDS}
ROWS_MAX: Final = 1_000
NOTHING: Final[Mapping[str, Any]] = {
    "not_before_ns": 0, "started_ns": 0, "ended_ns": 0, "beaten_ns": 0, "worker": "", "params": "{}", "notebook_sha": "",
    "lock_sha": "", "data_sha": "", "html_sha": "", "error_cell": "", "error_name": "", "error_text": "", "headline": "{}",
    "folder": "", "files": "none", "asked_by": "",
}  # fmt: skip
_ENTER: Final = {
    is_sqlite: make(report_run).on_conflict_do_nothing()
    for is_sqlite, make in ((True, sqlite.insert), (False, postgresql.insert))
}
_FROM: Final = and_(report_run.c.id == bindparam("b_id"), report_run.c.state == bindparam("b_from"))
_CLAIM: Final = (
    update(report_run).where(_FROM, report_run.c.not_before_ns <= bindparam("b_now"))
    .values(state="running", started_ns=bindparam("b_now"), beaten_ns=bindparam("b_now"), worker=bindparam("b_worker"))
)  # fmt: skip
_SKIP: Final = update(report_run).where(_FROM).values(
    state="skipped", ended_ns=bindparam("b_now"), error_text=bindparam("b_why")
)  # fmt: skip
_BEAT: Final = (
    update(report_run)
    .where(report_run.c.id == bindparam("b_id"), report_run.c.state == "running", report_run.c.worker == bindparam("b_worker"))
    .values(beaten_ns=bindparam("b_now"))
)
_TOLD: Final = (
    "notebook_sha", "lock_sha", "data_sha", "html_sha", "error_cell", "error_name", "error_text", "headline", "folder", "files",
)  # fmt: skip
_END: Final = (
    update(report_run)
    .where(_FROM, report_run.c.worker == bindparam("b_worker"))
    .values(
        state=bindparam("b_to"), ended_ns=bindparam("b_now"), **{name: bindparam(f"b_{name}") for name in _TOLD}
    )
)  # fmt: skip
_FILES: Final = update(report_run).where(report_run.c.id == bindparam("b_id")).values(files=bindparam("b_files"))
_OF_ID: Final = select(report_run).where(report_run.c.id == bindparam("b_id"))
_COLUMNS: Final = tuple(one.name for one in report_run.c)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What became of a run; what is not known stays empty.

    Attributes
    ----------
    error_cell : str
        Number and first line of the cell that failed.
    headline : mapping
        Figures of the list of runs, by name.
    folder : str
        Under the folder of reports.
    """

    state: str
    notebook_sha: str = ""
    lock_sha: str = ""
    data_sha: str = ""
    html_sha: str = ""
    error_cell: str = ""
    error_name: str = ""
    error_text: str = ""
    headline: Mapping[str, Any] | None = None
    folder: str = ""
    files: str = "none"


class ReportRuns:
    """Runs in a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    # -- inside a transaction of the caller -------------------------------------------------------

    def add(
        self, run_id: str, report: str, scheduled_for_ns: int, *, state: str = "queued", attempt: int = 1, origin: str,
        asked_by: str = "", params: Mapping[str, Any], now_ns: int, not_before_ns: int = 0, why: str = "",
    ) -> bool:  # fmt: skip
        """Enter a try at a slot, inside `writing`; False when it is there already, and then nothing is changed."""
        if state not in ("queued", "missed", "skipped"):
            raise Misuse(f"a run is not entered as {state!r}", remedy="enter it as queued, missed or skipped")
        row = {
            **NOTHING, "id": run_id, "report": report, "scheduled_for_ns": scheduled_for_ns, "attempt": attempt, "origin": origin,
            "asked_by": asked_by, "state": state, "params": orjson.dumps(dict(params)).decode(), "queued_ns": now_ns,
            "not_before_ns": not_before_ns, "ended_ns": 0 if state == "queued" else now_ns, "error_text": why,
        }  # fmt: skip
        return self.store.execute(_ENTER[self.store.is_sqlite], row) == 1

    def end(self, run_id: str, worker: str, ending: Ending, now_ns: int) -> bool:
        """End a run that `worker` has, inside `writing`; False when it is not running any more, or is another's."""
        if ending.state not in ENDS:
            raise Misuse(f"a run does not go from running to {ending.state!r}", remedy=f"use {', '.join(ENDS)}")
        told = {f"b_{name}": getattr(ending, name) for name in _TOLD if name != "headline"}
        told["b_headline"] = orjson.dumps(dict(ending.headline or {})).decode()
        row = {"b_id": run_id, "b_from": "running", "b_to": ending.state, "b_worker": worker, "b_now": now_ns, **told}
        return self.store.execute(_END, row) == 1

    def within(self, run_id: str) -> dict[str, Any] | None:
        """One run as it stands inside `writing`."""
        found = self.store.rows_within(_OF_ID, {"b_id": run_id})
        return dict(zip(_COLUMNS, found[0], strict=True)) if found else None

    # -- each a transaction of its own ------------------------------------------------------------

    def claim(self, run_id: str, worker: str, now_ns: int) -> bool:
        """Begin a queued run; False when somebody else has, or its time has not come."""
        with self.store.writing():
            row = {"b_id": run_id, "b_from": "queued", "b_now": now_ns, "b_worker": worker}
            return self.store.execute(_CLAIM, row) == 1

    def skip(self, run_id: str, why: str, now_ns: int) -> bool:
        """Leave a queued run out; False when it is not queued any more."""
        with self.store.writing():
            return self.store.execute(_SKIP, {"b_id": run_id, "b_from": "queued", "b_now": now_ns, "b_why": why}) == 1

    def beat(self, run_id: str, worker: str, now_ns: int) -> bool:
        """Say that a run goes on; False when it does not, by what the store knows."""
        with self.store.writing():
            return self.store.execute(_BEAT, {"b_id": run_id, "b_worker": worker, "b_now": now_ns}) == 1

    def keep_files(self, run_id: str, files: str) -> None:
        """Note what is left of a run's files."""
        with self.store.writing():
            self.store.execute(_FILES, {"b_id": run_id, "b_files": files})

    # -- reading ----------------------------------------------------------------------------------

    def run(self, run_id: str) -> dict[str, Any] | None:
        """One run; None when there is none."""
        found = self.store.rows(select(report_run).where(report_run.c.id == run_id))
        return plain_row(found[0]) if found else None

    def runs(
        self, report: str = "", *, states: Sequence[str] = (), limit: int = 100, before: tuple[int, str] | None = None
    ) -> list[dict[str, Any]]:
        """Runs, the latest slot first; go on with `before`, slot and id of the last one."""
        wanted = select(report_run).order_by(report_run.c.scheduled_for_ns.desc(), report_run.c.id.desc())
        if report:
            wanted = wanted.where(report_run.c.report == report)
        if states:
            wanted = wanted.where(report_run.c.state.in_(list(states)))
        if before is not None:
            at_ns, name = before
            slot = report_run.c.scheduled_for_ns
            wanted = wanted.where(or_(slot < at_ns, and_(slot == at_ns, report_run.c.id < name)))
        return [plain_row(one) for one in self.store.rows(wanted.limit(min(limit, ROWS_MAX)))]

    def due(self, now_ns: int) -> list[dict[str, Any]]:
        """Queued runs whose time has come, in the order in which they are to be run."""
        wanted = select(report_run).where(report_run.c.state == "queued", report_run.c.not_before_ns <= now_ns)
        return [plain_row(one) for one in self.store.rows(wanted.order_by(report_run.c.queued_ns, report_run.c.scheduled_for_ns))]

    def count(self, report: str = "") -> int:
        """How many runs there are."""
        wanted = select(func.count()).select_from(report_run)
        return int(self.store.rows(wanted.where(report_run.c.report == report) if report else wanted)[0][0])

    def with_files(self) -> list[dict[str, Any]]:
        """Runs of which files are left, the latest end first."""
        wanted = select(report_run).where(report_run.c.files != "none").order_by(report_run.c.ended_ns.desc())
        return [plain_row(one) for one in self.store.rows(wanted)]
