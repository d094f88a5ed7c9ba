"""Triggers by which the database itself refuses a change of what was written; those of the first tables are in `tables`."""

from __future__ import annotations

from collections.abc import Iterable


def keepers(dialect: str, names: Iterable[str]) -> list[str]:
    """Statements that make tables append-only; PostgreSQL's function is that of the first migration."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {name}_no_{act.lower()} BEFORE {act} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
            for name in names
            for act in ("UPDATE", "DELETE")
        ]
    return [
        f"CREATE TRIGGER {name}_{what} BEFORE {acts} ON {name} FOR EACH {each} EXECUTE FUNCTION b25_append_only()"
        for name in names
        for what, acts, each in (("kept", "UPDATE OR DELETE", "ROW"), ("whole", "TRUNCATE", "STATEMENT"))
    ]


def drop_keepers(dialect: str, names: Iterable[str]) -> list[str]:
    """Statements that take them away again."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER {name}_no_{act}" for name in names for act in ("update", "delete")]
    return [f"DROP TRIGGER {name}_{what} ON {name}" for name in names for what in ("kept", "whole")]
