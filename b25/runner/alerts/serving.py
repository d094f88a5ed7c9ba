"""Runs the alerts' service as a process: seat, heartbeat, bus, signals; with rules of a file or the default ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from b25.bus.address import URL, bus_address
from b25.bus.link import Link, open_link
from b25.bus.publisher import Publisher
from b25.bus.subjects import Delivery as How
from b25.bus.subjects import subject
from b25.bus.subscriber import Subscriber
from b25.config.configurations import Configurations
from b25.config.secret_refs import secret_of
from b25.config.settings import Settings
from b25.model.errors import B25Error, Misuse, Retry
from b25.runner.alerts.channels import channels_of
from b25.runner.alerts.default_rules import with_defaults
from b25.runner.alerts.own_subjects import OWN
from b25.runner.alerts.renewal import Renewal
from b25.runner.alerts.rules import AlertRule, NotificationRoute, routes_from, rules_from
from b25.runner.alerts.service import FILE, AlertService
from b25.runner.durable_file import read_json, write_plainly
from b25.runner.heartbeat import Heartbeat, Life, exit_code_of, supervisor_is_gone
from b25.runner.seat import Seat
from b25.runner.structured_log import StructuredLog
from b25.store.store import Store, open_store

NAME: Final = "alerts"
BEAT_S: Final = 0.25
DELIVER_S: Final = 0.2
LOOK_S: Final = 1.0
RENEW_S: Final = 1.0
PING_S: Final = 60.0
DRAIN_S: Final = 10.0
BEGIN_S: Final = 20.0
NO_BUS: Final = "none"
SIGNS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "==", "ne": "!="}  # of a configuration's words
LOG_ROUTE: Final = {"name": "log", "kind": "log"}
Say = Callable[[str], None]


def read_file(path: Path | None) -> tuple[tuple[AlertRule, ...], tuple[NotificationRoute, ...]]:
    """Rules and channels of a file, the default rules among them; without a file those, and the log. Raises Misuse."""
    held: dict[str, Any] = {}
    if path is not None:
        try:
            held = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as fault:
            raise Misuse(f"{path} cannot be read: {fault}", remedy="write [[rules]] and [[routes]]") from None
    if strange := sorted(set(held) - {"rules", "routes"}):
        raise Misuse(f"{path} has no table {strange[0]!r}", remedy="write [[rules]] and [[routes]]")
    return configured(held)


def read_store(store: Store, path: Path | None, say: Say) -> tuple[tuple[AlertRule, ...], tuple[NotificationRoute, ...]]:
    """Rules and channels of a file, and those that are configured and active.

    What is configured and cannot be watched, or has the name of one in the file, is told and left out: the others hold.
    """
    held: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    known = Configurations(store)
    made = configured(held)
    for kind, table in (("notification_route", "routes"), ("alert_rule", "rules")):
        for one in known.active(kind):
            if kind == "notification_route" and not one.value.get("enabled", True):
                continue
            more = {**held, table: [*held.get(table, []), _plain(one.value)]}
            try:
                made, held = configured(more), more
            except Misuse as fault:
                say(f"{one.head.key} is left out: {fault.what}; {fault.remedy}")
    return made


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration in the words of a file: what is not told left out, a secret's reference as the file that holds it."""
    told = {name: one for name, one in value.items() if one is not None}
    if "summary" in told:
        told["text"] = told.pop("summary")
    if "channels" not in told:  # a channel that is configured is in force as long as it is enabled
        told.pop("enabled", None)
    if "secretref" in told:
        told["secretref"] = "file:" + str(told["secretref"]).removeprefix("secretref://").replace("/", "-")
    if isinstance(told.get("condition"), Mapping):
        condition = {name: one for name, one in told["condition"].items() if one is not None and one != ""}
        told["condition"] = condition | {"op": SIGNS.get(condition["op"], condition["op"])}
    return told


def configured(held: dict[str, Any]) -> tuple[tuple[AlertRule, ...], tuple[NotificationRoute, ...]]:
    """Rules and channels of a configuration. Raises Misuse for what is wrong, or a rule whose channel is not there."""
    rules = with_defaults(rules_from(held))
    routes = routes_from(held)
    if not any(one.kind == "log" for one in routes):
        routes = (*routes, *routes_from({"routes": [LOG_ROUTE]}))
    names = {one.name for one in routes}
    for rule in rules:
        if gone := sorted(set(rule.channels) - names):
            raise Misuse(f"rule {rule.name} tells {gone[0]!r}, which is no channel", remedy=f"use {', '.join(sorted(names))}")
    return rules, routes


def serve(settings: Settings, rules_file: Path | None, *, bus: str, heartbeat_s: float, ping: str, say: Say) -> dict[str, Any]:
    """Run until SIGTERM, SIGINT, or the end of the supervisor.

    Raises
    ------
    Misuse
        For wrong rules, a channel without its secret, or when the process runs already.
    Retry
        When the bus is not there.
    """
    read_file(rules_file)  # what is wrong in it is told before anything starts
    folder = Path(os.environ.get("B25_RUN_FOLDER") or settings.run_folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log = StructuredLog(folder / "alerts.jsonl", process=NAME, run=os.environ.get("B25_RUN_ID", ""))
    asked = secret_of(ping, settings.secrets_folder) if ping else ""
    name = os.environ.get("B25_PROCESS") or NAME
    seat = Seat.take(folder, name)
    beat = Heartbeat(folder, name, epoch=seat.epoch)
    fault: BaseException | None = None
    store = None
    try:
        store = open_store(settings.database_url, readers=4)
        publisher = Publisher("alerts", name)

        def told(text: str) -> None:
            log.warning("notice", text=text)
            say(text)

        read = partial(read_store, store, rules_file, told)
        renewal = Renewal(store, read, settings.secrets_folder, log, told)
        rules, routes = read()
        channels = channels_of(routes, settings.secrets_folder, log)
        service = AlertService(
            store, folder, rules, routes, channels, publisher, told, time.time_ns, heartbeat_s=heartbeat_s,
            owner=f"{socket.gethostname()}:{folder}:{name}",  # the seat makes it this process' alone
        )  # fmt: skip
        address = None if bus == NO_BUS or not (bus or os.environ.get(URL)) else bus_address(bus, folder)
        return asyncio.run(_Process(service, publisher, beat, address, asked, told, renewal).run())
    except BaseException as found:
        fault = found
        if isinstance(found, B25Error) and "B25_PROCESS" in os.environ:
            found.exit_code = exit_code_of(found)  # type: ignore[attr-defined]
        raise
    finally:
        beat.beat(Life.STOPPED if fault is None else Life.FAILED)
        if store is not None:
            store.close()
        with contextlib.suppress(OSError):
            write_plainly(folder / FILE, orjson.dumps({**read_json(folder / FILE), "ended": True}))
        seat.leave()


class _Process:
    """One life of the service."""

    def __init__(
        self, service: AlertService, publisher: Publisher, beat: Heartbeat, address: Any, ping: str, say: Say, renewal: Renewal
    ) -> None:  # fmt: skip
        self.renewal = renewal
        self.service, self.publisher, self.beat, self.address, self.ping, self.say = service, publisher, beat, address, ping, say
        self.over = asyncio.Event()
        self.link: Link | None = None
        self.subscriber: Subscriber | None = None
        self.why = ""
        self.reads: set[str] = set()

    async def run(self) -> dict[str, Any]:
        """Until told to stop; a fault of a part is a fault of the whole."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop, signal.Signals(number).name)
        beating = asyncio.create_task(self._beat())  # so that a slow start is not taken for a hang
        remembered = await asyncio.to_thread(self.service.restore)
        try:
            await self._read_bus()
            self.say(f"watching {len(self.service.engine.rules)} rules, {remembered} alerts remembered")
            parts = [
                beating,
                *(
                    asyncio.create_task(one)
                    for one in (self._look(), self._deliver(), self._publish(), self._ping(), self._renew())
                ),
            ]
            if self.subscriber is not None:
                parts.append(asyncio.create_task(self.subscriber.run()))
            ending = asyncio.create_task(self.over.wait())
            done, _ = await asyncio.wait([ending, *parts], return_when=asyncio.FIRST_COMPLETED)
            faults = [found for one in done if one is not ending and (found := one.exception()) is not None]
            await self._end([ending, *parts])
            if faults:
                raise faults[0]
        finally:
            if self.link is not None:
                await self.link.close()
        return {
            "why": self.why,
            "taken": self.service.taken,
            "sent": self.service.delivery.sent,
            "dead": self.service.delivery.dead,
        }

    def _stop(self, why: str) -> None:
        self.why = self.why or why
        self.over.set()

    async def _read_bus(self) -> None:
        if self.address is None:
            return
        self.link = await open_link(self.address, self.publisher.source, self.say)
        link = self.link
        self.service.is_bus_up = lambda: link.is_up
        self.subscriber = Subscriber(self.link, "alerts")
        self._read_subjects(self.subscriber)
        try:  # what is published from now on is read
            begun = asyncio.gather(*(one.started.wait() for one in self.subscriber.subscriptions))
            await asyncio.wait_for(begun, BEGIN_S)
        except TimeoutError:
            raise Retry("the bus does not let us read within 20 s", remedy="look at it: b25 bus check") from None

    def _read_subjects(self, subscriber: Subscriber) -> None:
        """Read what the rules want to know and is not read yet."""
        for pattern in self.service.engine.subjects:
            if pattern in OWN or pattern in self.reads:
                continue
            self.reads.add(pattern)
            # What happened while this process was away is told when it is back; before its first life, nothing.
            once = subject(pattern).delivery is How.AT_LEAST_ONCE
            durable = f"alerts-{pattern.translate(str.maketrans('.{}', '-__'))}" if once else ""
            subscriber.read(pattern, self.service.reader(pattern), durable=durable, new_only=True)

    async def _beat(self) -> None:
        while True:
            self.beat.beat(Life.RUNNING, self.service.taken + self.service.delivery.sent)
            if supervisor_is_gone():
                self._stop("the supervisor is gone")
            await asyncio.sleep(BEAT_S)

    async def _look(self) -> None:
        while True:
            await self.service.look()
            await asyncio.sleep(LOOK_S)

    async def _renew(self) -> None:
        """Take up what is configured anew; a reader that is added misses nothing that comes after it."""
        while True:
            await asyncio.sleep(RENEW_S)
            found = await asyncio.to_thread(self.renewal.look)
            if found is None:
                continue
            self.service.take_up(*found)
            if self.subscriber is not None:
                self._read_subjects(self.subscriber)
            self.say(f"configured anew: watching {len(self.service.engine.rules)} rules, {len(self.service.routes)} channels")

    async def _deliver(self) -> None:
        while True:
            if not await self.service.deliver():
                await asyncio.sleep(DELIVER_S)

    async def _publish(self) -> None:
        while True:
            if self.link is not None:
                try:
                    await self.publisher.send(self.link)
                except Exception as fault:  # the bus is going: what must arrive waits
                    self.publisher.counts.failed += 1
                    self.say(f"bus: sending failed: {type(fault).__name__}")
            await asyncio.sleep(BEAT_S)

    async def _ping(self) -> None:
        """Ask an address once a minute while all is well: who is asked no more knows that something is wrong."""
        import httpx

        told = ""
        while self.ping:
            if self.service.is_well:
                try:
                    async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:
                        answer = await client.get(self.ping)
                    why = "" if answer.is_success else f"answered {answer.status_code}"
                except (httpx.HTTPError, httpx.InvalidURL) as fault:
                    why = type(fault).__name__
                if why and why != told:
                    self.say(f"the watcher outside cannot be told: {why}")
                told = why
            await asyncio.sleep(PING_S)
        await asyncio.Event().wait()

    async def _end(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Send what is due now, for ten seconds at most; the rest waits in the store."""
        self.beat.beat(Life.STOPPING)
        if self.subscriber is not None:
            await self.subscriber.close()
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self.service.keep(self.service.engine.tick(time.time_ns()))
                await self.service.deliver()
                if self.link is not None:
                    with contextlib.suppress(Exception):
                        await self.publisher.send(self.link)
        self.service.delivery.close()
