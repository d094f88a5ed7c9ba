"""A scenario file turns knobs at its times; what is wrong in it is told before anything starts. And how time itself passes."""

import asyncio

import pytest

from b25.model.errors import Misuse
from b25.venue.wire.clock import VenueClock
from b25.venue.wire.scenario import read_scenario
from b25.venue.wire.server import Venue
from tests.venue.wire.venues import Client, listings, settings

FLAKY = """
[[fault]]
at_s = 10
for_s = 5
knob = "force_error"
where = "GET /api/v3/time"
http = 503
code = -1008

[[fault]]
at_s = 2
knob = "clock_offset_ms"
ms = 100
"""


def test_turns_come_and_go(tmp_path):
    path = tmp_path / "flaky.toml"
    path.write_text(FLAKY)

    async def run():
        start = 1_700_000_000_000
        made = settings(tmp_path, clock="stepped", start_ms=start)
        venue = Venue(made, listings=listings(), scenario=read_scenario(path))
        async with venue, Client(venue) as client:

            async def at(ms):
                venue.clock.step(start + ms - venue.clock.now_ms())
                await client.get("/api/v3/time")
                return client.status, venue.clock.offset_ms

            assert await at(0) == (200, 0)
            assert await at(2_000) == (200, 100)
            assert await at(9_999) == (200, 100)
            assert await at(10_000) == (503, 100)
            assert await at(14_999) == (503, 100)
            assert await at(15_000) == (200, 100)
            assert venue.scenario.left == 0

    asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[fault]]\nat_s = 1", "has no knob"),
        ("[[fault]]\nknob = 'nonsense'", "no fault knob"),
        ("[[fault]]\nknob = 'ack_lost'\ncolour = 1", "takes no colour"),
        ("[[fault]]\nknob = 'ack_lost'\nat_s = -1", "at_s of fault 1"),
        ("[[fault]]\nknob = 'ack_lost'\nfor_s = 'long'", "for_s of fault 1"),
        ("[[fault]]\nknob = 'cut'\nfor_s = 5", "happens once"),
        ("fault = 5", "no list of tables"),
        ("[[fault", "is no TOML"),
    ],
)
def test_what_is_wrong_is_told_at_once(tmp_path, text, what):
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    with pytest.raises(Misuse, match=what):
        read_scenario(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(Misuse, match="cannot be read"):
        read_scenario(tmp_path / "none.toml")


def test_clocks():
    stepped = VenueClock("stepped", start_ms=1_000)
    assert (stepped.now_ms(), stepped.server_ms()) == (1_000, 1_000)
    assert stepped.step(500) == 1_500
    with pytest.raises(Misuse):
        stepped.step(-1)
    with pytest.raises(Misuse):
        VenueClock("real").step(1)
    with pytest.raises(Misuse):
        VenueClock("lunar")
    with pytest.raises(Misuse):
        VenueClock("accelerated", speed=0)
    fast = VenueClock("accelerated", speed=1_000.0, start_ms=0)
    first = fast.now_ms()
    fast_server = fast.server_ms()
    while fast.now_ms() < first + 100:
        pass
    assert fast.server_ms() - fast_server < 100  # requests are judged by the wall clock
    assert abs(VenueClock().server_ms() - fast.server_ms()) < 1_000


def test_sleepers_wake_in_order():
    async def run():
        clock, woken = VenueClock("stepped", start_ms=0), []

        async def sleep(ms):
            await clock.sleep_ms(ms)
            woken.append((ms, clock.now_ms()))

        tasks = [asyncio.create_task(sleep(ms)) for ms in (30, 10, 20, 0)]
        await asyncio.sleep(0)
        clock.step(20)
        await asyncio.sleep(0.01)
        assert woken == [(0, 0), (10, 20), (20, 20)]
        clock.step(10)
        await asyncio.gather(*tasks)

    asyncio.run(run())
