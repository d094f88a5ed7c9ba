"""Who belongs here: the first person, those whom an administrator adds, their roles, and how they get back in."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from b25.api.auth.key_ring import check_private_file, check_private_folder
from b25.api.auth.means import Means
from b25.api.auth.origin import Origin
from b25.api.auth.passwords import check_password
from b25.api.auth.sign_in import TOKEN_BYTES, kept
from b25.api.problems import Problem
from b25.api.roles import Role
from b25.model.errors import Misuse
from b25.runner.durable_file import create_durably
from b25.store.audit import add_audit
from b25.store.people import (
    Person,
    add_person,
    add_reset,
    change_password,
    change_person,
    count_people,
    is_taken,
    people_of,
    person_within,
    use_reset,
)
from b25.store.sign_ins import revoke_all

SETUP_FILE: Final = "setup-token"
SETUP_CHARS_MIN: Final = 40
RESET_S: Final = 3_600
PEOPLE_ROLES: Final = tuple(role for role in Role if role is not Role.SERVICE)
UNCHANGED: Final[Any] = object()
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,38}")
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,185}")
_RESERVED: Final = frozenset({"service", "unknown", "system", "operator", "local", "all", "nobody", "root"})
_S: Final = 10**9


class Membership:
    """Adds people and changes what they may.

    Parameters
    ----------
    means : Means
    secrets_folder : Path
        Where the token of the first set-up is written.
    """

    def __init__(self, means: Means, secrets_folder: Path) -> None:
        self.means, self.setup_path = means, secrets_folder / SETUP_FILE

    def offer_set_up(self) -> Path | None:
        """Where nobody belongs yet: write a token, for whoever can read the file, to make the first person; else None."""
        if people_of(self.means.store):
            self.setup_path.unlink(missing_ok=True)
            return None
        check_private_folder(self.setup_path.parent)
        create_durably(self.setup_path, secrets.token_urlsafe(TOKEN_BYTES).encode() + b"\n")
        check_private_file(self.setup_path)
        return self.setup_path

    def set_up(self, token: str, name: str, password: str, roles: Iterable[Role], origin: Origin) -> Person:
        """Make the first person.

        Raises
        ------
        Problem
            401 for a wrong token, 409 when somebody is here already.
        """
        self.means.throttle.begin(f"set-up@{origin.ip}", origin.ip, self.means.now_ns())
        known = self._setup_token()
        if not known or not hmac.compare_digest(known.encode(), token.strip().encode()):
            raise Problem(401, "this is not the set-up token", code="INVALID_CREDENTIALS", remedy="it is in the secrets folder")
        made = self._new(name, password, None, roles, None)
        with self.means.store.writing():
            if count_people(self.means.store):
                raise Problem(409, "somebody is set up already", remedy="sign in, or ask an administrator")
            add_person(self.means.store, made)
            self.means.throttle.succeeded(f"set-up@{origin.ip}", origin.ip, made.made_ns)
            body = origin.facts(object=f"person:{made.name}", after=_shown(made))
            add_audit(self.means.store, actor=made.name, action="auth.setup", body=body, now_ns=made.made_ns)
        self.setup_path.unlink(missing_ok=True)
        self.means.standing.reload()
        return made

    def add(
        self, by: str, name: str, password: str, roles: Iterable[Role], origin: Origin, *, email: str | None = None,
        accounts: tuple[str, ...] | None = None,
    ) -> Person:  # fmt: skip
        """Add a person. Raises Problem 409 DUPLICATE_USER, Misuse for a name, e-mail or password that will not do."""
        made = self._new(name, password, email, roles, accounts)
        with self.means.store.writing():
            if is_taken(self.means.store, made.name, made.email):
                raise Problem(409, f"there is somebody of the name {made.name}, or with this e-mail", code="DUPLICATE_USER")
            add_person(self.means.store, made)
            body = origin.facts(object=f"person:{made.name}", after=_shown(made))
            add_audit(self.means.store, actor=by, action="users.add", body=body, now_ns=made.made_ns)
        self.means.standing.reload()
        return made

    def change(
        self, by: str, name: str, origin: Origin, *, roles: Iterable[Role] | None = None, accounts: Any = UNCHANGED,
        email: Any = UNCHANGED, is_active: bool | None = None, reason: str = "",
    ) -> Person:  # fmt: skip
        """Change roles, accounts, e-mail, or whether one may sign in. Whoever loses something is signed out everywhere.

        Raises
        ------
        Problem
            404 USER_NOT_FOUND; 409 when nobody would be left who can administer.
        """
        means, now_ns = self.means, self.means.now_ns()
        with means.store.writing():
            count_people(means.store)  # nobody else changes who may administer meanwhile
            held = self._held(name)
            after = held
            if roles is not None:
                after = replace(after, roles=_checked_roles(roles))
            if accounts is not UNCHANGED:
                after = replace(after, accounts=accounts)
            if email is not UNCHANGED:
                after = replace(after, email=_checked_email(email))
                if after.email != held.email and after.email and is_taken(means.store, "", after.email):
                    raise Problem(409, "somebody has this e-mail", code="DUPLICATE_USER")
            if is_active is not None and is_active != held.is_active:
                after = replace(after, disabled_ns=None if is_active else now_ns)
            if after == held:
                return held
            if not change_person(means.store, after):
                raise Problem(409, f"{name} was changed meanwhile", remedy="read it again")
            if self._is_administered(held) and not self._is_left_administered(after):
                raise Problem(409, "nobody would be left who can administer", remedy="make somebody else an administrator first")
            if not after.is_active or set(after.roles) != set(held.roles) or after.accounts != held.accounts:
                revoke_all(means.store, name, "roles or activity changed", now_ns=now_ns)
            body = origin.facts(object=f"person:{name}", before=_shown(held), after=_shown(after), reason=reason)
            add_audit(means.store, actor=by, action="users.change", body=body, now_ns=now_ns)
        means.standing.reload()
        return replace(after, version=held.version + 1)

    def give_reset(self, by: str, name: str, origin: Origin) -> tuple[str, int]:
        """Return a token that sets a new password once, within the hour, and when that ends. The old one stays till then."""
        token, now_ns = secrets.token_urlsafe(TOKEN_BYTES), self.means.now_ns()
        expires_ns = now_ns + RESET_S * _S
        with self.means.store.writing():
            self._held(name)
            add_reset(self.means.store, name, kept(token), made_by=by, now_ns=now_ns, expires_ns=expires_ns)
            body = origin.facts(object=f"person:{name}")
            add_audit(self.means.store, actor=by, action="users.reset", body=body, now_ns=now_ns)
        return token, expires_ns

    def reset(self, token: str, password: str, origin: Origin) -> None:
        """Set a new password by such a token; every sign-in of before ends."""
        means, now_ns = self.means, self.means.now_ns()
        means.throttle.begin(f"reset@{origin.ip}", origin.ip, now_ns)
        check_password(password, "")
        hashed = means.hasher.hash(password)
        with means.store.writing():
            name = use_reset(means.store, kept(token.strip()), now_ns=now_ns)
            held = person_within(means.store, name) if name else None
            if held is None or not held.is_active:
                raise Problem(401, "this reset token is unknown, used, or has run out", code="INVALID_CREDENTIALS")
            change_password(means.store, held.name, held.password, hashed, now_ns=now_ns)
            ended = revoke_all(means.store, held.name, "the password was reset", now_ns=now_ns)
            means.throttle.succeeded(f"reset@{origin.ip}", origin.ip, now_ns)
            body = origin.facts(object=f"person:{held.name}", ended=ended)
            add_audit(means.store, actor=held.name, action="auth.reset", body=body, now_ns=now_ns)
        means.standing.reload()

    def _setup_token(self) -> str:
        try:
            check_private_file(self.setup_path)
            told = self.setup_path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return ""
        if len(told) < SETUP_CHARS_MIN or len(set(told)) < SETUP_CHARS_MIN // 4:
            raise Misuse(f"{self.setup_path} holds a placeholder", remedy="delete it; the gateway makes a new one when it starts")
        return told

    def _new(
        self, name: str, password: str, email: str | None, roles: Iterable[Role], accounts: tuple[str, ...] | None
    ) -> Person:
        told, now_ns = name.strip().lower(), self.means.now_ns()
        if not _NAME.fullmatch(told) or told in _RESERVED:
            raise Misuse("this is no name for a person", remedy="use 2 to 39 letters, digits, . _ and -, a letter first")
        wanted, address = _checked_roles(roles), _checked_email(email)
        check_password(password, told)
        return Person(
            name=told, email=address, password=self.means.hasher.hash(password), roles=wanted, accounts=accounts, totp=None,
            totp_next=None, totp_step=0, made_ns=now_ns, password_ns=now_ns, disabled_ns=None, version=1,
        )  # fmt: skip

    def _held(self, name: str) -> Person:
        held = person_within(self.means.store, name)
        if held is None:
            raise Problem(404, "there is no such person", code="USER_NOT_FOUND")
        return held

    def _is_administered(self, one: Person) -> bool:
        return one.is_active and Role.ADMIN in one.roles

    def _is_left_administered(self, changed: Person) -> bool:
        others = [one for one in people_of(self.means.store) if one.name != changed.name]
        return any(self._is_administered(one) for one in [*others, changed])


def _shown(one: Person) -> dict[str, Any]:
    """What the audit keeps of a person."""
    return {"email": one.email, "roles": list(one.roles), "accounts": one.accounts, "is_active": one.is_active}


def _checked_roles(roles: Iterable[Role]) -> tuple[str, ...]:
    wanted = sorted({Role(role) for role in roles})
    if not wanted or Role.SERVICE in wanted:
        raise Misuse("a person needs roles of people", remedy=f"one or more of {', '.join(PEOPLE_ROLES)}")
    return tuple(role.value for role in wanted)


def _checked_email(email: str | None) -> str | None:
    told = (email or "").strip().lower()
    if told and not _EMAIL.fullmatch(told):
        raise Misuse("this is no e-mail address", remedy="write it as name@host, or leave it out")
    return told or None
