"""Alerts are kept in both databases; what they are sent to are real receivers on loopback."""

import pytest

from tests.runner.alerts.receivers import HttpReceiver, MailReceiver
from tests.store.conftest import store, url

__all__ = ["store", "url"]


@pytest.fixture
def http():
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def mail():
    with MailReceiver() as receiver:
        yield receiver
