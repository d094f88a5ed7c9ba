"""`kill -9` at random instants of a process that trades, then a restart: nothing is lost, doubled or orphaned."""

import asyncio
import random
import sys

import pytest

from b25.model.event import BUY, SELL
from tests.session.orders.stand import FAST, Heard, Trading, desk_of, healed
from tests.venue.contract.worlds import on_the_wire

KILLS = 4


async def crash(kind, folder, kills, seed):
    dice = random.Random(seed)
    async with on_the_wire(kind, folder) as stand:
        stand.listing = (await stand.port.listings()).must()["BTC/USDT" if kind == "spot" else "BTC/USDT:USDT"]
        profile = stand.port.profile
        arguments = [kind, profile.rest_url, profile.ws_url, profile.cafile, profile.key, profile.secret, str(folder)]
        for number in range(kills):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.session.orders.trader",
                *arguments,
                str(seed + number),
                stdout=asyncio.subprocess.PIPE,
            )
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line == b"trading\n"
            end = asyncio.get_running_loop().time() + dice.uniform(0.05, 1.0)
            while asyncio.get_running_loop().time() < end:
                await stand.other.submit(stand.new(dice.choice((BUY, SELL))))
                await asyncio.sleep(0.02)
            process.kill()
            await process.wait()
        heard = Heard()
        url = f"sqlite:///{folder / 'store.db'}"
        desk = desk_of(stand.port, stand.listing.instrument, url, folder, heard, pace=FAST)
        one = Trading(stand, desk, heard, url, folder)
        try:
            assert await desk.start() == []
            await healed(one)
            return one.check()
        finally:
            for loop in desk._loops:
                loop.cancel()
            await asyncio.gather(*desk._loops, return_exceptions=True)
            await desk.hands.end()
            desk.log.store.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spot", "linear"])
def test_a_killed_process_leaves_nothing_unknown(kind, tmp_path, warm):
    counted = asyncio.run(crash(kind, tmp_path, KILLS, seed=1))
    assert counted["orders"] > KILLS
    assert counted["fills"] > 0
