"""A frozen version and a session that ran it, made once for all tests that only look."""

import pytest

import b25
from tests.promote.ran import maker_version, ran


@pytest.fixture(scope="session")
def market(tmp_path_factory):
    """Two minutes of the sample market."""
    return b25.sample(minutes=2, catalog=tmp_path_factory.mktemp("market"))


@pytest.fixture(scope="session")
def stage(tmp_path_factory, market):
    """A folder with maker@1 and the journal of a session of it."""
    folder = tmp_path_factory.mktemp("stage")
    ran(folder, maker_version(folder), market)
    return folder
