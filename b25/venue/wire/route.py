"""What an endpoint is, and the call that its handler gets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.errors import VenueError
from b25.venue.wire.parameters import Parameters

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account, ApiKey
    from b25.venue.exchange.listing import Listing
    from b25.venue.wire.core import Core

INVALID_SYMBOL = (-1121, "Invalid symbol.")


class Security(IntEnum):
    """What a request must prove."""

    NONE = 0  # nothing
    KEY = 1  # a key, without a signature
    READ = 2  # signed, by a key that may read
    TRADE = 3  # signed, by a key that may trade on this market


Weight = int | Callable[[Parameters], int]
Handler = Callable[["Call"], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One endpoint.

    Attributes
    ----------
    weight : int or callable
        Request weight, or how it follows from the parameters.
    names : frozenset of str
        Parameters that it reads; any other is refused.
    is_free_on_success : bool
        Spot orders and cancels that succeed weigh nothing.
    is_lagged : bool
        It reads what the venue's database holds, which trails the matching core.
    """

    method: str
    path: str
    market: str
    handler: Handler
    security: Security
    weight: Weight
    names: frozenset[str]
    is_free_on_success: bool = False
    is_lagged: bool = False

    @property
    def name(self) -> str:
        """As faults aim at it: `POST /api/v3/order`."""
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Call:
    """One request on its way through its handler."""

    core: "Core"
    route: Route
    parameters: Parameters
    now_ms: int
    address: str = ""
    key: "ApiKey | None" = None
    headers: dict[str, str] = field(default_factory=dict)
    used_weight: int = 0
    as_of_ms: int | None = None  # of a lagged read: show what was known then

    @property
    def account(self) -> "Account":
        """Whose key signed it."""
        assert self.key is not None
        return self.key.account

    @property
    def listings(self) -> "dict[str, Listing]":
        """The listings of this market."""
        exchange = self.core.exchange
        return exchange.spot if self.route.market == "spot" else exchange.linear

    def listing(self) -> "Listing":
        """The listing that the mandatory parameter `symbol` names."""
        return self._named(self.parameters.need_symbol())

    def maybe_listing(self) -> "Listing | None":
        """The listing that `symbol` names, if it was sent."""
        name = self.parameters.symbol()
        return None if name is None else self._named(name)

    @property
    def nominal_weight(self) -> int:
        """What the request was charged."""
        weight = self.route.weight
        return weight if isinstance(weight, int) else weight(self.parameters)

    def check_orders(self, orders: int = 1) -> None:
        """Refuse when the account may not place so many more orders now."""
        self.core.limits.check_orders(self.route.market, str(self.account.account_id), self.now_ms, orders)

    def count_orders(self, orders: int = 1) -> None:
        """Count orders that were accepted, and say so in the headers."""
        counted = self.core.limits.count_orders(self.route.market, str(self.account.account_id), self.now_ms, orders)
        self.headers.update(counted)

    def order_named(self, id_name: str = "orderId", client_name: str = "origClientOrderId") -> dict[str, Any]:
        """Which order is meant, as keyword arguments `order_id` and `client_id`; one of them must be sent."""
        order_id = self.parameters.integer(id_name)
        client_id = self.parameters.text(client_name)
        if order_id is None and client_id is None:
            raise VenueError(-1102, f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!")
        return {"order_id": order_id, "client_id": client_id}

    def page(self, limit_default: int = 500, limit_max: int = 1000) -> dict[str, Any]:
        """Keyword arguments `start_ms`, `end_ms` and `limit` of a list that is read in pages."""
        start_ms, end_ms = self.parameters.integer("startTime"), self.parameters.integer("endTime")
        if start_ms is not None and end_ms is not None and start_ms > end_ms:
            raise VenueError(-1128, "Combination of optional parameters invalid.")
        return {"start_ms": start_ms, "end_ms": end_ms, "limit": self.parameters.limit(limit_default, limit_max)}

    def _named(self, name: str) -> "Listing":
        listing = self.listings.get(name)
        if listing is None:
            raise VenueError(*INVALID_SYMBOL)
        return listing


_SIGNED = frozenset({"timestamp", "recvWindow", "signature"})


class RouteTable:
    """Collects the endpoints of one file: `@routes.get("/time")` above a handler.

    Parameters
    ----------
    market : {"spot", "linear"}
        Whose limits and listings they use.
    prefix : str
        Such as `/api/v3`.
    """

    def __init__(self, market: str, prefix: str) -> None:
        self.market = market
        self.prefix = prefix
        self.routes: list[Route] = []

    def add(
        self, method: str, path: str, names: str, security: Security, weight: Weight, *, free: bool = False, lagged: bool = False
    ) -> Callable[[Handler], Handler]:
        """Decorate a handler: `names` are the parameters that it reads, besides those of a signature."""
        known = frozenset(names.split()) | (_SIGNED if security >= Security.READ else frozenset())

        def keep(handler: Handler) -> Handler:
            self.routes.append(
                Route(
                    method=method,
                    path=self.prefix + path,
                    market=self.market,
                    handler=handler,
                    security=security,
                    weight=weight,
                    names=known,
                    is_free_on_success=free,
                    is_lagged=lagged,
                )
            )
            return handler

        return keep

    def public(self, path: str, names: str = "", weight: Weight = 1) -> Callable[[Handler], Handler]:
        """GET that anybody may ask."""
        return self.add("GET", path, names, Security.NONE, weight)

    def key(self, method: str, path: str, names: str = "", weight: Weight = 1) -> Callable[[Handler], Handler]:
        """A request with a key and without a signature."""
        return self.add(method, path, names, Security.KEY, weight)

    def read(self, path: str, names: str = "", weight: Weight = 1, *, lagged: bool = False) -> Callable[[Handler], Handler]:
        """Signed GET."""
        return self.add("GET", path, names, Security.READ, weight, lagged=lagged)

    def trade(self, method: str, path: str, names: str, weight: Weight = 1) -> Callable[[Handler], Handler]:
        """Signed request that changes something."""
        return self.add(method, path, names, Security.TRADE, weight, free=self.market == "spot")
