"""Alerts, their deliveries, and what people did about them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text

alert_metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


# What fires or has fired; times of 0 are times that have not come.
alert = Table(
    "alert", alert_metadata, Column("alert_id", Text, primary_key=True), _text("rule"), _text("severity"), _text("key"),
    _text("source"), _text("text"), _text("value"), _text("state"), _big("since_ns"), _big("seen_ns"), _big("hold_until_ns"),
    _big("fired_ns"), _big("resolved_ns"), _big("notified_ns"), Column("is_told", Integer, nullable=False),
    _big("acknowledged_ns"), _text("acknowledged_by"), _big("escalated_ns"), _text("group"),
    Index("ix_alert_fired", "fired_ns"), Index("ix_alert_state", "state", "fired_ns"),
)  # fmt: skip
# What became of an alert: fired, resolved, escalated, acknowledged by whom.
alert_event = Table(
    "alert_event", alert_metadata, _number("seq"), _text("alert_id"), _big("ts_ns"), _text("event"), _text("by"), _text("text"),
    Index("ix_alert_event_alert", "alert_id", "seq"), sqlite_autoincrement=True,
)  # fmt: skip
alert_silence = Table(
    "alert_silence", alert_metadata, Column("silence_id", Text, primary_key=True), _text("rule"), _text("source"),
    _big("starts_ns"), _big("ends_ns"), _text("by"), _text("reason"), _big("created_ns"), _text("ended_by"),
)  # fmt: skip
# One message to one channel. Its id is the idempotency key that the message carries. pending, sending (by `owner`, until
# `lease_until_ns`), retrying, sent, dead, folded (waits for a digest), digested, cancelled.
notification = Table(
    "notification", alert_metadata, Column("notification_id", Text, primary_key=True), _text("channel"), _text("kind"),
    _text("severity"), _text("rule"), _text("title"), _text("body"), _text("alert_ids"), _text("correlation_id"),
    _text("status"), Column("tries", Integer, nullable=False), Column("tries_max", Integer, nullable=False),
    _big("created_ns"), _big("next_ns"), _text("owner"), _big("lease_until_ns"), _big("sent_ns"), _text("fault"),
    Index("ix_notification_due", "status", "next_ns"), Index("ix_notification_channel", "channel", "created_ns"),
)  # fmt: skip
# How far something has been read, e.g. the run folder's alarms.
alert_place = Table("alert_place", alert_metadata, Column("name", Text, primary_key=True), _big("place"))

APPEND_ONLY: Final[tuple[str, ...]] = ("alert_event",)
