"""What serving never uses is not imported: light stand-ins for packages and modules that Rasa imports for features not ours.

Only `python -m bot.run serve` calls `install`, before Rasa is imported; training, tests, the shell and the validator run on
the real packages. Rasa is frozen at 3.6.21, so the list cannot rot; on any other version nothing is left out. While modules
are imported a stand-in takes any name, decorates and can be subclassed; after `seal` every use of one raises `LeftOut`.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import version

import _distutils_hack

VERSION = "3.6.21"

NOT_SERVED = {
    "other channels": (
        *("aio_pika", "aiogram", "engineio", "fbmessenger", "mattermostwrapper", "prompt_toolkit", "questionary"),
        *("cachecontrol", "google", "rocketchat_API", "slack_sdk", "socketio", "twilio", "webexteamssdk"),
    ),
    "other stores and brokers": (
        "aiormq",
        "boto3",
        "botocore",
        "bson",
        "portalocker",
        "pymongo",
        "redis",
        "sqlalchemy",
    ),
    "training, tests and plots": (
        *("dask", "jinja2", "joblib", "matplotlib", "networkx", "scipy", "sklearn", "tqdm"),
        *(
            "rasa.core.test",
            "rasa.engine.training",
            "rasa.model_training",
            "rasa.nlu.test",
            "rasa.utils.plotting",
            "rasa.utils.tensorflow",
            "spacy.cli",
        ),
    ),
    "reports to others": ("requests", "rasa.telemetry", "sentry_sdk", "structlog_sentry"),
    "checks of what was checked in training": ("jsonschema", "pykwalify", "setuptools"),
    "the HTTP API and timers": ("apscheduler", "jwt", "sanic_cors", "sanic_jwt", "rasa.server"),
}
"""What is left out, by the reason for which Rasa imports it."""

_sealed = False


class LeftOut(Exception):
    """Something that serving leaves out was used after all."""


class _StandIn(type):
    """Classes that have every attribute, and pass as decorators and as plain calls while modules are imported."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _make(f"{cls.__name__}.{name}")
        setattr(cls, name, made)
        return made

    def __getitem__(cls, item: object) -> type:
        return cls

    def __call__(cls, *args: object, **kwargs: object) -> object:
        if _sealed or "_stand_in" not in cls.__dict__:
            raise LeftOut(f"{cls.__name__} is left out of serving, see bot/lean.py")
        if len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, type)):
            return args[0]
        return cls


def _make(name: str) -> type:
    """A stand-in of that name; an exception, so that it may also stand after ``except``."""
    return _StandIn(
        name, (Exception,), {"_stand_in": True, "__init_subclass__": classmethod(lambda cls, **kwargs: None)}
    )


class _Module(types.ModuleType):
    """A module that has every name."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _make(f"{self.__name__}.{name}")
        setattr(self, name, made)
        return made


class _Finder(MetaPathFinder, Loader):
    """Answers the imports of what is left out."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        parts = fullname.split(".")
        if any(".".join(parts[:length]) in self._names for length in range(1, len(parts) + 1)):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__path__ = []


def install() -> bool:
    """Leaves out what serving does not use; says whether it did."""
    if version("rasa") != VERSION:
        return False
    sys.modules["pkg_resources"] = None  # type: ignore[assignment]  # jieba takes its files without it where it is absent
    _distutils_hack.remove_shim()  # else `distutils` comes out of setuptools
    sys.meta_path.insert(0, _Finder([name for names in NOT_SERVED.values() for name in names]))
    return True


def seal() -> None:
    """From here on a stand-in that is called raises."""
    global _sealed
    _sealed = True
