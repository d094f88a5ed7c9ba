"""The first cell: equal numbers each time, UTC, and no other machine."""

import random
import socket
import time

import numpy as np
import pytest

import b25
from b25.model.errors import Misuse
from b25.notebook.offline import is_here, is_offline, stay_offline


@pytest.fixture(autouse=True)
def _left_as_it_was(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    yield
    stay_offline(False)


def test_equal_seeds_give_equal_numbers_and_nothing_is_returned():
    def drawn():
        return random.random(), np.random.rand()  # noqa: NPY002 - what people draw in a notebook

    assert b25.notebook.setup(seed=7) is None
    first = drawn()
    b25.notebook.setup(seed=7)
    assert drawn() == first
    b25.notebook.setup(seed=8)
    assert drawn() != first
    assert time.tzname[0] == "UTC"


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, True, "7"])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(Misuse, match="seed="):
        b25.notebook.setup(seed=seed)


def test_offline_refuses_another_machine_and_reaches_this_one():
    b25.notebook.setup(seed=7)
    assert is_offline()
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
    with socket.socket() as client, pytest.raises((Misuse, AssertionError)):
        client.connect(("192.0.2.1", 80))
    b25.notebook.setup(seed=7, offline=False)
    assert not is_offline()


@pytest.mark.parametrize(
    ("host", "here"), [("127.0.0.1", True), ("::1", True), (b"localhost", True), ("192.0.2.1", False), ("a.b", False)]
)
def test_what_is_this_machine(host, here):
    assert is_here(host) is here


def test_long_cells_shrink_where_it_is_said(monkeypatch):
    monkeypatch.setenv("B25_FAST", "0")
    assert not b25.notebook.fast()
    monkeypatch.setenv("B25_FAST", "1")
    assert b25.notebook.fast()
    monkeypatch.delenv("B25_FAST")
    assert b25.notebook.fast()  # a test runs this
