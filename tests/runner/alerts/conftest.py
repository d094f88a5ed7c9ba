"""Alerts are kept in both databases; what they are sent to are real receivers on loopback."""

import pytest

from b25.store.store import open_store
from tests.runner.alerts.receivers import HttpReceiver, MailReceiver
from tests.store.conftest import url

__all__ = ["url"]


@pytest.fixture
def store(url):
    """As the process opens it: reads keep their connections."""
    opened = open_store(url, readers=4)
    yield opened
    opened.close()


@pytest.fixture
def http():
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def mail():
    with MailReceiver() as receiver:
        yield receiver
