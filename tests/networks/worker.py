"""The bot's own worker, with the test networks in its catalogue."""

from __future__ import annotations

import tests.networks  # noqa: F401 - adds them
from bot.inference.worker import main

if __name__ == "__main__":
    main()
