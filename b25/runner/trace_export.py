"""Hands traces to OpenTelemetry, from journals and beside everything: what does not export pays nothing for it.

Every trace is that of an order, and every order is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from b25.model.errors import Misuse, Retry
from b25.observe.redaction import shown
from b25.session.trace import Trace, span_id_of

SERVICE: Final = "b25"


def export(traces: Iterable[Trace], exporter: Any) -> int:
    """Hand traces over, each step a span below the order's; returns how many spans that were.

    Parameters
    ----------
    exporter : opentelemetry SpanExporter

    Raises
    ------
    Misuse
        When OpenTelemetry is not installed.
    Retry
        When they are not taken.
    """
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
    except ImportError:
        raise Misuse("OpenTelemetry is not installed", remedy="install opentelemetry-sdk") from None
    resource, count = Resource.create({"service.name": SERVICE}), 0
    for trace in traces:
        trace_number = int(trace.trace_id, 16)

        def context(name: str, number: int, trace: Trace = trace, trace_number: int = trace_number) -> SpanContext:
            span = int(span_id_of(trace.trace_id, name, number), 16)
            return SpanContext(trace_number, span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

        root, began_ns = context("order", 0), trace.steps[0].at_ns
        status = Status(StatusCode.ERROR if trace.is_error else StatusCode.OK)
        about: dict[str, Any] = {
            "b25.session": trace.session,
            "b25.epoch": trace.epoch,
            "b25.seq": trace.seq,
            "b25.symbol": trace.symbol,
        }
        spans = [
            ReadableSpan(
                name="order", context=root, resource=resource, kind=SpanKind.INTERNAL, status=status,
                attributes={**about, "b25.order_id": trace.order_id}, start_time=began_ns,
                end_time=max(step.at_ns for step in trace.steps),
            )
        ]  # fmt: skip
        before_ns = began_ns
        for number, step in enumerate(trace.steps):
            spans.append(
                ReadableSpan(
                    name=step.name, context=context(step.name, number + 1), parent=root, resource=resource, status=status,
                    kind=SpanKind.INTERNAL, attributes=_attributes(step.facts), start_time=min(before_ns, step.at_ns),
                    end_time=step.at_ns,
                )
            )  # fmt: skip
            before_ns = step.at_ns
        if getattr(exporter.export(spans), "name", "SUCCESS") != "SUCCESS":
            raise Retry("the collector did not take the spans", remedy="see that it runs, and ask again: they are in the journal")
        count += len(spans)
    return count


def _attributes(facts: Any) -> dict[str, Any]:
    """Facts as a span may bear them: plain values, no secrets."""
    told = {}
    for name, value in facts.items():
        clean = shown(str(name), value)
        told[f"b25.{name}"] = clean if isinstance(clean, str | bool | int | float) else str(clean)
    return told
