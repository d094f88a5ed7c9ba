"""Run a session as one that is watched: seat, heartbeat, control socket, stops, the gate's self-test; and its exit code.

In the foreground it is the same but for the supervisor: a session always has a seat, a kill switch and a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from b25.market.feed.compiled import compile_feed
from b25.market.record_instruments import FAST_VENUES
from b25.model.errors import B25Error, Misuse, Retry
from b25.observe.meter import Meter
from b25.observe.redaction import redacted
from b25.runner.alarms import Alarms
from b25.runner.approval import check_approved
from b25.runner.config_feed import Configured
from b25.runner.control import Control
from b25.runner.durable_file import append_durably
from b25.runner.heartbeat import EXIT_HALT, EXIT_RETRY, exit_code_of
from b25.runner.kill_latch import latched
from b25.runner.live import LiveLoop
from b25.runner.live_session import LivePlan, run_session
from b25.runner.metrics_file import MetricsFile
from b25.runner.metrics_session import SessionMetrics
from b25.runner.seat import session_folder
from b25.runner.session_commands import SessionCommands
from b25.runner.session_watch import OnLatch, SessionWatch
from b25.runner.sole_sender import sole_sender
from b25.runner.structured_log import StructuredLog, follow_level
from b25.runner.supervised import Supervised
from b25.runner.version_watch import VersionWatch
from b25.session.gateway import Say
from b25.session.limits_file import prove

GRAVE: Final = ("halted", "it is not certain", "the session's own watch failed", "ALARM")
ACCOUNT = "default"  # of a session in the foreground that names none


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """How a session is watched.

    Attributes
    ----------
    folder : Path
        The run folder.
    account : str
        Its name for the kill switch; under `b25 up` the plan's.
    on_latch : OnLatch
    starts_paused : bool
        Reconcile, then wait for a person. A supervisor may ask for it too.
    approved : Path, optional
        File of approved strategies; None lets any strategy run.
    proves_gate : bool
        Whether the self-test runs before anything else.
    configuration : str
        URL of the store in which its limits and parameters are configured; empty for none.
    why_stopped : callable, optional
        Of a promoted version: says why a session of it must not go on; empty when it may.
    """

    folder: Path
    account: str = ACCOUNT
    on_latch: OnLatch = OnLatch.REDUCE
    starts_paused: bool = False
    approved: Path | None = None
    proves_gate: bool = True
    configuration: str = ""
    why_stopped: Callable[[], str] | None = None

    def check_latch(self) -> None:
        """Raise Misuse when the kill switch holds the account, before anything is begun."""
        if (latch := latched(self.folder, os.environ.get("B25_ACCOUNT") or self.account)) is not None:
            raise Misuse(
                f"the kill switch is latched: {latch.reason}, by {latch.by}",
                remedy="see b25 kill status; only a named person re-arms it: b25 kill re-arm",
            )


def run_supervised(
    plan: LivePlan, say: Say, supervision: Supervision, watch: Callable[[LiveLoop], None] | None = None
) -> dict[str, Any]:
    """Run a session until it ends; returns how it ended, with `exit_code`.

    Raises
    ------
    Misuse
        When it runs already, the kill switch holds its account, or its strategy is not approved.
    Halt
        When the risk gate fails its self-test.
    """
    own = Supervised.begin(supervision.folder, plan.name, account=supervision.account if plan.mode == "live" else "")
    say = _said_by(own, plan, say)
    fault: BaseException | None = None
    facts: dict[str, Any] = {}
    is_sent_to = False
    config = None
    try:
        if plan.mode == "live":
            _check_start(plan, own, supervision)
        if supervision.configuration:
            config = Configured(supervision.configuration, plan, own.account)
            plan = _as_configured(plan, config.plan)
        more = {**plan.more, **_proof(plan, own, supervision), **_who(own)}
        plan = replace(plan, refusal=own.refusal, epoch_min=own.seat.epoch, more=more)
        if plan.instruments[0].venue in FAST_VENUES:
            compile_feed(plan.instruments[0])  # it takes long, and nothing can beat meanwhile: now, while STARTING
        is_sent_to = plan.mode == "live"
        with sole_sender(own, plan.instruments[0].venue, [one.symbol for one in plan.instruments]):
            facts = run_session(plan, say, lambda loop: _attend(loop, plan, own, supervision, say, watch, config))
        return facts | {"exit_code": _code(facts)}
    except BaseException as found:
        fault = found
        if isinstance(found, B25Error) and "B25_PROCESS" in os.environ:
            found.exit_code = exit_code_of(found)  # type: ignore[attr-defined]
        raise
    finally:
        if config is not None:
            config.feed.close()
        clean = not is_sent_to or (fault is None and not facts.get("not_certainly_cancelled") and not facts.get("live_orders"))
        own.end(fault, is_clean=clean)


def _said_by(own: Supervised, plan: LivePlan, say: Say) -> Say:
    """Where what a person should read goes: to the terminal, or under a supervisor as a line of the process' log."""
    follow_level(own.seat.folder)
    if "B25_PROCESS" not in os.environ:
        return lambda text: say(redacted(text))
    ids = {"run": os.environ.get("B25_RUN_ID", ""), "process": own.seat.session, "session": plan.name, "epoch": own.seat.epoch}
    log = StructuredLog().bind(component="session", **ids)

    def written(text: str) -> None:
        (log.alarm if text.startswith(GRAVE) else log.info)(text)

    return written


def _check_start(plan: LivePlan, own: Supervised, supervision: Supervision) -> None:
    if why := own.refusal():
        raise Misuse(why, remedy="see b25 kill status; only a named person re-arms it: b25 kill re-arm")
    if supervision.approved is not None:
        check_approved(plan.cls, supervision.approved)


def _as_configured(before: LivePlan, plan: LivePlan) -> LivePlan:
    """Return the configured plan; with other parameters a promoted version does not run as it was promoted, and says so."""
    version = plan.more.get("version")
    if version is None or plan.cls.record(plan.params).tobytes() == before.cls.record(before.params).tobytes():
        return plan
    return replace(plan, more={**plan.more, "version": {**version, "as_promoted": False}})


def _who(own: Supervised) -> dict[str, Any]:
    return {"account": own.account, "epoch": own.seat.epoch, "process": own.seat.session, "run": os.environ.get("B25_RUN_ID", "")}


def _proof(plan: LivePlan, own: Supervised, supervision: Supervision) -> dict[str, Any]:
    """What the self-test proved; it stands in the journal's header and in the session's audit."""
    if not supervision.proves_gate or plan.port is None:
        return {}
    prices = asyncio.run(_prices(plan))
    audit = session_folder(own.seat.folder, own.seat.session) / "commands.jsonl"
    row: dict[str, Any] = {"time_ns": time.time_ns(), "id": f"selftest-{own.seat.epoch}"}
    try:
        proof = prove(plan.limit_rows(), plan.instruments, prices, plan.balance)
    except B25Error as fault:
        append_durably(audit, {**row, "action": "self-test", "failed": fault.what})
        raise
    append_durably(audit, {**row, "action": "self-test", **proof})
    return {"selftest": proof}


async def _prices(plan: LivePlan) -> list[float]:
    assert plan.port is not None
    port = plan.port()
    try:
        prices = []
        for one in plan.instruments:
            outcome = await port.quote(one.symbol)
            price = (outcome.value.bid or outcome.value.ask) if outcome.value is not None else None
            if price is None:
                raise Retry(f"no price of {one.symbol} for the self-test: {outcome.text}", remedy="check that the venue answers")
            prices.append(float(price))
        return prices
    finally:
        await port.close()


def _attend(
    loop: LiveLoop,
    plan: LivePlan,
    own: Supervised,
    supervision: Supervision,
    say: Say,
    watch: Callable[[LiveLoop], None] | None,
    config: Configured | None,
) -> None:
    """Begin everything that looks on from within the session's own loop."""
    own.seat.name_orders(getattr(loop.gateway, "client_id_prefix", ""))
    loop.starts_paused = supervision.starts_paused or own.starts_paused
    alarms = Alarms(own.seat.folder, own.seat.session, lambda text: say(text))
    if loop.starts_paused:
        alarms.alarm("paused", f"session {own.seat.session} starts paused: b25 session resume {own.seat.session}")
    looking = SessionWatch(loop, own, plan.mode, supervision.on_latch, alarms)
    looking.promoted = plan.more.get("version")
    commands = SessionCommands(looking)
    control = Control(own.seat.folder, own.seat.session, commands.act, time.time_ns, commands.by_hand.settle)
    loop.handle, loop.in_strategy = control.handle, own.in_strategy
    if config is not None:
        config.feed.begin(loop, config.offers, alarms)
    meter = Meter("session", own.seat.session)
    metrics = SessionMetrics(loop, meter, mode=plan.mode, account=own.account)
    metrics.is_paused = lambda: looking.is_paused
    telling = MetricsFile(own.seat.folder, own.seat.session, meter, metrics.read, say)

    async def attend() -> None:
        await control.start()
        try:
            beats = own.watch(lambda: (loop.messages + loop.session.events_taken, 0), loop.stop, ready=lambda: loop.messages > 0)
            async with asyncio.TaskGroup() as group:
                group.create_task(beats)
                group.create_task(telling.run())
                group.create_task(looking.run())
                if supervision.why_stopped is not None:
                    group.create_task(VersionWatch(supervision.why_stopped, looking, loop, alarms).run())
        finally:
            with contextlib.suppress(Exception):
                looking.write_status()
                telling.tell()
            await control.close()

    task = asyncio.get_running_loop().create_task(attend(), name="supervision")
    task.add_done_callback(lambda done: _told(done, loop))
    loop.attending = task
    if watch is not None:
        watch(loop)
    metrics.attach()


def _told(task: asyncio.Task[None], loop: LiveLoop) -> None:
    """Nobody watches any more: then it must not trade."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        loop.say(f"the session's own watch failed: {type(fault).__name__}: {fault}")
        loop.stop("its watch failed")


def _code(facts: dict[str, Any]) -> int:
    """Exit code by which a supervisor knows what to do next."""
    supervised = "B25_PROCESS" in os.environ
    if facts["halt"]:
        return EXIT_HALT if supervised else 1
    if str(facts["why"]).startswith("the feed ended"):
        return EXIT_RETRY if supervised else 1
    return 1 if facts["not_certainly_cancelled"] or facts["why"] == "its watch failed" else 0
