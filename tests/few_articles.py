"""A small set of the real articles, so that learning takes a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

ARTICLES = Path(__file__).resolve().parents[1] / "data" / "articles"
TOPICS = ("cover_glass", "cover_scratch", "surrender", "renewal_howto", "liability_split", "roadside_benefits")


def copy_few(path: Path) -> Path:
    """Copies them with some of their phrasings."""
    for topic in TOPICS:
        shutil.copy(ARTICLES / f"{topic}.md", path)
    phrasings = yaml.load((ARTICLES / "phrasings.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    kept = {topic: phrasings[topic][:20] for topic in TOPICS}
    (path / "phrasings.yml").write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    shutil.copy(ARTICLES / "weighing.json", path)
    return path
