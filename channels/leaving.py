"""Tells the moment in which a request goes onto the wire, for notes that outlive the process (`DeliveryJob.leaving`).

httpx's own network layer gives way to other tasks between saying that it is about to write and writing; a process killed in
that gap would have noted what nobody got. Here the note and the system call that sends stand side by side.
"""

# ruff: noqa: ASYNC109 the time-outs are parameters of httpcore's interface
from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

type Leaving = Callable[[], None]


@dataclass
class _Note:
    """What is to be called when the body of the request under way begins to leave."""

    leaving: Leaving
    due: bool = False


_note: ContextVar[_Note | None] = ContextVar("note", default=None)


@contextmanager
def noting(leaving: Leaving | None) -> Iterator[None]:
    """Calls `leaving` when the body of a request of this block leaves, at each try of it."""
    before = _note.set(_Note(leaving) if leaving else None)
    try:
        yield
    finally:
        _note.reset(before)


def watched(client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, whose requests `noting` knows of. Fresh from its making: connections it has already are not watched."""
    client.event_hooks["request"].append(_trace)
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.AsyncHTTPTransport):
            transport._pool._network_backend = _Backend()  # httpx passes no backend on
    return client


async def _trace(request: httpx.Request) -> None:
    async def told(event: str, info: object) -> None:
        if (note := _note.get()) and event.endswith("send_request_body.started"):
            note.due = True

    request.extensions["trace"] = told


class _Stream(httpcore.AsyncNetworkStream):
    """A connection of asyncio: its `write` tries to send before anything else can run."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            async with asyncio.timeout(timeout):
                return await self._reader.read(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout from None
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        if (note := _note.get()) and note.due:
            note.due = False
            note.leaving()
        try:
            self._writer.write(buffer)
            async with asyncio.timeout(timeout):
                await self._writer.drain()
        except TimeoutError:
            raise httpcore.WriteTimeout from None
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        self._writer.close()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        with _connecting():
            async with asyncio.timeout(timeout):
                await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # asked of an idle connection: has the other side ended it?
            return self._reader.at_eof() or self._writer.is_closing()
        return self._writer.get_extra_info(info)


class _Backend(httpcore.AsyncNetworkBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        with _connecting():
            async with asyncio.timeout(timeout):
                return _Stream(*await asyncio.open_connection(host, port))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@contextmanager
def _connecting() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise httpcore.ConnectTimeout from None
    except OSError as error:  # also ssl.SSLError
        raise httpcore.ConnectError(str(error)) from error
