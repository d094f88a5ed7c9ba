"""Sign in and out, stay signed in, prove oneself again, and what one does about one's own way in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from b25.api.auth.access import Access
from b25.api.auth.origin import origin_of
from b25.api.auth.passwords import CHARS_MAX
from b25.api.auth.proof import own_person
from b25.api.auth.sign_in import Issued
from b25.api.doors import public, requires
from b25.api.gateway import part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission, Role
from b25.store.people import backup_codes_left
from b25.store.sign_ins import attempts_of, sign_ins_of

router = APIRouter(prefix="/auth", tags=["auth"])
Reader = Annotated[Principal, requires(Permission.READ)]
Own = Annotated[Principal, requires(Permission.OWN)]
Desk = Annotated[Access, Depends(part(Access))]
WRONG: dict[int | str, dict[str, Any]] = {400: {}, 401: {}, 403: {}, 409: {}, 422: {}, 429: {}, 503: {}}
SIGNED_IN: dict[int | str, dict[str, Any]] = {401: {}, 403: {}, 503: {}}
Name = Annotated[str, Field(min_length=1, max_length=254)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=CHARS_MAX)]
Token = Annotated[SecretStr, Field(min_length=1, max_length=256)]
Code = Annotated[SecretStr, Field(max_length=16)]
NONE = SecretStr("")


class Body(BaseModel):
    """What is told; anything besides is refused."""

    model_config = ConfigDict(extra="forbid")


class SetUp(Body):
    """The first person, who has the token that lies in the secrets folder. All roles, unless some are named."""

    token: Token
    name: Name
    password: Password
    roles: list[Role] = Field(default=[Role.VIEWER, Role.RESEARCHER, Role.TRADER, Role.RISK, Role.ADMIN], max_length=5)


class Credentials(Body):
    """Name or e-mail, password, and the code of the second factor where there is one."""

    name: Name
    password: Password
    code: Code = NONE


class Refreshing(Body):
    """A refresh token."""

    refresh_token: Token


class Proof(Body):
    """The code of the second factor where there is one, else the password."""

    password: Annotated[SecretStr, Field(max_length=CHARS_MAX)] = NONE
    code: Code = NONE


class NewPassword(Body):
    """The old one, and the code where there is a second factor, for a new one."""

    old: Password
    new: Password
    code: Code = NONE


class Reset(Body):
    """A token that an administrator gave, and a new password."""

    token: Token
    password: Password


class Tokens(BaseModel):
    """What one gets who has proved who he is."""

    name: str
    roles: list[Role]
    sign_in: str
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the word of RFC 6750
    expires_in_s: int
    refresh_token: str
    ends_ns: int


class AccessToken(BaseModel):
    """An access token in place of the one before."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the word of RFC 6750
    expires_in_s: int


class Who(BaseModel):
    """Who asks, and what he may."""

    name: str
    roles: list[Role]
    permissions: list[Permission]
    accounts: list[str] | None
    sign_in: str
    is_stepped_up: bool
    second_factor: bool
    backup_codes_left: int


class Ended(BaseModel):
    """How many sign-ins were ended."""

    ended: int


class Made(BaseModel):
    """Who was made."""

    name: str
    roles: list[Role]


class Seed(BaseModel):
    """Of a second factor that is not confirmed yet."""

    seed: str
    address: str


class BackupCodes(BaseModel):
    """Each good once, in place of a code; shown only now."""

    codes: list[str]


class Ticket(BaseModel):
    """Worth one connection."""

    ticket: str
    holds_s: int


class SignInFacts(BaseModel):
    """A sign-in that holds."""

    id: str
    made_ns: int
    seen_ns: int
    ends_ns: int
    ip: str
    agent: str
    is_this: bool


class Attempt(BaseModel):
    """An attempt to sign in under one's name."""

    ts_ns: int
    ip: str
    outcome: str


class OwnSignIns(BaseModel):
    """Where one is signed in, and who has tried."""

    sign_ins: list[SignInFacts]
    attempts: list[Attempt]


def _tokens(issued: Issued) -> Tokens:
    return Tokens(
        name=issued.name, roles=[Role(role) for role in issued.roles], sign_in=issued.sign_in, access_token=issued.access_token,
        expires_in_s=issued.expires_in_s, refresh_token=issued.refresh_token, ends_ns=issued.ends_ns,
    )  # fmt: skip


@router.post("/setup", dependencies=[public()], responses=WRONG, status_code=201)
async def set_up(body: SetUp, request: Request, access: Desk) -> Made:
    """Make the first person; answers 409 for ever after."""
    told = (body.token.get_secret_value(), body.name, body.password.get_secret_value(), body.roles, origin_of(request))
    made = await access.slow.run(access.membership.set_up, *told)
    return Made(name=made.name, roles=[Role(role) for role in made.roles])


@router.post("/login", dependencies=[public()], responses=WRONG)
async def sign_in(body: Credentials, request: Request, access: Desk) -> Tokens:
    """Sign in."""
    told = (body.name, body.password.get_secret_value(), body.code.get_secret_value(), origin_of(request))
    return _tokens(await access.slow.run(access.sign_ins.sign_in, *told))


@router.post("/refresh", dependencies=[public()], responses=WRONG)
def refresh(body: Refreshing, request: Request, access: Desk) -> Tokens:
    """Change a refresh token for new tokens; one that is used twice ends the sign-in."""
    return _tokens(access.sign_ins.refresh(body.refresh_token.get_secret_value(), origin_of(request)))


@router.post("/reset", dependencies=[public()], responses=WRONG, status_code=204)
async def reset(body: Reset, request: Request, access: Desk) -> None:
    """Set a new password by a token that an administrator gave."""
    told = (body.token.get_secret_value(), body.password.get_secret_value(), origin_of(request))
    await access.slow.run(access.membership.reset, *told)


@router.post("/logout", responses=SIGNED_IN, status_code=204)
def sign_out(by: Own, request: Request, access: Desk) -> None:
    """End this sign-in."""
    own_person(access.means, by)
    access.sign_ins.sign_out(by, origin_of(request))


@router.post("/logout-all", responses=SIGNED_IN)
def sign_out_all(by: Own, request: Request, access: Desk) -> Ended:
    """End all of one's sign-ins."""
    own_person(access.means, by)
    return Ended(ended=access.sign_ins.sign_out_all(by, origin_of(request)))


@router.get("/verify", responses=SIGNED_IN)
def verify(by: Own, access: Desk) -> Who:
    """Tell who asks, and what he may."""
    person = access.means.standing.people.get(by.name)
    return Who(
        name=by.name, roles=sorted(by.roles), permissions=sorted(one for one in Permission if by.may(one)),
        accounts=None if by.accounts is None else sorted(by.accounts), sign_in=by.login, is_stepped_up=by.is_stepped_up,
        second_factor=person is not None and person.totp is not None,
        backup_codes_left=backup_codes_left(access.means.store, by.name) if person is not None else 0,
    )  # fmt: skip


@router.get("/sign-ins", responses=SIGNED_IN)
def sign_ins(by: Own, access: Desk) -> OwnSignIns:
    """Tell where one is signed in, and who has tried under one's name."""
    own_person(access.means, by)
    held = sign_ins_of(access.means.store, by.name, access.means.now_ns())
    return OwnSignIns(
        sign_ins=[
            SignInFacts(
                id=one.id, made_ns=one.made_ns, seen_ns=one.seen_ns, ends_ns=one.expires_ns, ip=one.ip, agent=one.agent,
                is_this=one.id == by.login,
            )
            for one in held
        ],
        attempts=[Attempt(ts_ns=one.ts_ns, ip=one.ip, outcome=one.outcome) for one in attempts_of(access.means.store, by.name)],
    )  # fmt: skip


@router.delete("/sign-ins/{sign_in_id}", responses=SIGNED_IN | {404: {}, 422: {}}, status_code=204)
def end_sign_in(sign_in_id: str, by: Own, request: Request, access: Desk) -> None:
    """End one of one's sign-ins."""
    own_person(access.means, by)
    if sign_in_id not in {one.id for one in sign_ins_of(access.means.store, by.name, access.means.now_ns())}:
        raise Problem(404, "you have no such sign-in")
    access.sign_ins.end(by, sign_in_id, origin_of(request))


@router.post("/password", responses=WRONG)
async def change_password(body: NewPassword, by: Own, request: Request, access: Desk) -> Ended:
    """Set another password; all other sign-ins end."""
    told = (by, body.old.get_secret_value(), body.new.get_secret_value(), body.code.get_secret_value(), origin_of(request))
    return Ended(ended=await access.slow.run(access.own.change_password, *told))


@router.post("/step-up", responses=WRONG)
async def step_up(body: Proof, by: Own, request: Request, access: Desk) -> AccessToken:
    """Prove oneself again: the token that comes back may for five minutes what asks for a fresh proof."""
    told = (by, body.password.get_secret_value(), body.code.get_secret_value(), origin_of(request))
    token, life_s = await access.slow.run(access.own.step_up, *told)
    return AccessToken(access_token=token, expires_in_s=life_s)


@router.post("/mfa", responses=WRONG)
async def begin_second_factor(body: Proof, by: Own, request: Request, access: Desk) -> Seed:
    """Begin with a second factor, or with another one: it counts once a code of it was confirmed."""
    told = (by, body.password.get_secret_value(), body.code.get_secret_value(), origin_of(request))
    seed, address = await access.slow.run(access.own.begin_totp, *told)
    return Seed(seed=seed, address=address)


@router.post("/mfa/confirm", responses=WRONG)
def confirm_second_factor(body: Proof, by: Own, request: Request, access: Desk) -> BackupCodes:
    """Confirm it by a code of the app; all other sign-ins end."""
    return BackupCodes(codes=access.own.confirm_totp(by, body.code.get_secret_value(), origin_of(request)))


@router.post("/mfa/end", responses=WRONG, status_code=204)
async def end_second_factor(body: Credentials, by: Own, request: Request, access: Desk) -> None:
    """Take the second factor away: password and code are both needed."""
    told = (by, body.password.get_secret_value(), body.code.get_secret_value(), origin_of(request))
    await access.slow.run(access.own.end_totp, *told)


@router.post("/ticket", responses=SIGNED_IN)
async def ticket(by: Reader, access: Desk) -> Ticket:
    """Get what opens one socket within half a minute."""
    text, holds_s = access.tickets.give(by, access.means.now_ns())
    return Ticket(ticket=text, holds_s=holds_s)
