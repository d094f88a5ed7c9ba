"""The gateway with analytics, over a clock of its own."""

import pytest

from b25.analytics.events.buckets import DAY_NS
from b25.api.analytics_desk import AnalyticsDesk

NOW = 20_000 * DAY_NS + 12 * 3_600 * 10**9


@pytest.fixture
def desk(gateway):
    gateway.now_ns = lambda: NOW
    made = AnalyticsDesk(gateway.store, gateway.now_ns)
    gateway.join(made)
    return made


@pytest.fixture
def analytics_as(desk, client_as):
    return client_as
