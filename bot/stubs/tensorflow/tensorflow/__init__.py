"""Import stub for TensorFlow: every name is a class that can be subclassed, used as a type and used as a decorator.

Rasa 3.6.21 imports TensorFlow at import time for components that our pipeline does not have. Real work with this stub is
refused: creating an instance of a stub class (a layer, a metric, a Keras model) raises `NotImplementedError`.
"""

from __future__ import annotations

import sys
import types
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec

__version__ = "2.12.0"


class _Meta(type):
    """Gives stub classes every attribute, and lets them pass as decorators and as plain function calls at import time."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _make(name)
        setattr(cls, name, made)
        return made

    def __len__(cls) -> int:
        """No devices, no anything: spaCy's thinc asks how many GPUs there are."""
        return 0

    def __bool__(cls) -> bool:
        return True

    def __call__(cls, *args: object, **kwargs: object) -> object:
        if not cls.__dict__.get("_is_stub", False):
            raise NotImplementedError(f"{cls.__name__} needs TensorFlow, which this environment leaves out on purpose")
        if len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, type)):
            return args[0]
        return cls


def _make(name: str) -> type:
    """A fresh stub class of that name."""
    return _Meta(name, (), {"_is_stub": True, "__init_subclass__": classmethod(lambda cls, **kwargs: None)})


class _Module(types.ModuleType):
    """A module that has every name."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _make(name)
        setattr(self, name, made)
        return made


class _Finder(MetaPathFinder, Loader):
    """Makes submodules such as ``tensorflow.keras.backend`` on import."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        root = fullname.split(".", 1)[0]
        if "." in fullname and root in ("tensorflow", "keras", "tensorflow_hub"):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        module.__path__ = []


def __getattr__(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    made = _make(name)
    globals()[name] = made
    return made


sys.meta_path.append(_Finder())
