"""Every migration up and down, on both databases, with rows in every table that is there."""

import itertools

import pytest
from sqlalchemy import LargeBinary, MetaData, insert, inspect, select
from sqlalchemy.types import Boolean, Float, Integer, Numeric

from b25.model.errors import Misuse
from b25.store.revisions import known_versions, move, open_engine, standing, version_of
from b25.store.store import open_store

VERSIONS = known_versions()
ENOUGH = 3


def tables(url):
    engine = open_engine(url)
    found = MetaData()
    found.reflect(engine)
    names = {table.name for table in found.sorted_tables}
    return engine, found, names - {"alembic_version"}


def shape(url):
    """Columns, keys and triggers, as the database has them."""
    engine, found, names = tables(url)
    told = {name: sorted(str(column.name) for column in found.tables[name].columns) for name in names}
    look = inspect(engine)
    told |= {f"{name} indexes": sorted(str(one["name"]) for one in look.get_indexes(name)) for name in names}
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            triggers = connection.exec_driver_sql(
                "SELECT tgname || ' ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal"
            )
        told["triggers"] = sorted(row[0] for row in triggers)
    engine.dispose()
    return told


def value_of(column, k):
    if column.type.python_type is bool or isinstance(column.type, Boolean):
        return True
    if isinstance(column.type, Integer | Float | Numeric):
        return k + 1
    if isinstance(column.type, LargeBinary):
        return bytes([k + 1]) * 32
    return f"{k}"


def fill(url):
    """Put a row into every table that takes one; returns how many rows each has."""
    engine, found, names = tables(url)
    for table in found.sorted_tables:
        if table.name not in names:
            continue
        for k in range(ENOUGH):
            row = {column.name: value_of(column, k) for column in table.columns if not column.foreign_keys}
            try:
                with engine.begin() as connection:
                    connection.execute(insert(table), row)
            except Exception:  # noqa: S112 - a check of the table's own, that a made-up row does not meet
                continue
    with engine.connect() as connection:
        counts = {
            table.name: len(connection.execute(select(table)).all()) for table in found.sorted_tables if table.name in names
        }
    engine.dispose()
    return counts


def test_every_version_goes_up_and_down_and_up_again_to_the_same_shape(url):
    shapes = {}
    for version in VERSIONS:
        assert move(url, version).current == version
        shapes[version] = shape(url)
    for lower, upper in reversed(list(itertools.pairwise(VERSIONS))):
        assert move(url, lower).current == lower
        assert shape(url) == shapes[lower], f"{upper} down"
        move(url, upper)
        assert shape(url) == shapes[upper], f"{upper} up again"
        move(url, lower)
    assert move(url, "base").current == ""
    assert tables(url)[2] == set()
    assert move(url, "head").current == VERSIONS[-1]


def test_a_step_keeps_the_rows_of_the_tables_that_stay(url):
    move(url, VERSIONS[0])
    before = fill(url)
    assert sum(before.values()) > 0
    for version in VERSIONS[1:]:
        move(url, version)
        _, found, names = tables(url)
        engine = open_engine(url)
        with engine.connect() as connection:
            now = {name: len(connection.execute(select(found.tables[name])).all()) for name in names}
        engine.dispose()
        assert {name: now[name] for name in before} == before, version
        before = fill(url)
    for version in reversed(VERSIONS[:-1]):
        counts = before
        move(url, version)
        engine, found, names = tables(url)
        with engine.connect() as connection:
            before = {name: len(connection.execute(select(found.tables[name])).all()) for name in names}
        engine.dispose()
        assert {name: counts[name] for name in before} == before, version


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
