"""No secret reaches the log, not even inside a traceback."""

from __future__ import annotations

import json
import logging
import sys
from typing import Literal

import pytest

from bot.logs import RedactingFormatter


@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_are_blotted_out_everywhere(style: Literal["text", "json"]) -> None:
    formatter = RedactingFormatter(style, ("hunter2", ""))
    try:
        raise ValueError("the token is hunter2")
    except ValueError:
        record = logging.LogRecord(
            "test", logging.ERROR, __file__, 1, "login with %s failed", ("hunter2",), sys.exc_info()
        )
    text = formatter.format(record)
    assert "hunter2" not in text
    assert text.count("[secret]") >= 2


def test_a_job_s_code_stands_behind_the_words_or_in_a_field() -> None:
    record = logging.makeLogRecord(
        {"msg": "job %s", "args": ("ended",), "levelname": "INFO", "job": "art-7K3F"}
    )
    assert RedactingFormatter("text", ()).format(record).endswith("job ended job=art-7K3F")
    fields = json.loads(RedactingFormatter("json", ()).format(record))
    assert (fields["message"], fields["job"]) == ("job ended", "art-7K3F")
