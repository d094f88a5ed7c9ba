"""Who may ask: the key, its permissions, the signature over the raw bytes, and the time at which the request was made."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from b25.venue.exchange.errors import VenueError
from b25.venue.wire.parameters import Parameters
from b25.venue.wire.route import Route, Security
from b25.venue.wire.signing import Verifier, hmac_verifier, is_percent_encoded, public_key_verifier, split_signature

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import ApiKey

RECV_WINDOW_MS = 5_000
RECV_WINDOW_MS_MAX = 60_000
AHEAD_MS = 1_000
MICROSECONDS_FROM = 10**15
"""A timestamp that large is in microseconds."""

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_WINDOW = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?", re.ASCII)


def bad_signature() -> VenueError:
    """The refusal -1022."""
    return VenueError(-1022, "Signature for this request is not valid.")


class Gatekeeper:
    """Checks requests against the keys that the exchange knows.

    Parameters
    ----------
    keys : dict of str to ApiKey
        The exchange's own registry; a key that is revoked there is refused from then on.
    server_ms : callable
        What the venue takes for the time.
    """

    def __init__(self, keys: "dict[str, ApiKey]", server_ms: Callable[[], int]) -> None:
        self._keys = keys
        self._server_ms = server_ms
        self._verifiers: dict[str, tuple[object, Verifier]] = {}

    def key(self, name: str | None, route: Route) -> "ApiKey":
        """The key that a request names, if it may do what the route does."""
        if not name or _KEY.fullmatch(name) is None:
            raise VenueError(-2014, "API-key format invalid.", 401)
        key = self._keys.get(name)
        if key is None or key.revoked or not _permits(key, route):
            raise VenueError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        return key

    def check(self, key: "ApiKey", route: Route, query: bytes, body: bytes, parameters: Parameters) -> None:
        """Refuse a signed request that is not the key's owner's, or not of now."""
        parameters.need("timestamp")
        parameters.need("signature")
        window_ms = self.recv_window_ms(parameters)
        payload, signature = split_signature(query, body)
        if route.market == "spot" and not is_percent_encoded(payload):
            raise bad_signature()
        if not self._verifier(key)(payload, signature):
            raise bad_signature()
        self.check_time(parameters, window_ms)

    def verify(self, key: "ApiKey", payload: bytes, signature: bytes) -> None:
        """Refuse a signature that does not belong to the payload (of the WebSocket API)."""
        if not self._verifier(key)(payload, signature):
            raise bad_signature()

    def check_time(self, parameters: Parameters, window_ms: Decimal | int | None = None) -> None:
        """Refuse a request from the future or from too long ago; asked again just before the matching core."""
        window = self.recv_window_ms(parameters) if window_ms is None else window_ms
        timestamp = parameters.need_integer("timestamp")
        if timestamp >= MICROSECONDS_FROM:
            timestamp //= 1_000
        now_ms = self._server_ms()
        if timestamp >= now_ms + AHEAD_MS:
            raise VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now_ms - timestamp > window:
            raise VenueError(-1021, "Timestamp for this request is outside of the recvWindow.")

    @staticmethod
    def recv_window_ms(parameters: Parameters) -> Decimal | int:
        """How old a request may be; up to three decimals."""
        text = parameters.text("recvWindow")
        if text is None:
            return RECV_WINDOW_MS
        if _WINDOW.fullmatch(text) is None:
            raise VenueError(
                -1100, "Illegal characters found in parameter 'recvWindow'; legal range is '^([0-9]{1,5})(\\.[0-9]{1,3})?$'."
            )
        window = Decimal(text) if "." in text else int(text)
        if window > RECV_WINDOW_MS_MAX:
            raise VenueError(-1131, "recvWindow must be less than 60000.")
        return window

    def _verifier(self, key: "ApiKey") -> Verifier:
        held = key.public_key or key.secret
        made = self._verifiers.get(key.key)
        if made is None or made[0] is not held:
            verifier = public_key_verifier(key.public_key) if key.public_key else hmac_verifier(key.secret)
            made = self._verifiers[key.key] = (held, verifier)
        return made[1]


def _permits(key: "ApiKey", route: Route) -> bool:
    if route.security is Security.TRADE:
        return key.spot if route.market == "spot" else key.futures
    return key.reading or route.security is Security.KEY
