"""Routes of the web chat: session, socket, uploads. Translates between HTTP frames and the hub, nothing else."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Request, Response, UploadFile, WebSocket
from fastapi.responses import FileResponse
from pydantic import BaseModel

from channels.web import protocol
from channels.web.socket import Socket
from chebao.conversations.api import MAX_BYTES, Hub, Upload, Uploads, judge
from chebao.errors import InputRefused, NotFound

_STATUS = {"file_too_large": 413, "unsupported_type": 415, "broken_file": 422, "empty_file": 422}


class SessionRequest(BaseModel):
    """A still valid token, to go on with its conversation."""

    token: str | None = None


def router(hub: Hub, uploads: Uploads, *, secret: str, origins: list[str], public_url: str) -> APIRouter:
    """The web chat's routes.

    Args:
        origins: other sites whose pages may open a chat.
    """
    sessions = protocol.Sessions(secret)
    allowed = [*origins, public_url]
    routes = APIRouter(prefix="/api/web", tags=["web chat"])

    def may_open(request: Request | WebSocket) -> bool:
        return protocol.origin_allowed(request.headers.get("origin"), request.headers.get("host", ""), allowed)

    def conversation_of(authorization: str) -> str:
        token = authorization.partition(" ")[2].strip()
        conversation = sessions.read(token, time.time())
        if conversation is None:
            raise HTTPException(401, "会话已过期，请刷新页面。")
        return conversation

    @routes.post("/sessions")
    async def open_session(request: Request, response: Response, body: SessionRequest | None = None) -> dict[str, str]:
        """A token for a new conversation, or a fresh one for the conversation of a valid token."""
        if not may_open(request):
            raise HTTPException(403, "这个网站没有开通在线客服。")
        now = time.time()
        known = sessions.read(body.token, now) if body and body.token else None
        token, conversation = sessions.issue(now, known)
        response.headers["Cache-Control"] = "no-store"
        return {"token": token, "conversation": conversation}

    @routes.websocket("/socket")
    async def socket(websocket: WebSocket) -> None:
        """The conversation, live; resumes after a sequence number."""
        if not may_open(websocket):
            await websocket.close(4403)
            return
        await websocket.accept()
        await Socket(websocket, hub, uploads, sessions).run()

    @routes.post("/uploads", status_code=201)
    async def add(request: Request, file: UploadFile, authorization: Annotated[str, Header()] = "") -> dict[str, Any]:
        """Keeps a picture or PDF for the session's conversation."""
        conversation = conversation_of(authorization)
        if not may_open(request):
            raise HTTPException(403, "这个网站没有开通在线客服。")
        try:
            judged = await asyncio.to_thread(judge, await file.read(MAX_BYTES + 1))
        except InputRefused as refused:
            raise HTTPException(_STATUS.get(refused.code, 422), refused.message) from refused
        return described(sessions, await uploads.add(conversation, judged))

    @routes.get("/uploads/{upload_id}")
    async def fetch(
        request: Request, upload_id: str, e: str = "", s: str = "", authorization: Annotated[str, Header()] = ""
    ) -> FileResponse:
        """A file, to the holder of a signed address or of its conversation's token."""
        return await _file(request, upload_id, e, s, authorization, thumbnail=False)

    @routes.get("/uploads/{upload_id}/thumbnail")
    async def fetch_small(
        request: Request, upload_id: str, e: str = "", s: str = "", authorization: Annotated[str, Header()] = ""
    ) -> FileResponse:
        """The small picture, under the same conditions."""
        return await _file(request, upload_id, e, s, authorization, thumbnail=True)

    async def _file(
        request: Request, upload_id: str, expires: str, signature: str, authorization: str, *, thumbnail: bool
    ) -> FileResponse:
        if sessions.file_allowed(request.url.path, expires, signature, time.time()):
            upload = await uploads.get(upload_id)
        elif authorization:
            upload = await uploads.get(upload_id, conversation_id=conversation_of(authorization))
        else:
            raise NotFound("没有找到这个文件，链接可能已过期。")
        headers = {
            "Cache-Control": "private, max-age=3600, immutable",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        media = "image/jpeg" if thumbnail else upload.content_type
        return FileResponse(uploads.path(upload, thumbnail=thumbnail), media_type=media, headers=headers)

    return routes


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
