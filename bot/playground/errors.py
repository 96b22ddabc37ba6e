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
        self.code = code
        self.message = message
        self.errors = errors

    @property
    def payload(self) -> Json:
        """The body of the answer."""
        body: Json = {"message": self.message, "code": self.code}
        if self.errors:
            body["errors"] = self.errors
        return body


class Declined(Exception):
    """Something that Discord's own client would not let a person do; the message is shown to the person."""


def unauthorized() -> Refused:
    """Refuse a request without the ``Authorization`` header."""
    return Refused(401, 0, "401: Unauthorized")


def unknown_channel() -> Refused:
    """Refuse: there is no such channel."""
    return Refused(404, 10003, "Unknown Channel")


def unknown_message() -> Refused:
    """Refuse: the message never was, has been deleted, or may not be seen."""
    return Refused(404, 10008, "Unknown Message")


def unknown_user() -> Refused:
    """Refuse: there is no such user."""
    return Refused(404, 10013, "Unknown User")


def too_large() -> Refused:
    """Refuse a file or a request that is over the limit."""
    return Refused(413, 40005, "Request entity too large")


def missing_access() -> Refused:
    """Refuse: the bot may not see the channel."""
    return Refused(403, 50001, "Missing Access")


def missing_permissions() -> Refused:
    """Refuse: the bot sees the channel but may not do this there."""
    return Refused(403, 50013, "Missing Permissions")
