"""The end of a server's start: what was loaded stays, what loading has left over goes."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def settle() -> None:
    """Spares the garbage collector what stays for good, and gives the freed heap back to the system."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError, AttributeError):  # another libc than GNU's
        ctypes.CDLL("libc.so.6").malloc_trim(0)
