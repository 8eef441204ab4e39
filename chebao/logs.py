"""Log lines: one line of ``event key=value …`` in English, with personal data scrubbed at the root handlers."""

from __future__ import annotations

import logging
import re
import sys

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PERSONAL = (
    (re.compile(r"(?<!\d)\d{4,12}:[A-Za-z0-9_-]{16,}"), "[bot-token]"),
    (re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])"), "[id-card]"),
    (re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"), "[phone]"),
    (re.compile(r"(?<![0-9A-Za-z])\d{13,19}(?![0-9A-Za-z])"), "[number]"),
    (re.compile(rf"[{_PROVINCES}][A-Za-z][·. -]?[0-9A-Za-z]{{5,6}}"), "[plate]"),
    (re.compile(r"(?i)(bearer\s+|token=|[?&](?:s|ticket)=)[^\s&\"']+"), r"\1[secret]"),
)
_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r"})


def line(event: str, **fields: object) -> str:
    """One structured line: ``turn_failed conversation=ab12 reason=timeout``."""
    return " ".join([event, *(f"{name}={value}" for name, value in fields.items() if value is not None)])


def scrub(text: str) -> str:
    """The text without phone numbers, id cards, long numbers, plates and bearer tokens."""
    for pattern, word in _PERSONAL:
        text = pattern.sub(word, text)
    return text


class Redaction(logging.Formatter):
    """Formats a record on one line and scrubs the whole of it, the traceback too."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record)).translate(_BREAKS)


def configure(level: int = logging.INFO) -> None:
    """Makes one scrubbing handler the only handler of the root, and of the servers that bring their own."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Redaction("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in ("uvicorn.access", "httpx", "httpcore", "websockets", "telegram"):
        logging.getLogger(name).setLevel(logging.WARNING)
