"""Files that the rules are read from: one that is missing or damaged is named in one line."""

from __future__ import annotations

import csv
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class DamagedFile(RuntimeError):
    """A file that belongs to the software cannot be used; the text names it, in English, for the operator."""


def csv_rows(path: Path, *columns: str) -> list[dict[str, str]]:
    """Rows of a CSV file; lines that begin with # are comments.

    Raises:
        DamagedFile: it is missing, no UTF-8, empty, or a row lacks a value of `columns`.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DamagedFile(f"{path}: {_reason(error)}") from error
    if not rows:
        raise DamagedFile(f"{path}: holds no row")
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values() or not all(row.get(column) for column in columns):
            raise DamagedFile(f"{path}: row {number} is damaged")
    return rows


def packaged_json(package: str, name: str) -> Any:
    """A JSON file that an installed package brings, without importing the package.

    Raises:
        DamagedFile: package or file is missing, or it is no JSON.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise DamagedFile(f"package {package} is not installed: run `make env`")
    path = Path(spec.origin).parent / name
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{path}: {_reason(error)}; run `make env`") from error


def _reason(error: Exception) -> str:
    return "not found" if isinstance(error, FileNotFoundError) else f"cannot be read ({type(error).__name__})"
