"""How this Discord says no: the status, the code and the words that Discord itself uses."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""A JSON object, as it travels on the wire."""


class Refused(Exception):
    """A request of the bot that Discord would refuse; becomes the JSON error that Discord would send."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} (error code: {code}): {message}")
        self.status = status
        self.message = message
        self.payload: Json = {"message": message, "code": code}
        if errors:
            self.payload["errors"] = errors


class Declined(Exception):
    """Something that Discord's own client would not let a person do; the message is shown to the person."""


def unknown_message() -> Refused:
    """Refuse: the message never was, has been deleted, or may not be seen."""
    return Refused(404, 10008, "Unknown Message")


def too_large() -> Refused:
    """Refuse a file or a request that is over the limit."""
    return Refused(413, 40005, "Request entity too large")
