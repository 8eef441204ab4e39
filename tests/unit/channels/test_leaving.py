"""A request that is noted as leaving has left: no other task runs in between; and the connections do what httpx's own do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from channels.leaving import noting, watched

pytestmark = pytest.mark.asyncio
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def test_the_body_is_with_the_kernel_before_anything_else_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = watched(httpx.AsyncClient(trust_env=False))
        arrived: list[bytes] = []

        def look() -> None:
            connection, _ = listener.accept()
            arrived.append(connection.recv(65536, socket.MSG_DONTWAIT))
            connection.send(_OK)

        with noting(lambda: asyncio.get_running_loop().call_soon(look)):
            answer = await client.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", content=b"x" * 9_000)
        assert answer.text == "ok" and arrived[0].endswith(b"x" * 9_000)
        await client.aclose()


async def test_nothing_is_noted_of_what_never_left() -> None:
    noted: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    async with watched(httpx.AsyncClient(trust_env=False)) as client:
        with pytest.raises(httpx.ConnectError), noting(lambda: noted.append(1)):
            await client.post(f"http://127.0.0.1:{port}/", content=b"x")
    assert noted == []


async def test_each_request_is_noted_for_itself_and_others_are_not() -> None:
    noted: list[str] = []
    async with _server() as url, watched(httpx.AsyncClient(trust_env=False)) as client:

        async def one(name: str) -> None:
            with noting(lambda: noted.append(name)):
                await client.post(url, content=name.encode())

        await asyncio.gather(*(one(f"m{n}") for n in range(20)), client.post(url, content=b"not to be noted"))
    assert sorted(noted) == sorted(f"m{n}" for n in range(20))


async def test_a_connection_is_used_again_and_a_closed_one_is_not() -> None:
    connections: list[int] = []
    async with _server(connections, answers=2) as url, watched(httpx.AsyncClient(trust_env=False)) as client:
        for _ in range(5):
            assert (await client.post(url, content=b"x")).text == "ok"
            await asyncio.sleep(0.02)
    assert connections == [2, 2, 1]


async def test_an_answer_that_never_comes_is_a_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with watched(httpx.AsyncClient(trust_env=False, timeout=0.1)) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", content=b"x")


async def test_it_speaks_tls_and_checks_the_certificate(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    serves = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serves.load_cert_chain(certificate)
    trusts = ssl.create_default_context(cafile=str(certificate))
    noted: list[int] = []
    async with _server(tls=serves) as url:
        async with watched(httpx.AsyncClient(trust_env=False, verify=trusts)) as client:
            for _ in range(2):
                with noting(lambda: noted.append(1)):
                    assert (await client.post(url, content=b"x" * 100_000)).text == "ok"
        async with watched(httpx.AsyncClient(trust_env=False)) as client:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await client.post(url, content=b"x")
    assert noted == [1, 1]


@asynccontextmanager
async def _server(
    connections: list[int] | None = None, *, answers: int = 1_000, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Answers so many requests on a connection, then ends it; `connections` counts them."""
    counts = [] if connections is None else connections

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = len(counts)
        counts.append(0)
        while counts[place] < answers and (head := await _head(reader)):
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            counts[place] += 1
            writer.write(_OK)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _certificate(folder: Path) -> Path:
    """Certificate and key of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return file
