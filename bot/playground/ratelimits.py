"""Rate limits as Discord counts them, and faults that a test can order."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

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
MAJOR_PARAMETERS = ("channel", "guild", "application", "token")
"""Each value of these has a bucket of its own."""
BUCKETS = 10_000


@dataclass
class Bucket:
    """How much of a limit is used up in the running window."""

    started: float
    used: int = 0


@dataclass
class Fault:
    """What the next requests to a route get instead of an answer."""

    method: str
    path: str
    status: int
    times: int
    retry_after: float
    everywhere: bool


@dataclass(frozen=True)
class Verdict:
    """What the limits say to one request."""

    headers: Mapping[str, str]
    status: int | None = None
    """None: the request may pass."""
    body: Json | None = None


class RateLimits:
    """Counts every request; fixed windows that begin with their first request."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, ...], Bucket] = OrderedDict()
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
        self._faults.append(Fault(method, path, status, times, retry_after, everywhere))

    def judge(self, method: str, template: str, path: str, parameters: Mapping[str, str]) -> Verdict:
        """Count a request and say whether it may pass."""
        for fault in self._faults:
            if fault.method == method and fnmatchcase(path, fault.path):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return self._fault(fault)
        route = f"{method} {template}"
        if route == UNLIMITED:
            return Verdict({})
        if not template.startswith("/webhooks"):
            most, window = GLOBAL
            _, wait = self._count(("global",), most, window)
            if wait:
                return _limited({"X-RateLimit-Global": "true"}, wait, scope="global")
        most, window = LIMITS.get(route, DEFAULT)
        major = [parameters[name] for name in MAJOR_PARAMETERS if name in parameters]
        bucket, wait = self._count((route, *major), most, window)
        reset_after = bucket.started + window - self._clock()
        headers = {
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(max(0, most - bucket.used)),
            "X-RateLimit-Reset": f"{bucket.started + window:.3f}",
            "X-RateLimit-Reset-After": f"{reset_after:.3f}",
            "X-RateLimit-Bucket": hashlib.blake2s(route.encode(), digest_size=16).hexdigest(),
        }
        return _limited(headers, wait, scope="user") if wait else Verdict(headers)

    def _count(self, key: tuple[str, ...], most: int, window: float) -> tuple[Bucket, float]:
        """Count one more request; return the bucket, and the seconds to wait if it was one too many."""
        now = self._clock()
        bucket = self._buckets.get(key)
        if bucket is None or now >= bucket.started + window:
            bucket = self._buckets[key] = Bucket(now)
        self._buckets.move_to_end(key)
        while len(self._buckets) > BUCKETS:
            self._buckets.popitem(last=False)
        if bucket.used >= most:
            return bucket, bucket.started + window - now
        bucket.used += 1
        return bucket, 0.0

    def _fault(self, fault: Fault) -> Verdict:
        if fault.status == 429:
            headers = {"X-RateLimit-Global": "true"} if fault.everywhere else {}
            return _limited(headers, fault.retry_after, scope="global" if fault.everywhere else "shared")
        return Verdict({}, fault.status, {"message": f"{fault.status}: ordered by a test", "code": 0})


def _limited(headers: Mapping[str, str], wait: float, *, scope: str) -> Verdict:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(wait, 3),
        "global": scope == "global",
    }
    more = {"Retry-After": str(max(1, round(wait))), "X-RateLimit-Scope": scope}
    return Verdict({**headers, **more}, 429, body)
