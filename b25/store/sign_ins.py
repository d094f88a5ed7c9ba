"""Sign-ins as they are kept: each a family of refresh tokens that are used once; attempts, and failures that make them slower."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select, update

from b25.store.access_tables import refresh_token, sign_in, sign_in_attempt, sign_in_failure
from b25.store.store import Store

_ID: Final[Any] = bindparam("b_id")
_HASH: Final[Any] = bindparam("b_hash")
_NS: Final[Any] = bindparam("b_ns")
_ADD: Final = insert(sign_in)
_ADD_TOKEN: Final = insert(refresh_token)
_ADD_ATTEMPT: Final = insert(sign_in_attempt)
_TOKEN: Final = (
    select(
        refresh_token.c.sign_in, refresh_token.c.expires_ns, refresh_token.c.used_ns, refresh_token.c.used_from,
        sign_in.c.person, sign_in.c.expires_ns, sign_in.c.revoked_ns,
    )
    .join_from(refresh_token, sign_in, refresh_token.c.sign_in == sign_in.c.id)
    .where(refresh_token.c.hash == _HASH)
)  # fmt: skip
_USE: Final = (
    update(refresh_token)
    .where(refresh_token.c.hash == _HASH, refresh_token.c.used_ns.is_(None))
    .values(used_ns=_NS, used_from=bindparam("b_from"))
)
_GRACE: Final = (
    update(refresh_token)
    .where(refresh_token.c.hash == _HASH, refresh_token.c.graces < bindparam("b_graces_max"))
    .values(graces=refresh_token.c.graces + 1)
)
_SEEN: Final = update(sign_in).where(sign_in.c.id == _ID).values(seen_ns=_NS)
_REVOKED: Final[Any] = {"revoked_ns": _NS, "revoked_why": bindparam("b_why")}
_REVOKE: Final = update(sign_in).where(sign_in.c.id == _ID, sign_in.c.revoked_ns.is_(None)).values(**_REVOKED)
_REVOKE_OTHERS: Final = (
    update(sign_in)
    .where(sign_in.c.person == bindparam("b_name"), sign_in.c.id != _ID, sign_in.c.revoked_ns.is_(None))
    .values(**_REVOKED)
)
_FAILURES: Final = select(sign_in_failure).where(sign_in_failure.c.key == bindparam("b_key"))
_ADD_FAILURE: Final = insert(sign_in_failure)
_SET_FAILURE: Final = (
    update(sign_in_failure)
    .where(sign_in_failure.c.key == bindparam("b_key"))
    .values(count=bindparam("b_count"), last_ns=_NS, until_ns=bindparam("b_until_ns"))
)
_FORGET_FAILURES: Final = delete(sign_in_failure).where(sign_in_failure.c.last_ns < _NS)
_FORGET_TOKENS: Final = delete(refresh_token).where(refresh_token.c.expires_ns < _NS)
_FORGET_SIGN_INS: Final = delete(sign_in).where(
    sign_in.c.expires_ns < _NS, ~sign_in.c.id.in_(select(refresh_token.c.sign_in))
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A refresh token as it is kept, with its sign-in."""

    sign_in: str
    expires_ns: int
    used_ns: int | None
    used_from: str | None
    person: str
    ends_ns: int
    revoked_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One sign-in of a person."""

    id: str
    person: str
    made_ns: int
    seen_ns: int
    expires_ns: int
    ip: str
    agent: str
    revoked_ns: int | None
    revoked_why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How often it has failed in a row, when at last, and until when nobody may try again."""

    count: int
    last_ns: int
    until_ns: int


def add_sign_in(store: Store, one: SignIn) -> None:
    """Write a new one, inside `writing`."""
    store.execute(_ADD, {name: getattr(one, name) for name in SignIn.__slots__})


def add_token(store: Store, token: bytes, sign_in_id: str, *, now_ns: int, expires_ns: int) -> None:
    """Write a new refresh token, inside `writing`."""
    row = {"hash": token, "sign_in": sign_in_id, "made_ns": now_ns, "expires_ns": expires_ns}
    store.execute(_ADD_TOKEN, row | {"used_ns": None, "used_from": None, "graces": 0})
    store.execute(_SEEN, {"b_id": sign_in_id, "b_ns": now_ns})


def token_within(store: Store, token: bytes) -> Token | None:
    """Read a refresh token inside `writing`."""
    rows = store.rows_within(_TOKEN, {"b_hash": token})
    return Token(**dict(zip(Token.__slots__, rows[0], strict=True))) if rows else None


def use_token(store: Store, token: bytes, *, used_from: str, now_ns: int) -> bool:
    """Inside `writing`: use it up; of several that try, one succeeds, on either database."""
    return store.execute(_USE, {"b_hash": token, "b_ns": now_ns, "b_from": used_from}) == 1


def use_grace(store: Store, token: bytes, *, graces_max: int) -> bool:
    """Inside `writing`: count one more use of a token that was just used; False when it was too often."""
    return store.execute(_GRACE, {"b_hash": token, "b_graces_max": graces_max}) == 1


def revoke(store: Store, sign_in_id: str, why: str, *, now_ns: int) -> bool:
    """Inside `writing`: end a sign-in; False when it was ended before."""
    return store.execute(_REVOKE, {"b_id": sign_in_id, "b_ns": now_ns, "b_why": why}) == 1


def revoke_all(store: Store, person: str, why: str, *, now_ns: int, but: str = "") -> int:
    """Inside `writing`: end all sign-ins of a person but one; tells how many."""
    return store.execute(_REVOKE_OTHERS, {"b_name": person, "b_id": but, "b_ns": now_ns, "b_why": why})


def revoked_since(store: Store, since_ns: int) -> set[str]:
    """Sign-ins that were ended since then."""
    return {str(row.id) for row in store.rows(select(sign_in.c.id).where(sign_in.c.revoked_ns >= since_ns))}


def sign_ins_of(store: Store, person: str, now_ns: int) -> list[SignIn]:
    """Sign-ins of a person that still hold, the latest first."""
    query = select(sign_in).where(sign_in.c.person == person, sign_in.c.revoked_ns.is_(None), sign_in.c.expires_ns > now_ns)
    return [SignIn(**row._mapping) for row in store.rows(query.order_by(sign_in.c.made_ns.desc()))]


def add_attempt(store: Store, person: str | None, ip: str, outcome: str, *, now_ns: int) -> None:
    """Write an attempt into the history, inside `writing`."""
    row = {"id": secrets.token_hex(12), "ts_ns": now_ns, "person": person, "ip": ip, "outcome": outcome}
    store.execute(_ADD_ATTEMPT, row)


def attempts_of(store: Store, person: str, *, limit: int = 100) -> list[Any]:
    """The last attempts to sign in as this person: `ts_ns`, `ip`, `outcome`."""
    table = sign_in_attempt
    return store.rows(select(table).where(table.c.person == person).order_by(table.c.ts_ns.desc()).limit(limit))


def was_here(store: Store, person: str, ip: str, since_ns: int) -> bool:
    """Whether this person has signed in from this address since then."""
    table = sign_in_attempt
    query = select(table.c.id).where(
        table.c.person == person, table.c.ip == ip, table.c.outcome == "signed in", table.c.ts_ns >= since_ns
    )
    return bool(store.rows(query.limit(1)))


def failures_within(store: Store, key: str) -> Failures | None:
    """Read a counter inside `writing`; nobody else changes it until the transaction ends."""
    store.lock("sign_in_failure")
    rows = store.rows_within(_FAILURES, {"b_key": key})
    return Failures(count=int(rows[0][1]), last_ns=int(rows[0][2]), until_ns=int(rows[0][3])) if rows else None


def set_failures(store: Store, key: str, held: Failures) -> None:
    """Write a counter inside `writing`."""
    row = {"b_key": key, "b_count": held.count, "b_ns": held.last_ns, "b_until_ns": held.until_ns}
    if store.execute(_SET_FAILURE, row) == 0:
        store.execute(_ADD_FAILURE, {"key": key, "count": held.count, "last_ns": held.last_ns, "until_ns": held.until_ns})


def forget_failures(store: Store, before_ns: int) -> int:
    """Inside `writing`: drop counters that nothing was added to since then."""
    return store.execute(_FORGET_FAILURES, {"b_ns": before_ns})


def forget_sign_ins(store: Store, before_ns: int) -> int:
    """Inside `writing`: drop tokens, and sign-ins without any, that had run out by then."""
    gone = store.execute(_FORGET_TOKENS, {"b_ns": before_ns})
    return gone + store.execute(_FORGET_SIGN_INS, {"b_ns": before_ns})
