"""Join a live session to the order desk: begin anew with what the strategy holds, or go on with the journal of one that died."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from b25.runner.account_watch import AccountWatch
from b25.runner.live import LiveLoop
from b25.session.desk_gateway import DeskGateway
from b25.session.gateway import Say
from b25.session.limits_file import decided_by
from b25.session.resume import Past, has_ended, read_past, set_aside
from b25.session.session import Session
from b25.strategy.source_key import behaviour_key

if TYPE_CHECKING:
    from b25.runner.live_session import LivePlan


async def join(plan: LivePlan, loop: LiveLoop, say: Say) -> None:
    """Wire a loop with a session and its desk.

    Raises
    ------
    Misuse
        When a journal of this name cannot be gone on with, or another process writes it.
    Retry
        When the venue or the store does not answer.
    Fenced
        When another session sends for this account.
    """
    assert plan.port is not None
    past = past_of(plan, say)
    desk = plan.desk()
    gateway = DeskGateway(plan.port(), desk, plan.instruments, loop.deliver, say, refusal=plan.why_not)
    gateway.on_fenced = loop.stop
    watch = loop.account = AccountWatch(plan.policies, say)
    gateway.prepare = lambda desk: watch.attach(desk, plan.account)
    try:
        await gateway.open()
        if past is not None:
            session = Session.resumed(past, plan.journal, gateway.act)
            say(f"going on with {plan.journal} after event {session.machine.seq}: {session.machine.live_orders} orders were live")
        else:
            held, number = gateway.opening()
            composition = plan.composition()
            own = {"account": desk.account, "strategy": desk.strategy, "ledger": number, "epoch": gateway.epoch}
            opening = held if held["fills"].any() else None
            composition = replace(composition, opening=opening, more={**composition.more, **own})
            session = Session(composition, plan.journal, gateway.act)
        loop.wire(session, gateway)
        code_hash = bytes.fromhex(behaviour_key(plan.cls))
        gateway.decided = lambda effect: decided_by(effect, session.machine, code_hash)
        facts = session.composition.more
        loop.resumes = past is not None and past.is_started
        gateway.listen(
            session.machine,
            since=int(facts["ledger"]),
            heard=past.fills if past is not None else None,
            submitted=past.submitted if past is not None else None,
            first_epoch=int(facts["epoch"]),
        )
        gateway.desk.accompany(watch.run(session.machine))
    except BaseException:
        await gateway.close()
        raise


def past_of(plan: LivePlan, say: Say) -> Past | None:
    """The life before, when the journal of this name is to be gone on with; a journal that is over is set aside."""
    path = plan.journal
    if not path.exists():
        return None
    past = read_past(path, plan.cls) if plan.lasting and not has_ended(path) else None
    if past is not None and not past.is_over and past.composition.mode == "live" and past.more.get("account") == plan.account:
        given = plan.composition()
        if given.params and any(past.composition.params.get(name) != value for name, value in given.params.items()):
            say("the parameters are those of the journal that is gone on with: set others once the session runs")
        return past
    say(f"the session in {path.name} is over: its journal is kept as {set_aside(path).name}")
    return None
