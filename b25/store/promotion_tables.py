"""Promoted versions: every move from state to state, where names point, who waits for a confirmation, what ran, what drifted."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, Index, MetaData, PrimaryKeyConstraint, Table, Text

promotion_metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


# `number` counts the moves of one version from 1; `prev` is the hash of the one before, so that none can be taken out of the
# middle. `alone` is 1 where one person agreed with himself; `skipped` names what was passed over. `signature` is by the
# installation's promotion key, over every other column.
promotion_move = Table(
    "promotion_move", promotion_metadata, _text("name"), _big("version"), _big("number"), _text("content_id"),
    _text("from_state"), _text("to_state"), _text("who"), _text("role"), _big("when_ns"), _text("reason"), _text("evidence"),
    _text("evidence_sha256"), _text("skipped"), Column("size_factor", Float, nullable=False), _big("alone"), _text("prev"),
    _text("signature"), PrimaryKeyConstraint("name", "version", "number"), Index("ix_promotion_move_when", "when_ns"),
)  # fmt: skip
# Which version a name stands for in a stage. `before_version` is what it stood for until then: where a rollback goes.
promotion_pointer = Table(
    "promotion_pointer", promotion_metadata, _text("name"),
    Column("stage", Text, CheckConstraint("stage IN ('observe','paper','canary','live')"), nullable=False),
    _big("version"), _big("before_version", null=True), _text("who"), _big("since_ns"), _text("reason"), _big("revision"),
    PrimaryKeyConstraint("name", "stage"),
)  # fmt: skip
# What one person asked for who works alone: it may be confirmed when the time to think it over has passed.
promotion_request = Table(
    "promotion_request", promotion_metadata, _text("name"), _big("version"), _text("to_state"), _text("asked_by"),
    _big("asked_ns"), _text("reason"), PrimaryKeyConstraint("name", "version", "to_state"),
)  # fmt: skip
# Which session ran which version, and where its journal is: what it really did is read from there.
promotion_run = Table(
    "promotion_run", promotion_metadata, Column("id", BigInteger, primary_key=True, autoincrement=False), _text("name"),
    _big("version"), _text("content_id"), _text("session"), _text("mode"), _text("account"), _text("journal"), _big("started_ns"),
    Index("ix_promotion_run_version", "name", "version"),
)  # fmt: skip
# How a session of a version compares with a replay of what it saw. The latest note of a session is the one that counts.
drift_note = Table(
    "drift_note", promotion_metadata, _text("name"), _big("version"), _text("session"), _big("at_ns"),
    Column("state", Text, CheckConstraint("state IN ('none','explained','unexplained')"), nullable=False), _text("detail"),
    PrimaryKeyConstraint("name", "version", "session", "at_ns"),
)  # fmt: skip

APPEND_ONLY: Final[tuple[str, ...]] = ("promotion_move", "promotion_run", "drift_note")
