"""One call to the back office: timeouts, one repetition, circuit breaker, and errors of ours."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import httpx

from chebao import errors
from chebao.backoffice.breaker import CircuitBreaker

Row = dict[str, Any]

CALL_SECONDS = 2.0
CONNECT_SECONDS = 0.5
RETRY_PAUSE = (0.05, 0.2)

log = logging.getLogger(__name__)

_UNAVAILABLE = "业务系统暂时没有响应，请稍后再试。"
_BY_STATUS: dict[int, type[errors.ChebaoError]] = {
    400: errors.InputRefused,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.InputRefused,
    422: errors.InputRefused,
    423: errors.Locked,
}


class Transport:
    """Connections to one back office, reused over calls.

    Args:
        base_url: e.g. ``http://127.0.0.1:8000/backoffice/v1``.
        token: bearer token.
        transport: another httpx transport.
        breaker: counts this peer's failures.
    """

    def __init__(
        self, base_url: str, token: str, transport: httpx.AsyncBaseTransport | None, breaker: CircuitBreaker
    ) -> None:
        self._breaker = breaker
        # httpx logs whole URLs at INFO, and queries carry plates and phone numbers.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.http = httpx.AsyncClient(
            base_url=base_url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS),
            # Below uvicorn's keep-alive of 5 s, so that we never write into a connection that is just being closed.
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=20, keepalive_expiry=4.0),
            transport=transport,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Closes the connections."""
        await self.http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str | None] | None = None,
        body: Row | None = None,
        key: str | None = None,
        repeatable: bool = False,
    ) -> Row:
        """One call with at most one repetition; the breaker hears the outcome of every try."""
        request = self.http.build_request(
            method,
            path,
            params={name: value for name, value in (query or {}).items() if value is not None},
            json=_plain(body) if body is not None else None,
            headers={"Idempotency-Key": _header_safe(key)} if key else None,
        )
        for last in (False, True):
            try:
                response = await self._try(request)
            except errors.Unavailable as error:
                never_sent = error.code == "not_connected"
                if last or error.code == "circuit_open" or not (repeatable or never_sent):
                    raise
                await asyncio.sleep(random.uniform(*RETRY_PAUSE))
            else:
                return _answer(response)
        raise AssertionError("unreachable")

    async def _try(self, request: httpx.Request) -> httpx.Response:
        """One try; whatever the service itself answers, a refusal too, is an answer and ends the trying."""
        if not self._breaker.allows():
            raise errors.Unavailable(_UNAVAILABLE, code="circuit_open")
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self.http.send(request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._failure("not_connected", error) from error
        except (httpx.TransportError, TimeoutError) as error:
            raise self._failure("no_answer", error) from error
        except BaseException:
            self._breaker.abandoned()
            raise
        if response.status_code >= 500:
            self._failure(f"http_{response.status_code}", None)
            raise errors.Unavailable(_told(response)[2], code=_told(response)[1])
        self._breaker.succeeded()
        return response

    def _failure(self, code: str, error: Exception | None) -> errors.Unavailable:
        self._breaker.failed()
        log.warning("back office call failed: %s %s", code, type(error).__name__ if error else "")
        return errors.Unavailable(_UNAVAILABLE, code=code)


def _answer(response: httpx.Response) -> Row:
    """The body of a good answer, or the error that the service named."""
    if response.is_success:
        try:
            answer: Row = response.json()
        except ValueError as error:
            raise errors.Unavailable(_UNAVAILABLE, code="not_json") from error
        return answer
    told_kind, code, message, detail = _told(response)
    kind = _BY_STATUS.get(response.status_code, errors.Unavailable)
    if response.status_code == 422 and told_kind == "rule_forbids":
        kind = errors.RuleForbids
    if kind is errors.Unavailable:
        log.error("back office refused a call with status %s", response.status_code)
    raise kind(message, code=code, detail=detail)


def _told(response: httpx.Response) -> tuple[str, str, str, Row]:
    """Kind, code, message and detail of an error answer; a general one where the body is not the service's own."""
    try:
        told = response.json()["error"]
        return str(told.get("kind", "")), str(told["code"]), str(told["message"]), dict(told.get("detail") or {})
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", f"http_{response.status_code}", _UNAVAILABLE, {}


def _header_safe(key: str) -> str:
    """The key itself, or its digest where a header could not carry it (platforms choose message ids as they like)."""
    fits = len(key) <= 150 and all("!" <= sign <= "~" for sign in key)
    return key if fits else hashlib.sha256(key.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """JSON-ready copy: money and dates as text, never as float."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return value
