"""Signing in, staying signed in, and signing out. Unknown, wrong and inactive get the same answer, after the same work."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from b25.api.auth.access_token import expired, invalid, revoked
from b25.api.auth.means import Means
from b25.api.auth.origin import Origin
from b25.api.auth.passwords import NOBODY
from b25.api.auth.proof import code_is_right
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.store.audit import add_audit
from b25.store.people import Person, change_password, find_person, person_within
from b25.store.sign_ins import (
    SignIn,
    Token,
    add_attempt,
    add_sign_in,
    add_token,
    forget_sign_ins,
    revoke,
    revoke_all,
    token_within,
    use_grace,
    use_token,
)

IDLE_S: Final = 30 * 60
ABSOLUTE_S: Final = 12 * 3600
GRACE_S: Final = 5
GRACES_MAX: Final = 4  # tabs that refresh at one moment
TOKEN_BYTES: Final = 32
NAME_CHARS_MAX: Final = 254
_S: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What one gets who has proved who he is. Its repr shows no token."""

    name: str
    roles: tuple[str, ...]
    sign_in: str
    access_token: str
    expires_in_s: int
    refresh_token: str
    ends_ns: int

    def __repr__(self) -> str:
        return f"Issued(name={self.name!r}, sign_in={self.sign_in!r})"


def kept(token: str) -> bytes:
    """What is kept of a token of 256 random bits."""
    return hashlib.sha256(token.encode()).digest()


class SignIns:
    """The desk.

    Parameters
    ----------
    means : Means
    """

    def __init__(self, means: Means) -> None:
        self.means = means

    def sign_in(self, name: str, password: str, code: str, origin: Origin) -> Issued:
        """Begin a sign-in.

        Raises
        ------
        Problem
            401 INVALID_CREDENTIALS, whatever was wrong; 401 MFA_REQUIRED when all that is missing is the code; 429 when it is
            too early for another try.
        """
        means, now_ns = self.means, self.means.now_ns()
        told = name.strip().lower()[:NAME_CHARS_MAX]
        person = find_person(means.store, told)
        who = person.name if person else told
        means.throttle.begin(who, origin.ip, now_ns)
        matches = means.hasher.verify(person.password if person else NOBODY, password)
        if person is None or not matches or not person.is_active:
            outcome = "unknown" if person is None else "wrong password" if not matches else "inactive"
            raise self._refused(person, outcome, origin, now_ns)
        if person.totp and not code:
            with means.store.writing():
                means.throttle.half_way(who, origin.ip, now_ns)
                add_attempt(means.store, who, origin.ip, "code missing", now_ns=now_ns)
            raise Problem(401, "the code of the second factor is missing", code="MFA_REQUIRED", remedy="send it as `code`")
        rehashed = means.hasher.hash(password) if means.hasher.is_outdated(person.password) else ""
        try:
            return self._signed_in(person, code, rehashed, origin, now_ns)
        except _NotNow as why:
            raise self._refused(person, str(why), origin, now_ns) from None

    def _signed_in(self, person: Person, code: str, rehashed: str, origin: Origin, now_ns: int) -> Issued:
        means = self.means
        one = SignIn(
            id=secrets.token_hex(12), person=person.name, made_ns=now_ns, seen_ns=now_ns, ip=origin.ip, agent=origin.agent,
            expires_ns=now_ns + min(means.refresh_s, ABSOLUTE_S) * _S, revoked_ns=None, revoked_why=None,
        )  # fmt: skip
        token = secrets.token_urlsafe(TOKEN_BYTES)
        with means.store.writing():
            held = person_within(means.store, person.name)
            if held is None or not held.is_active or held.password != person.password:
                raise _NotNow("changed meanwhile")  # between the look at the password and now
            if held.totp and not code_is_right(means, held, code, now_ns):
                raise _NotNow("wrong code")
            if rehashed:
                change_password(means.store, held.name, held.password, rehashed, now_ns=held.password_ns)
            add_sign_in(means.store, one)
            add_token(means.store, kept(token), one.id, now_ns=now_ns, expires_ns=min(now_ns + IDLE_S * _S, one.expires_ns))
            add_attempt(means.store, held.name, origin.ip, "signed in", now_ns=now_ns)
            means.throttle.succeeded(held.name, origin.ip, now_ns)
            forget_sign_ins(means.store, now_ns - ABSOLUTE_S * _S)
            body = origin.facts(object=f"person:{held.name}", sign_in=one.id, second_factor=held.totp is not None)
            add_audit(means.store, actor=held.name, action="auth.login", body=body, now_ns=now_ns)
        return self._issued(held, one.id, token, one.expires_ns, now_ns)

    def refresh(self, token: str, origin: Origin) -> Issued:
        """Go on with a sign-in: the token is used up, and another takes its place.

        Raises
        ------
        Problem
            401; a token that was used before ends its whole sign-in, because one of the two who have it has stolen it.
        """
        means, now_ns, fresh = self.means, self.means.now_ns(), secrets.token_urlsafe(TOKEN_BYTES)
        with means.store.writing():
            held = token_within(means.store, kept(token))
            if held is None:
                raise invalid()
            if held.revoked_ns is not None:
                raise revoked()
            person = person_within(means.store, held.person)
            if person is None or not person.is_active:
                raise revoked()
            is_reused = not self._is_first(held, kept(token), origin, now_ns)
            if is_reused:
                revoke(means.store, held.sign_in, "a refresh token was used twice", now_ns=now_ns)
                body = origin.facts(object=f"person:{held.person}", sign_in=held.sign_in)
                add_audit(means.store, actor=held.person, action="auth.refresh_reuse", body=body, now_ns=now_ns)
            else:
                if now_ns >= min(held.expires_ns, held.ends_ns):
                    raise expired()
                expires_ns = min(now_ns + IDLE_S * _S, held.ends_ns)
                add_token(means.store, kept(fresh), held.sign_in, now_ns=now_ns, expires_ns=expires_ns)
        if is_reused:
            means.standing.reload()
            means.alarm(
                "refresh token reuse", f"a sign-in of {held.person} was ended: a refresh token was used twice", ip=origin.ip
            )
            raise revoked()
        return self._issued(person, held.sign_in, fresh, held.ends_ns, now_ns)

    def _is_first(self, held: Token, token: bytes, origin: Origin, now_ns: int) -> bool:
        """Use it up; a second tab of the same browser, at the same moment, is let through a few times."""
        store = self.means.store
        if held.used_ns is None and use_token(store, token, used_from=origin.fingerprint, now_ns=now_ns):
            return True
        again = token_within(store, token)
        assert again is not None
        if again.used_ns is None or now_ns - again.used_ns > GRACE_S * _S or again.used_from != origin.fingerprint:
            return False
        return use_grace(store, token, graces_max=GRACES_MAX)

    def sign_out(self, by: Principal, origin: Origin) -> None:
        """End the sign-in of this request: its tokens are worth nothing from now on."""
        self.end(by, by.login, origin)

    def end(self, by: Principal, sign_in_id: str, origin: Origin) -> None:
        """End one sign-in."""
        means, now_ns = self.means, self.means.now_ns()
        with means.store.writing():
            if revoke(means.store, sign_in_id, "signed out", now_ns=now_ns):
                body = origin.facts(object=f"person:{by.name}", sign_in=sign_in_id)
                add_audit(means.store, actor=by.name, action="auth.logout", body=body, now_ns=now_ns)
        means.standing.reload()

    def sign_out_all(self, by: Principal, origin: Origin) -> int:
        """End every sign-in of this person; tells how many."""
        means, now_ns = self.means, self.means.now_ns()
        with means.store.writing():
            count = revoke_all(means.store, by.name, "signed out everywhere", now_ns=now_ns)
            body = origin.facts(object=f"person:{by.name}", ended=count)
            add_audit(means.store, actor=by.name, action="auth.logout_all", body=body, now_ns=now_ns)
        means.standing.reload()
        return count

    def stepped_up(self, person: Person, by: Principal, ends_ns: int) -> tuple[str, int]:
        """Return an access token that says a second proof was given just now."""
        now_ns = self.means.now_ns()
        stepped_s = now_ns // _S
        return self.means.tokens.issue(person.name, by.login, person.roles, now_ns=now_ns, ends_ns=ends_ns, stepped_s=stepped_s)

    def _issued(self, person: Person, sign_in_id: str, token: str, ends_ns: int, now_ns: int) -> Issued:
        access, life_s = self.means.tokens.issue(person.name, sign_in_id, person.roles, now_ns=now_ns, ends_ns=ends_ns)
        if person.name not in self.means.standing.people:
            self.means.standing.reload()
        return Issued(
            name=person.name, roles=person.roles, sign_in=sign_in_id, access_token=access, expires_in_s=life_s,
            refresh_token=token, ends_ns=ends_ns,
        )  # fmt: skip

    def _refused(self, person: Person | None, outcome: str, origin: Origin, now_ns: int) -> Problem:
        self._note(person, outcome, origin, now_ns)
        return Problem(401, "name, password or code is wrong", code="INVALID_CREDENTIALS")

    def _note(self, person: Person | None, outcome: str, origin: Origin, now_ns: int) -> None:
        name = person.name if person else None
        with self.means.store.writing():
            add_attempt(self.means.store, name, origin.ip, outcome, now_ns=now_ns)
            body = origin.facts(object=f"person:{name}" if name else "", outcome=outcome)
            add_audit(self.means.store, actor=name or "unknown", action="auth.login_refused", body=body, now_ns=now_ns)


class _NotNow(Exception):
    """What was true when it was looked at is not so any more, or the code is wrong: nothing was written."""
