"""Runs of reports: what was due, what became of it, how far each schedule has been entered, and who may enter it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint

report_metadata = MetaData()

STATES: Final = ("queued", "running", "ok", "failed", "timed_out", "missed", "skipped", "quarantined")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# One try at one slot. Times of 0 have not come; texts that are empty are not known. `worker` is who runs it, and `beaten_ns` when
# that was last heard of; `files` is what retention has left of it: all, page, none.
report_run = Table(
    "report_run", report_metadata, Column("id", Text, primary_key=True), _text("report"), _big("scheduled_for_ns"),
    Column("attempt", Integer, nullable=False), _text("origin"), _text("asked_by"),
    Column("state", Text, CheckConstraint(f"state IN {STATES}"), nullable=False),
    _big("not_before_ns"), _big("queued_ns"), _big("started_ns"), _big("ended_ns"), _big("beaten_ns"), _text("worker"),
    _text("params"), _text("notebook_sha"), _text("lock_sha"), _text("data_sha"), _text("html_sha"), _text("error_cell"),
    _text("error_name"), _text("error_text"), _text("headline"), _text("folder"), _text("files"),
    UniqueConstraint("report", "scheduled_for_ns", "attempt", name="ux_report_run_slot"),
    Index("ix_report_run_state", "state", "not_before_ns"), Index("ix_report_run_ended", "report", "ended_ns"),
)  # fmt: skip
# Slots up to `through_ns` are entered. From `overdue_ns` on the report's last success is older than two of its periods.
report_mark = Table(
    "report_mark", report_metadata, Column("report", Text, primary_key=True), _text("schedule"), _big("since_ns"),
    _big("through_ns"), _big("overdue_ns"), _big("last_ok_ns"), Column("enabled", Integer, nullable=False),
)  # fmt: skip
# What somebody is to be told: a report failed, or is well again; `told_ns` is 0 while nobody was.
report_notice = Table(
    "report_notice", report_metadata, Column("run_id", Text, primary_key=True), _text("report"), _text("change"),
    _text("error_cell"), _text("error_name"), _big("at_ns"), _big("told_ns"), Index("ix_report_notice_told", "told_ns"),
)  # fmt: skip
report_lease = Table("report_lease", report_metadata, Column("name", Text, primary_key=True), _text("holder"), _big("expires_ms"))
