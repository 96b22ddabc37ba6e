"""What the operator can see of the queue and the bot, in Prometheus' format (``bot/health.py`` serves it)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

WAITS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
RUNS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """All figures, in a registry of their own: several bots can live in one process, as in the tests."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.jobs = Counter(
            "neuralbot_jobs", "Jobs that have ended, by outcome", ["network", "outcome"], registry=registry
        )
        self.refusals = Counter(
            "neuralbot_refusals", "Requests that were not admitted, by reason", ["reason"], registry=registry
        )
        self.waiting = Gauge("neuralbot_waiting", "Jobs that wait", ["network"], registry=registry)
        self.running = Gauge("neuralbot_running", "Jobs on the device", ["network"], registry=registry)
        self.wait_seconds = Histogram(
            "neuralbot_wait_seconds",
            "From admission to the device",
            ["network"],
            buckets=WAITS,
            registry=registry,
        )
        self.run_seconds = Histogram(
            "neuralbot_run_seconds",
            "On the device, one job",
            ["network"],
            buckets=RUNS,
            registry=registry,
        )
        self.batch_size = Histogram(
            "neuralbot_batch_size",
            "Requests in a batch, or streams in a step",
            ["network"],
            buckets=SIZES,
            registry=registry,
        )
        self.restarts = Gauge("neuralbot_worker_restarts", "Workers that ended unasked", registry=registry)
        self.worker_ready = Gauge("neuralbot_worker_ready", "1 if a worker takes jobs", registry=registry)
        self.network_bytes = Gauge(
            "neuralbot_network_bytes", "Weights on the device", ["network"], registry=registry
        )
        self.device_bytes = Gauge(
            "neuralbot_device_bytes", "Memory of the device in use by the worker", registry=registry
        )
        self.acknowledged_seconds = Histogram(
            "neuralbot_acknowledged_seconds",
            "From the arrival of a command or click to its acknowledgement by Discord",
            buckets=LAGS,
            registry=registry,
        )
        self.loop_lag_seconds = Histogram(
            "neuralbot_event_loop_lag_seconds",
            "How late the event loop comes back to a task that sleeps",
            buckets=LAGS,
            registry=registry,
        )
        self.connected = Gauge("neuralbot_discord_connected", "1 if Discord is connected", registry=registry)
