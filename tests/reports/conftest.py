"""A project folder for each module: a kernel costs seconds to start, so that runs are shared where they can be."""

import os

import pytest

from tests.reports.stand import stand_in


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One stand for the tests of a module, in the current folder."""
    folder, before = tmp_path_factory.mktemp("project"), os.getcwd()
    os.chdir(folder)
    made = stand_in(folder)
    yield made
    made.store.close()
    os.chdir(before)


@pytest.fixture
def stand(tmp_path, monkeypatch):
    """A stand of one's own."""
    monkeypatch.chdir(tmp_path)
    made = stand_in(tmp_path)
    yield made
    made.store.close()
