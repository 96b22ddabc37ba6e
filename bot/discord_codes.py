"""Discord's codes for errors that the bot can do something about."""

from __future__ import annotations

UNKNOWN_MESSAGE = 10008
"""Somebody has deleted the message meanwhile."""
UNKNOWN_WEBHOOK = 10015
"""The interaction was not acknowledged, or its token has died."""
UNKNOWN_INTERACTION = 10062
"""The interaction was not acknowledged within 3 seconds, or its token has died."""
INVALID_TOKEN = 50027
"""The interaction's token has died."""
ALREADY_ACKNOWLEDGED = 40060
"""The interaction has been acknowledged before, perhaps by an attempt whose reply was lost."""

TOKEN_DIED = (UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_TOKEN)
"""Discord knows nothing of the interaction any more."""
