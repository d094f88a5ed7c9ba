"""Configuration: keys, immutable versions, what was done with them, approvals, schedules, and what sessions answered."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, MetaData, PrimaryKeyConstraint, Table, Text

config_metadata = MetaData()


def _text(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=null, server_default=default)


def _big(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


# `version` is the latest, `active_version` the one that holds; `revision` rises with every change of the row.
configuration = Table(
    "configuration", config_metadata,
    Column("id", Text, primary_key=True), Column("key", Text, nullable=False, unique=True), _text("type"), _text("format"),
    _text("namespace"), _text("component"), _text("environment"), _text("name"), _text("description", default=""),
    Column("state", Text, CheckConstraint("state IN ('DRAFT','ACTIVE','ARCHIVED')"), nullable=False),
    _big("version"), _big("active_version", null=True), _big("revision"), _text("created_by"), _big("created_ns"),
    _big("updated_ns"), _big("deleted_ns", null=True), Index("ix_configuration_type", "type", "name"),
)  # fmt: skip
# `value` is canonical JSON, `source` the text as it was given; `of_version` is what a rollback took up again.
config_version = Table(
    "config_version", config_metadata, _text("config_id"), _big("number"), _text("value"), _text("source"), _text("checksum"),
    _text("changed_by"), _text("reason"), _big("made_ns"), _big("of_version", null=True),
    PrimaryKeyConstraint("config_id", "number"),
)  # fmt: skip
config_change = Table(
    "config_change", config_metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False), _big("time_ns"), _text("config_id"), _text("key"),
    _text("type"),
    Column(
        "action", Text, CheckConstraint("action IN ('created','updated','activated','deactivated','deleted')"), nullable=False
    ),
    _big("version", null=True), _big("before_version", null=True), _text("actor"), _text("reason"), _text("body"),
    Index("ix_config_change_id", "config_id", "seq"),
)  # fmt: skip
config_pending = Table(
    "config_pending", config_metadata, Column("id", Text, primary_key=True), _text("config_id"), _text("key"), _text("action"),
    _big("version", null=True), _big("before_version", null=True), _text("asked_by"), _big("asked_ns"), _text("reason"),
    _text("loosened"), _big("revision"),
    Column("state", Text, CheckConstraint("state IN ('PENDING','APPROVED','REFUSED','STALE')"), nullable=False),
    _text("decided_by", null=True), _big("decided_ns", null=True), _text("decision", null=True),
)  # fmt: skip
config_schedule = Table(
    "config_schedule", config_metadata, Column("id", Text, primary_key=True), _text("config_id"), _text("key"), _big("version"),
    _big("at_ns"), _text("asked_by"), _big("asked_ns"), _text("reason"), _text("approval", null=True),
    Column(
        "state", Text, CheckConstraint("state IN ('WAITING','WATCHED','DONE','REFUSED','CANCELLED','ROLLED_BACK')"),
        nullable=False,
    ),
    _big("before_version", null=True), _big("since_ns", null=True), _text("told", default=""),
)  # fmt: skip
config_ack = Table(
    "config_ack", config_metadata, Column("seq", BigInteger, primary_key=True, autoincrement=False), _text("session"),
    _text("key"), _text("type"), _big("version"), _text("checksum"),
    Column("outcome", Text, CheckConstraint("outcome IN ('applied','rejected','requires_restart')"), nullable=False),
    _text("detail"), _big("time_ns"), Index("ix_config_ack_session", "session", "key", "seq"),
)  # fmt: skip
config_cursor = Table("config_cursor", config_metadata, Column("reader", Text, primary_key=True), _big("seq"))
APPEND_ONLY: Final[tuple[str, ...]] = ("config_version", "config_change", "config_ack")
