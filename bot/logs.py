"""Logging: one line an event on standard error, with every secret blotted out."""

from __future__ import annotations

import logging

import discord


class RedactingFormatter(logging.Formatter):
    """Formats a record, traceback included, and then removes the secrets from the text."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text without secrets."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def configure(level: str, *secrets: str) -> None:
    """Log to standard error from ``level`` on; discord.py's own chatter from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    if level != "DEBUG":
        logging.getLogger("discord").setLevel(logging.WARNING)
    # discord.py warns that it cannot speak in voice channels. We never do.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    logging.captureWarnings(capture=True)
