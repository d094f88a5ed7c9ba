"""A fresh floor for each test."""

import pytest

from tests.venue.exchange.floor import Floor


@pytest.fixture
def floor():
    return Floor()
