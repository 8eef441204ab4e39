"""What customers and agents ask at once is worked on in small pieces: nobody waits for another one's request."""

from __future__ import annotations

import asyncio
import gc
import io
import random

import httpx
from PIL import Image

from benchmarks.loop_watch import LIMIT_MS, Watch
from tests.contract.desk.site import Person, Site
from tests.fakes.rasa import FakeRasa

_PAGES = ("/state", "/conversations", "/tickets", "/surveys", "/wall", "/canned", "/hours", "/agents")
_TEXTS = ("你好", "我要报案", "京A12345", "昨天下午三点在朝阳路被追尾了，对方全责。" * 200)


async def test_no_work_on_the_event_loop_takes_more_than_5_ms(site: Site, rasa: FakeRasa) -> None:
    photo, watch = _photo(), Watch()
    person = await site.person("claims", "general", role="supervisor")
    async with httpx.AsyncClient(base_url=site.base, timeout=60, headers={"Authorization": "Bearer demo"}) as http:
        with watch.installed():
            await _all(http, person, photo, customers=1)  # what is built lazily is built now
            gc.collect()
            gc.freeze()  # as the app does when it is built; the test run's own objects are many
            await asyncio.sleep(0)  # what was done just now is not to count
            watch.begin()
            await _all(http, person, photo, customers=24)
    gc.unfreeze()
    report = watch.report()
    assert report["callbacks"] > 3_000, report
    # A busy machine's cold caches, and the collector's pause among a test run's objects, make single ones look longer.
    assert report["p999_ms"] < LIMIT_MS and report["max_ms"] < 3 * LIMIT_MS, report


async def _all(http: httpx.AsyncClient, person: Person, photo: bytes, customers: int) -> None:
    async def customer(number: int) -> None:
        for text in _TEXTS:
            await http.post("/webhooks/rest/webhook", json={"sender": f"{customers}-{number}", "message": text})

    async def agent() -> None:
        await person.login()
        for path in _PAGES:
            await person.get(path)

    async def sender_of_photos() -> None:
        session = (await http.post("/api/web/sessions")).json()["token"]
        files = {"file": ("a.jpg", photo, "image/jpeg")}
        sent = await http.post("/api/web/uploads", files=files, headers={"Authorization": f"Bearer {session}"})
        assert sent.status_code == 201, sent.text

    await asyncio.gather(agent(), sender_of_photos(), *(customer(number) for number in range(customers)))


def _photo() -> bytes:
    """As large as a phone takes them."""
    content = io.BytesIO()
    Image.frombytes("RGB", (750, 500), random.randbytes(750 * 500 * 3)).resize((3000, 2000)).save(content, "JPEG")
    return content.getvalue()
