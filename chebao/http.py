"""HTTP manners of the app: body limits, security headers, errors as Chinese JSON, the built web pages."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chebao.errors import (
    ChebaoError,
    Conflict,
    Forbidden,
    InputRefused,
    Locked,
    LoginNeeded,
    NotFound,
    RuleForbids,
    Unavailable,
)
from chebao.logs import line

log = logging.getLogger(__name__)

BODY_LIMIT = 1024 * 1024
UPLOAD_LIMIT = 10 * 1024 * 1024 + 64 * 1024
_UPLOADS = re.compile(r"/api/(web|desk/v1/conversations/[^/]+)/uploads")

_STATUS: dict[type[ChebaoError], int] = {
    InputRefused: 422,
    RuleForbids: 422,
    LoginNeeded: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Locked: 423,
    Unavailable: 503,
}
_WORDS = {
    400: "请求格式不正确。",
    401: "没有权限，请检查密钥。",
    403: "没有权限。",
    404: "没有找到。",
    405: "不支持这种请求方式。",
    413: "内容太大了。",
    422: "请求内容不正确。",
    500: "服务暂时出错，请稍后再试。",
    503: "服务暂时不可用，请稍后再试。",
}
_CODES = {401: "unauthorized", 403: "forbidden", 404: "not_found", 413: "too_large", 415: "unsupported_type"}


def error_body(code: str, message: str, detail: dict[str, Any] | None = None) -> dict[str, Any]:
    """The one shape of errors: ``{"error": {"code", "message", "detail"}}``."""
    return {"error": {"code": code, "message": message, "detail": detail or {}}}


def install_errors(app: FastAPI) -> None:
    """Maps expected errors and the framework's own to Chinese JSON."""

    async def expected(_: Request, error: Exception) -> Response:
        assert isinstance(error, ChebaoError)
        status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 400)
        return JSONResponse(error_body(error.code, error.message, error.detail), status)

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        own = isinstance(error.detail, str) and not error.detail.isascii()
        words = error.detail if own else _WORDS.get(error.status_code, _WORDS[400])
        body = error_body(_CODES.get(error.status_code, "refused"), words)
        return JSONResponse(body, error.status_code, headers=error.headers)

    async def malformed(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        places = [".".join(str(p) for p in e["loc"]) for e in error.errors()]
        return JSONResponse(error_body("input_refused", _WORDS[422], {"fields": places}), 422)

    async def database(_: Request, error: Exception) -> Response:
        log.error(line("database_unavailable", error=type(error).__name__))
        return JSONResponse(error_body("unavailable", _WORDS[503]), 503)

    async def unstorable(_: Request, error: Exception) -> Response:
        return JSONResponse(error_body("input_refused", _WORDS[422]), 422)

    async def bug(_: Request, error: Exception) -> Response:
        return JSONResponse(error_body("internal", _WORDS[500]), 500)

    app.add_exception_handler(ChebaoError, expected)
    app.add_exception_handler(StarletteHTTPException, http)
    app.add_exception_handler(RequestValidationError, malformed)
    for kind in (DBAPIError, PoolTimeout, psycopg.OperationalError):
        app.add_exception_handler(kind, database)
    # NUL, half a surrogate pair, a number beyond the column's
    app.add_exception_handler(DataError, unstorable)
    app.add_exception_handler(psycopg.DataError, unstorable)
    app.add_exception_handler(UnicodeEncodeError, unstorable)
    app.add_exception_handler(Exception, bug)


class BodyLimit:
    """Refuses bodies beyond the limit of their path, announced or not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = _UPLOADS.fullmatch(scope["path"]) is not None
        limit = UPLOAD_LIMIT if upload else BODY_LIMIT
        words = "文件超过 10 MB，请压缩后再发送。" if upload else _WORDS[413]
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > limit:
            await JSONResponse(error_body("too_large", words), 413)(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413, words)
            return message

        await self._app(scope, counted, send)


def _page_headers(frame_ancestors: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
            "connect-src 'self'; frame-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
            f"frame-ancestors {frame_ancestors}"
        ),
        "Cache-Control": "no-cache",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
        "X-Content-Type-Options": "nosniff",
    }


class Pages:
    """The built web pages with their headers: strict content security, long life for hashed assets."""

    def __init__(self, folder: Path, frame_ancestors: list[str]) -> None:
        self._folder = folder
        self._headers = _page_headers(" ".join(["'self'", *frame_ancestors]))
        # No other page may frame the desk and guide an agent's clicks.
        self._desk_headers = _page_headers("'none'")

    def install(self, app: FastAPI) -> None:
        """Adds the routes; pages that are not built answer 404."""
        names = {"/": "index.html", "/chat": "chat.html", "/desk": "desk.html"}
        for path, name in names.items():
            for spelling in (path, f"/{name}"):
                app.add_api_route(spelling, self._page(name), methods=["GET", "HEAD"], include_in_schema=False)
        app.add_api_route("/chat.js", self._script, methods=["GET", "HEAD"], include_in_schema=False)
        app.mount("/assets", _Assets(directory=self._folder / "assets", check_dir=False), name="assets")
        app.mount("/", _Rest(self._folder, self._headers_of), name="pages")

    def _page(self, name: str) -> Any:
        async def page() -> FileResponse:
            return self._file(name, self._headers_of(name))

        return page

    def _headers_of(self, name: str) -> dict[str, str]:
        return self._desk_headers if name == "desk.html" else self._headers

    async def _script(self) -> FileResponse:
        """The embeddable script: any allowed site may load it."""
        headers = {
            "Cache-Control": "public, max-age=300",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Access-Control-Allow-Origin": "*",
            "X-Content-Type-Options": "nosniff",
        }
        return self._file("chat.js", headers)

    def _file(self, name: str, headers: dict[str, str]) -> FileResponse:
        path = self._folder / name
        if not path.is_file():
            raise NotFound("页面还没有构建。")
        return FileResponse(path, headers=headers)


class _Rest(StaticFiles):
    """All other built files; a page reached by another spelling of its address (``//chat.html``) keeps its headers."""

    def __init__(self, folder: Path, headers_of: Callable[[str], dict[str, str]]) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._headers_of = headers_of

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(full_path, *args, **kwargs)
        response.headers["X-Content-Type-Options"] = "nosniff"
        name = Path(full_path).name
        if name.endswith(".html"):
            response.headers.update(self._headers_of(name))
        return response


class _Assets(StaticFiles):
    """Files whose names carry a hash of their content."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response
