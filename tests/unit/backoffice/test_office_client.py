"""The client against peers that are slow, broken, gone, or say no."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import httpx
import pytest

from chebao import errors
from chebao.backoffice import transport as wire
from chebao.backoffice.breaker import CircuitBreaker
from chebao.backoffice.client import BackOffice, idempotency_key

pytestmark = pytest.mark.asyncio

Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]
URL = "http://core.test/backoffice/v1"


class Peer:
    """Answers with what the script says, then with `last` for ever; remembers the requests."""

    def __init__(self, *script: httpx.Response | Exception | float) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        if isinstance(step, float):
            await asyncio.sleep(step)
            return ok()
        return step


def ok(body: object = None) -> httpx.Response:
    return httpx.Response(200, json=body if body is not None else {"items": []})


def refusal(status: int, code: str = "some_code", kind: str = "", detail: dict | None = None) -> httpx.Response:
    return httpx.Response(
        status, json={"error": {"kind": kind, "code": code, "message": "一句话", "detail": detail or {}}}
    )


def office(peer: Peer, **options) -> BackOffice:
    return BackOffice(URL, "secret", httpx.MockTransport(peer), **options)


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "RETRY_PAUSE", (0.0, 0.001))


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (404, "not_found", errors.NotFound),
        (409, "conflict", errors.Conflict),
        (413, "input_refused", errors.InputRefused),
        (422, "input_refused", errors.InputRefused),
        (422, "rule_forbids", errors.RuleForbids),
        (423, "locked", errors.Locked),
        (429, "rate_limited", errors.Unavailable),
        (401, "unauthorised", errors.Unavailable),
    ],
)
async def test_refusals_become_our_errors_and_are_not_repeated(status: int, kind: str, expected: type) -> None:
    peer = Peer(refusal(status, kind=kind, detail={"tries_left": 3}))
    async with office(peer) as core:
        with pytest.raises(expected) as caught:
            await core.create_rescue({"place": "x"}, "key")
    assert (caught.value.code, caught.value.message, caught.value.detail) == ("some_code", "一句话", {"tries_left": 3})
    assert type(caught.value) is expected
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(503),
        httpx.ReadError("cut"),
        httpx.ConnectTimeout("slow"),
        httpx.RemoteProtocolError("x"),
    ],
)
async def test_reads_and_keyed_writes_are_tried_once_more(trouble) -> None:
    for call in (lambda core: core.policies(), lambda core: core.create_claim({"place": "x"}, "key-1")):
        peer = Peer(trouble, ok({"items": [], "claim_no": "CL1"}))
        async with office(peer) as core:
            await call(core)
        assert len(peer.requests) == 2
        assert peer.requests[0].headers.get("Idempotency-Key") == peer.requests[1].headers.get("Idempotency-Key")
        assert peer.requests[0].content == peer.requests[1].content


async def test_two_failures_are_the_end() -> None:
    peer = Peer(httpx.Response(502))
    async with office(peer) as core:
        with pytest.raises(errors.Unavailable) as caught:
            await core.customer("C001")
    assert caught.value.code == "http_502"
    assert len(peer.requests) == 2


async def test_a_code_is_tried_again_only_when_it_never_left() -> None:
    peer = Peer(httpx.ReadTimeout("unknown"))
    async with office(peer) as core:
        with pytest.raises(errors.Unavailable):
            await core.verify_code("c", "1")
    assert len(peer.requests) == 1
    peer = Peer(httpx.ConnectError("refused"), ok({"customer_id": None}))
    async with office(peer) as core:
        assert await core.verify_code("c", "1") == {"customer_id": None}
    assert len(peer.requests) == 2


async def test_a_slow_peer_costs_two_timeouts_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CALL_SECONDS", 0.1)
    peer = Peer(5.0)
    async with office(peer) as core:
        began = time.perf_counter()
        with pytest.raises(errors.Unavailable) as caught:
            await core.policies()
    assert caught.value.code == "no_answer"
    assert time.perf_counter() - began < 1
    assert len(peer.requests) == 2


async def test_the_timeouts_are_those_of_the_contract() -> None:
    async with office(Peer(ok())) as core:
        timeout = core._wire.http.timeout
    assert (timeout.connect, timeout.read, wire.CALL_SECONDS) == (0.5, 2.0, 2.0)


async def test_after_failures_in_a_row_calls_fail_at_once_until_a_probe_succeeds() -> None:
    now = [0.0]
    peer = Peer(httpx.Response(503))
    async with office(peer, breaker=CircuitBreaker(threshold=4, rest=10, clock=lambda: now[0])) as core:
        for _ in range(2):
            with pytest.raises(errors.Unavailable):
                await core.policies()
        with pytest.raises(errors.Unavailable) as caught:
            await core.policies()
        assert caught.value.code == "circuit_open"
        assert len(peer.requests) == 4
        now[0] = 11
        with pytest.raises(errors.Unavailable):
            await core.policies()
        assert len(peer.requests) == 5
        now[0] = 22
        peer.script = [ok()]
        assert await core.policies() == []
        assert await core.policies() == []


async def test_refusals_do_not_open_the_circuit() -> None:
    peer = Peer(refusal(404))
    async with office(peer, breaker=CircuitBreaker(threshold=2)) as core:
        for _ in range(5):
            with pytest.raises(errors.NotFound):
                await core.policy("P1")
    assert len(peer.requests) == 5


async def test_only_one_probe_goes_out_and_a_cancelled_one_frees_the_place() -> None:
    now = [0.0]
    breaker = CircuitBreaker(threshold=1, rest=1, clock=lambda: now[0])
    breaker.failed()
    assert not breaker.allows()
    now[0] = 2
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.abandoned()
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows(), breaker.allows(), breaker.is_open] == [True, True, False]


async def test_a_cancelled_call_says_nothing_about_the_peer() -> None:
    breaker = CircuitBreaker(threshold=1)
    async with office(Peer(5.0), breaker=breaker) as core:
        task = asyncio.create_task(core.policies())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not breaker.is_open


async def test_what_is_sent() -> None:
    peer = Peer(ok({"application_no": "A1", "pay_url": "/backoffice/v1/cashier/abc"}))
    async with office(peer, public_url="https://chat.example.cn/") as core:
        row = await core.create_application({"total": Decimal("1234.50"), "start": date(2026, 12, 1), "n": None}, "key")
    [request] = peer.requests
    assert row["pay_url"] == "https://chat.example.cn/backoffice/v1/cashier/abc"
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["Idempotency-Key"] == "key"
    assert json.loads(request.content) == {"total": "1234.50", "start": "2026-12-01", "n": None}


async def test_paths_and_filters_cannot_be_bent() -> None:
    peer = Peer(ok())
    async with office(peer) as core:
        await core.policy("../customers?x=1", as_customer="C001")
        await core.policies(as_customer="C001", plate="京A12345")
    assert peer.requests[0].url.raw_path == b"/backoffice/v1/policies/..%2Fcustomers%3Fx%3D1?as_customer=C001"
    assert dict(peer.requests[1].url.params) == {"as_customer": "C001", "plate": "京A12345"}


async def test_no_personal_data_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with office(Peer(httpx.ReadError("13800000001"))) as core:
            with pytest.raises(errors.Unavailable):
                await core.customers(phone="13800000001")
    assert "13800000001" not in caplog.text


async def test_an_answer_that_is_no_json_is_not_a_bug_of_ours() -> None:
    for broken in (httpx.Response(200, text="<html>"), httpx.Response(404, text="<html>")):
        async with office(Peer(broken)) as core:
            with pytest.raises((errors.Unavailable, errors.NotFound)):
                await core.policy("P1")


async def test_keys_are_stable_and_never_meet() -> None:
    key = idempotency_key("c", "m", "create_claim")
    assert key == idempotency_key("c", "m", "create_claim")
    others = {
        ("cm", "", "create_claim"),
        ("c", "m", "create_quote"),
        ("c", "m2", "create_claim"),
        ("m", "c", "create_claim"),
    }
    assert len({idempotency_key(*other) for other in others} | {key}) == 5
    assert len(idempotency_key("c" * 500, "m" * 500, "x" * 500)) < 100


@pytest.mark.parametrize("key", ["会话:1:create", "k" * 5000, "a b", "a\nb: c"])
async def test_a_key_that_no_header_can_carry_is_replaced_by_a_stable_one(key: str) -> None:
    peer = Peer(ok({"rescue_no": "RS1"}))
    async with office(peer) as core:
        for _ in range(2):
            await core.create_rescue({"place": "x"}, key)
        await core.create_rescue({"place": "x"}, key + "2")
    sent = [request.headers["Idempotency-Key"] for request in peer.requests]
    assert sent[0] == sent[1] != sent[2]
    assert sent[0].isalnum()


async def test_a_dropped_connection_is_replaced_and_a_good_one_is_kept() -> None:
    connections = 0
    cut_first = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while await reader.readline():
            while (await reader.readline()).strip():
                pass
            if not cut_first.is_set():
                cut_first.set()
                break
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"items":[]}')
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, BackOffice(f"http://127.0.0.1:{port}/backoffice/v1", "secret") as core:
        for _ in range(3):
            assert await core.policies() == []
    assert connections == 2


async def test_nobody_listening_is_told_soon() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with BackOffice(f"http://127.0.0.1:{port}/backoffice/v1", "secret") as core:
        with pytest.raises(errors.Unavailable) as caught:
            await core.policies()
    assert caught.value.code == "not_connected"
