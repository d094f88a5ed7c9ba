"""Access tokens: signed, short, and read only as what they are. Only EdDSA, only by keys of our own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

import jwt

from b25.api.auth.key_ring import KeyRing
from b25.api.problems import Problem

ISSUER: Final = "b25"
AUDIENCE: Final = "b25-gateway"
ALGORITHMS: Final = ("EdDSA",)
ACCESS: Final = "access"
LEEWAY_S: Final = 30
LIFE_S_MAX: Final = 900
CHARS_MAX: Final = 4096
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
CLAIMS: Final = ("iss", "aud", "sub", "exp", "nbf", "iat", "jti", "typ", "sid", "roles")
# Times are compared here, with a clock that is told, and not by the library with the machine's.
_OPTIONS: Final[Any] = {
    "require": list(CLAIMS), "verify_exp": False, "verify_nbf": False, "verify_iat": False, "strict_aud": True,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a verified token says.

    Attributes
    ----------
    sign_in : str
        The sign-in it belongs to.
    stepped_s : int
        When a second factor, or the password again, was given; 0 for never.
    """

    name: str
    sign_in: str
    token_id: str
    roles: frozenset[str]
    issued_s: int
    expires_s: int
    stepped_s: int


class AccessTokens:
    """Makes and reads them.

    Parameters
    ----------
    ring : KeyRing
    life_s : int
        How long one holds.
    """

    def __init__(self, ring: KeyRing, life_s: int) -> None:
        assert 0 < life_s <= LIFE_S_MAX
        self.ring, self.life_s = ring, life_s
        self._private = ring.newest.private
        self._public = {key.kid: key.public for key in ring.signing}

    def issue(
        self, name: str, sign_in: str, roles: tuple[str, ...], *, now_ns: int, ends_ns: int, stepped_s: int = 0
    ) -> tuple[str, int]:
        """Return a token, and for how many seconds it holds; never longer than its sign-in."""
        now_s = now_ns // 10**9
        expires_s = min(now_s + self.life_s, ends_ns // 10**9)
        claims: dict[str, Any] = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": name, "iat": now_s, "nbf": now_s, "exp": expires_s,
            "jti": secrets.token_hex(16), "typ": ACCESS, "sid": sign_in, "roles": sorted(roles),
        }  # fmt: skip
        if stepped_s:
            claims["stepped"] = stepped_s
        token = jwt.encode(claims, self._private, algorithm=ALGORITHMS[0], headers={"kid": self.ring.newest.kid})
        return token, expires_s - now_s

    def read(self, token: str, *, now_ns: int) -> Claims:
        """Return what it says.

        Raises
        ------
        Problem
            401 INVALID_TOKEN for one that is not ours or no access token, TOKEN_EXPIRED for one that has run out.
        """
        if len(token) > CHARS_MAX:
            raise invalid()
        try:
            key = self._public.get(str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                raise invalid()
            told = jwt.decode(token, key, algorithms=list(ALGORITHMS), audience=AUDIENCE, issuer=ISSUER, options=_OPTIONS)
            claims = _claims(told)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise invalid() from None
        return _in_time(claims, int(told["nbf"]), now_ns // 10**9)


def _claims(told: dict[str, Any]) -> Claims:
    """What a token with a good signature says; raises ValueError when that is no access token of ours."""
    roles, times = told["roles"], [told["iat"], told["nbf"], told["exp"], told.get("stepped", 0)]
    texts = [told["sub"], told["sid"], told["jti"], *(roles if isinstance(roles, list) else [None])]
    if told["typ"] != ACCESS or not all(isinstance(one, str) and one for one in texts):
        raise ValueError("no access token")
    if not all(type(one) is int for one in times) or not 0 < told["exp"] - told["iat"] <= LIFE_S_MAX:
        raise ValueError("its times are none")
    return Claims(
        name=told["sub"], sign_in=told["sid"], token_id=told["jti"], roles=frozenset(roles), issued_s=told["iat"],
        expires_s=told["exp"], stepped_s=told.get("stepped", 0),
    )  # fmt: skip


def _in_time(claims: Claims, not_before_s: int, now_s: int) -> Claims:
    if now_s >= claims.expires_s + LEEWAY_S:
        raise expired()
    if now_s < max(not_before_s, claims.issued_s) - LEEWAY_S:
        raise invalid()
    return claims


def expired() -> Problem:
    """The answer to a token that has run out."""
    return Problem(401, "this token has run out", code="TOKEN_EXPIRED", remedy="refresh it, or sign in", headers=CHALLENGE)


def revoked() -> Problem:
    """The answer to a token whose sign-in was ended."""
    return Problem(401, "this sign-in was ended", code="TOKEN_REVOKED", remedy="sign in again", headers=CHALLENGE)


def invalid() -> Problem:
    """The answer to what is no token of ours."""
    return Problem(401, "this is no valid token", code="INVALID_TOKEN", remedy="sign in", headers=CHALLENGE)
