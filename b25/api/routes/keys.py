"""Keys for programs: one's own, and those of dashboard, scheduler and notebooks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from b25.api.auth.access import Access
from b25.api.auth.origin import origin_of
from b25.api.auth.program_keys import IPS_MAX, LABEL_CHARS_MAX, LIFE_DAYS_MAX, OVERLAP_S_MAX, Limits
from b25.api.auth.proof import check_stepped_up, own_person
from b25.api.doors import requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.roles import Permission, Role
from b25.store.access_keys import KEY, SERVICE, AccessKey, keys_of

router = APIRouter(tags=["keys"])
Own = Annotated[Principal, requires(Permission.OWN)]
Admin = Annotated[Principal, requires(Permission.USERS)]
Desk = Annotated[Access, Depends(part(Access))]
READ: dict[int | str, dict[str, Any]] = {401: {}, 403: {}, 503: {}}
WRITE: dict[int | str, dict[str, Any]] = {**READ, 400: {}, 404: {}, 422: {}}
KeyId = Annotated[str, Path(pattern="^[0-9a-f]{12}$")]
Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=80)]], Field(max_length=IPS_MAX)]


class Body(BaseModel):
    """What is told; anything besides is refused."""

    model_config = ConfigDict(extra="forbid")


class NewKey(Body):
    """What a key is to be limited to: scopes always, accounts and addresses where they are named."""

    label: str = Field(default="", max_length=LABEL_CHARS_MAX)
    scopes: list[Permission] = Field(min_length=1, max_length=len(Permission))
    days: int = Field(default=90, ge=1, le=LIFE_DAYS_MAX)
    accounts: Words | None = None
    ips: Words | None = None

    def limits(self) -> Limits:
        """As `ProgramKeys` takes it."""
        return Limits(
            scopes=tuple(self.scopes), days=self.days, accounts=None if self.accounts is None else tuple(self.accounts),
            ips=None if self.ips is None else tuple(self.ips),
        )  # fmt: skip


class NewService(NewKey):
    """A program, and what it is."""

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9-]{1,38}$")]
    roles: list[Role] = Field(default=[Role.SERVICE], min_length=1, max_length=3)


class Rotation(Body):
    """How long the old key still opens."""

    overlap_s: int = Field(default=3_600, ge=0, le=OVERLAP_S_MAX)


class Key(BaseModel):
    """A key, without its secret."""

    id: str
    kind: str
    owner: str
    label: str
    roles: list[Role]
    scopes: list[Permission] | None
    accounts: list[str] | None
    ips: list[str] | None
    made_by: str
    made_ns: int
    expires_ns: int | None
    revoked_ns: int | None
    used_ns: int | None
    used_ip: str | None
    replaces: str | None


class MadeKey(Key):
    """A key with its whole text, which is shown only now."""

    key: str


class Keys(BaseModel):
    """Several keys."""

    keys: list[Key]


def _facts(one: AccessKey) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Key.model_fields}


@router.get("/keys", responses=READ)
def keys(by: Own, access: Desk) -> Keys:
    """Tell one's own keys."""
    own_person(access.means, by)
    own = [one for one in keys_of(access.means.store) if one.kind == KEY and one.owner == by.name]
    return Keys(keys=[Key(**_facts(one)) for one in own])


@router.post("/keys", responses=WRITE, status_code=201)
def make_key(body: NewKey, by: Own, request: Request, access: Desk) -> MadeKey:
    """Make a key of one's own, that may no more than oneself."""
    own_person(access.means, by)
    check_stepped_up(by)
    limits = body.limits()
    if by.accounts is not None and limits.accounts is None:
        limits = Limits(scopes=limits.scopes, days=limits.days, accounts=tuple(sorted(by.accounts)), ips=limits.ips)
    may = frozenset(one for one in Permission if by.may(one))
    made, text = access.keys.make(by.name, may, body.label, limits, origin_of(request))
    return MadeKey(**_facts(made), key=text)


@router.post("/keys/{key_id}/rotate", responses=WRITE, status_code=201)
def rotate_key(key_id: KeyId, body: Rotation, by: Own, request: Request, access: Desk) -> MadeKey:
    """Make another key that may the same; the old one still opens for a while."""
    own_person(access.means, by)
    check_stepped_up(by)
    made, text = access.keys.rotate(by.name, key_id, origin_of(request), overlap_s=body.overlap_s, owner=by.name)
    return MadeKey(**_facts(made), key=text)


@router.delete("/keys/{key_id}", responses=WRITE, status_code=204)
def revoke_key(key_id: KeyId, by: Own, request: Request, access: Desk) -> None:
    """End one of one's keys."""
    own_person(access.means, by)
    access.keys.revoke(by.name, key_id, origin_of(request), owner=by.name)


@router.get("/services", responses=READ)
def services(by: Admin, access: Desk) -> Keys:
    """Tell the keys of programs, and those of all people."""
    return Keys(keys=[Key(**_facts(one)) for one in keys_of(access.means.store)])


@router.post("/services", responses=WRITE, status_code=201)
def make_service(body: NewService, by: Admin, request: Request, access: Desk) -> MadeKey:
    """Make the key of a program."""
    check_stepped_up(by)
    made, text = access.keys.make_service(by.name, body.name, body.roles, body.label, body.limits(), origin_of(request))
    assert made.kind == SERVICE
    return MadeKey(**_facts(made), key=text)


@router.delete("/services/{key_id}", responses=WRITE, status_code=204)
def revoke_service(key_id: KeyId, by: Admin, request: Request, access: Desk) -> None:
    """End a key, whoever's it is."""
    access.keys.revoke(by.name, key_id, origin_of(request))
