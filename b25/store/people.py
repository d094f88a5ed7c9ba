"""People as they are kept: who there is, with which roles, what proves them, and which of it is used up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, func, insert, select, update

from b25.store.access_tables import backup_code, person, reset_token
from b25.store.store import Store

_NAME: Final[Any] = bindparam("b_name")
_ADD: Final = insert(person)
_ALL: Final = select(person).order_by(person.c.name)
_ONE: Final = select(person).where(person.c.name == _NAME)
_BY_EMAIL: Final = select(person).where(person.c.email == bindparam("b_email"))
_COUNT: Final = select(func.count()).select_from(person)
_ACTIVE: Final = select(person.c.name).where(person.c.disabled_ns.is_(None))
_CHANGE: Final = (
    update(person)
    .where(person.c.name == _NAME, person.c.version == bindparam("b_version"))
    .values(
        email=bindparam("b_email"), roles=bindparam("b_roles"), accounts=bindparam("b_accounts"),
        disabled_ns=bindparam("b_disabled_ns"), version=bindparam("b_next"),
    )
)  # fmt: skip
_PASSWORD: Final = (
    update(person)
    .where(person.c.name == _NAME, person.c.password == bindparam("b_old"))
    .values(password=bindparam("b_new"), password_ns=bindparam("b_ns"))
)
_TOTP_NEXT: Final = update(person).where(person.c.name == _NAME).values(totp_next=bindparam("b_totp"))
_TOTP: Final = update(person).where(person.c.name == _NAME).values(totp=bindparam("b_totp"), totp_next=None)
_STEP: Final = (
    update(person)
    .where(person.c.name == _NAME, person.c.totp_step < bindparam("b_step"))
    .values(totp_step=bindparam("b_step_kept"))
)
_CODE_ADD: Final = insert(backup_code)
_CODE_USE: Final = (
    update(backup_code)
    .where(backup_code.c.person == _NAME, backup_code.c.hash == bindparam("b_hash"), backup_code.c.used_ns.is_(None))
    .values(used_ns=bindparam("b_ns"))
)
_CODES_GONE: Final = (
    update(backup_code).where(backup_code.c.person == _NAME, backup_code.c.used_ns.is_(None)).values(used_ns=bindparam("b_ns"))
)
_CODES_LEFT: Final = (
    select(func.count())
    .select_from(backup_code)
    .where(backup_code.c.person == bindparam("b_name"), backup_code.c.used_ns.is_(None))
)
_RESET_ADD: Final = insert(reset_token)
_RESET_USE: Final = (
    update(reset_token)
    .where(
        reset_token.c.hash == bindparam("b_hash"), reset_token.c.used_ns.is_(None), reset_token.c.expires_ns > bindparam("b_ns")
    )
    .values(used_ns=bindparam("b_ns_kept"))
)
_RESET_OF: Final = select(reset_token.c.person).where(reset_token.c.hash == bindparam("b_hash"))
_RESETS_GONE: Final = (
    update(reset_token).where(reset_token.c.person == _NAME, reset_token.c.used_ns.is_(None)).values(used_ns=bindparam("b_ns"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One who may sign in.

    Attributes
    ----------
    password : str
        Its argon2id hash.
    accounts : tuple of str or None
        Accounts that he may see and act on; None for all.
    totp, totp_next : str or None
        Sealed seeds: of the second factor, and of one that is not confirmed yet.
    version : int
        Goes up with every change of roles, accounts, e-mail and activity.
    """

    name: str
    email: str | None
    password: str
    roles: tuple[str, ...]
    accounts: tuple[str, ...] | None
    totp: str | None
    totp_next: str | None
    totp_step: int
    made_ns: int
    password_ns: int
    disabled_ns: int | None
    version: int

    @property
    def is_active(self) -> bool:
        """Whether he may sign in."""
        return self.disabled_ns is None


def _person(row: Any) -> Person:
    told = dict(zip(person.c.keys(), row, strict=True))
    accounts = told["accounts"]
    told |= {"roles": tuple(told["roles"].split()), "accounts": None if accounts is None else tuple(orjson.loads(accounts))}
    return Person(**told)


def _kept(accounts: tuple[str, ...] | None) -> str | None:
    return None if accounts is None else orjson.dumps(list(accounts)).decode()


def people_of(store: Store) -> list[Person]:
    """Everybody, by name."""
    return [_person(row) for row in store.rows(_ALL)]


def find_person(store: Store, name: str) -> Person | None:
    """Read one, by name, or by e-mail when there is an @ in it."""
    column = person.c.email if "@" in name else person.c.name
    rows = store.rows(select(person).where(column == name))
    return _person(rows[0]) if rows else None


def person_within(store: Store, name: str) -> Person | None:
    """Read one inside `writing`."""
    rows = store.rows_within(_ONE, {"b_name": name})
    return _person(rows[0]) if rows else None


def is_taken(store: Store, name: str, email: str | None) -> bool:
    """Inside `writing`: whether somebody has this name or e-mail. Nobody can take it until the transaction ends."""
    store.lock("person")
    by_email = store.rows_within(_BY_EMAIL, {"b_email": email}) if email else []
    return bool(store.rows_within(_ONE, {"b_name": name}) or by_email)


def is_alone(store: Store) -> bool:
    """Whether there is only one active person, so that nobody else could agree."""
    return sum(one.is_active for one in people_of(store)) <= 1


def active_people_within(store: Store) -> set[str]:
    """Inside `writing`: names of those who may sign in; nobody is added or shut out until the transaction ends."""
    store.lock("person")
    return {str(row[0]) for row in store.rows_within(_ACTIVE)}


def count_people(store: Store) -> int:
    """Inside `writing`: how many there are; nobody can be added until the transaction ends."""
    store.lock("person")
    return int(store.rows_within(_COUNT)[0][0])


def add_person(store: Store, one: Person) -> None:
    """Write a new one, inside `writing`."""
    row = {name: getattr(one, name) for name in person.c.keys()}  # noqa: SIM118 - a collection of columns is no dict
    store.execute(_ADD, row | {"roles": " ".join(one.roles), "accounts": _kept(one.accounts)})


def change_person(store: Store, one: Person) -> bool:
    """Inside `writing`: replace e-mail, roles, accounts and activity of the version that was read; False when it is gone."""
    row = {
        "b_name": one.name, "b_version": one.version, "b_email": one.email, "b_roles": " ".join(one.roles),
        "b_accounts": _kept(one.accounts), "b_disabled_ns": one.disabled_ns, "b_next": one.version + 1,
    }  # fmt: skip
    return store.execute(_CHANGE, row) == 1


def change_password(store: Store, name: str, old: str, new: str, *, now_ns: int) -> bool:
    """Inside `writing`: replace this very hash by another; False when it is not there any more."""
    return store.execute(_PASSWORD, {"b_name": name, "b_old": old, "b_new": new, "b_ns": now_ns}) == 1


def use_step(store: Store, name: str, step: int) -> bool:
    """Inside `writing`: use up a time step of the second factor; False when it, or a later one, was used before."""
    return store.execute(_STEP, {"b_name": name, "b_step": step, "b_step_kept": step}) == 1


def prepare_totp(store: Store, name: str, sealed: str | None) -> None:
    """Inside `writing`: keep a seed that is not confirmed yet."""
    store.execute(_TOTP_NEXT, {"b_name": name, "b_totp": sealed})


def set_totp(store: Store, name: str, sealed: str | None, codes: list[bytes], *, now_ns: int) -> None:
    """Inside `writing`: set or take away the second factor; backup codes of before are worth nothing any more."""
    store.execute(_TOTP, {"b_name": name, "b_totp": sealed})
    store.execute(_CODES_GONE, {"b_name": name, "b_ns": now_ns})
    for code in codes:
        store.execute(_CODE_ADD, {"person": name, "hash": code, "used_ns": None})


def use_backup_code(store: Store, name: str, code: bytes, *, now_ns: int) -> bool:
    """Inside `writing`: use up a backup code; False when there is none such."""
    return store.execute(_CODE_USE, {"b_name": name, "b_hash": code, "b_ns": now_ns}) == 1


def backup_codes_left(store: Store, name: str) -> int:
    """How many are not used."""
    return int(store.rows(_CODES_LEFT.params(b_name=name))[0][0])


def add_reset(store: Store, name: str, token: bytes, *, made_by: str, now_ns: int, expires_ns: int) -> None:
    """Inside `writing`: give a right to set a new password; those of before are gone."""
    store.execute(_RESETS_GONE, {"b_name": name, "b_ns": now_ns})
    row = {"hash": token, "person": name, "made_by": made_by, "made_ns": now_ns, "expires_ns": expires_ns, "used_ns": None}
    store.execute(_RESET_ADD, row)


def use_reset(store: Store, token: bytes, *, now_ns: int) -> str | None:
    """Inside `writing`: use it up, and return whose password it sets; None when it is unknown, used or too old."""
    if store.execute(_RESET_USE, {"b_hash": token, "b_ns": now_ns, "b_ns_kept": now_ns}) != 1:
        return None
    return str(store.rows_within(_RESET_OF, {"b_hash": token})[0][0])
