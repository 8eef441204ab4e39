"""Load generator and soak: short real runs on the running stack, and their judgement."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from benchmarks import sides
from benchmarks.load import problem_of
from benchmarks.soak import Plan, Seen, soak, verdict
from benchmarks.speed import load
from tests.running import RunningStack


@pytest.fixture
def side(stack: RunningStack) -> Iterator[sides.Side]:
    """Our side; the demo data are put back afterwards."""
    yield sides.ours(stack)
    reset = f"{stack.url}/backoffice/v1/demo/reset"
    httpx.post(reset, json={}, headers={"Authorization": "Bearer demo"}, timeout=30).raise_for_status()


def test_load_counts_turns_acks_and_cpu(stack: RunningStack, side: sides.Side) -> None:
    talk = ["你好", "交强险赔多少钱？", "谢谢", "代位求偿是什么意思？", "再见"]
    done = load(side, 3, [talk] * 6, {"url": stack.url, "per_second": 2})
    assert done.measured["failures"] == {}
    assert done.measured["all_turns"] == 30
    assert 0 < done.measured["turns"] <= 30 and done.measured["turns"] == len(done.measured["latencies_ms"])
    assert done.measured["acks_ms"] and all(ms > 0 for ms in done.measured["acks_ms"])
    assert done.cpu_s["rasa"] > 0 and done.cpu_s["app"] > 0 and done.cpu_s["actions"] > 0


def test_a_missing_page_is_a_failure_not_a_turn(side: sides.Side) -> None:
    wrong = sides.Side("chebao", side.url + "/nowhere", side.headers, side.processes)
    failures = load(wrong, 2, [["你好"]] * 2).measured["failures"]
    assert sum(failures.values()) == 2 and all(kind.startswith("status_4") for kind in failures)


def test_answers_that_are_none_are_problems() -> None:
    good = '[{"text": "您好"}]'.encode()
    assert problem_of(200, good) is None
    assert problem_of(503, good) == "status_503"
    assert problem_of(200, b"[]") == "empty_reply"
    assert problem_of(200, '[{"text": "这条消息没有处理成功，请再说一次"}]'.encode()) == "apology"


async def test_short_soak_on_the_running_stack(side: sides.Side) -> None:
    plan = Plan(minutes=0.15, conversations=30)
    found = verdict(await soak(side, plan), plan)
    assert found["errors"] == 0, found["errors_by_kind"]
    assert found["unbounded"] == []
    assert found["turns"] >= 10 and found["longest_conversation"] >= 2
    assert set(found["rss_slope_mb_per_hour"]) == {"rasa", "actions", "app", "postgres"}
    assert found["p95_drift"] > 0


def _grown(mb_an_hour: float, name: str = "rasa") -> Seen:
    """An hour's samples in which one process grows steadily."""

    def at(hours: float) -> dict[str, dict[str, float]]:
        size = 300 + mb_an_hour * hours
        return {name: {"rss_mb": size, "pss_mb": size}, "app": {"rss_mb": 100.0, "pss_mb": 90.0}}

    return Seen(samples=[(n / 100, at(n / 100)) for n in range(101)], turns=[(n / 100, 20.0) for n in range(101)])


def test_steady_growth_is_found() -> None:
    plan = Plan(60, 100)
    found = verdict(_grown(60), plan)
    assert found["unbounded"] == ["rasa"]
    assert found["rss_slope_mb_per_hour"] == {"rasa": 60.0, "app": 0.0}
    assert verdict(_grown(6), plan)["unbounded"] == []


def test_postgres_may_fill_its_shared_buffers() -> None:
    assert verdict(_grown(100, "postgres"), Plan(60, 100))["unbounded"] == []
    assert verdict(_grown(400, "postgres"), Plan(60, 100))["unbounded"] == ["postgres"]
