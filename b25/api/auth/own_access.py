"""What a person does about his own way in: password, second factor, proving himself again, a ticket for a socket."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from b25.api.auth import totp
from b25.api.auth.means import Means
from b25.api.auth.origin import Origin
from b25.api.auth.passwords import check_password
from b25.api.auth.proof import code_is_right, own_person, prove_again
from b25.api.auth.sign_in import TOKEN_BYTES, SignIns
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.store.audit import add_audit
from b25.store.people import change_password, person_within, prepare_totp, set_totp, use_step
from b25.store.sign_ins import revoke_all, sign_ins_of

TICKET_S: Final = 30
TICKETS_MAX: Final = 10_000
_S: Final = 10**9


class OwnAccess:
    """The desk for it.

    Parameters
    ----------
    means : Means
    sign_ins : SignIns
    """

    def __init__(self, means: Means, sign_ins: SignIns) -> None:
        self.means, self.sign_ins = means, sign_ins

    def change_password(self, by: Principal, old: str, new: str, code: str, origin: Origin) -> int:
        """Set another password; every other sign-in of this person ends. Tells how many."""
        means = self.means
        own_person(means, by)
        check_password(new, by.name)
        held = prove_again(means, by, password=old, code=code, origin=origin, action="auth.password_proof")
        if held.totp and not means.hasher.verify(held.password, old):  # the code alone is not the password
            raise Problem(401, "password or code is wrong", code="INVALID_CREDENTIALS")
        hashed, now_ns = means.hasher.hash(new), means.now_ns()
        with means.store.writing():
            if not change_password(means.store, held.name, held.password, hashed, now_ns=now_ns):
                raise Problem(409, "the password was changed meanwhile")
            ended = revoke_all(means.store, held.name, "the password was changed", now_ns=now_ns, but=by.login)
            body = origin.facts(object=f"person:{held.name}", ended=ended)
            add_audit(means.store, actor=held.name, action="auth.password", body=body, now_ns=now_ns)
        means.standing.reload()
        return ended

    def step_up(self, by: Principal, password: str, code: str, origin: Origin) -> tuple[str, int]:
        """Prove oneself again: an access token that says so, and for how many seconds it holds."""
        person = prove_again(self.means, by, password=password, code=code, origin=origin, action="auth.step_up")
        ends_ns = next(
            (one.expires_ns for one in sign_ins_of(self.means.store, by.name, self.means.now_ns()) if one.id == by.login), 0
        )
        if not ends_ns:
            raise Problem(401, "this sign-in was ended", code="TOKEN_REVOKED", remedy="sign in again")
        return self.sign_ins.stepped_up(person, by, ends_ns)

    def begin_totp(self, by: Principal, password: str, code: str, origin: Origin) -> tuple[str, str]:
        """Return a new seed and its address for the app. It counts only when a code of it was told."""
        held = prove_again(self.means, by, password=password, code=code, origin=origin, action="auth.mfa_proof")
        seed = totp.new_seed()
        with self.means.store.writing():
            prepare_totp(self.means.store, held.name, self.means.ring.seal(seed, held.name))
        return seed, totp.address(seed, held.name)

    def confirm_totp(self, by: Principal, code: str, origin: Origin) -> list[str]:
        """Take the new seed as second factor when this is a code of it; return backup codes, which are shown only now."""
        means, now_ns = self.means, self.means.now_ns()
        person = own_person(means, by)
        means.throttle.begin(person.name, origin.ip, now_ns)
        codes = totp.new_backup_codes()
        with means.store.writing():
            held = person_within(means.store, person.name)
            if held is None or held.totp_next is None:
                raise Problem(409, "no second factor waits to be confirmed", remedy="POST /auth/mfa first")
            step = totp.step_of(means.ring.unseal(held.totp_next, held.name), code.strip(), now_ns=now_ns)
            if step is None or not use_step(means.store, held.name, step):
                raise Problem(401, "the code is wrong", code="INVALID_CREDENTIALS")
            means.throttle.succeeded(held.name, origin.ip, now_ns)
            digests = [means.ring.digest(one, held.name) for one in codes]
            set_totp(means.store, held.name, held.totp_next, digests, now_ns=now_ns)
            ended = revoke_all(means.store, held.name, "a second factor was added", now_ns=now_ns, but=by.login)
            body = origin.facts(object=f"person:{held.name}", ended=ended)
            add_audit(means.store, actor=held.name, action="auth.mfa_on", body=body, now_ns=now_ns)
        means.standing.reload()
        return codes

    def end_totp(self, by: Principal, password: str, code: str, origin: Origin) -> None:
        """Take the second factor away: both the password and a code are needed."""
        means, now_ns = self.means, self.means.now_ns()
        person = own_person(means, by)
        means.throttle.begin(person.name, origin.ip, now_ns)
        matches = means.hasher.verify(person.password, password)
        with means.store.writing():
            held = person_within(means.store, person.name)
            if held is None or not matches or held.password != person.password or not code_is_right(means, held, code, now_ns):
                raise Problem(401, "password or code is wrong", code="INVALID_CREDENTIALS")
            means.throttle.succeeded(held.name, origin.ip, now_ns)
            set_totp(means.store, held.name, None, [], now_ns=now_ns)
            body = origin.facts(object=f"person:{held.name}")
            add_audit(means.store, actor=held.name, action="auth.mfa_off", body=body, now_ns=now_ns)
        means.standing.reload()


class Tickets:
    """Worth one connection each: what goes into the URL of a socket, in place of a token. In memory only."""

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[Principal, int]] = {}

    def give(self, by: Principal, now_ns: int) -> tuple[str, int]:
        """Return a ticket, and for how many seconds it holds. Raises Problem 503 when too many are about."""
        if len(self._held) >= TICKETS_MAX:
            self._held = {key: one for key, one in self._held.items() if one[1] > now_ns}
        if len(self._held) >= TICKETS_MAX:
            raise Problem(503, "too many tickets are about", headers={"Retry-After": str(TICKET_S)})
        ticket = secrets.token_urlsafe(TOKEN_BYTES)
        self._held[_kept(ticket)] = (by, now_ns + TICKET_S * _S)
        return ticket, TICKET_S

    def take(self, ticket: str, now_ns: int) -> Principal | None:
        """Return who got it, once, while it holds."""
        held = self._held.pop(_kept(ticket), None)
        return held[0] if held is not None and now_ns < held[1] else None


def _kept(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()
