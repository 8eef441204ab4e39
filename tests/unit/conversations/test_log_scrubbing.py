"""Nothing personal reaches a log."""

from __future__ import annotations

import logging

import pytest

from chebao.logs import Redaction, line, scrub


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("phone=13800000001 end", "phone=[phone] end"),
        ("+86 138-0000-0001", "[phone]"),
        ("id 330106199203145017 330106199203141X1", "id [id-card] 330106199203141X1"),
        ("id 11010519491231002X.", "id [id-card]."),
        ("card 6222021234567890123", "card [number]"),
        ("plate 京A12345 and 浙A·3K9P7", "plate [plate] and [plate]"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
        ("/file?e=1&s=abcdef", "/file?e=1&s=[secret]"),
        (
            '"WebSocket /api/desk/v1/socket?ticket=aB-_c" [accepted]',
            '"WebSocket /api/desk/v1/socket?ticket=[secret]" [accepted]',
        ),
        ("conversation=0f13800000001ab message=42", "conversation=0f13800000001ab message=42"),
    ],
)
def test_scrubbing(text: str, kept: str) -> None:
    assert scrub(text) == kept


def test_a_record_is_one_scrubbed_line_with_its_traceback() -> None:
    try:
        raise ValueError("call 13800000001\nnow")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, line("failed", a=1, b=None), (), None)
        record.exc_info = (ValueError, error, error.__traceback__)
    text = Redaction("%(levelname)s %(message)s").format(record)
    assert text.startswith("ERROR failed a=1\\nTraceback") and "[phone]" in text and "\n" not in text
