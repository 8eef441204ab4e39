"""The one error tree.

ChebaoError
├── InputRefused   what the customer typed cannot be taken as it is; the message says what to send instead
├── RuleForbids    well-formed, but a rule of law, product or process stands against it
├── NotFound       no such object, or not this customer's: the two look the same on purpose
├── LoginNeeded    nobody whom we know asks, or what should prove him does not hold
├── Forbidden      we know who asks, and it is not his to do
├── Conflict       the same idempotency key came with another body, or the object moved on meanwhile
├── Locked         too many wrong tries; try again later
└── Unavailable    another service did not answer in time; trying again may help

Everything else that is raised is a bug. `message` is Chinese and may be shown to the customer; `code` is for programs.
"""

from __future__ import annotations

from typing import Any


class ChebaoError(Exception):
    """Base of all expected errors.

    Args:
        message: Chinese sentence that a customer may read.
        code: stable machine name, e.g. ``no_branch``.
        detail: further data for programs, e.g. ``{"tries_left": 3}``.
    """

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, detail: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.detail = detail or {}


class InputRefused(ChebaoError):
    code = "input_refused"


class RuleForbids(ChebaoError):
    code = "rule_forbids"


class NotFound(ChebaoError):
    code = "not_found"


class LoginNeeded(ChebaoError):
    code = "unauthorized"


class Forbidden(ChebaoError):
    code = "forbidden"


class Conflict(ChebaoError):
    code = "conflict"


class Locked(ChebaoError):
    code = "locked"


class Unavailable(ChebaoError):
    code = "unavailable"
