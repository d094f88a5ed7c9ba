"""A session whose version is paused pauses, at once and again when somebody resumes it; a store that is away pauses nothing."""

import asyncio
from types import SimpleNamespace

from b25.model.errors import Retry
from b25.runner.version_watch import BLIND_AFTER, VersionWatch


class Stand:
    """A session that only remembers what was done to it."""

    def __init__(self):
        self.answers, self.said, self.alarms, self.pauses = [], [], [], 0
        self.looking = SimpleNamespace(
            is_paused=False, unpromoted="", pause=self.pause, own=SimpleNamespace(seat=SimpleNamespace(session="mm"))
        )
        loop = SimpleNamespace(say=self.said.append, session=SimpleNamespace(fault=None), until=asyncio.Event())
        alarms = SimpleNamespace(alarm=lambda kind, text, **more: self.alarms.append((kind, text)))
        self.watch = VersionWatch(self.answer, self.looking, loop, alarms)

    def pause(self):
        self.pauses += 1
        self.looking.is_paused = True

    def answer(self):
        told = self.answers.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    def look(self, *answers):
        self.answers += answers

        async def looks():
            for _ in answers:
                await self.watch.look()

        asyncio.run(looks())


def test_a_paused_version_pauses_the_session_as_often_as_it_is_resumed():
    stand = Stand()
    stand.look("", "mine@1: it is paused")
    assert (stand.pauses, [kind for kind, _ in stand.alarms]) == (1, ["version"])
    stand.look("mine@1: it is paused")
    stand.looking.is_paused = False
    stand.look("mine@1: it is paused")
    assert (stand.pauses, len(stand.alarms)) == (2, 1)
    assert stand.looking.unpromoted == "mine@1: it is paused"
    stand.look("")
    assert stand.looking.is_paused  # a person resumes it
    assert "b25 session resume" in stand.said[-1]


def test_a_store_that_is_away_is_told_once_and_pauses_nothing():
    stand = Stand()
    away = [Retry("the store is away", remedy="wait")] * (BLIND_AFTER + 3)
    stand.look(*away)
    assert (stand.pauses, len(stand.alarms)) == (0, 1)
    assert "cannot be seen" in stand.said[0]
    stand.look("", *away[:BLIND_AFTER])
    assert len(stand.alarms) == 2
