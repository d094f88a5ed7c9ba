"""Whether a request is signed by the owner of its key: HMAC-SHA256, RSA-SHA256 or Ed25519 over the bytes as they were sent.

Nothing is parsed and put together again: what is signed is the raw query, followed directly by the raw body, without the last
parameter `signature`.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Protocol
from urllib.parse import unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from b25.model.errors import Misuse

_MARK = b"signature="
_NOT_PERCENT_ENCODED = re.compile(rb'[^\x21-\x7e]|["<>\\^`{|}\[\]]')


class Verifier(Protocol):
    """Tells a true signature from a false one, in a time that does not depend on where they differ."""

    def __call__(self, payload: bytes, signature: bytes) -> bool:
        """Whether `signature`, percent-decoded, belongs to `payload`."""
        ...


def hmac_verifier(secret: str) -> Verifier:
    """Verifier of lower- or upper-case hexadecimal HMAC-SHA256 signatures."""
    key = secret.encode()

    def verify(payload: bytes, signature: bytes) -> bool:
        expected = hmac.digest(key, payload, hashlib.sha256).hex().encode()
        return hmac.compare_digest(expected, signature.lower())

    return verify


def public_key_verifier(pem: str) -> Verifier:
    """Verifier of base64 signatures by the private half of an RSA or Ed25519 public key."""
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise Misuse("the public key is no PEM", remedy="give the text from -----BEGIN PUBLIC KEY----- to its END") from None
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise Misuse(f"a public key of type {type(key).__name__}", remedy="use RSA or Ed25519")

    def verify(payload: bytes, signature: bytes) -> bool:
        try:
            raw = base64.b64decode(signature, validate=True)
            if isinstance(key, RSAPublicKey):
                key.verify(raw, payload, PKCS1v15(), SHA256())
            else:
                key.verify(raw, payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    return verify


def split_signature(query: bytes, body: bytes) -> tuple[bytes, bytes]:
    """What was signed, and the signature (percent-decoded; empty when there is none).

    The signature is the last parameter of the body, or of the query when the body has none.
    """
    head, signature = _cut(body)
    if signature is not None:
        return query + head, signature
    head, signature = _cut(query)
    return head + body, signature or b""


def is_percent_encoded(payload: bytes) -> bool:
    """Whether a payload holds only what an encoded query may hold; spot refuses to verify any other."""
    return _NOT_PERCENT_ENCODED.search(payload) is None


def ws_payload(parameters: dict[str, object]) -> bytes:
    """What a client of the WebSocket API signs: its parameters in the order of their names, not encoded."""
    return "&".join(f"{name}={_plain(parameters[name])}" for name in sorted(parameters) if name != "signature").encode()


def _cut(part: bytes) -> tuple[bytes, bytes | None]:
    """The part before `&signature=…` and the signature itself, if the part ends in one."""
    at = part.rfind(_MARK)
    if at < 0 or (at > 0 and part[at - 1 : at] != b"&"):
        return part, None
    signature = part[at + len(_MARK) :]
    if b"&" in signature:
        return part, None
    return part[: max(at - 1, 0)], unquote_to_bytes(signature)


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
