"""The load generator, a process of its own: reads a job as JSON from the standard input, writes what it measured as JSON.

A job is ``{url, headers, conversations: [[text, …], …], users, web: {url, per_second} | null}``: so many users talk at once,
each takes the next conversation as soon as its last one is through, with a new sender, without pauses. Figures are taken
until the first user finds no conversation left, so that all of them were taken under full load.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvloop

_TIMEOUT = aiohttp.ClientTimeout(total=120)
_TROUBLE = ("系统错误", "没有处理成功", "系统这会儿有点忙", "还在处理")
"""What our side says when it could not do a turn."""


@dataclass
class Measured:
    """What one job gave.

    Attributes:
        turns: answered within `seconds`, the time under full load.
        all_turns: sent in the whole job.
        latencies_ms: of these turns, in order of their ends.
        failures: kind of failure → number, over the whole job.
        acks_ms: from a web-socket message to its ack.
        cpu_s: CPU time of the generator itself.
        wall_s: length of the whole job.
    """

    turns: int = 0
    all_turns: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    acks_ms: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    wall_s: float = 0.0


class Door:
    """A REST door: ours or stock Rasa's, which speak the same protocol."""

    def __init__(self, session: aiohttp.ClientSession, url: str, failures: Counter[str]) -> None:
        self._session, self._url, self._failures = session, url, failures

    async def say(self, sender: str, text: str) -> float:
        """Sends one message, waits for the replies and returns the milliseconds."""
        began = time.perf_counter()
        try:
            async with self._session.post(self._url, json={"sender": sender, "message": text}) as answer:
                body = await answer.read()
                problem = problem_of(answer.status, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            problem = type(error).__name__
        if problem:
            self._failures[problem] += 1
        return (time.perf_counter() - began) * 1000


def problem_of(status: int, body: bytes) -> str | None:
    """What is wrong with an answer, or None."""
    if status != 200:
        return f"status_{status}"
    replies = json.loads(body)
    if not replies:
        return "empty_reply"
    said = " ".join(reply.get("text") or "" for reply in replies)
    return "apology" if any(words in said for words in _TROUBLE) else None


async def run(job: dict[str, Any]) -> Measured:
    """Runs one job to its end."""
    measured = Measured()
    began, cpu = time.perf_counter(), time.process_time()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=job["headers"], timeout=_TIMEOUT) as session:
        door = Door(session, job["url"], measured.failures)
        socket = asyncio.create_task(_chat(session, job["web"], measured)) if job.get("web") else None
        await _talk(door, iter(job["conversations"]), job["users"], measured)
        if socket:
            socket.cancel()
            await asyncio.gather(socket, return_exceptions=True)
    measured.cpu_s = time.process_time() - cpu
    measured.wall_s = time.perf_counter() - began
    return measured


async def _talk(door: Door, conversations: Iterator[list[str]], users: int, measured: Measured) -> None:
    began = time.perf_counter()
    full = True

    async def user() -> None:
        nonlocal full
        for conversation in conversations:
            sender = f"load-{uuid.uuid4().hex}"
            for text in conversation:
                took = await door.say(sender, text)
                measured.all_turns += 1
                if full:
                    measured.latencies_ms.append(round(took, 2))
        if full:
            full = False
            measured.turns, measured.seconds = len(measured.latencies_ms), time.perf_counter() - began

    await asyncio.gather(*(user() for _ in range(users)))


async def _chat(session: aiohttp.ClientSession, web: dict[str, Any], measured: Measured) -> None:
    """Web-chat customers who send `per_second` messages together, one a second each (the chat's own limit is two)."""
    waits = [_customer(session, web["url"], measured, n / web["per_second"]) for n in range(web["per_second"])]
    await asyncio.gather(*waits)


async def _customer(session: aiohttp.ClientSession, url: str, measured: Measured, offset: float) -> None:
    await asyncio.sleep(offset)
    async with session.post(f"{url}/api/web/sessions") as answer:
        token = (await answer.json())["token"]
    async with session.ws_connect(f"{url}/api/web/socket") as socket:
        await socket.send_json({"type": "hello", "token": token})
        sent: dict[str, float] = {}
        reader = asyncio.create_task(_hear_acks(socket, sent, measured))
        try:
            for number in range(10_000):
                sent[f"m{number}"] = time.perf_counter()
                await socket.send_json({"type": "message", "id": f"m{number}", "text": "交强险赔多少钱？"})
                await asyncio.sleep(1)
        finally:
            reader.cancel()


async def _hear_acks(socket: aiohttp.ClientWebSocketResponse, sent: dict[str, float], measured: Measured) -> None:
    async for frame in socket:
        body = json.loads(frame.data)
        if body["type"] == "ack":
            measured.acks_ms.append(round((time.perf_counter() - sent.pop(body["id"])) * 1000, 2))
        elif body["type"] == "error":
            measured.failures[f"web_{body['code']}"] += 1


def main() -> None:
    """One job from the standard input."""
    measured = uvloop.run(run(json.load(sys.stdin)))
    json.dump(vars(measured), sys.stdout)


if __name__ == "__main__":
    main()
