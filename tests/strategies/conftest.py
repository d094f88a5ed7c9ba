"""The two markets that every strategy here must find something to do in, and the two lives that it leads."""

from pathlib import Path

import pytest

import b25
from b25.research.dataset import Dataset

# What the demo assumes: a maker of the top tier.
FEES = b25.Fees(maker=-0.00005, taker=0.0003)


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Half an hour of the sample market, BTC with a tick of 0.1."""
    return b25.sample(catalog=tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def capture(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Six minutes of ETH as Binance's USD-M futures traded it, tick 0.01."""
    folder = tmp_path_factory.mktemp("capture")
    file = shared / "data/binance_raw/usdm_ethusdt_20240808.gz"
    b25.import_capture(file, venue="binanceusdm", symbol="ETH/USDT:USDT", catalog=folder)
    return b25.dataset("ETH/USDT:USDT", catalog=folder)
