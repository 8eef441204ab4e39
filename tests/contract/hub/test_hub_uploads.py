"""Uploads: judged by content, cleaned, and open to their own conversation only."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from sqlalchemy import text

from chebao.conversations.api import Uploads, judge
from chebao.settings import Settings
from tests.contract.hub.running import Running

pytestmark = pytest.mark.asyncio

GPS = 0x8825


def photo(kind: str = "JPEG", size: tuple[int, int] = (1200, 800)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCameraMaker"
    exif.get_ifd(GPS)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, exif=exif)
    return out.getvalue()


async def session(app: Running) -> str:
    token: str = (await app.http.post("/api/web/sessions")).json()["token"]
    return token


async def send(app: Running, token: str, content: bytes, name: str = "a.jpg") -> httpx.Response:
    return await app.http.post(
        "/api/web/uploads", files={"file": (name, content)}, headers={"Authorization": f"Bearer {token}"}
    )


async def test_a_photo_is_turned_upright_cleaned_and_shown_small(app: Running) -> None:
    answer = await send(app, await session(app), photo())
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    assert (body["content_type"], body["width"], body["height"]) == ("image/jpeg", 800, 1200)
    whole = await app.http.get(body["url"], headers={"Authorization": ""})
    assert whole.status_code == 200 and whole.headers["content-type"] == "image/jpeg"
    assert "sandbox" in whole.headers["content-security-policy"]
    stored = Image.open(io.BytesIO(whole.content))
    assert stored.size == (800, 1200) and not stored.getexif() and b"SecretCameraMaker" not in whole.content
    small = Image.open(io.BytesIO((await app.http.get(body["thumbnail_url"])).content))
    assert max(small.size) == 480


async def test_the_same_picture_is_kept_once_under_its_hash_outside_the_database(
    app: Running, settings: Settings
) -> None:
    sent = [(await send(app, await session(app), photo())).json()["id"] for _ in range(2)]
    assert len(set(sent)) == 2, "each conversation has its own right to see it"
    [stored] = [path for path in (settings.data / "uploads").rglob("*.jpg") if ".thumb" not in path.name]
    assert stored.stem == hashlib.sha256(stored.read_bytes()).hexdigest()


async def test_where_a_picture_was_taken_is_forgotten_after_a_day_though_no_turn_saw_it(
    app: Running, settings: Settings
) -> None:
    judged = replace(judge(photo()), place={"latitude": 30.25, "longitude": 120.125})
    store = Uploads(app.hub.engine, settings.data / "uploads")
    old, new = [await store.add(uuid4().hex, judged) for _ in range(2)]
    async with app.hub.engine.begin() as connection:
        values = {"at": datetime.now(UTC) - timedelta(hours=25), "id": old.id}
        await connection.execute(text("UPDATE hub.uploads SET created_at = :at WHERE id = :id"), values)
    store = Uploads(app.hub.engine, settings.data / "uploads")
    await store.add(uuid4().hex, judged)
    assert [(await store.get(kept.id)).place for kept in (old, new)] == [None, judged.place]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_other_pictures_and_a_lying_name(app: Running, kind: str) -> None:
    answer = await send(app, await session(app), photo(kind, (50, 40)), name="virus.exe")
    assert answer.status_code == 201 and answer.json()["content_type"] == f"image/{kind.lower()}"


async def test_a_pdf_is_kept_as_it_is(app: Running) -> None:
    pdf = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
    body = (await send(app, await session(app), pdf, "policy.pdf")).json()
    assert body["content_type"] == "application/pdf" and body["width"] is None and body["thumbnail_url"] is None
    assert (await app.http.get(body["url"])).content == pdf


@pytest.mark.parametrize(
    ("content", "status", "word"),
    [
        (b"", 422, "空"),
        (b"MZ\x90\x00 not a picture", 415, "JPG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 415, "JPG"),
        (b"GIF89a" + b"\x00" * 40, 415, "JPG"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40, 415, "HEIC"),
        (photo()[:2000], 422, "损坏"),
        (b"%PDF-1.7 cut off", 422, "不完整"),
        (b"\xff" * (10 * 1024 * 1024 + 1), 413, "10 MB"),
        (b"\xff" * (11 * 1024 * 1024), 413, "10 MB"),
    ],
    ids=["empty", "exe", "svg", "gif", "heic", "cut", "cut-pdf", "a-byte-too-big", "far-too-big"],
)
async def test_bad_files_are_refused_in_chinese(app: Running, content: bytes, status: int, word: str) -> None:
    answer = await send(app, await session(app), content)
    assert answer.status_code == status and word in answer.json()["error"]["message"]


async def test_a_picture_bomb_is_refused(app: Running) -> None:
    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")
    answer = await send(app, await session(app), out.getvalue())
    assert answer.status_code == 413 and "尺寸" in answer.json()["error"]["message"]


async def test_a_conversation_cannot_fill_the_disk(app: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chebao.conversations.uploads.PER_DAY", 1)
    token = await session(app)
    assert (await send(app, token, photo())).status_code == 201
    again = await send(app, token, photo())
    assert again.status_code == 429 and "太多" in again.json()["error"]["message"]


async def test_only_the_own_conversation_sees_a_file(app: Running) -> None:
    mine, other = await session(app), await session(app)
    body = (await send(app, mine, photo())).json()
    path = f"/api/web/uploads/{body['id']}"

    async def status(url: str, token: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}" if token else ""}
        return (await app.http.get(url, headers=headers)).status_code

    assert await status(path, mine) == 200
    assert await status(path, other) == await status(path) == await status("/api/web/uploads/unknown", mine) == 404
    assert await status(body["url"].replace("&s=", "&s=A")) == 404
    assert await status(body["url"].replace("?e=", "?e=9")) == 404
    assert (await send(app, "forged", photo())).status_code == 401


async def test_a_photo_with_damaged_exif_is_refused_or_kept(app: Running) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "x" * 20
    exif.get_ifd(GPS)[1] = "N"
    out = io.BytesIO()
    Image.new("RGB", (60, 40)).save(out, "JPEG", exif=exif)
    token, whole = await session(app), out.getvalue()
    place = whole.index((0x0112).to_bytes(2, "big")) + 3
    for kind in (2, 5, 7, 12):  # the orientation is no short number, but text, a fraction …
        damaged = whole[:place] + bytes([kind]) + whole[place + 1 :]
        assert (await send(app, token, damaged)).status_code in (201, 422)
