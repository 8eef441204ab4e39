"""The HTTP side: bearer check, errors as JSON, body size, filters of the lists, and how a write becomes one."""

from __future__ import annotations

import hmac
import json
import traceback
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chebao import errors
from chebao.backoffice.reference import idempotency
from chebao.backoffice.reference.work import Office, Row, log

MAX_BODY = 256 * 1024
PAGE_SIZE = 50
PAGE_SIZE_CAP = 200

_bearer = HTTPBearer(auto_error=False)

_STATUS: tuple[tuple[type[errors.ChebaoError], int, str], ...] = (
    (errors.NotFound, 404, "not_found"),
    (errors.Conflict, 409, "conflict"),
    (errors.InputRefused, 422, "input_refused"),
    (errors.RuleForbids, 422, "rule_forbids"),
    (errors.Locked, 423, "locked"),
    (errors.Unavailable, 503, "unavailable"),
)


class Body(BaseModel):
    """Base of request bodies: names it does not know are ignored, text is stripped."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True, str_max_length=20_000)


class Filters(BaseModel):
    """What lists can be asked for; a resource ignores what it does not know."""

    model_config = ConfigDict(extra="ignore")

    plate: str | None = None
    phone: str | None = None
    policy_no: str | None = None
    claim_no: str | None = None
    customer_id: str | None = None
    status: str | None = None
    reference: str | None = None
    as_customer: str | None = None
    page: int = 1
    page_size: int = PAGE_SIZE

    @property
    def limit(self) -> int:
        """Rows of this page."""
        return min(max(self.page_size, PAGE_SIZE), PAGE_SIZE_CAP)

    @property
    def offset(self) -> int:
        """Rows before this page."""
        return (min(max(self.page, 1), 100_000) - 1) * self.limit


def office_of(request: Request) -> Office:
    """The service's composition."""
    office: Office = request.app.state.office
    return office


OfficeDep = Annotated[Office, Depends(office_of)]
FiltersDep = Annotated[Filters, Query()]
AsCustomer = Annotated[str | None, Query(description="verified customer; other people's objects then do not exist")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", description="required for every write")]


class Unauthorised(Exception):
    """No bearer token or a wrong one."""


def check_token(office: OfficeDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    """Lets only holders of the token in, comparing in constant time."""
    token = office.settings.backoffice_token.get_secret_value().encode()
    if given is None or not hmac.compare_digest(given.credentials.encode(), token):
        raise Unauthorised


async def write(request: Request, office: Office, key: str | None, use_case: idempotency.UseCase) -> Row:
    """Runs a use case under the request's idempotency key."""
    body = json.loads(await request.body() or b"null")
    path = request.url.path + ("?" + request.url.query if request.url.query else "")
    return await idempotency.once(office, key, idempotency.fingerprint(request.method, path, body), use_case)


def _error(status: int, kind: str, code: str, message: str, detail: dict[str, Any] | None = None) -> JSONResponse:
    told = {"kind": kind, "code": code, "message": message, "detail": detail or {}}
    return JSONResponse({"error": told}, status_code=status)


async def _on_expected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.ChebaoError)
    if error.code == "rate_limited":
        return _error(429, "rate_limited", error.code, error.message, error.detail)
    for kind, status, name in _STATUS:
        if isinstance(error, kind):
            return _error(status, name, error.code, error.message, error.detail)
    raise error


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Only where and what kind: the refused values may be personal data.
    fields = [{"field": ".".join(str(p) for p in e["loc"][1:]), "problem": e["type"]} for e in error.errors()]
    return _error(422, "input_refused", "invalid_request", "提交的内容不完整或格式不对。", {"fields": fields})


async def _on_unauthorised(_: Request, __: Exception) -> JSONResponse:
    return _error(401, "unauthorised", "unauthorised", "没有访问权限。")


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = "not_found" if error.status_code == 404 else f"http_{error.status_code}"
    return _error(error.status_code, code, code, "没有查到相关信息。" if error.status_code == 404 else "请求无法处理。")


class Guard:
    """Refuses large bodies, and turns bugs into a 500 whose log holds no parameter values (they are personal data)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > MAX_BODY:
            await _error(413, "input_refused", "too_large", "提交的内容过大。")(scope, receive, send)
            return
        await self._guarded(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, started = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:
                raise errors.InputRefused("提交的内容过大。", code="too_large")
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except Exception as error:
            where = "; ".join(
                f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-4:]
            )
            log.error("unhandled %s at %s", type(error).__name__, where)
            if started:
                raise
            await _error(500, "internal", "internal", "业务系统出了点问题，请稍后再试。")(scope, receive, send)


def install(app: FastAPI) -> None:
    """Error answers and guard."""
    app.add_exception_handler(errors.ChebaoError, _on_expected)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(Unauthorised, _on_unauthorised)
    app.add_exception_handler(HTTPException, _on_http)
