"""The account's menu: `menu.json` holds it with its Chinese labels; ``intent:NAME`` keys start a dialogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("menu.json")


def load(file: Path = FILE) -> dict[str, Any]:
    """A menu as WeChat takes it.

    Raises:
        ValueError: not a JSON object.
    """
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def labels(menu: dict[str, Any]) -> dict[str, str]:
    """Key → label of every item that can be pressed."""
    items = [i for top in menu.get("button", []) for i in (top, *top.get("sub_button", []))]
    return {i["key"]: i["name"] for i in items if "key" in i}


def problem(menu: dict[str, Any]) -> str | None:
    """What WeChat would not take of a menu; None for one that is fine."""
    top = menu.get("button")
    if not isinstance(top, list) or not 1 <= len(top) <= 3:
        return "one to three top buttons are needed"
    for button in top:
        inside = button.get("sub_button", [])
        if len(inside) > 5:
            return f"{button.get('name')}: at most five items"
        for item in inside or [button]:
            if not item.get("name") or len(item["name"].encode()) > (60 if inside else 16):
                return f"{item.get('name')}: the name is missing or too long"
            if item.get("type") == "click" and len(item.get("key", "").encode()) not in range(1, 129):
                return f"{item['name']}: a key of 1 to 128 bytes is needed"
    return None
