"""Rate limits as Discord counts them, and faults that a test can order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from bot.playground.errors import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GLOBAL = (50, 1.0)
"""All requests of the bot together, in number and seconds. Interactions do not count."""
DEFAULT = (50, 1.0)
LIMITS = {
    "POST /channels/{channel}/messages": (5, 5.0),
    "PATCH /channels/{channel}/messages/{message}": (5, 5.0),
    "DELETE /channels/{channel}/messages/{message}": (5, 1.0),
    "POST /channels/{channel}/typing": (5, 5.0),
    "POST /webhooks/{application}/{token}": (5, 2.0),
    "PATCH /webhooks/{application}/{token}/messages/{message}": (5, 5.0),
    "DELETE /webhooks/{application}/{token}/messages/{message}": (5, 2.0),
}
"""Requests and seconds. Discord does not publish these; they are what its headers are seen to say."""
UNLIMITED = "POST /interactions/{interaction}/{token}/callback"
MAJOR_PARAMETERS = ("channel", "application", "token")
"""Each value of these has a bucket of its own."""
BUCKETS = 10_000


class Limited(Exception):
    """A request does not pass: 429, or what a test has ordered."""

    def __init__(self, headers: Mapping[str, str], status: int, body: Json) -> None:
        super().__init__(status)
        self.headers = headers
        self.status = status
        self.body = body


@dataclass
class Bucket:
    """How much of a limit is used up in a window that began with its first request."""

    started: float
    used: int = 0


class Fault(NamedTuple):
    """What the next request to a route gets instead of an answer."""

    method: str
    path: str
    status: int
    retry_after: float
    everywhere: bool


class RateLimits:
    """Counts every request."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._faults: list[Fault] = []

    def fail_next(
        self,
        method: str,
        path: str,
        *,
        status: int = 429,
        times: int = 1,
        retry_after: float = 0.1,
        everywhere: bool = False,
    ) -> None:
        """Let the next requests fail, for tests.

        Args:
            method: the HTTP method.
            path: the path without ``/api/v10``; ``*`` stands for anything.
            status: what they get: 429, or an error of the server such as 500 or 503.
            times: how many of them.
            retry_after: seconds that a 429 asks to wait.
            everywhere: whether a 429 is the global one.
        """
        self._faults += [Fault(method, path, status, retry_after, everywhere)] * times

    def count(self, method: str, template: str, path: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Count a request, and return the headers for its answer; raises ``Limited`` for one too many."""
        for fault in self._faults:
            if fault.method == method and fnmatchcase(path, fault.path):
                self._faults.remove(fault)
                if fault.status == 429:
                    raise _too_many({}, fault.retry_after, "global" if fault.everywhere else "shared")
                body = {"message": f"{fault.status}: ordered by a test", "code": 0}
                raise Limited({}, fault.status, body)
        route = f"{method} {template}"
        if route == UNLIMITED:
            return {}
        if not template.startswith("/webhooks"):
            self._use(("global",), *GLOBAL, {}, "global")
        most, window = LIMITS.get(route, DEFAULT)
        major = [parameters[name] for name in MAJOR_PARAMETERS if name in parameters]
        name = hashlib.blake2s(route.encode(), digest_size=16).hexdigest()
        return self._use((route, *major), most, window, {"X-RateLimit-Bucket": name}, "user")

    def _use(
        self, key: tuple[str, ...], most: int, window: float, headers: dict[str, str], scope: str
    ) -> dict[str, str]:
        now = self._clock()
        bucket = self._buckets.pop(key, None)
        if bucket is None or now >= bucket.started + window:
            bucket = Bucket(now)
        self._buckets[key] = bucket  # the one used last stands last
        if len(self._buckets) > BUCKETS:
            del self._buckets[next(iter(self._buckets))]
        end = bucket.started + window
        headers = {
            **headers,
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(max(0, most - bucket.used - 1)),
            "X-RateLimit-Reset": f"{end:.3f}",
            "X-RateLimit-Reset-After": f"{end - now:.3f}",
        }
        if bucket.used >= most:
            raise _too_many(headers, end - now, scope)
        bucket.used += 1
        return headers


def _too_many(headers: Mapping[str, str], wait: float, scope: str) -> Limited:
    everywhere = scope == "global"
    body = {"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": everywhere}
    more = {"Retry-After": str(max(1, round(wait))), "X-RateLimit-Scope": scope}
    if everywhere:
        more["X-RateLimit-Global"] = "true"
    return Limited({**headers, **more}, 429, body)
