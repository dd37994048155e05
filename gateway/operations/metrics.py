"""What this process counts and measures, in a registry of its own; no label ever holds a person's name or address."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """Counters and latencies since this process started; the gauges are set when somebody looks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._taken = self._counter("taken", "Deliveries acknowledged.", "connector", "account")
        self._duplicates = self._counter(
            "duplicates", "Deliveries that were here already.", "connector", "account"
        )
        self._take = self._histogram("take_seconds", "From a delivery to its durable ledger row.")
        self._handle = self._histogram("handle_seconds", "From a ledger row to its committed turn.")
        self._send = self._histogram("send_seconds", "What a channel took to accept a message.", "connector")
        self._sent = self._counter("sends", "Tries to send, by how they ended.", "connector", "outcome")
        self._gauges: dict[str, Gauge] = {}
        # Finding a counter by its labels costs more than counting.
        self._taken_of, self._duplicates_of = cache(self._taken.labels), cache(self._duplicates.labels)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"deskgate_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"deskgate_{name}", text, labels, registry=self.registry, buckets=_SECONDS)

    def took(self, connector: str, account: str, duplicate: bool) -> None:
        self._taken_of(connector, account).inc()
        if duplicate:
            self._duplicates_of(connector, account).inc()

    def take_lasted(self, seconds: float) -> None:
        self._take.observe(seconds)

    def handled(self, seconds: float) -> None:
        self._handle.observe(max(0.0, seconds))

    def sent(self, connector: str, outcome: str, seconds: float) -> None:
        """outcome: "sent", "retry", "failed" or "uncertain"."""
        self._sent.labels(connector, outcome).inc()
        self._send.labels(connector).observe(seconds)

    def set(self, name: str, text: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Sets a gauge, made at its first use."""
        labels = labels or {}
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"deskgate_{name}", text, tuple(labels), registry=self.registry)
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def text(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self.registry)
