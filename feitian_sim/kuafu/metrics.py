"""What is measured of calls."""

from __future__ import annotations

import numpy as np

from feitian_sim.kernel.metric import Measured, Metric, Tables

_METHOD = "kuafu.method"
_CONNECTIONS = ("kuafu.connections", "kuafu.connections_counted")


def _sum(tables: Tables, column: str) -> float:
    return float(np.sum(tables.column(_METHOD, column))) if tables.count(_METHOD) else 0.0


def calls(tables: Tables) -> Measured:
    """Calls made."""
    return _sum(tables, "calls")


def failed(tables: Tables) -> Measured:
    """Calls that ended without a reply."""
    return _sum(tables, "failed")


def latency_s(tables: Tables) -> Measured:
    """Mean seconds from call to reply."""
    answered = _sum(tables, "answered")
    return _sum(tables, "latency_s") / answered if answered else None


def sent_bytes(tables: Tables) -> Measured:
    """Bytes of requests and notes."""
    return _sum(tables, "sent_bytes")


def connections_max(tables: Tables) -> Measured:
    """Most connections open at a sample, or those that were counted where nothing was sent."""
    samples = np.concatenate([tables.column(kind, "total") for kind in _CONNECTIONS])
    return float(np.max(samples)) if len(samples) else None


def connections_per_machine_max(tables: Tables) -> Measured:
    """Most connections of one machine open at a sample."""
    samples = np.concatenate([tables.column(kind, "most") for kind in _CONNECTIONS])
    return float(np.max(samples)) if len(samples) else None


METRICS: tuple[Metric, ...] = (
    Metric("kuafu.calls_count", "", "Calls made, of every method (kuafu.method).", calls),
    Metric(
        "kuafu.calls_failed_count",
        "",
        "Calls that ended without a reply: deadline, refused, reset, denied, too large, or an error in words.",
        failed,
    ),
    Metric("kuafu.call_latency_s", "s", "Mean time from call to reply, over the calls that were answered.", latency_s),
    Metric("kuafu.sent_bytes", "B", "Bytes of all requests and notes that left their senders.", sent_bytes),
    Metric(
        "kuafu.connections_max_count",
        "",
        "Most connections between machines that were open at one sample (kuafu.connections), or that the calls of a "
        "counted load need (kuafu.connections_counted).",
        connections_max,
    ),
    Metric(
        "kuafu.machine_connections_max_count",
        "",
        "The same, of the machine that has most.",
        connections_per_machine_max,
    ),
)
