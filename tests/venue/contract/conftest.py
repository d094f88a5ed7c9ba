"""Where the contract runs. A real test network is asked only with `--live-testnet` and a key of it."""

import asyncio
import os

import pytest

from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listings import default_listings
from b25.venue.in_process.venue import InProcessVenue
from b25.venue.port.requests import NewOrder
from tests.venue.contract.worlds import fund, play

KEYS = ("B25_TESTNET_KEY", "B25_TESTNET_SECRET")


def pytest_addoption(parser):
    parser.addoption("--live-testnet", action="store_true", help=f"run the venue contract on a test network too; needs {KEYS}")


@pytest.fixture(scope="session")
def warm():
    """Compile the matching engine before a client's timeout runs."""

    async def trade():
        exchange = Exchange(default_listings(["BTCUSDT"], ["BTCUSDT"]), now_ms=1_700_000_000_000)
        port = InProcessVenue(exchange, fund(exchange, "warm"), "spot")
        for side in (1, -1):
            order = NewOrder(symbol="BTC/USDT", client_id=f"w{side}", side=side, qty_lots=1000, price_ticks=4_000_000)
            (await port.submit(order)).must()

    asyncio.run(trade())


@pytest.fixture(params=["spot", "linear"])
def kind(request):
    return request.param


def pytest_generate_tests(metafunc):
    if "where" in metafunc.fixturenames:
        live = metafunc.config.getoption("--live-testnet", default=False)
        metafunc.parametrize("where", ["in process", "wire", "testnet"] if live else ["in process", "wire"])


@pytest.fixture
def contract(where, kind, tmp_path, warm):
    """`contract(case)` runs an async case on a fresh venue."""
    if where == "testnet" and not all(os.environ.get(name) for name in KEYS):
        pytest.skip(f"no key of a test network in {' and '.join(KEYS)}")
    return lambda case: play(where, kind, tmp_path, case)


@pytest.fixture
def wire(kind, tmp_path, warm):
    """The same, on the wire only: for what only a network does."""
    return lambda case: play("wire", kind, tmp_path, case)
