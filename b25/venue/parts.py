"""What the loop asks of the simulated venue, as code called by its address: compiled once, and not again with its callers."""

from b25.kernels.address import calls, record_at
from b25.kernels.jit import late_kernel
from b25.model.instrument import INSTRUMENT
from b25.model.world import FEES
from b25.venue.arrival import handle_request
from b25.venue.records import LATENCY, REQUEST, VENUE
from b25.venue.replay import replay_rows

REPLAY = "int64(uintp, uintp, uintp, uintp, int64, int64)"
REQUESTED = "void(uintp, uintp, uintp, uintp, uintp)"


@late_kernel(REPLAY)
def replay_part(venue, instrument, fees, latency, until_ns, rows_max):
    """Replay rows up to a time; see `replay_rows`."""
    return replay_rows(
        record_at(venue, VENUE),
        record_at(instrument, INSTRUMENT),
        record_at(fees, FEES),
        record_at(latency, LATENCY),
        until_ns,
        rows_max,
    )


@late_kernel(REQUESTED)
def request_part(venue, instrument, fees, latency, request):
    """Answer one request; see `handle_request`."""
    handle_request(
        record_at(venue, VENUE),
        record_at(instrument, INSTRUMENT),
        record_at(fees, FEES),
        record_at(latency, LATENCY),
        record_at(request, REQUEST),
    )


call_replay = calls(REPLAY, otherwise=replay_part)
call_request = calls(REQUESTED, otherwise=request_part)
