"""What a customer's file is, by its content: pictures come back upright, re-encoded and bare, with what we saw in them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from chebao.errors import InputRefused

MAX_BYTES = 10 * 1024 * 1024
_MAX_PIXELS = 64_000_000
_MAX_SIDE = 4096
_THUMBNAIL = (480, 480)
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")

# Pillow's own bomb check only warns up to twice its limit; `_picture` refuses by the header before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

UNSUPPORTED = "只支持 JPG、PNG、WebP 图片和 PDF 文件。"


Flaw = Literal["blurred", "dark"]

_LOOK_AT: Final = 512
_SHARP_EDGE: Final = 30
"""Grey levels between neighbours: a picture in focus has some such edges, whatever it shows."""
_CONTENT: Final = 6
"""Spread of grey levels under which a picture shows a bare surface, which has no edges even in focus."""
_DARK_MEAN, _DARK_LIGHTS = 28, 80


@dataclass(frozen=True)
class Judged:
    """A file's clean bytes and what they are.

    Attributes:
        place: where it was taken, ``{"latitude", "longitude"}`` in WGS-84 degrees, from the EXIF data that the bytes no longer hold.
        flaw: why little can be seen on it, if so.
    """

    content: bytes
    content_type: str
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None
    place: dict[str, float] | None = None
    flaw: Flaw | None = None


def judge(raw: bytes) -> Judged:
    """What the bytes are, whatever their name says; pictures come back upright, re-encoded, without EXIF.

    Raises:
        InputRefused: code ``empty_file``, ``file_too_large``, ``unsupported_type`` or ``broken_file``.
    """
    if not raw:
        raise InputRefused("文件是空的，请重新选择。", code="empty_file")
    if len(raw) > MAX_BYTES:
        raise InputRefused("文件超过 10 MB，请压缩后再发送。", code="file_too_large")
    if raw[:5] == b"%PDF-":
        if b"%%EOF" not in raw[-2048:]:
            raise InputRefused("这个 PDF 文件不完整，请重新导出后再发送。", code="broken_file")
        return Judged(raw, "application/pdf")
    if raw[4:8] == b"ftyp" and raw[8:12] in _HEIF_BRANDS:
        raise InputRefused(
            "暂不支持 HEIC 照片，请在手机相机设置里选“兼容性最佳”，或另存为 JPG 后发送。", code="unsupported_type"
        )
    return _picture(raw)


def _picture(raw: bytes) -> Judged:
    try:
        with Image.open(io.BytesIO(raw), formats=list(_FORMATS)) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise InputRefused("图片尺寸太大，请缩小后再发送。", code="file_too_large")
            content_type = _FORMATS[str(opened.format)]
            place = _place(opened.getexif())
            upright = ImageOps.exif_transpose(opened)
            upright.load()
    except UnidentifiedImageError:
        raise InputRefused(UNSUPPORTED, code="unsupported_type") from None
    except InputRefused:
        raise
    except Exception:
        # Pillow has no one error for hostile bytes: bad EXIF alone raises struct.error and TypeError.
        raise InputRefused("图片已损坏，无法打开，请重新拍摄或选择。", code="broken_file") from None
    upright.thumbnail((_MAX_SIDE, _MAX_SIDE))
    clean = _encode(upright, content_type)
    small = upright.copy()
    small.thumbnail(_THUMBNAIL)
    return Judged(
        clean, content_type, upright.width, upright.height, _encode(small, "image/jpeg"), place, flaw_of(upright)
    )


def _place(exif: Image.Exif) -> dict[str, float] | None:
    """The position in EXIF data; None where there is none, or one that cannot be."""
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    try:
        latitude = _degrees(gps[2]) * (-1 if gps.get(1) == "S" else 1)
        longitude = _degrees(gps[4]) * (-1 if gps.get(3) == "W" else 1)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
        return None
    return {"latitude": round(latitude, 6), "longitude": round(longitude, 6)}


def _degrees(parts: tuple[float, float, float]) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600


def flaw_of(picture: Image.Image) -> Flaw | None:
    """Whether a picture is too dark or too blurred to show a damage; None where it will do."""
    small = picture.convert("L")
    small.thumbnail((_LOOK_AT, _LOOK_AT))
    grey = np.asarray(small, dtype=np.float32)
    if min(grey.shape) < 8:
        return None
    if grey.mean() < _DARK_MEAN and np.percentile(grey, 99) < _DARK_LIGHTS:
        return "dark"
    edges = np.concatenate([np.abs(np.diff(grey, axis=0)).ravel(), np.abs(np.diff(grey, axis=1)).ravel()])
    return "blurred" if grey.std() > _CONTENT and np.percentile(edges, 99.9) < _SHARP_EDGE else None


def _encode(picture: Image.Image, content_type: str) -> bytes:
    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    if picture.mode == "P":
        bare = picture.convert("RGBA")
        bare.info.clear()
    if content_type == "image/jpeg" and bare.mode != "RGB":
        bare = bare.convert("RGB")
    out = io.BytesIO()
    kind = next(name for name, known in _FORMATS.items() if known == content_type)
    bare.save(out, kind, quality=88)
    return out.getvalue()
