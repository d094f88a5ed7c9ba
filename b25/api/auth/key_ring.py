"""Keys of this installation: made when it first starts, kept in a file that only its owner can read, or in the OS keyring.

    <secrets folder>/access-keys.json     mode 0600, in a folder of mode 0700

The newest signing key signs; older ones only verify, until every token that they signed has run out. The other key seals the
seeds of second factors, which must be read again and so cannot be hashed.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from b25.api.auth.secret import Secret
from b25.model.errors import Halt, Misuse
from b25.runner.durable_file import create_durably, write_durably

FILE: Final = "access-keys.json"
KEYRING_ENTRY: Final = "access-keys"
KEY_BYTES: Final = 32
DISTINCT_BYTES_MIN: Final = 12  # of 32 random bytes, fewer than this many different ones come about once in 10**20
NONCE_BYTES: Final = 12
# Seeds that stand in standards and manuals: RFC 8032 §7.1, tests 1, 2, 3 and 1024.
EXAMPLES: Final = frozenset(
    {
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
    }
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key that signs tokens."""

    kid: str
    seed: Secret[bytes]
    made_ns: int

    @property
    def private(self) -> Ed25519PrivateKey:
        """What signs."""
        return Ed25519PrivateKey.from_private_bytes(self.seed.reveal())

    @property
    def public(self) -> Ed25519PublicKey:
        """What verifies."""
        return self.private.public_key()


class KeyRing:
    """The keys, the newest first.

    Parameters
    ----------
    signing : sequence of SigningKey
    box : Secret
        Seals seeds.
    """

    def __init__(self, signing: Sequence[SigningKey], box: Secret[bytes]) -> None:
        self.signing, self._box = tuple(signing), box

    @property
    def newest(self) -> SigningKey:
        """The one that signs."""
        return self.signing[0]

    def seal(self, text: str, of: str) -> str:
        """Return a text that only `unseal` with the same `of` can read."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(self._box.reveal()).encrypt(nonce, text.encode(), of.encode())).decode()

    def unseal(self, sealed: str, of: str) -> str:
        """Return what was sealed. Raises Halt when it was sealed by another installation, or for somebody else."""
        raw = base64.b64decode(sealed)
        try:
            return AESGCM(self._box.reveal()).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], of.encode()).decode()
        except InvalidTag:
            raise Halt(
                f"the second factor of {of} cannot be read with the keys that are here",
                remedy="bring back the secrets folder that belongs to this database, or set the second factor up anew",
            ) from None

    def digest(self, text: str, of: str) -> bytes:
        """What is kept of a short code: without the key, the few codes there are cannot be tried against it."""
        return hmac.digest(self._box.reveal(), f"{of}\n{text.strip().lower()}".encode(), "sha256")

    def rotated(self, now_ns: int, *, kept_s: int) -> KeyRing:
        """A ring with a new signing key, and those older ones that were replaced less than `kept_s` ago."""
        pairs = zip(self.signing, self.signing[1:], strict=False)
        kept = [older for later, older in pairs if later.made_ns > now_ns - kept_s * 10**9]
        return KeyRing([_new_key(now_ns), self.signing[0], *kept], self._box)

    def _text(self) -> bytes:
        keys = [{"kid": key.kid, "seed": key.seed.reveal().hex(), "made_ns": key.made_ns} for key in self.signing]
        return orjson.dumps({"signing": keys, "box": self._box.reveal().hex()}, option=orjson.OPT_INDENT_2)


def open_keys(folder: Path, now_ns: int, *, keyring: str = "") -> KeyRing:
    """Return the keys of this installation; make them when there are none.

    Parameters
    ----------
    keyring : str
        Name of the service in the OS keyring to keep them under, in place of the folder.

    Raises
    ------
    Misuse
        When others can read them, they cannot be read at all, or one of them is an example.
    """
    if keyring:
        return _from_keyring(keyring, now_ns)
    check_private_folder(folder)
    path = folder / FILE
    if not path.exists():
        create_durably(path, _new_ring(now_ns)._text())  # somebody else may have been first: then it is his
    check_private_file(path)
    return _ring(path.read_bytes(), str(path))


def rotate_keys(folder: Path, now_ns: int, *, kept_s: int, keyring: str = "") -> KeyRing:
    """Sign with a new key from now on; tokens that hold stay good. A running gateway reads it when it starts again."""
    ring = open_keys(folder, now_ns, keyring=keyring).rotated(now_ns, kept_s=kept_s)
    if keyring:
        _keyring().set_password(keyring, KEYRING_ENTRY, ring._text().decode())
    else:
        write_durably(folder / FILE, ring._text())
    return ring


def check_private_folder(folder: Path) -> None:
    """Make a folder that only its owner can look into; refuse one that others can."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        raise Misuse(f"others can look into {folder} (mode {mode:04o})", remedy=f"chmod 700 {folder}")


def check_private_file(path: Path) -> None:
    """Refuse a file that others can read or write, or that is another's."""
    held = path.stat()
    mode = stat.S_IMODE(held.st_mode)
    if mode & 0o177 or held.st_uid != os.geteuid():
        raise Misuse(f"{path} is not private (mode {mode:04o}, of user {held.st_uid})", remedy=f"chmod 600 {path}, as its owner")


def check_key_bytes(value: bytes, where: str) -> bytes:
    """Refuse what nobody has drawn at random. The value itself is in no message."""
    if len(value) != KEY_BYTES:
        raise Misuse(
            f"{where}: a key has {KEY_BYTES} bytes, not {len(value)}", remedy="delete it; a new one is made at the next start"
        )
    is_text = all(32 <= one < 127 for one in value)
    if len(set(value)) < DISTINCT_BYTES_MIN or value.hex() in EXAMPLES or is_text:
        raise Misuse(f"{where}: this key is an example or a placeholder", remedy="delete it; a new one is made at the next start")
    return value


def _from_keyring(service: str, now_ns: int) -> KeyRing:
    kept = _keyring().get_password(service, KEYRING_ENTRY)
    if kept is None:
        _keyring().set_password(service, KEYRING_ENTRY, _new_ring(now_ns)._text().decode())
        kept = _keyring().get_password(service, KEYRING_ENTRY)
    if kept is None:
        raise Misuse("the OS keyring does not keep what it is given", remedy="keep the keys in the secrets folder")
    return _ring(kept.encode(), f"the OS keyring, {service}")


def _keyring() -> Any:
    import keyring
    from keyring.errors import NoKeyringError

    try:
        keyring.get_password("b25", "probe")
    except NoKeyringError:
        raise Misuse("this machine has no OS keyring", remedy="keep the keys in the secrets folder") from None
    return keyring


def _new_key(now_ns: int) -> SigningKey:
    return SigningKey(secrets.token_hex(6), Secret(secrets.token_bytes(KEY_BYTES)), now_ns)


def _new_ring(now_ns: int) -> KeyRing:
    return KeyRing([_new_key(now_ns)], Secret(secrets.token_bytes(KEY_BYTES)))


def _ring(text: bytes, where: str) -> KeyRing:
    try:
        told = orjson.loads(text)
        rows = [(str(row["kid"]), bytes.fromhex(row["seed"]), int(row["made_ns"])) for row in told["signing"]]
        box = bytes.fromhex(told["box"])
        if not rows:
            raise KeyError("signing")
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Misuse(f"{where} does not hold the keys of an installation", remedy="bring it back from a backup") from None
    signing = [SigningKey(kid, Secret(check_key_bytes(seed, f"{where}, key {kid}")), made_ns) for kid, seed, made_ns in rows]
    return KeyRing(signing, Secret(check_key_bytes(box, f"{where}, box")))
