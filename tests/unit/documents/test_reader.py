"""The real OCR on a drawn licence: read once warm within seconds, harmless when the process is killed or asked nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from chebao.documents.reader import Reader
from tests.unit.documents.drawn import drawn_licence
from tests.unit.documents.test_licences import DRIVER, ROWS


@pytest.fixture
def licence(tmp_path: Path) -> Path:
    return drawn_licence(tmp_path)


async def test_a_photographed_licence_is_read_and_a_dead_process_replaced(licence: Path, tmp_path: Path) -> None:
    reader = Reader(patience=60)
    try:
        found = await reader.read(licence)
        assert (found["plate"], found["vin"]) == (ROWS["号牌号码"], ROWS["车辆识别代号"])
        assert (found["owner"], found["registered_on"]) == (ROWS["所有人"], ROWS["注册日期"])
        driver = await reader.read(drawn_licence(tmp_path, DRIVER, "中华人民共和国机动车驾驶证"))
        assert (driver["kind"], driver["name"], driver["classes"]) == ("driving_licence", "李敏", "C1")
        assert (driver["first_issued_on"], driver["valid_until"]) == ("2015-03-02", "2031-03-02")
        nonsense = tmp_path / "nonsense.jpg"
        nonsense.write_bytes(b"no picture")
        assert await reader.read(nonsense) == {}
        assert (await reader.read(licence))["plate"] == ROWS["号牌号码"]
    finally:
        await reader.stop()


async def test_a_slow_reading_ends_in_time(licence: Path) -> None:
    reader = Reader(patience=0.05)
    assert await reader.read(licence) == {}
    await reader.stop()
