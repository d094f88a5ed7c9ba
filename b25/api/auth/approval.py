"""Two persons for what makes risk larger: one asks, another allows, and exactly that is then done once.

Where only one person belongs here there is no second one: a sentence must be typed out, and a minute must pass.

    asked = request_approval(store, by, action="limits.loosen", about="risk_limits/eth", body=change, reason=…, …)
    …                                       # somebody else: POST /approvals/{id}/approve
    with store.writing():                   # the change and the use of the approval: both or neither
        take_approved(store, asked.id, by, action="limits.loosen", about="risk_limits/eth", body=change, …)
        …
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Any, Final

import orjson

from b25.api.auth.origin import Origin
from b25.api.auth.proof import check_stepped_up
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission, Role
from b25.store.approvals import Approval, ApprovalState, add_approval, approval_within, decide, take
from b25.store.audit import add_audit
from b25.store.people import active_people_within
from b25.store.store import Store

COOL_OFF_S: Final = 60
LIFE_S: Final = 24 * 3_600
REASON_CHARS_MIN, REASON_CHARS_MAX = 10, 1_000
BODY_BYTES_MAX: Final = 256 * 1024
_S: Final = 10**9


def request_approval(
    store: Store, by: Principal, *, action: str, about: str, body: Mapping[str, Any], reason: str, now_ns: int, origin: Origin,
    life_s: int = LIFE_S,
) -> Approval:  # fmt: skip
    """Ask for something that another person must allow; nothing happens yet.

    Parameters
    ----------
    action, about : str
        What is to be done, and to what.
    body : mapping
        How exactly, as it will be told again when it is done. No secrets.

    Raises
    ------
    Problem
        400 without a reason; 403 for a program.
    """
    if Role.SERVICE in by.roles or by.name.startswith("service:"):
        raise Problem(403, "a program does not ask for what two persons must agree on", remedy="let a person ask")
    text = canonical(body)
    if not REASON_CHARS_MIN <= len(reason.strip()) <= REASON_CHARS_MAX or len(text) > BODY_BYTES_MAX:
        raise Problem(400, "an approval needs a reason of a sentence", remedy=f"write {REASON_CHARS_MIN} characters or more")
    asked = Approval(
        id=secrets.token_hex(8), asked_by=by.name, action=action, object=about, body=text, reason=reason.strip(), made_ns=now_ns,
        expires_ns=now_ns + life_s * _S, state=ApprovalState.PENDING, decided_by=None, decided_ns=None, decided_why=None,
        ready_ns=None, taken_ns=None,
    )  # fmt: skip
    with store.writing():
        add_approval(store, asked)
        facts = origin.facts(object=f"approval:{asked.id}", after=_shown(asked), reason=asked.reason)
        add_audit(store, actor=by.name, action="approvals.request", body=facts, now_ns=now_ns)
    return asked


def confirmation(asked: Approval) -> str:
    """What the only person must type: it names this very thing."""
    return f"approve {asked.action} of {asked.object} ({asked.id})"


def needs_typing(store: Store) -> bool:
    """Inside `writing`: whether there is only one person, who must type in place of a second one."""
    return len(active_people_within(store)) <= 1


def approve(
    store: Store, approval_id: str, by: Principal, *, why: str, now_ns: int, origin: Origin, typed: str = ""
) -> Approval:  # fmt: skip
    """Allow what somebody else asked.

    Raises
    ------
    Problem
        403 for one's own wish, without the role, or without a fresh proof; 404; 409 when it does not wait any more, or the
        sentence was not typed.
    """
    if not by.may(Permission.RISK):
        raise Problem(403, f"{by.name} may not approve", remedy="let somebody of the role risk look at it")
    check_stepped_up(by)
    with store.writing():
        asked = _waiting(store, approval_id, now_ns)
        ready_ns = now_ns
        if needs_typing(store):
            if not hmac.compare_digest(typed.encode(), confirmation(asked).encode()):
                raise Problem(
                    409, "the sentence was not typed as asked", code="CONFIRM_BY_TYPING", remedy=f"type: {confirmation(asked)}"
                )
            ready_ns = now_ns + COOL_OFF_S * _S
        elif asked.asked_by == by.name:
            raise Problem(403, "what one asks oneself, somebody else must approve", code="OWN_CHANGE")
        decide(store, asked.id, ApprovalState.APPROVED, by=by.name, why=why, now_ns=now_ns, ready_ns=ready_ns)
        facts = origin.facts(object=f"approval:{asked.id}", after=_shown(asked) | {"ready_ns": ready_ns}, reason=why)
        add_audit(store, actor=by.name, action="approvals.approve", body=facts, now_ns=now_ns)
        return _held(store, asked.id)


def refuse(store: Store, approval_id: str, by: Principal, *, why: str, now_ns: int, origin: Origin) -> Approval:
    """Refuse it, or take one's own wish back: what does not happen needs no second person."""
    with store.writing():
        asked = _waiting(store, approval_id, now_ns)
        if asked.asked_by != by.name and not by.may(Permission.RISK):
            raise Problem(403, f"{by.name} may not refuse this")
        decide(store, asked.id, ApprovalState.REFUSED, by=by.name, why=why, now_ns=now_ns, ready_ns=None)
        facts = origin.facts(object=f"approval:{asked.id}", before=_shown(asked), reason=why)
        add_audit(store, actor=by.name, action="approvals.refuse", body=facts, now_ns=now_ns)
        return _held(store, asked.id)


def take_approved(
    store: Store,
    approval_id: str,
    by: Principal,
    *,
    action: str,
    about: str,
    body: Mapping[str, Any],
    now_ns: int,
    origin: Origin,
) -> Approval:
    """Inside `writing`: use an approval up, in the same transaction as what it allows.

    Raises
    ------
    Problem
        409 when it is not approved, was used, has run out, must still wait, or was given for something else.
    """
    asked = _held(store, approval_id)
    if (asked.action, asked.object, asked.body) != (action, about, canonical(body)):
        raise Problem(409, "this approval was given for something else", code="APPROVAL_MISMATCH", remedy="ask again")
    if asked.state == ApprovalState.APPROVED and asked.ready_ns is not None and now_ns < asked.ready_ns:
        wait_s = -(-(asked.ready_ns - now_ns) // _S)
        raise Problem(409, f"it may be done in {wait_s} s", code="APPROVAL_COOLS_OFF", headers={"Retry-After": str(wait_s)})
    if not take(store, approval_id, now_ns=now_ns):
        raise Problem(409, "this approval does not hold", code="APPROVAL_NOT_HELD", remedy="ask again, or have it approved")
    facts = origin.facts(object=f"approval:{asked.id}", after=_shown(asked), reason=asked.reason)
    add_audit(store, actor=by.name, action="approvals.take", body=facts, now_ns=now_ns)
    return _held(store, approval_id)


def canonical(body: Mapping[str, Any]) -> str:
    """The same text for the same body."""
    return orjson.dumps(dict(body), option=orjson.OPT_SORT_KEYS).decode()


def _held(store: Store, approval_id: str) -> Approval:
    asked = approval_within(store, approval_id)
    if asked is None:
        raise Problem(404, "there is no such approval")
    return asked


def _waiting(store: Store, approval_id: str, now_ns: int) -> Approval:
    store.lock("approval")  # two who decide do it one after the other
    asked = _held(store, approval_id)
    if asked.state != ApprovalState.PENDING or now_ns >= asked.expires_ns:
        state = asked.state if asked.state != ApprovalState.PENDING else "expired"
        raise Problem(409, f"it does not wait any more: {state}")
    return asked


def _shown(asked: Approval) -> dict[str, Any]:
    return {"action": asked.action, "about": asked.object, "asked_by": asked.asked_by, "body": orjson.loads(asked.body)}
