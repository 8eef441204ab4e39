"""Routes of the web chat: session, socket, uploads. Translates between HTTP frames and the hub, nothing else."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Query, Request, Response, UploadFile, WebSocket
from fastapi.responses import FileResponse
from pydantic import BaseModel

from channels.web import protocol
from channels.web.socket import Socket
from chebao.conversations.api import MAX_BYTES, Hub, Upload, Uploads, judge
from chebao.errors import InputRefused, NotFound

_STATUS = {"file_too_large": 413, "unsupported_type": 415, "too_many_files": 429}
_FILE_HEADERS = {
    "Cache-Control": "private, max-age=3600, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class Signed(BaseModel):
    """Expiry and signature of a file's address."""

    e: str = ""
    s: str = ""


class SessionRequest(BaseModel):
    """A still valid token, to go on with its conversation."""

    token: str | None = None


@dataclass(frozen=True)
class Gate:
    """Who may come in: pages of allowed origins, holders of a session token."""

    sessions: protocol.Sessions
    allowed: list[str]

    def check_origin(self, request: Request | WebSocket) -> None:
        """Refuses pages of other sites."""
        if not protocol.origin_allowed(request.headers.get("origin"), request.headers.get("host", ""), self.allowed):
            raise HTTPException(403, "这个网站没有开通在线客服。")

    def conversation_of(self, authorization: str) -> str:
        """The conversation of ``Authorization: Bearer TOKEN``."""
        conversation = self.sessions.read(authorization.partition(" ")[2].strip(), time.time())
        if conversation is None:
            raise HTTPException(401, "会话已过期，请刷新页面。")
        return conversation


def router(hub: Hub, uploads: Uploads, *, secret: str, origins: list[str], public_url: str) -> APIRouter:
    """The web chat's routes.

    Args:
        origins: other sites whose pages may open a chat.
    """
    gate = Gate(protocol.Sessions(secret), [*origins, public_url])
    routes = APIRouter(prefix="/api/web", tags=["web chat"])
    _add_conversation(routes, gate, hub, uploads)
    _add_uploads(routes, gate, uploads)
    return routes


def _add_conversation(routes: APIRouter, gate: Gate, hub: Hub, uploads: Uploads) -> None:
    @routes.post("/sessions")
    async def open_session(request: Request, response: Response, body: SessionRequest | None = None) -> dict[str, str]:
        """A token for a new conversation, or a fresh one for the conversation of a valid token."""
        gate.check_origin(request)
        now = time.time()
        known = gate.sessions.read(body.token, now) if body and body.token else None
        token, conversation = gate.sessions.issue(now, known)
        response.headers["Cache-Control"] = "no-store"
        return {"token": token, "conversation": conversation}

    @routes.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        """The conversation, live; resumes after a sequence number."""
        try:
            gate.check_origin(websocket)
        except HTTPException:
            await websocket.close(4403)
            return
        await websocket.accept()
        await Socket(websocket, hub, uploads, gate.sessions).run()


def _add_uploads(routes: APIRouter, gate: Gate, uploads: Uploads) -> None:
    judging = asyncio.Semaphore(2)  # a large picture takes some 500 MB while it is judged

    @routes.post("/uploads", status_code=201)
    async def add(request: Request, file: UploadFile, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Keeps a picture or PDF for the session's conversation."""
        conversation = gate.conversation_of(authorization)
        gate.check_origin(request)
        try:
            content = await file.read(MAX_BYTES + 1)
            async with judging:
                judged = await asyncio.to_thread(judge, content)
            kept = await uploads.add(conversation, judged)
        except InputRefused as refused:
            raise HTTPException(_STATUS.get(refused.code, 422), refused.message) from refused
        return described(gate.sessions, kept)

    async def fetch(request: Request, upload_id: str, signed: Signed, *, thumbnail: bool) -> FileResponse:
        if gate.sessions.file_allowed(request.url.path, signed.e, signed.s, time.time()):
            upload = await uploads.get(upload_id)
        elif authorization := request.headers.get("authorization"):
            upload = await uploads.get(upload_id, conversation_id=gate.conversation_of(authorization))
        else:
            raise NotFound("没有找到这个文件，链接可能已过期。")
        media = "image/jpeg" if thumbnail else upload.content_type
        return FileResponse(uploads.path(upload, thumbnail=thumbnail), media_type=media, headers=_FILE_HEADERS)

    @routes.get("/uploads/{upload_id}")
    async def whole(request: Request, upload_id: str, signed: Annotated[Signed, Query()]) -> FileResponse:
        """A file, to the holder of a signed address or of its conversation's token."""
        return await fetch(request, upload_id, signed, thumbnail=False)

    @routes.get("/uploads/{upload_id}/thumbnail")
    async def small(request: Request, upload_id: str, signed: Annotated[Signed, Query()]) -> FileResponse:
        """The small picture, under the same conditions."""
        return await fetch(request, upload_id, signed, thumbnail=True)


def described(sessions: protocol.Sessions, upload: Upload) -> dict[str, Any]:
    """An upload as the client gets it, with freshly signed addresses."""
    now = time.time()
    path = f"/api/web/uploads/{upload.id}"
    return {
        "id": upload.id,
        "content_type": upload.content_type,
        "width": upload.width,
        "height": upload.height,
        "url": sessions.sign_file(path, now),
        "thumbnail_url": sessions.sign_file(f"{path}/thumbnail", now) if upload.width else None,
    }
