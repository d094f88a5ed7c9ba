"""A unified symbol and a venue make the venue's own name, or an error that shows how to write it."""

from decimal import Decimal

import pytest

from b25.market.venue_names import default_contract_size, known_instrument, raw_symbol
from b25.model.errors import Misuse


@pytest.mark.parametrize(
    ("venue", "symbol", "raw"),
    [
        ("binanceusdm", "ETH/USDT:USDT", "ETHUSDT"),
        ("binanceusdm", "BTC/USDC:USDC", "BTCUSDC"),
        ("binanceusdm", "1000PEPE/USDT:USDT", "1000PEPEUSDT"),
        ("binanceusdm", "BTC/USDT:USDT-241227", "BTCUSDT_241227"),
        ("binancecoinm", "ETH/USD:ETH", "ETHUSD_PERP"),
        ("binancecoinm", "BTC/USD:BTC-241227", "BTCUSD_241227"),
        ("binance", "ETH/BTC", "ETHBTC"),
    ],
)
def test_a_symbol_becomes_the_venues_own_name(venue, symbol, raw):
    assert raw_symbol(venue, symbol) == raw


@pytest.mark.parametrize(
    ("venue", "symbol"),
    [
        ("binance", "ETH/USDT:USDT"),
        ("binancecoinm", "ETH/USD:USD"),
        ("binanceusdm", "ETH/USDT:ETH"),
        ("binance", "/"),
        ("binance", "ETH/"),
    ],
)
def test_a_symbol_of_another_market_is_refused(venue, symbol):
    with pytest.raises(Misuse, match="is no symbol of"):
        raw_symbol(venue, symbol)


def test_published_grids_and_contract_sizes():
    known = known_instrument("binancecoinm", "BTC/USD:BTC")
    assert known is not None
    assert (known.tick, known.contract_size) == (Decimal("0.1"), Decimal(100))
    assert known_instrument("binance", "XYZ/USDT") is None
    assert default_contract_size("binancecoinm", "SOL/USD:SOL") == 10
    assert default_contract_size("binancecoinm", "BTC/USD:BTC") == 100
    assert default_contract_size("binanceusdm", "BTC/USDT:USDT") == 1
