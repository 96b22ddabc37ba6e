"""The bot process never imports torch: start-up stays fast and the gateway's heartbeat cannot be held up."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib, pkgutil, sys
import bot.__main__, cogs
for module in pkgutil.iter_modules(cogs.__path__, "cogs."):
    importlib.import_module(module.name)
heavy = {"torch", "transformers", "models"} & set(sys.modules)
assert not heavy, heavy
"""


def test_the_bot_process_never_imports_torch() -> None:
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
