"""The alerts' process: reads the bus and its own machine, keeps and sends what the engine says, and proves that it lives.

<run folder>/alerts.heartbeat.json    written every second; `b25 alerts check` looks at it

While the store is gone, what is critical is sent from memory, once, and entered when the store is back.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from b25.bus import bodies
from b25.bus.message import Message
from b25.bus.publisher import Channel as BusChannel
from b25.bus.publisher import Publisher
from b25.bus.subjects import Delivery as How
from b25.bus.subjects import Subject, subject
from b25.runner.alerts import own_subjects as own
from b25.runner.alerts.channels import Channel
from b25.runner.alerts.delivery import Delivery
from b25.runner.alerts.engine import Alert, Batch, Engine, Silence, State, Told, Why
from b25.runner.alerts.outgoing import digest, messages
from b25.runner.alerts.report_watch import report_events, report_silences
from b25.runner.alerts.rules import AlertRule, NotificationRoute, Severity
from b25.runner.durable_file import write_plainly
from b25.store.alert_log import AlertLog
from b25.store.annotations import Annotations
from b25.store.faults import StoreFailed
from b25.store.notification_queue import NotificationQueue
from b25.store.report_marks import ReportMarks
from b25.store.store import Store

S: Final = 1_000_000_000
DAY_NS: Final = 86_400 * S
FILE: Final = "alerts.heartbeat.json"
DIGEST_NS: Final = 15 * 60 * S
KEPT_DAYS: Final = 7
REMEMBERED_NS: Final = 12 * 3_600 * S  # cooldowns longer than this are not remembered over a restart
MACHINE_EVERY: Final = 10  # looks


@dataclass(slots=True)
class Waiting:
    """What the store has not taken yet."""

    alerts: list[tuple[dict[str, Any], list[str]]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    place: int = -1


class AlertService:
    """Everything but the sockets of the bus.

    Parameters
    ----------
    store : Store
    folder : Path
        The run folder.
    rules, routes : sequence
    channels : mapping
        Made of the routes, by name.
    publisher : Publisher
        Of component `alerts`.
    say : callable
    clock_ns : callable
    heartbeat_s : float
        A message to every channel once in so long, to prove it alive; 0 for none.
    owner : str
        A name that only this process has while it lives, whoever had it before is dead: what that one was sending is sent anew.
    """

    def __init__(
        self, store: Store, folder: Path, rules: Sequence[AlertRule], routes: Sequence[NotificationRoute],
        channels: Mapping[str, Channel], publisher: Publisher, say: Callable[[str], None], clock_ns: Callable[[], int], *,
        heartbeat_s: float = 86_400.0, owner: str = "",
    ) -> None:  # fmt: skip
        self.store, self.folder, self.routes, self.publisher, self.say, self.clock_ns = (
            store, folder, list(routes), publisher, say, clock_ns,
        )  # fmt: skip
        self.log, self.queue, self.engine = AlertLog(store), NotificationQueue(store), Engine(rules)
        self.annotations, self.reports = Annotations(store), ReportMarks(store)
        self.delivery = Delivery(self.queue, channels, clock_ns, say, owner)
        self.heartbeat_ns = int(heartbeat_s * S)
        self.is_bus_up: Callable[[], bool] | None = None
        self.taken = 0
        self._unsaved: list[Waiting] = []
        self._one_keeps = asyncio.Lock()
        self._fault = ""
        self._machine = own.Machine(folder)
        self._alarms: own.AlarmFile | None = None
        self._states: dict[str, BusChannel] = {
            str(one): publisher.channel("alert_states.{severity}", severity=str(one)) for one in Severity
        }
        self._health = publisher.channel("health.{component}", component="alerts")
        self._looks = self._passed_over = 0

    # -- the beginning ----------------------------------------------------------------------------

    def restore(self) -> int:
        """Go on where the last life stopped; gives how many alerts are remembered. Raises StoreFailed."""
        names = {one.name for one in fields(Alert)}
        self.queue.release(self.delivery.owner, self.clock_ns())
        rows = self.log.unfinished(self.clock_ns() - REMEMBERED_NS)
        made = [
            Alert(**{name: value for name, value in row.items() if name in names} | {
                "severity": Severity(row["severity"]), "state": State(row["state"]), "is_told": bool(row["is_told"]),
            }) for row in rows
        ]  # fmt: skip
        self.engine.restore(made)
        self._alarms = own.AlarmFile(self.folder, self.log.place("alarms"))
        return len(made)

    def take_up(self, rules: Sequence[AlertRule], routes: Sequence[NotificationRoute], channels: Mapping[str, Channel]) -> None:
        """Go on by other rules and channels: alerts of rules that are gone end without a word, all others go on."""
        self.engine.use(rules)
        self.routes, self.delivery.channels = list(routes), channels

    # -- what is told -----------------------------------------------------------------------------

    def reader(self, pattern: str) -> Callable[[str, Message], Any]:
        """Return the handler of a declared subject."""
        kind = subject(pattern)

        async def take(name: str, message: Message) -> None:
            told = fields_in(message.body) | tokens_of(kind, name)
            await self.keep(self.engine.observe(
                pattern, message.source, told, self.clock_ns(), is_event=kind.delivery is How.AT_LEAST_ONCE
            ))  # fmt: skip
            self.taken += 1

        return take

    async def look(self) -> None:
        """Once a second: let time pass, look at this machine and at what people did, keep what follows."""
        now_ns = self.clock_ns()
        self._looks += 1
        for pattern, source, told in self._own(now_ns):
            await self.keep(self.engine.observe(pattern, source, told, now_ns))
        await self._people(now_ns)
        await self._happened(now_ns)
        await self.keep(self.engine.tick(self.clock_ns()))
        await self._from_memory()
        if self.engine.passed_over != self._passed_over:
            self._passed_over = self.engine.passed_over
            self.say(f"{self._passed_over} alerts found no room; group the rule that makes so many")
        await self._housekeeping(now_ns)
        await asyncio.to_thread(self._beat, now_ns)

    def _own(self, now_ns: int) -> list[tuple[str, str, dict[str, Any]]]:
        found: list[tuple[str, str, dict[str, Any]]] = []
        if self._looks % MACHINE_EVERY == 1:
            found.append((own.MACHINE, "machine", self._machine.look()))
        found += [(own.PROCESS, f"process/{one['name']}", one) for one in own.processes(self.folder, now_ns)]
        found.append((own.STORE, "store", {"is_up": 0 if self._fault else 1, "why": self._fault}))
        if self.is_bus_up is not None:
            found.append((own.BUS, "bus", {"is_up": int(self.is_bus_up())}))
        return found

    async def _happened(self, now_ns: int) -> None:
        """Alarms of the run folder, and people who were mentioned: each told once, over restarts too."""
        if self._alarms is not None and (alarms := await asyncio.to_thread(self._alarms.look)):
            self._alarms.done()
            for one in alarms:
                source = f"process/{one['process']}"
                await self.keep(self.engine.observe(own.ALARM, source, one, now_ns), place=self._alarms.place)
        try:
            mentions = await asyncio.to_thread(self.annotations.mentions_untold)
            notices = await asyncio.to_thread(report_events, self.reports)
        except StoreFailed:
            return
        for source, event in notices:
            await self.keep(self.engine.observe(own.REPORT, source, event, now_ns), notice=event["run_id"])
        for row in mentions:
            told = self.engine.observe(own.MENTION, f"annotation/{row['annotation_id']}/{row['user']}", row, now_ns)
            await self.keep(told, mention=(row["annotation_id"], row["user"]))

    async def _people(self, now_ns: int) -> None:
        unseen = [one.alert_id for one in self.engine.alerts.values() if one.state is State.FIRING and not one.acknowledged_ns]
        try:
            seen = await asyncio.to_thread(self.log.acknowledged, unseen) if unseen else {}
            silences = await asyncio.to_thread(self.log.silences, now_ns)
        except StoreFailed as fault:
            self._store_is_gone(fault)
            return
        for alert_id, by in seen.items():
            self.engine.acknowledge(alert_id, by, now_ns)
        self.engine.silences = tuple(
            Silence(ends_ns=one["ends_ns"], starts_ns=one["starts_ns"], rule=one["rule"], source=one["source"])
            for one in silences
        )

    # -- what is kept -----------------------------------------------------------------------------

    async def keep(self, told: Told, *, place: int = -1, mention: tuple[str, str] | None = None, notice: str = "") -> None:
        """Enter what the engine says, alerts and messages in one transaction; and tell the bus."""
        if not told.changed and not told.batches and place < 0 and mention is None and not notice:
            return
        async with self._one_keeps:
            now_ns = self.clock_ns()
            waiting = Waiting(place=place, mentions=[mention] if mention else [], notices=[notice] if notice else [])
            waiting.alerts = [(row_of(one), _events(one, told.batches)) for one in told.changed]
            self._unsaved.append(waiting)
            for batch in told.batches:
                waiting.messages += await asyncio.to_thread(messages, batch, self.routes, now_ns, self._count)
            for one in told.changed:
                self._states[str(one.severity)].offer(state_of(one), now_ns, correlation_id=one.alert_id)
            await self._save()

    def _count(self, channel: str, since_ns: int, rule: str) -> int:
        try:
            return self.queue.count_since(channel, since_ns, rule)
        except StoreFailed:
            return 0  # a limit that cannot be looked up holds nobody back

    async def _save(self) -> None:
        while self._unsaved:
            try:
                await asyncio.to_thread(self._write, self._unsaved[0])
            except StoreFailed as fault:
                self._store_is_gone(fault)
                return
            self._unsaved.pop(0)
        if self._fault:
            self._fault = ""
            self.say("the store is back")

    def _write(self, waiting: Waiting) -> None:
        now_ns = self.clock_ns()
        if self._fault:
            self.store.reconnect()
        with self.store.writing():
            for row, events in waiting.alerts:
                self.log.save(row, events, now_ns)
            for row in waiting.messages:
                self.queue.add(row)
            if waiting.place >= 0:
                self.log.save_place("alarms", waiting.place)
            for one in waiting.mentions:
                self.annotations.mention_told(*one, now_ns=now_ns)
            for run_id in waiting.notices:
                self.reports.told(run_id, now_ns)

    def _store_is_gone(self, fault: StoreFailed) -> None:
        if not self._fault:
            self.say(f"{fault.what}; what is critical is sent from memory")
        self._fault = fault.what

    async def _from_memory(self) -> None:
        """While the store is gone: send what is critical, by the same rules."""
        if not self._fault:
            return
        async with self._one_keeps:
            await self._save()
            if not self._fault:
                return
            now_ns = self.clock_ns()
            due = [
                row for waiting in self._unsaved for row in waiting.messages
                if row["severity"] == "critical" and row["status"] in ("pending", "retrying") and row["next_ns"] <= now_ns
            ]  # fmt: skip
            for row in due:
                row["tries"] = row.get("tries", 0) + 1
            blank = {"kind": "alert"}
            done = await asyncio.gather(*(self.delivery.attempt(blank | row) for row in due))
            for row, told in zip(due, done, strict=True):
                row.update(told)
                if told["status"] == "sent":
                    row["sent_ns"] = self.clock_ns()

    # -- what goes by itself ----------------------------------------------------------------------

    async def deliver(self) -> int:
        """Send what is due; gives how many were tried."""
        if self._fault:
            return 0
        try:
            return await self.delivery.once()
        except StoreFailed as fault:
            self._store_is_gone(fault)
            return 0

    async def _housekeeping(self, now_ns: int) -> None:
        if self._fault:
            return
        try:
            if self._looks % MACHINE_EVERY == 2:
                found = await asyncio.to_thread(self.queue.waiting, now_ns)
                await self.keep(self.engine.observe(own.DELIVERY, "delivery", found, now_ns))
                await asyncio.to_thread(self._digests, now_ns)
                await asyncio.to_thread(self._prove, now_ns)
                for source, told in await asyncio.to_thread(report_silences, self.reports, now_ns):
                    await self.keep(self.engine.observe(own.SILENCE, source, told, now_ns))
            if self._looks % 3_600 == 3:
                await asyncio.to_thread(self.queue.prune, now_ns - KEPT_DAYS * DAY_NS)
                await asyncio.to_thread(self.log.prune, now_ns - 365 * DAY_NS)
        except StoreFailed as fault:
            self._store_is_gone(fault)

    def _digests(self, now_ns: int) -> None:
        """Tell of what was held back, once in a quarter of an hour, and not in quiet hours."""
        for route in self.routes:
            if route.quiet_hours is None or not route.quiet_hours.hold(now_ns):
                self.queue.fold_into(route.name, f"digest/{now_ns // DIGEST_NS}/{route.name}", digest, now_ns)

    def _prove(self, now_ns: int) -> None:
        """A message that proves each channel alive, once in every `heartbeat_s`, over restarts too."""
        if not self.heartbeat_ns:
            return
        number = now_ns // self.heartbeat_ns
        with self.store.writing():
            for route in self.routes:
                self.queue.add({
                    "notification_id": f"heartbeat/{self.heartbeat_ns // S}/{number}/{route.name}", "channel": route.name,
                    "kind": "heartbeat", "severity": "info", "title": "[b25 heartbeat] this channel works",
                    "body": f"The next one is due within {self.heartbeat_ns // S} s; if it does not come: b25 alerts check",
                    "created_ns": now_ns, "next_ns": now_ns,
                })  # fmt: skip

    def _beat(self, now_ns: int) -> None:
        """The file that another process looks at, and the bus's health."""
        is_up = self.is_bus_up() if self.is_bus_up is not None else None
        firing = sum(one.state is State.FIRING for one in self.engine.alerts.values())
        told = {
            "time_ns": now_ns, "pid": os.getpid(), "store_fault": self._fault, "is_bus_up": is_up, "firing": firing,
            "taken": self.taken, "sent": self.delivery.sent, "failed": self.delivery.failed, "dead": self.delivery.dead,
        }  # fmt: skip
        try:
            write_plainly(self.folder / FILE, orjson.dumps(told))
        except OSError as fault:
            self.say(f"the heartbeat cannot be written: {fault.strerror}")
        counts = self.publisher.counts
        self._health.offer(
            bodies.Health(
                component=self.publisher.source, state="running", mode=None, strategy=None, symbols=(), events=self.taken,
                messages=self.delivery.sent, live_orders=0, fault=self._fault or None, bus_waiting=self.publisher.waiting,
                bus_overtaken=counts.overtaken, bus_refused=counts.refused,
            ), now_ns,
        )  # fmt: skip

    @property
    def is_well(self) -> bool:
        """Whether it could tell somebody now, as far as it knows."""
        return not self._fault and (self.is_bus_up is None or self.is_bus_up())


def fields_in(body: Any) -> dict[str, Any]:
    """Fields of a message's body; those of lists within it are left out."""
    told = asdict(body) if is_dataclass(body) and not isinstance(body, type) else dict(body)
    return {name: value for name, value in told.items() if not isinstance(value, tuple | list | dict) or name == "symbols"}


def tokens_of(kind: Subject, name: str) -> dict[str, str]:
    """What a subject's name itself says, where its message does not."""
    known = {one.name for one in fields(kind.body)}
    pairs = zip(kind.pattern.split("."), name.split("."), strict=True)
    return {hole[1:-1]: word for hole, word in pairs if hole.startswith("{") and hole[1:-1] not in known}


def row_of(alert: Alert) -> dict[str, Any]:
    """Row of the store."""
    told = {one.name: getattr(alert, one.name) for one in fields(Alert)}
    return {
        **told,
        "severity": str(alert.severity),
        "state": str(alert.state),
        "is_told": int(alert.is_told),
        "source": alert.source,
    }


def state_of(alert: Alert) -> bodies.AlertState:
    """What the bus is told of an alert."""
    return bodies.AlertState(
        alert_id=alert.alert_id, rule=alert.rule, severity=str(alert.severity), state=str(alert.state), key=alert.key,
        text=alert.text, value=alert.value, fired_ns=alert.fired_ns, resolved_ns=alert.resolved_ns,
        acknowledged_by=alert.acknowledged_by,
    )  # fmt: skip


def _events(alert: Alert, batches: Sequence[Batch]) -> list[str]:
    """What became of an alert just now, for its history."""
    reasons = [batch.why for batch in batches if any(one is alert for one in batch.alerts)]
    told = [f"told: {why}" for why in reasons]
    if alert.state is State.RESOLVED:
        return ["resolved", *told]
    is_first = Why.FIRING in reasons or alert.notified_ns == 0
    return [*(["firing"] if is_first else []), *told]
