"""What the fault knobs do to market data on its way out. `where` is the stream's name, `account` the market: spot or linear.

Gives each payload with the milliseconds by which it is late; an empty list when it is lost.
"""

from typing import TYPE_CHECKING, Any

import orjson

from b25.venue.wire.audiences import Audience
from b25.venue.wire.channels import Kind
from b25.venue.wire.render_streams import Payload, shifted, texts

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing
    from b25.venue.wire.faults import Faults

# Knobs that change what goes out; while none is on, a payload is rendered once for all its streams.
KNOBS = (
    "mute_stream", "future_ts", "diff_drop", "diff_dup", "diff_reorder", "snapshot_newer_ms", "book_cross", "price_spike",
    "kline_revise",
)  # fmt: skip
Late = tuple[float, bytes]
# A second version of a closed candle: its close and high are so many ticks higher.
REVISED_TICKS = 5


class StreamFaults:
    """Applies the knobs of market data.

    Parameters
    ----------
    faults : Faults
        The registry.
    """

    def __init__(self, faults: "Faults") -> None:
        self.faults = faults

    def are_on(self) -> bool:
        """Whether any knob of market data is turned."""
        return self.faults.any_rest() and any(map(self.faults.is_on, KNOBS))

    def bent(self, audience: Audience, payload: Payload | list[Payload], listing: "Listing | None") -> list[Late]:
        """The payloads that go out in the place of this one, each with its delay."""
        channel, draw = audience.channel, self.faults.draw
        name, market = channel.name, channel.market
        if draw("mute_stream", name, market):
            return []
        if fault := draw("future_ts", name, market):
            payload = shifted(payload, int(fault.values["ms"]))
        if isinstance(payload, list) or listing is None:
            return [(0.0, orjson.dumps(payload))]
        if channel.kind is Kind.DEPTH:
            return self._diff(audience, payload, listing)
        if channel.kind in (Kind.TRADE, Kind.AGG_TRADE) and (fault := draw("price_spike", name, market)):
            payload = {**payload, "p": spiked(payload["p"], fault.values["factor"], listing)}
        told: list[Late] = [(0.0, orjson.dumps(payload))]
        if channel.kind is Kind.KLINE and payload["k"]["x"] and draw("kline_revise", name, market):
            told.append((0.0, orjson.dumps(revised(payload, listing))))
        return told

    def _diff(self, audience: Audience, payload: Payload, listing: "Listing") -> list[Late]:
        name, market = audience.channel.name, audience.channel.market
        draw = self.faults.draw
        if draw("diff_drop", name, market):
            return []
        if draw("book_cross", name, market):
            payload = crossed(payload, listing)
        fault = draw("snapshot_newer_ms", name, market)
        late_ms = float(fault.values["ms"]) if fault else 0.0
        rendered = orjson.dumps(payload)
        if audience.held is None and draw("diff_reorder", name, market):
            audience.held = rendered
            return []
        told: list[Late] = [(late_ms, rendered)]
        if draw("diff_dup", name, market):
            told.append((late_ms, rendered))
        if audience.held is not None:
            told.append((late_ms, audience.held))
            audience.held = None
        return told


def spiked(price: str, factor: float, listing: "Listing") -> str:
    """A price times a factor, on the grid."""
    return texts(listing)[0](max(1, round(listing.to_ticks(price) * factor)))


def crossed(payload: Payload, listing: "Listing") -> Payload:
    """The diff with a bid that stands above the best ask."""
    price, qty = texts(listing)
    above = (listing.best_ask_ticks or listing.last_ticks) + 1
    return {**payload, "b": [[price(above), qty(1)], *payload["b"]]}


def revised(payload: Payload, listing: "Listing") -> Payload:
    """The closed candle with another close."""
    price = texts(listing)[0]
    candle: dict[str, Any] = dict(payload["k"])
    close = listing.to_ticks(candle["c"]) + REVISED_TICKS
    candle["c"] = price(close)
    candle["h"] = price(max(close, listing.to_ticks(candle["h"])))
    return {**payload, "k": candle}
