"""What people wrote about runs, sessions, orders, alerts and reports."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text

annotation_metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _big(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# How each stands now. `search` is what is searched: text, tags, author and object in one case, without the words' marks.
annotation = Table(
    "annotation", annotation_metadata, Column("annotation_id", Text, primary_key=True), _text("kind"), _text("object"),
    _text("parent_id"), _text("author"), _big("created_ns"), _big("updated_ns"), Column("version", Integer, nullable=False),
    _text("text"), _text("tags"), _text("mentions"), Column("is_deleted", Integer, nullable=False), _big("at_ns"),
    _big("until_ns"), _text("search"), Index("ix_annotation_object", "kind", "object", "created_ns"),
    Index("ix_annotation_time", "created_ns"), Index("ix_annotation_parent", "parent_id"),
)  # fmt: skip
# Every version that there was, and who made it.
annotation_version = Table(
    "annotation_version", annotation_metadata, _text("annotation_id"), Column("version", Integer, nullable=False), _big("ts_ns"),
    _text("by"), _text("act"), _text("text"), _text("tags"), PrimaryKeyConstraint("annotation_id", "version"),
)  # fmt: skip
# Who was mentioned, and when that was passed on: 0 while it was not.
annotation_mention = Table(
    "annotation_mention", annotation_metadata, _text("annotation_id"), _text("user"), Column("version", Integer, nullable=False),
    _text("author"), _text("object"), _big("created_ns"), _big("told_ns"), PrimaryKeyConstraint("annotation_id", "user"),
    Index("ix_annotation_mention_told", "told_ns"),
)  # fmt: skip

APPEND_ONLY: Final[tuple[str, ...]] = ("annotation_version",)
