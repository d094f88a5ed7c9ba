"""Every migration up and down, on both databases, with rows in every table that is there."""

import contextlib

import pytest
from sqlalchemy import LargeBinary, MetaData, insert, inspect
from sqlalchemy.types import Boolean, Float, Integer, Numeric

from b25.model.errors import Misuse
from b25.store.revisions import known_versions, move, open_engine, standing, version_of
from b25.store.store import open_store

VERSIONS = known_versions()
ENOUGH = 3


def names_in(connection):
    """Tables of ours."""
    return sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})


def shape(url):
    """Columns, indexes and triggers, as the database has them."""
    engine = open_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(
                "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite_%'"
            ).all()
        else:
            rows = [
                *connection.exec_driver_sql(
                    "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
                    "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
                ),
                *connection.exec_driver_sql(
                    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
                ),
                *connection.exec_driver_sql("SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"),
            ]
    engine.dispose()
    return sorted(map(repr, rows))


def counts(url):
    """Number of rows in every table."""
    engine = open_engine(url)
    with engine.connect() as connection:
        told = {name: connection.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar() for name in names_in(connection)}  # noqa: S608
    engine.dispose()
    return told


def value_of(column, k):
    if isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Integer | Float | Numeric):
        return k + 1
    if isinstance(column.type, LargeBinary):
        return bytes([k + 1]) * 32
    return f"{k}"


def fill(url, wanted):
    """Put rows into some tables, as far as their own checks let made-up rows in."""
    engine, found = open_engine(url), MetaData()
    with engine.begin() as connection:
        found.reflect(connection, only=sorted(wanted))
        for table in found.sorted_tables:
            for k in range(ENOUGH if table.name in wanted else 0):
                row = {column.name: value_of(column, k) for column in table.columns if not column.foreign_keys}
                row |= {"kind": "NEW"} if table.name == "intent" else {}
                with contextlib.suppress(Exception), connection.begin_nested():
                    connection.execute(insert(table), row)
    engine.dispose()


def test_every_version_goes_up_and_down_and_up_again_to_the_same_shape(url):
    shapes = {}
    for version in VERSIONS:
        assert move(url, version).current == version
        shapes[version] = shape(url)
    for version in reversed(VERSIONS[:-1]):
        assert move(url, version).current == version
        assert shape(url) == shapes[version], f"down to {version}"
    assert move(url, "base").current == ""
    assert shape(url) == []
    assert move(url, "head").current == VERSIONS[-1]
    assert shape(url) == shapes[VERSIONS[-1]]


def test_a_step_keeps_the_rows_of_the_tables_that_stay(url):
    before = {}
    for version in VERSIONS:
        move(url, version)
        now = counts(url)
        assert {name: now[name] for name in before} == before, f"up to {version}"
        fill(url, set(now) - set(before))
        before = counts(url)
    assert before["intent"] == before["order_event"] == ENOUGH
    for version in reversed(VERSIONS[:-1]):
        move(url, version)
        now = counts(url)
        assert {name: before[name] for name in now} == now, f"down to {version}"


def test_looking_changes_nothing_and_a_process_that_starts_brings_it_up(url):
    assert version_of(url) == ""
    move(url, VERSIONS[1])
    at = standing(url)
    assert (at.current, at.pending) == (VERSIONS[1], tuple(VERSIONS[2:]))
    assert standing(url) == at
    open_store(url).close()
    assert standing(url).pending == ()


def test_a_version_that_nobody_knows_is_refused(url):
    with pytest.raises(Misuse, match="no version"):
        move(url, "9999")
