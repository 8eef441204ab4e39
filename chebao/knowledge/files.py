"""Arrays on disk that can always be made again: a damaged or missing file is simply not there."""

from __future__ import annotations

import logging
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

logger = logging.getLogger(__name__)


def read_arrays(path: Path) -> Arrays | None:
    """The arrays of an .npz file, or None where it is missing or damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        logger.warning("cache file %s is damaged and is made anew", path.name)
        return None


def shared_array(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """The same array out of a file: of it the kernel keeps only what is in use, once for all processes."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            with fresh.open("wb") as file:
                np.save(file, array, allow_pickle=False)
            fresh.replace(path)
        shared = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        logger.warning("cache file %s cannot be written or is damaged, and is not used", path.name)
        return array
    return shared if (shared.shape, shared.dtype) == (array.shape, array.dtype) else array


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Writes beside and renames, so that a second process never reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with fresh.open("wb") as file:
        np.savez(file, allow_pickle=False, **dict(arrays))
    fresh.replace(path)
