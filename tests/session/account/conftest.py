"""Both databases, as for the store; and a file for what does not depend on which it is."""

import pytest

from tests.store.conftest import store, url

__all__ = ["file_url", "store", "url"]


@pytest.fixture
def file_url(tmp_path):
    return f"sqlite:///{tmp_path / 'store.db'}"
