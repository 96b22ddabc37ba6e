"""Logging: one line an event on standard error, with every secret blotted out.

What belongs to an event, such as a job's code, is given as ``extra`` and stands behind the words as
``key=value``, or as a field of its own in JSON. People's words are never logged.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Literal, TypeAlias

Style: TypeAlias = Literal["text", "json"]

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}
"""Attributes that every record has; all others were given as ``extra``."""


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, and then removes the secrets from the text."""

    def __init__(self, style: Style, secrets: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._json = style == "json"
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text without secrets."""
        text = self._as_json(record) if self._json else super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line itself, above a traceback."""
        line = super().formatMessage(record)
        return line + "".join(f" {key}={value}" for key, value in _extra(record).items())

    def _as_json(self, record: logging.LogRecord) -> str:
        fields = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str, ensure_ascii=False)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {key: value for key, value in vars(record).items() if key not in STANDARD}


def configure(level: str, style: Style, *secrets: str) -> None:
    """Log to standard error from ``level`` on; what others log from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(style, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # At DEBUG these would log what people have written: the statements of the database, Discord's events.
    for name in ("discord", "aiosqlite", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
