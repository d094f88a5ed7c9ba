"""The second factor: codes of an authenticator app, each good once, and backup codes for when the telephone is lost."""

from __future__ import annotations

import hmac
import secrets
from typing import Final

import pyotp

STEP_S: Final = 30
DRIFT_STEPS: Final = 1  # how far the telephone's clock may be off
BACKUP_CODES: Final = 10
ISSUER: Final = "b25"
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else


def new_seed() -> str:
    """A new seed, in base32, of 160 bits."""
    return pyotp.random_base32()


def address(seed: str, name: str) -> str:
    """What the app reads as a QR code."""
    return pyotp.TOTP(seed).provisioning_uri(name=name, issuer_name=ISSUER)


def step_of(seed: str, code: str, *, now_ns: int) -> int | None:
    """Return the time step that a code is of; None when it is of none near now. Whether it was used is kept in the store."""
    now_step = now_ns // (STEP_S * 10**9)
    found = None
    for step in range(now_step - DRIFT_STEPS, now_step + DRIFT_STEPS + 1):  # all of them: no time tells which
        if hmac.compare_digest(pyotp.TOTP(seed).generate_otp(step).encode(), code.encode()):
            found = step
    return found


def new_backup_codes() -> list[str]:
    """New codes, ``xxxxx-xxxxx``, of 49 bits each."""
    return ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2)) for _ in range(BACKUP_CODES)]
