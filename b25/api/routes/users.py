"""People: who there is, what they may, and how they get back in. Only an administrator looks here, but for one's own profile."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from b25.api.auth.access import Access
from b25.api.auth.membership import UNCHANGED
from b25.api.auth.origin import origin_of
from b25.api.auth.passwords import CHARS_MAX
from b25.api.auth.proof import check_stepped_up, own_person
from b25.api.doors import requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission, Role
from b25.store.people import Person, find_person, people_of

router = APIRouter(tags=["users"])
Admin = Annotated[Principal, requires(Permission.USERS)]
Own = Annotated[Principal, requires(Permission.OWN)]
Desk = Annotated[Access, Depends(part(Access))]
READ: dict[int | str, dict[str, Any]] = {401: {}, 403: {}, 404: {}, 422: {}, 503: {}}
WRITE: dict[int | str, dict[str, Any]] = {**READ, 400: {}, 409: {}, 429: {}}
Accounts = Annotated[list[Annotated[str, Field(min_length=1, max_length=80)]], Field(max_length=100)]
Email = Annotated[str, Field(max_length=254)]


class Body(BaseModel):
    """What is told; anything besides is refused."""

    model_config = ConfigDict(extra="forbid")


class NewUser(Body):
    """A person to add."""

    name: Annotated[str, Field(min_length=2, max_length=39)]
    password: Annotated[SecretStr, Field(min_length=8, max_length=CHARS_MAX)]
    roles: list[Role] = Field(min_length=1, max_length=5)
    email: Email | None = None
    accounts: Accounts | None = None


class UserChange(Body):
    """What is to be different; what is left out stays. `accounts: null` is all of them."""

    roles: list[Role] | None = Field(default=None, min_length=1, max_length=5)
    accounts: Accounts | None = None
    email: Email | None = None
    is_active: bool | None = None
    reason: str = Field(default="", max_length=500)


class ProfileChange(Body):
    """What one may change of oneself."""

    email: Email | None


class User(BaseModel):
    """A person."""

    name: str
    email: str | None
    roles: list[Role]
    accounts: list[str] | None
    is_active: bool
    second_factor: bool
    made_ns: int
    password_ns: int


class Users(BaseModel):
    """Everybody."""

    users: list[User]


class ResetToken(BaseModel):
    """Sets a new password once; shown only now."""

    token: str
    expires_ns: int


def _shown(one: Person) -> User:
    return User(
        name=one.name, email=one.email, roles=[Role(role) for role in one.roles],
        accounts=None if one.accounts is None else list(one.accounts), is_active=one.is_active,
        second_factor=one.totp is not None, made_ns=one.made_ns, password_ns=one.password_ns,
    )  # fmt: skip


@router.get("/users", responses=READ)
def users(by: Admin, access: Desk) -> Users:
    """Tell who belongs here."""
    return Users(users=[_shown(one) for one in people_of(access.means.store)])


@router.post("/users", responses=WRITE, status_code=201)
async def add_user(body: NewUser, by: Admin, request: Request, access: Desk) -> User:
    """Add a person."""
    check_stepped_up(by)
    accounts = None if body.accounts is None else tuple(body.accounts)

    def work() -> Person:
        password, origin = body.password.get_secret_value(), origin_of(request)
        return access.membership.add(by.name, body.name, password, body.roles, origin, email=body.email, accounts=accounts)

    return _shown(await access.slow.run(work))


@router.get("/users/{name}", responses=READ)
def user(name: str, by: Admin, access: Desk) -> User:
    """Tell of one person."""
    held = find_person(access.means.store, name)
    if held is None:
        raise Problem(404, "there is no such person", code="USER_NOT_FOUND")
    return _shown(held)


@router.patch("/users/{name}", responses=WRITE)
def change_user(name: str, body: UserChange, by: Admin, request: Request, access: Desk) -> User:
    """Change roles, accounts, e-mail or activity; whoever may less is signed out."""
    check_stepped_up(by)
    told = body.model_fields_set
    accounts: Any = UNCHANGED if "accounts" not in told else None if body.accounts is None else tuple(body.accounts)
    email: Any = body.email if "email" in told else UNCHANGED
    changed = access.membership.change(
        by.name, name, origin_of(request), roles=body.roles, accounts=accounts, email=email, is_active=body.is_active,
        reason=body.reason,
    )  # fmt: skip
    return _shown(changed)


@router.post("/users/{name}/reset", responses=WRITE, status_code=201)
def give_reset(name: str, by: Admin, request: Request, access: Desk) -> ResetToken:
    """Give a person the right to set a new password once."""
    check_stepped_up(by)
    token, expires_ns = access.membership.give_reset(by.name, name, origin_of(request))
    return ResetToken(token=token, expires_ns=expires_ns)


@router.get("/profile", responses=READ)
def profile(by: Own, access: Desk) -> User:
    """Tell of oneself."""
    return _shown(own_person(access.means, by))


@router.patch("/profile", responses=WRITE)
def change_profile(body: ProfileChange, by: Own, request: Request, access: Desk) -> User:
    """Change one's e-mail."""
    own_person(access.means, by)
    return _shown(access.membership.change(by.name, by.name, origin_of(request), email=body.email))
