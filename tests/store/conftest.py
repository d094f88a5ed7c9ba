"""Every test of the store runs on both databases."""

import uuid

import pg8000.dbapi
import pytest

from b25.store.store import open_store

POSTGRES = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}


def admin(statement):
    connection = pg8000.dbapi.connect(database="postgres", **POSTGRES)
    connection.autocommit = True
    connection.cursor().execute(statement)
    connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    name = f"b25_test_{uuid.uuid4().hex[:12]}"
    admin(f"CREATE DATABASE {name}")
    yield f"postgresql+pg8000://postgres@127.0.0.1:5432/{name}"
    admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(url):
    opened = open_store(url)
    yield opened
    opened.close()
