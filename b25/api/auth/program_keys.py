"""Keys for programs: a person's own, and those of dashboard, scheduler and notebooks. None may more than who made it."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from b25.api.auth.means import Means
from b25.api.auth.origin import Origin
from b25.api.problems import Problem
from b25.api.roles import MATRIX, Permission, Role
from b25.model.errors import Misuse
from b25.store.access_keys import KEY, SERVICE, AccessKey, add_key, key_within, revoke_key, shorten_key
from b25.store.audit import add_audit

PREFIX: Final = "b25"
SECRET_BYTES: Final = 32
ID_BYTES: Final = 6
LIFE_DAYS_MAX: Final = 366
OVERLAP_S_MAX: Final = 7 * 86_400
LABEL_CHARS_MAX: Final = 80
IPS_MAX: Final = 32
# A program may read, research and draft. It never trades, approves, stops or administers, whoever made its key.
SERVICE_ROLES: Final = frozenset({Role.SERVICE, Role.VIEWER, Role.RESEARCHER})
# A key that is stolen must not be able to make more of itself, or to approve.
NEVER_BY_KEY: Final = frozenset({Permission.USERS, Permission.RISK, Permission.REARM})
_FORM: Final = re.compile(r"b25_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_SERVICE_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,38}")
_DAY_NS: Final = 86_400 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a key is limited to.

    Attributes
    ----------
    scopes : tuple of Permission
    accounts, ips : tuple of str or None
        None for no limit. `ips` are addresses or networks.
    days : int
        How long it holds.
    """

    scopes: tuple[Permission, ...]
    days: int
    accounts: tuple[str, ...] | None = None
    ips: tuple[str, ...] | None = None


class ProgramKeys:
    """Makes, replaces and ends them.

    Parameters
    ----------
    means : Means
    """

    def __init__(self, means: Means) -> None:
        self.means = means

    def make(self, owner: str, may: frozenset[Permission], label: str, limits: Limits, origin: Origin) -> tuple[AccessKey, str]:
        """Make a key of a person. Returns it and its whole text, which is shown only now.

        Parameters
        ----------
        may : frozenset of Permission
            What the owner may himself.

        Raises
        ------
        Problem
            403 for a scope that the owner does not have, or that no key may have.
        """
        wanted = set(limits.scopes)
        if too_much := wanted - may:
            raise Problem(403, f"you may not {_words(too_much)} yourself")
        if never := wanted & NEVER_BY_KEY:
            raise Problem(403, f"a key may never {_words(never)}", remedy="sign in for that")
        return self._make(KEY, owner, label, (), limits, owner, origin, "keys.make")

    def make_service(
        self, by: str, name: str, roles: Iterable[Role], label: str, limits: Limits, origin: Origin
    ) -> tuple[AccessKey, str]:
        """Make the key of a program, which acts as ``service:NAME``."""
        held = tuple(sorted({Role(role) for role in roles}))
        if not _SERVICE_NAME.fullmatch(name):
            raise Misuse("this is no name for a program", remedy="use letters, digits and -, a letter first")
        if not held or set(held) - SERVICE_ROLES:
            raise Misuse("a program has none of these roles", remedy=f"use {', '.join(sorted(SERVICE_ROLES))}")
        allowed = {one for one, roles_ in MATRIX.items() if roles_ & set(held)} - NEVER_BY_KEY
        if too_much := set(limits.scopes) - allowed:
            raise Misuse(f"with these roles a program may not {_words(too_much)}", remedy="leave it out")
        return self._make(SERVICE, name, label, held, limits, by, origin, "services.make")

    def rotate(self, by: str, key_id: str, origin: Origin, *, overlap_s: int, owner: str | None = None) -> tuple[AccessKey, str]:
        """Make a key that may the same, and let the old one run out after a while. Raises Problem 404 for one that is not his."""
        means, now_ns = self.means, self.means.now_ns()
        key_text = secrets.token_urlsafe(SECRET_BYTES)
        with means.store.writing():
            old = self._held(key_id, owner, now_ns)
            life_ns = (old.expires_ns or now_ns + 90 * _DAY_NS) - old.made_ns
            new = replace(
                old, id=secrets.token_hex(ID_BYTES), hash=_hash(key_text), made_by=by, made_ns=now_ns,
                expires_ns=now_ns + life_ns, used_ns=None, used_ip=None, replaces=old.id,
            )  # fmt: skip
            ends_ns = min(now_ns + min(overlap_s, OVERLAP_S_MAX) * 10**9, old.expires_ns or 2**62)
            shorten_key(means.store, old.id, expires_ns=ends_ns)
            add_key(means.store, new)
            body = origin.facts(object=f"key:{old.id}", after={"replaced_by": new.id, "old_ends_ns": ends_ns})
            add_audit(means.store, actor=by, action="keys.rotate", body=body, now_ns=now_ns)
        means.standing.reload()
        return new, f"{PREFIX}_{new.id}_{key_text}"

    def revoke(self, by: str, key_id: str, origin: Origin, *, owner: str | None = None) -> None:
        """End a key at once. Raises Problem 404 for one that is not his, or is ended."""
        means, now_ns = self.means, self.means.now_ns()
        with means.store.writing():
            held = self._held(key_id, owner, now_ns)
            revoke_key(means.store, key_id, now_ns=now_ns)
            body = origin.facts(object=f"key:{key_id}", before=_shown(held))
            add_audit(means.store, actor=by, action="keys.revoke", body=body, now_ns=now_ns)
        means.standing.reload()

    def _held(self, key_id: str, owner: str | None, now_ns: int) -> AccessKey:
        held = key_within(self.means.store, key_id)
        is_his = held is not None and (owner is None or (held.kind == KEY and held.owner == owner))
        if held is None or not is_his or not held.is_good(now_ns):
            raise Problem(404, "there is no such key that holds")
        return held

    def _make(
        self, kind: str, owner: str, label: str, roles: tuple[Role, ...], limits: Limits, by: str, origin: Origin, action: str
    ) -> tuple[AccessKey, str]:
        means, now_ns, key_text = self.means, self.means.now_ns(), secrets.token_urlsafe(SECRET_BYTES)
        if not limits.scopes or not 1 <= limits.days <= LIFE_DAYS_MAX or len(label) > LABEL_CHARS_MAX:
            raise Misuse("a key needs scopes, and an end", remedy=f"name scopes, 1 to {LIFE_DAYS_MAX} days and a short label")
        made = AccessKey(
            id=secrets.token_hex(ID_BYTES), kind=kind, owner=owner, label=label, hash=_hash(key_text), roles=roles,
            scopes=tuple(sorted(set(limits.scopes))), accounts=limits.accounts, ips=_checked_ips(limits.ips), made_by=by,
            made_ns=now_ns, expires_ns=now_ns + limits.days * _DAY_NS, revoked_ns=None, used_ns=None, used_ip=None, replaces=None,
        )  # fmt: skip
        with means.store.writing():
            add_key(means.store, made)
            body = origin.facts(object=f"key:{made.id}", after=_shown(made))
            add_audit(means.store, actor=by, action=action, body=body, now_ns=now_ns)
        means.standing.reload()
        return made, f"{PREFIX}_{made.id}_{key_text}"


def parts_of(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text; None when it has not the form of one."""
    found = _FORM.fullmatch(text)
    return (found[1], found[2]) if found else None


def is_secret_of(held: AccessKey | None, key_text: str) -> bool:
    """Whether this is the key's secret; the same work when there is no such key."""
    expected = held.hash if held is not None else bytes(32)
    return hmac.compare_digest(expected, _hash(key_text)) and held is not None


def is_from(held: AccessKey, ip: str) -> bool:
    """Whether a key may be used from this address."""
    if held.ips is None:
        return True
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(one) for one in held.ips)


def _hash(key_text: str) -> bytes:
    return hashlib.sha256(key_text.encode()).digest()


def _checked_ips(ips: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if ips is None:
        return None
    try:
        networks = tuple(str(ipaddress.ip_network(one)) for one in ips)
    except ValueError as fault:
        raise Misuse(f"this is no address or network: {fault}", remedy="write 10.0.0.5 or 10.0.0.0/24") from None
    if not 1 <= len(networks) <= IPS_MAX:
        raise Misuse(f"a list of addresses has 1 to {IPS_MAX} of them", remedy="leave it out for any address")
    return networks


def _words(permissions: Iterable[Permission]) -> str:
    return ", ".join(sorted(one.value for one in permissions))


def _shown(one: AccessKey) -> dict[str, Any]:
    return {
        "kind": one.kind, "owner": one.owner, "label": one.label, "roles": list(one.roles), "scopes": one.scopes,
        "accounts": one.accounts, "ips": one.ips, "expires_ns": one.expires_ns,
    }  # fmt: skip
