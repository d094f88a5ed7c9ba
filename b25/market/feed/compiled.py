"""Have the feed's kernels compiled before the first message waits for them."""

from b25.market.feed.desk import Desk
from b25.model.instrument import Instrument
from b25.model.message import USDM


def compile_feed(instrument: Instrument) -> None:
    """Compile what a feed runs: a desk of its own takes a diff and a snapshot of nobody's."""
    desk = Desk(instrument, USDM, "NOBODY", ahead_ns=0)
    price, far, qty = instrument.price(100), instrument.price(200), instrument.quantity(1)
    bids, asks = f'[["{price:f}","{qty:f}"]]', f'[["{far:f}","{qty:f}"]]'
    desk.take_text(f'{{"e":"depthUpdate","E":1,"T":1,"s":"NOBODY","U":1,"u":2,"pu":0,"b":{bids},"a":{asks}}}'.encode(), 1)
    desk.take_text(f'{{"lastUpdateId":2,"E":1,"T":1,"bids":{bids},"asks":{asks}}}'.encode(), 1)
