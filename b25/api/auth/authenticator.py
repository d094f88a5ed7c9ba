"""Finds out who asks: by an access token or a key in a header. What a URL says of itself is not looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from b25.api.auth.access_token import LEEWAY_S, Claims, expired, invalid, revoked
from b25.api.auth.means import Means
from b25.api.auth.own_access import Tickets
from b25.api.auth.program_keys import is_from, is_secret_of, parts_of
from b25.api.auth.proof import STEP_UP_S
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.roles import Permission, Role
from b25.store.access_keys import SERVICE, AccessKey

CACHE_MAX: Final = 10_000
# Here one comes to become somebody: what one was before is not looked at, so that an old token is in nobody's way.
ENTRANCES: Final = frozenset(f"/api/v1/auth/{name}" for name in ("setup", "login", "refresh", "reset"))
KEY_LOGIN: Final = "key:"
_S: Final = 10**9


@dataclass(frozen=True, slots=True)
class _Known:
    """A token whose signature was verified, and the principal it gave with the picture of that version."""

    claims: Claims
    version: int
    principal: Principal
    until_ns: int


class AccessAuthenticator:
    """The `b25.api.principal.Authenticator` of the real gateway.

    Parameters
    ----------
    means : Means
    tickets : Tickets
    """

    def __init__(self, means: Means, tickets: Tickets) -> None:
        self.means, self.tickets = means, tickets
        self._known: dict[bytes, _Known] = {}

    async def principal(self, headers: Mapping[str, str], ip: str, method: str, path: str) -> Principal | None:
        """Return who asks; None for nobody.

        Raises
        ------
        Problem
            400 for two credentials at once; 401 for one that is wrong, has run out or was revoked.
        """
        told, key = headers.get("authorization"), headers.get("x-api-key")
        if (told is None and key is None) or path in ENTRANCES:
            return None
        if told is not None and key is not None:
            raise Problem(400, "a token and a key at once", code="BAD_REQUEST", remedy="send one of Authorization and X-API-Key")
        await self.means.standing.fresh()
        if key is not None:
            if (parts := parts_of(key)) and parts[0] not in self.means.standing.keys:
                await self.means.standing.anew()  # it may have been made a moment ago, by another process
            return self.of_key(key, ip)
        scheme, _, token = (told or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise invalid()
        return self.of_token(token.strip())

    async def of_ticket(self, ticket: str) -> Principal | None:
        """Return who got this ticket, while he may still come in."""
        by = self.tickets.take(ticket, self.means.now_ns())
        if by is None:
            return None
        await self.means.standing.fresh()
        return by if self.holds(by) else None

    def of_token(self, token: str) -> Principal:
        """Return whose access token this is."""
        now_ns, standing = self.means.now_ns(), self.means.standing
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known.version == standing.version and now_ns < known.until_ns:
            return known.principal
        if known is not None:
            claims = known.claims
            if now_ns >= (claims.expires_s + LEEWAY_S) * _S:
                del self._known[digest]
                raise expired()
        else:
            claims = self.means.tokens.read(token, now_ns=now_ns)
        version = standing.version
        principal = self._of_claims(claims, now_ns)
        ends_s = claims.expires_s + LEEWAY_S
        until_s = min(ends_s, claims.stepped_s + STEP_UP_S) if principal.is_stepped_up else ends_s
        while len(self._known) >= CACHE_MAX:
            self._known.pop(next(iter(self._known)), None)
        self._known[digest] = _Known(claims, version, principal, until_s * _S)
        return principal

    def _of_claims(self, claims: Claims, now_ns: int) -> Principal:
        person = self.means.standing.people.get(claims.name)
        if person is None or not person.is_active or claims.sign_in in self.means.standing.revoked:
            raise revoked()
        return Principal(
            name=person.name,
            roles=frozenset(Role(role) for role in claims.roles & set(person.roles)),  # both: never more than either says
            accounts=None if person.accounts is None else frozenset(person.accounts),
            login=claims.sign_in,
            is_stepped_up=0 <= now_ns // _S - claims.stepped_s < STEP_UP_S if claims.stepped_s else False,
        )

    def of_key(self, text: str, ip: str) -> Principal:
        """Return whose key this is."""
        now_ns, parts = self.means.now_ns(), parts_of(text)
        held = self.means.standing.keys.get(parts[0]) if parts else None
        if not is_secret_of(held, parts[1] if parts else "") or held is None:
            raise Problem(401, "this is no valid key", code="INVALID_TOKEN")
        if not held.is_good(now_ns):
            raise Problem(401, "this key has run out", code="TOKEN_EXPIRED", remedy="make another")
        if not is_from(held, ip):
            raise Problem(401, "this key is not for this address", code="INVALID_TOKEN")
        principal = self._of_held_key(held)
        self.means.standing.used(held.id, ip, now_ns)
        return principal

    def _of_held_key(self, held: AccessKey) -> Principal:
        scopes = None if held.scopes is None else frozenset(Permission(one) for one in held.scopes)
        accounts = None if held.accounts is None else frozenset(held.accounts)
        login = f"{KEY_LOGIN}{held.id}"
        if held.kind == SERVICE:
            roles = frozenset(Role(role) for role in held.roles)
            return Principal(name=f"service:{held.owner}", roles=roles, scopes=scopes, accounts=accounts, login=login)
        person = self.means.standing.people.get(held.owner)
        if person is None or not person.is_active:
            raise revoked()
        if person.accounts is not None:
            accounts = frozenset(person.accounts) & (accounts if accounts is not None else frozenset(person.accounts))
        roles = frozenset(Role(role) for role in person.roles)
        return Principal(name=person.name, roles=roles, scopes=scopes, accounts=accounts, login=login)

    def holds(self, by: Principal) -> bool:
        """Whether one who came in may stay: for connections that last. To be asked every now and then."""
        standing = self.means.standing
        if by.login.startswith(KEY_LOGIN):
            held = standing.keys.get(by.login.removeprefix(KEY_LOGIN))
            if held is None or not held.is_good(self.means.now_ns()):
                return False
            return held.kind == SERVICE or (held.owner in standing.people and standing.people[held.owner].is_active)
        person = standing.people.get(by.name)
        is_person = person is not None and person.is_active and {role.value for role in by.roles} <= set(person.roles)
        return is_person and by.login not in standing.revoked
