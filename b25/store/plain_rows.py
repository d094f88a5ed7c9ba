"""Rows as plain dictionaries, whose keys every writer of JSON takes."""

from __future__ import annotations

from typing import Any


def plain(row: Any) -> dict[str, Any]:
    """A row by the names of its columns; SQLAlchemy's own names are a kind of text that orjson refuses as keys."""
    return {str(name): value for name, value in zip(row._fields, row, strict=True)}


def plain_all(rows: list[Any]) -> list[dict[str, Any]]:
    """Rows of one query; their names are read once."""
    names = [str(name) for name in rows[0]._fields] if rows else []
    return [dict(zip(names, row, strict=True)) for row in rows]
