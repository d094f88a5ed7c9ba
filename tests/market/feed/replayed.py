"""A recording played back: what the catalog's reader, the bridge and the book's replay make of the same lines."""

import numpy as np

from b25.kernels.book import CLEAR_CROSSED, make_ladder
from b25.kernels.book_rows import apply_rows
from b25.market.bridge import bridge
from b25.market.catalog import Catalog
from b25.market.import_capture import Wanted, import_capture
from b25.model.event import BBO
from b25.model.message import SPOT, USDM

from ..raw_capture import write

PLACES = {SPOT: ("binance", "ETH/USDT"), USDM: ("binanceusdm", "ETH/USDT:USDT")}


def replayed(folder, market, lines, instrument):
    """Rows of books and trades, bridged; rows of tickers; and the book that they end with."""
    venue, symbol = PLACES[market]
    wanted = Wanted(instrument.tick, instrument.lot)
    path = write(folder / "recorded.txt", lines)
    import_capture(path, venue=venue, symbol=symbol, catalog=folder / "catalog", wanted=wanted)
    rows = bridge(Catalog(folder / "catalog").load(venue, symbol).rows, venue).rows
    quotes = Catalog(folder / "catalog").load(venue, symbol, kind="bbo").rows
    ladder = make_ladder()
    apply_rows(rows, CLEAR_CROSSED, *ladder.book)
    return rows, quotes, levels(ladder)


def levels(ladder):
    """Every level of a book, wherever its ladder stands."""
    head, lots, _, far = ladder.book
    found = []
    for side, count in ((0, int(head["far_bids"])), (1, int(head["far_asks"]))):
        near = [(int(head["base_ticks"]) + int(slot), int(lots[side][slot])) for slot in np.flatnonzero(lots[side])]
        found.append(sorted(near + [(int(one["price_ticks"]), int(one["qty_lots"])) for one in far[side][:count]]))
    return found


def parted(parts):
    """Delivered rows as the catalog keeps them: books and trades, and tickers."""
    rows = np.concatenate(parts)
    return rows[rows["kind"] != BBO], rows[rows["kind"] == BBO]
