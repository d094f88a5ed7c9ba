"""Brings a database to the schema of this code, or refuses one that is newer."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from b25.model.errors import Misuse

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x623235  # of PostgreSQL's advisory locks: "b25"


def migrate(engine: Engine) -> str:
    """Apply what is missing; return the version that the database has now.

    Raises
    ------
    Misuse
        When the database was written by a newer b25.
    """
    with _alone(engine), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        config = _config(connection)
        known = ScriptDirectory.from_config(config)
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in {script.revision for script in known.walk_revisions()}:
            raise Misuse(f"the store is of version {current}, which this b25 does not know", remedy="use the b25 that wrote it")
        command.upgrade(config, "head")
    return str(known.get_current_head())


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Two processes that open a new database at one moment make its schema one after the other."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        yield
        return
    with Path(f"{engine.url.database}.schema").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
