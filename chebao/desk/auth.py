"""Passwords (argon2id) and one-time codes (TOTP) of agents."""

from __future__ import annotations

from functools import cache

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp.exceptions import OTPVerificationError

from chebao.errors import InputRefused

LEAST_LETTERS = 10
_MOST_LETTERS = 200
_STEPS_LATE = 1
"""Steps of 30 seconds that the clock of a phone may be wrong by."""

_HASHER = PasswordHasher()  # argon2id with the parameters of RFC 9106 for small machines: 64 MiB, 3 rounds, 4 lanes


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this one")


def hash_password(password: str) -> str:
    """The password as it is stored. Takes some 50 ms of a core: call it in a thread where a loop runs."""
    return _HASHER.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Whether it is the password; takes as long where there is none to compare with (`stored` None)."""
    try:
        return _HASHER.verify(stored or _nobodys(), password[:_MOST_LETTERS]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def check_new(password: str, name: str) -> None:
    """Refuses passwords that are too short, too long or the user's own name.

    Raises:
        InputRefused: with the reason in Chinese.
    """
    if not LEAST_LETTERS <= len(password) <= _MOST_LETTERS:
        raise InputRefused(f"密码至少 {LEAST_LETTERS} 位。", code="weak_password")
    if name.lower() in password.lower() or len(set(password)) < 4:
        raise InputRefused("密码太容易猜到，请换一个。", code="weak_password")


def new_totp() -> str:
    """A new secret for an authenticator app, base32."""
    return pyotp.random_base32()


def totp_uri(secret: str, name: str, company: str) -> str:
    """What an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=company)


def totp_qr(uri: str) -> str:
    """The QR code as the address of an image, drawn here: the secret goes to no other service."""
    return segno.make(uri, error="m").svg_data_uri(scale=4, border=4, light="#fff")


def totp_step(secret: str, code: str, *, after: int | None) -> int | None:
    """The time step whose code this is; None for a wrong one, and for one of a step that was used already.

    Args:
        after: the last step that was used (RFC 6238, 5.2: a code counts once).
    """
    try:
        step = pyotp.TOTP(secret).verify_and_get_timecode(code.strip(), valid_window=_STEPS_LATE)
    except OTPVerificationError:
        return None
    return step if after is None or step > after else None
