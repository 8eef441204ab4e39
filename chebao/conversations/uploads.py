"""Files that customers send: judged by content, pictures re-encoded without their metadata, stored under their hash."""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from chebao.conversations.tables import uploads
from chebao.errors import InputRefused, NotFound

MAX_BYTES = 10 * 1024 * 1024
PER_DAY = 60
_MAX_PIXELS = 64_000_000
_MAX_SIDE = 4096
_THUMBNAIL = (480, 480)
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_SUFFIX = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")

# Pillow's own bomb check only warns up to twice its limit; `_picture` refuses by the header before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

UNSUPPORTED = "只支持 JPG、PNG、WebP 图片和 PDF 文件。"


@dataclass(frozen=True)
class Upload:
    """A stored file; width and height are those of the stored picture, None for a PDF."""

    id: str
    conversation_id: str
    sha256: str
    content_type: str
    bytes: int
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Judged:
    """A file's clean bytes and what they are."""

    content: bytes
    content_type: str
    width: int | None = None
    height: int | None = None
    thumbnail: bytes | None = None


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
    return Judged(clean, content_type, upright.width, upright.height, _encode(small, "image/jpeg"))


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


class Uploads:
    """The store: bytes in the data directory under their hash, one row for each time a customer sent them."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self._engine, self._folder = engine, folder

    async def add(self, conversation_id: str, judged: Judged) -> Upload:
        """Keeps a judged file for a conversation.

        Raises:
            InputRefused: code ``too_many_files``, beyond `PER_DAY` of one conversation.
        """
        today = uploads.c.created_at > func.now() - text("interval '1 day'")
        count = select(func.count()).where(uploads.c.conversation_id == conversation_id, today)
        async with self._engine.connect() as connection:
            if (await connection.execute(count)).scalar_one() >= PER_DAY:
                raise InputRefused("今天上传的文件太多了，请明天再传，或转人工处理。", code="too_many_files")
        digest = hashlib.sha256(judged.content).hexdigest()
        upload = Upload(
            uuid4().hex, conversation_id, digest, judged.content_type, len(judged.content), judged.width, judged.height
        )
        await asyncio.to_thread(_write, self._path(upload), judged.content)
        if judged.thumbnail:
            await asyncio.to_thread(_write, self._path(upload, thumbnail=True), judged.thumbnail)
        async with self._engine.begin() as connection:
            await connection.execute(insert(uploads).values(**upload.__dict__))
        return upload

    async def get(self, upload_id: str, *, conversation_id: str | None = None) -> Upload:
        """The file's row.

        Args:
            conversation_id: only when it belongs to this conversation.

        Raises:
            NotFound: unknown, or another conversation's.
        """
        wanted = select(*(uploads.c[name] for name in Upload.__dataclass_fields__)).where(uploads.c.id == upload_id)
        if conversation_id is not None:
            wanted = wanted.where(uploads.c.conversation_id == conversation_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            raise NotFound("没有找到这个文件。")
        return Upload(**row._mapping)

    def path(self, upload: Upload, *, thumbnail: bool = False) -> Path:
        """Where the bytes are; a PDF has no thumbnail.

        Raises:
            NotFound: the bytes are gone, or there is no thumbnail.
        """
        path = self._path(upload, thumbnail=thumbnail)
        if not path.is_file():
            raise NotFound("没有找到这个文件。")
        return path

    def _path(self, upload: Upload, *, thumbnail: bool = False) -> Path:
        name = f"{upload.sha256}.thumb.jpg" if thumbnail else f"{upload.sha256}.{_SUFFIX[upload.content_type]}"
        return self._folder / upload.sha256[:2] / name


def _write(path: Path, content: bytes) -> None:
    """Writes whole or not at all, once per hash."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    part.write_bytes(content)
    part.replace(path)
