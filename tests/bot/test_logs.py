"""No secret reaches the log, not even inside a traceback."""

from __future__ import annotations

import logging
import sys

from bot.logs import RedactingFormatter


def test_secrets_are_blotted_out_everywhere() -> None:
    formatter = RedactingFormatter(("hunter2", ""))
    try:
        raise ValueError("the token is hunter2")
    except ValueError:
        record = logging.LogRecord(
            "test", logging.ERROR, __file__, 1, "login with %s failed", ("hunter2",), sys.exc_info()
        )
    text = formatter.format(record)
    assert "hunter2" not in text
    assert text.count("[secret]") >= 2
