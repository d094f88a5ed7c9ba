"""How Bybit, OKX and Kraken have their requests signed, written from their own documents: ccxt's work is checked against it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl

from tests.venue.ccxt.recorder import Seen

KEY = "canary-key-6f1d"
PASSPHRASE = "canary-pass-77"  # noqa: S105
SECRET = base64.b64encode(b"canary-secret-0b9e").decode()  # Kraken's is base64; the others take any text


def bybit(seen: Seen) -> None:
    """HMAC-SHA256 in hex of time, key, window and the query or the body."""
    head = seen.headers
    said = seen.query if seen.method == "GET" else seen.body.decode()
    text = head["X-BAPI-TIMESTAMP"] + KEY + head["X-BAPI-RECV-WINDOW"] + said
    assert head["X-BAPI-API-KEY"] == KEY
    assert head["X-BAPI-SIGN"] == hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def okx(seen: Seen) -> None:
    """HMAC-SHA256 in base64 of time, method, path with query, and body."""
    head = seen.headers
    text = head["OK-ACCESS-TIMESTAMP"] + seen.method + seen.target + seen.body.decode()
    assert (head["OK-ACCESS-KEY"], head["OK-ACCESS-PASSPHRASE"]) == (KEY, PASSPHRASE)
    signature = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    assert head["OK-ACCESS-SIGN"] == base64.b64encode(signature).decode()


def kraken(seen: Seen) -> None:
    """HMAC-SHA512 in base64 of the path and the SHA-256 of nonce and body, with the decoded secret."""
    nonce = dict(parse_qsl(seen.body.decode()))["nonce"]
    digest = hashlib.sha256(nonce.encode() + seen.body).digest()
    signature = hmac.new(base64.b64decode(SECRET), seen.path.encode() + digest, hashlib.sha512).digest()
    assert seen.headers["API-Key"] == KEY
    assert seen.headers["API-Sign"] == base64.b64encode(signature).decode()


VERIFY = {"bybit": bybit, "okx": okx, "kraken": kraken}
SIGNATURE_HEADER = {"bybit": "X-BAPI-SIGN", "okx": "OK-ACCESS-SIGN", "kraken": "API-Sign"}
SHOWN_HEADERS = {
    "bybit": ("X-BAPI-API-KEY", "X-BAPI-RECV-WINDOW", "Content-Type"),
    "okx": ("OK-ACCESS-KEY", "OK-ACCESS-PASSPHRASE", "Content-Type"),
    "kraken": ("API-Key", "Content-Type"),
}
