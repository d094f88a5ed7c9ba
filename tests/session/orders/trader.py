"""A process that trades until it is killed. Arguments: KIND REST WS CAFILE KEY SECRET FOLDER SEED."""

import asyncio
import random
import sys
import time
from pathlib import Path

from b25.model.event import BUY, SELL
from b25.venue.ccxt.connect import connect
from b25.venue.ccxt.profile import Profile, Where
from b25.venue.port.reports import Kind
from b25.venue.port.requests import NewOrder
from tests.session.orders.stand import Heard, desk_of


async def main(kind, rest, ws, cafile, key, secret, folder, seed):
    profile = Profile(
        exchange="binance", kind=Kind(kind), where=Where.LOOPBACK, key=key, secret=secret, rest_url=rest, ws_url=ws, cafile=cafile
    )
    port = connect(profile)
    symbol = "BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"
    instrument = (await port.listings()).must()[symbol].instrument
    desk = desk_of(port, instrument, f"sqlite:///{folder}/store.db", Path(folder), Heard())
    await desk.start()
    print("trading", flush=True)
    dice, ticks, lots, end = random.Random(int(seed)), instrument.ticks("40000"), instrument.lots("0.01"), time.monotonic() + 60
    while time.monotonic() < end:
        side = dice.choice((BUY, SELL))
        price = ticks + 100 * (dice.randint(-3, 3) - 2 * side)
        desk.submit(NewOrder(symbol=symbol, client_id="", side=side, qty_lots=lots, price_ticks=price), strategy="s")
        live = list(desk.manager.live())
        if live and dice.random() < 0.6:
            desk.cancel(dice.choice(live).coid)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
