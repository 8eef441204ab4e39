"""Import stub; see `tensorflow`."""

from tensorflow import __getattr__  # noqa: F401
