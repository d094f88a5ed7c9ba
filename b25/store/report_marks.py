"""How far the schedule of each report has been entered, when its silence is too long, what is to be told, and who leads."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from b25.store.plain_rows import plain as plain_row
from b25.store.report_runs import BAD, ENDS
from b25.store.report_tables import report_lease, report_mark, report_notice, report_run
from b25.store.store import Store

LEADER: Final = "scheduler"
_OF: Final = select(report_mark).where(report_mark.c.report == bindparam("b_report"))
_BEGIN: Final = insert(report_mark)
_THROUGH: Final = (
    update(report_mark)
    .where(report_mark.c.report == bindparam("b_report"))
    .values(through_ns=bindparam("b_through"), schedule=bindparam("b_schedule"), enabled=1, overdue_ns=bindparam("b_overdue"))
)
_OK: Final = (
    update(report_mark)
    .where(report_mark.c.report == bindparam("b_report"))
    .values(overdue_ns=bindparam("b_overdue"), last_ok_ns=bindparam("b_now"))
)
_OFF: Final = update(report_mark).where(report_mark.c.report == bindparam("b_report")).values(enabled=0)
_NOTICE: Final = {
    is_sqlite: make(report_notice).on_conflict_do_nothing()
    for is_sqlite, make in ((True, sqlite.insert), (False, postgresql.insert))
}
_TELL: Final = update(report_notice).where(report_notice.c.run_id == bindparam("b_run")).values(told_ns=bindparam("b_now"))
_BEFORE: Final = (
    select(report_run.c.state)
    .where(
        report_run.c.report == bindparam("b_report"),
        or_(*(report_run.c.state == one for one in ENDS)),
        report_run.c.scheduled_for_ns != bindparam("b_slot"),
    )
    .order_by(report_run.c.ended_ns.desc(), report_run.c.id.desc())
)
_LEASE: Final = select(report_lease.c.holder, report_lease.c.expires_ms).where(report_lease.c.name == LEADER)
_TAKE: Final = insert(report_lease)
_HOLD: Final = (
    update(report_lease)
    .where(report_lease.c.name == LEADER)
    .values(holder=bindparam("b_holder"), expires_ms=bindparam("b_expires"))
)
_COLUMNS: Final = tuple(one.name for one in report_mark.c)


class ReportMarks:
    """Marks, notices and the lease in a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def lead(self, holder: str, now_ms: int, lease_ms: int) -> bool:
        """Take or keep the right to enter what is due; False while another has it.

        `BEGIN IMMEDIATE` on SQLite and a lock of the table on PostgreSQL let one ask at a time.
        """
        with self.store.writing():
            self.store.lock("report_lease")
            found = self.store.rows_within(_LEASE)
            if found and found[0][0] != holder and int(found[0][1]) > now_ms:
                return False
            if found:
                self.store.execute(_HOLD, {"b_holder": holder, "b_expires": now_ms + lease_ms})
            else:
                self.store.execute(_TAKE, {"name": LEADER, "holder": holder, "expires_ms": now_ms + lease_ms})
        return True

    def is_led(self, now_ms: int) -> bool:
        """Whether somebody leads."""
        found = self.store.rows(select(report_lease.c.expires_ms).where(report_lease.c.name == LEADER))
        return bool(found) and int(found[0][0]) > now_ms

    def resign(self, holder: str) -> None:
        """Let another lead at once."""
        with self.store.writing():
            self.store.lock("report_lease")
            found = self.store.rows_within(_LEASE)
            if found and found[0][0] == holder:
                self.store.execute(_HOLD, {"b_holder": holder, "b_expires": 0})

    # -- inside a transaction of the caller -------------------------------------------------------

    def mark(self, report: str) -> dict[str, Any] | None:
        """How far a schedule has been entered, inside `writing`; None before it was ever seen."""
        found = self.store.rows_within(_OF, {"b_report": report})
        return dict(zip(_COLUMNS, found[0], strict=True)) if found else None

    def begin(self, report: str, schedule: str, overdue_ns: int, now_ns: int) -> None:
        """Enter slots of a schedule from now on, inside `writing`."""
        row = {
            "report": report, "schedule": schedule, "since_ns": now_ns, "through_ns": now_ns, "overdue_ns": overdue_ns,
            "last_ok_ns": 0, "enabled": 1,
        }  # fmt: skip
        self.store.execute(_BEGIN, row)

    def entered(self, report: str, schedule: str, through_ns: int, overdue_ns: int) -> None:
        """Note that slots up to a time are entered, inside `writing`."""
        row = {"b_report": report, "b_schedule": schedule, "b_through": through_ns, "b_overdue": overdue_ns}
        self.store.execute(_THROUGH, row)

    def was_well(self, report: str, overdue_ns: int, now_ns: int) -> None:
        """Note a success, inside `writing`."""
        self.store.execute(_OK, {"b_report": report, "b_overdue": overdue_ns, "b_now": now_ns})

    def off(self, report: str) -> None:
        """Note that a report is not scheduled any more, inside `writing`: its silence is no fault."""
        self.store.execute(_OFF, {"b_report": report})

    def notice(
        self, run_id: str, report: str, change: str, *, error_cell: str = "", error_name: str = "", now_ns: int
    ) -> None:  # fmt: skip
        """Have somebody told, once for a run, inside `writing`."""
        row = {
            "run_id": run_id, "report": report, "change": change, "error_cell": error_cell, "error_name": error_name,
            "at_ns": now_ns, "told_ns": 0,
        }  # fmt: skip
        self.store.execute(_NOTICE[self.store.is_sqlite], row)

    def was_bad_before(self, report: str, slot_ns: int) -> bool | None:
        """Whether the result of the slot before this one was bad, inside `writing`; None when there was none."""
        found = self.store.rows_within(_BEFORE, {"b_report": report, "b_slot": slot_ns})
        return str(found[0][0]) in BAD if found else None

    def told(self, run_id: str, now_ns: int) -> None:
        """Note that somebody was told, inside `writing`."""
        self.store.execute(_TELL, {"b_run": run_id, "b_now": now_ns})

    # -- reading ----------------------------------------------------------------------------------

    def marks(self) -> dict[str, dict[str, Any]]:
        """Every mark, by report."""
        return {one.report: plain_row(one) for one in self.store.rows(select(report_mark))}

    def untold(self) -> list[dict[str, Any]]:
        """What nobody was told yet, oldest first."""
        wanted = select(report_notice).where(report_notice.c.told_ns == 0).order_by(report_notice.c.at_ns, report_notice.c.run_id)
        return [plain_row(one) for one in self.store.rows(wanted)]
