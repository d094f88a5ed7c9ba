"""One platform for all tests that look at it: it takes long to start."""

import pytest

from tests.observe.platform import Platform

ENOUGH = (
    "b25_order_answers_total", "b25_order_cancel_seconds_count", "b25_order_refused_total", "b25_account_margin_cushion_ratio",
    "b25_account_differences", "b25_order_maker_ratio", "b25_bus_published_total", "b25_strategy_decision_seconds_count",
)  # fmt: skip


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    with Platform(tmp_path_factory.mktemp("platform")) as made:
        made.until(lambda: all(name in made.told() for name in ENOUGH))
        made.until(lambda: made.told("kill"))
        yield made
