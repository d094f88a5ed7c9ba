"""Configurations on both databases, with a clock that the test turns."""

import pytest

from b25.config.configurations import Configurations
from b25.config.outcome import Author
from tests.config.examples import load
from tests.store.conftest import store, url  # noqa: F401

ANN, BOB = Author("ann", {"ip": "127.0.0.1", "request_id": "r1"}), Author("bob", {"ip": "10.0.0.2", "request_id": "r2"})


class Clock:
    def __init__(self):
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self):
        self.now_ns += 1_000_000
        return self.now_ns

    def pass_s(self, seconds):
        self.now_ns += int(seconds * 1e9)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def configurations(store, clock):  # noqa: F811
    return Configurations(store, now_ns=clock, load=load)
