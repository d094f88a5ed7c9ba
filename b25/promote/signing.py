"""Signs manifests with a key of this installation, which never leaves it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)  # fmt: skip

from b25.model.errors import Misuse

KEY: Final = "promotion.key"


def promotion_key(secrets_folder: Path, *, make: bool = False) -> Ed25519PrivateKey:
    """Return the key, made at the first use.

    Raises
    ------
    Misuse
        When there is none and none is to be made, or others than its owner may read it.
    """
    path = secrets_folder / KEY
    if not path.exists():
        if not make:
            raise Misuse(f"there is no key {path}", remedy="nothing was promoted in this installation; promote it anew here")
        _write(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Misuse(f"{path} can be read by others", remedy=f"chmod 600 {path}")
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Misuse(f"{path} is no Ed25519 key", remedy="put it away; promote anew")
    return key


def sign(key: Ed25519PrivateKey, text: bytes) -> str:
    """Return the signature with the key's public half before it, both in hexadecimal."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{public.hex()} {key.sign(text).hex()}\n"


def is_signed(key: Ed25519PrivateKey, text: bytes, signature: str) -> bool:
    """Whether this installation signed it."""
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    try:
        told, signed = (bytes.fromhex(word) for word in signature.split())
        Ed25519PublicKey.from_public_bytes(public).verify(signed, text)
    except (ValueError, InvalidSignature):
        return False
    return told == public


def _write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    own = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(own, path)  # whoever was first has made it
    except FileExistsError:
        pass
    finally:
        own.unlink()
