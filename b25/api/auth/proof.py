"""Proving again who one is: by the second factor where there is one, else by the password."""

from __future__ import annotations

from typing import Final

from b25.api.auth import totp
from b25.api.auth.means import Means
from b25.api.auth.origin import Origin
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.store.audit import add_audit
from b25.store.people import Person, person_within, use_backup_code, use_step

STEP_UP_S: Final = 300


def check_stepped_up(by: Principal) -> None:
    """Refuse whoever has not proved himself again within the last minutes.

    Raises
    ------
    Problem
        403 STEP_UP_REQUIRED.
    """
    if not by.is_stepped_up:
        raise Problem(
            403, "this asks for a proof that is not older than five minutes", code="STEP_UP_REQUIRED", remedy="POST /auth/step-up"
        )


def code_is_right(means: Means, person: Person, code: str, now_ns: int) -> bool:
    """Inside `writing`: use up a code of the second factor, or a backup code; False when it is wrong or was used."""
    if person.totp is None:
        return False
    if "-" in code:
        return use_backup_code(means.store, person.name, means.ring.digest(code, person.name), now_ns=now_ns)
    step = totp.step_of(means.ring.unseal(person.totp, person.name), code.strip(), now_ns=now_ns)
    return step is not None and use_step(means.store, person.name, step)


def own_person(means: Means, by: Principal) -> Person:
    """Return the person of a sign-in. Raises Problem 403 for keys and programs, which must not change who may come in."""
    person = means.standing.people.get(by.name)
    if person is None or by.login.startswith("key:"):
        raise Problem(403, "this is for a person who has signed in, not for a key", remedy="sign in")
    return person


def prove_again(means: Means, by: Principal, *, password: str, code: str, origin: Origin, action: str) -> Person:
    """Return the person, when the proof is right; every try is counted, and audited.

    Raises
    ------
    Problem
        401 INVALID_CREDENTIALS, 429, or 403 for who is no person.
    """
    person, now_ns = own_person(means, by), means.now_ns()
    means.throttle.begin(person.name, origin.ip, now_ns)
    matches = bool(password) and means.hasher.verify(person.password, password)
    with means.store.writing():
        held = person_within(means.store, person.name)
        is_right = held is not None and held.is_active and held.password == person.password
        if is_right and held is not None and held.totp:
            is_right = code_is_right(means, held, code, now_ns)
        else:
            is_right = is_right and matches
        if is_right:
            means.throttle.succeeded(person.name, origin.ip, now_ns)
        body = origin.facts(object=f"person:{person.name}", sign_in=by.login)
        add_audit(means.store, actor=person.name, action=action if is_right else f"{action}_refused", body=body, now_ns=now_ns)
    if not is_right or held is None:
        raise Problem(401, "password or code is wrong", code="INVALID_CREDENTIALS")
    return held
