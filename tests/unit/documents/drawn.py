"""Licences drawn for the OCR."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from tests.unit.documents.test_licences import ROWS

FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")


def drawn_licence(folder: Path, rows: Mapping[str, str] = ROWS, title: str = "中华人民共和国机动车行驶证") -> Path:
    """A licence as a phone takes it: a little turned, on a dark table."""
    picture = Image.new("RGB", (1200, 800), (235, 240, 250))
    draw = ImageDraw.Draw(picture)
    draw.text((330, 30), title, font=ImageFont.truetype(FONT, 44), fill=(180, 30, 30))
    for number, (label, value) in enumerate(rows.items()):
        top = 120 + 62 * number
        draw.text((60, top), label, font=ImageFont.truetype(FONT, 26), fill=(40, 60, 160))
        draw.text((280, top), value, font=ImageFont.truetype(FONT, 34), fill=(20, 20, 20))
    path = folder / f"{title}.jpg"
    picture.rotate(2, expand=True, fillcolor=(90, 90, 80)).save(path)
    return path
