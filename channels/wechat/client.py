"""WeChat's API, async: token, customer-service messages, media, menu, template messages.

Own code instead of wechatpy's client: that one blocks, has no time-out on the token call and recurses without end on a bad token.
Every error code ends in one defined action (`ACTIONS`); a request that may have reached WeChat is never repeated blindly.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from enum import Enum
from typing import Any

import httpx

from channels.leaving import Leaving, noting, watched
from chebao.logs import line
from chebao.settings import Settings

log = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(8.0, connect=2.0)
_RENEW_BEFORE = 300.0
_FORCE_EVERY = 30.0
"""WeChat allows a forced renewal every 30 s, 20 a day."""


class Action(Enum):
    """What an error asks us to do."""

    RENEW = "renew"
    LATER = "later"
    TOMORROW = "tomorrow"
    PARK = "park"
    SPLIT = "split"
    UNREACHABLE = "unreachable"
    NO_MENU = "no_menu"
    MEDIA_GONE = "media_gone"
    IGNORE = "ignore"
    WITHDRAWN = "withdrawn"
    CONFIGURE = "configure"
    GIVE_UP = "give_up"


ACTIONS: dict[int, Action] = {
    -1: Action.LATER,  # busy
    40001: Action.RENEW,
    40014: Action.RENEW,
    42001: Action.RENEW,
    40003: Action.UNREACHABLE,  # openid not of this account
    40007: Action.MEDIA_GONE,
    40013: Action.CONFIGURE,  # app id
    40125: Action.CONFIGURE,  # app secret
    40164: Action.CONFIGURE,  # our address is not on the account's white list
    40200: Action.NO_MENU,  # test and unverified accounts may not send menus
    40037: Action.CONFIGURE,  # template not of this account
    43004: Action.UNREACHABLE,  # does not follow
    43101: Action.WITHDRAWN,  # subscription message: none, or no more consent
    45002: Action.SPLIT,
    45009: Action.TOMORROW,  # daily quota
    45011: Action.LATER,  # per minute
    45015: Action.PARK,  # no window open
    45047: Action.PARK,  # window used up
    45072: Action.IGNORE,  # typing: unknown command
    45080: Action.IGNORE,  # typing: no interaction within 30 s
    45081: Action.IGNORE,  # typing: shown already
    47003: Action.CONFIGURE,  # the fields are not those of the template
    48001: Action.CONFIGURE,  # the account may not use this interface
    48006: Action.TOMORROW,
    50002: Action.CONFIGURE,  # account restricted
    50005: Action.UNREACHABLE,  # unfollowed
}


class WeChatError(Exception):
    """WeChat refused: it did not do what was asked."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(f"errcode {code} {words}".strip())
        self.code = code
        self.action = ACTIONS.get(code, Action.GIVE_UP)


class NotReached(Exception):
    """The request did not reach WeChat; it may be sent again."""


class Unanswered(Exception):
    """The request may have reached WeChat; nobody knows."""


class Client:
    """The API of one official account."""

    def __init__(self, app_id: str, secret: str, base_url: str) -> None:
        self._app_id, self._secret = app_id, secret
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30)
        self._http = watched(
            httpx.AsyncClient(base_url=base_url.rstrip("/"), timeout=_TIMEOUT, limits=limits, trust_env=False)
        )
        self._token, self._until, self._forced_at = "", 0.0, -_FORCE_EVERY
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        await self._http.aclose()

    # token

    async def token(self) -> str:
        """A token that is valid for some minutes at least."""
        if time.monotonic() >= self._until:
            async with self._renewing:
                if time.monotonic() >= self._until:
                    await self._fetch_token(force=False)
        return self._token

    async def _renewed(self, refused: str) -> str:
        """A token other than the refused one.

        Raises:
            WeChatError: 40001: it was renewed by force less than 30 s ago already.
        """
        async with self._renewing:
            if self._token != refused:
                return self._token
            # stable_token gives the same token again unless it is forced
            await self._fetch_token(force=False)
            if self._token == refused:
                if time.monotonic() - self._forced_at < _FORCE_EVERY:
                    raise WeChatError(40001, "token refused again")
                self._forced_at = time.monotonic()
                await self._fetch_token(force=True)
            return self._token

    async def _fetch_token(self, *, force: bool) -> None:
        body = {
            "grant_type": "client_credential",
            "appid": self._app_id,
            "secret": self._secret,
            "force_refresh": force,
        }
        found = _judged(await self._send("POST", "/cgi-bin/stable_token", json=body))
        self._token = str(found["access_token"])
        self._until = time.monotonic() + max(30.0, float(found["expires_in"]) - _RENEW_BEFORE)

    # customer-service messages

    async def send(self, openid: str, call: dict[str, Any], leaving: Leaving | None = None) -> None:
        """``message/custom/send``.

        Args:
            call: the body without its receiver.
            leaving: called right before the request's body goes onto the wire.
        """
        await self.call("POST", "/cgi-bin/message/custom/send", {"touser": openid, **call}, leaving)

    async def typing(self, openid: str) -> None:
        """Shows dots for up to 15 s; no harm where WeChat does not want to."""
        try:
            await self.call("POST", "/cgi-bin/message/custom/typing", {"touser": openid, "command": "Typing"})
        except (WeChatError, NotReached, Unanswered) as error:
            log.debug(line("wechat_typing_refused", error=type(error).__name__))

    # outside the windows

    async def send_template(self, openid: str, template_id: str, data: dict[str, str]) -> str:
        """A template message; returns its number, under which its fate is reported."""
        body = {"touser": openid, "template_id": template_id, "data": _values(data)}
        return str((await self.call("POST", "/cgi-bin/message/template/send", body)).get("msgid", ""))

    async def send_subscription(self, openid: str, template_id: str, data: dict[str, str]) -> None:
        """A subscription message, once for each consent that the customer gave. WeChat gives it no number that we could keep."""
        body = {"touser": openid, "template_id": template_id, "data": _values(data)}
        await self.call("POST", "/cgi-bin/message/subscribe/bizsend", body)

    async def message_templates(self) -> list[dict[str, Any]]:
        """The account's templates for template messages: ``template_id``, ``title``, ``content``."""
        found = (await self.call("GET", "/cgi-bin/template/get_all_private_template")).get("template_list")
        return [row for row in found or () if isinstance(row, dict)]

    async def subscription_templates(self) -> list[dict[str, Any]]:
        """The account's templates for subscription messages: ``priTmplId``, ``content``, ``type`` (2: one message, 3: lasting)."""
        found = (await self.call("GET", "/wxaapi/newtmpl/gettemplate")).get("data")
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []

    # media

    async def download(self, media_id: str, *, limit: int) -> bytes:
        """A file that a customer sent; WeChat keeps it three days.

        Raises:
            WeChatError: 40007 when it is gone, 45001 when it is larger than `limit` bytes.
        """
        answer = await self._authorized("GET", "/cgi-bin/media/get", params={"media_id": media_id})
        if "json" in answer.headers.get("content-type", "") or answer.content[:1] == b"{":
            _judged(answer)
        if len(answer.content) > limit:
            raise WeChatError(45001, "too large")
        return answer.content

    async def upload(self, content: bytes, content_type: str) -> str:
        """Gives WeChat a picture to keep for three days; returns its media_id."""
        name = "picture." + {"image/png": "png", "image/gif": "gif"}.get(content_type, "jpg")
        files = {"media": (name, content, content_type)}
        answer = await self._authorized("POST", "/cgi-bin/media/upload", params={"type": "image"}, files=files)
        return str(_judged(answer)["media_id"])

    # menu

    async def create_menu(self, menu: dict[str, Any]) -> None:
        """Replaces the account's menu."""
        await self.call("POST", "/cgi-bin/menu/create", menu)

    async def current_menu(self) -> dict[str, Any]:
        """The menu as it is now, ``{"is_menu_open", "selfmenu_info"}``."""
        return await self.call("GET", "/cgi-bin/get_current_selfmenu_info")

    # calls

    async def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, leaving: Leaving | None = None
    ) -> dict[str, Any]:
        """One call with a token, and once more with a new one where the token was refused.

        Raises:
            WeChatError: refused.
            NotReached: not sent.
            Unanswered: sent, perhaps.
        """
        # WeChat shows \\uXXXX as it is: Chinese must go out as it is
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return _judged(await self._authorized(method, path, leaving=leaving, content=content))

    async def _authorized(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        leaving: Leaving | None = None,
        **more: Any,
    ) -> httpx.Response:
        token = await self.token()
        for renewed in (False, True):
            with noting(leaving):
                answer = await self._send(method, path, params={**(params or {}), "access_token": token}, **more)
            if renewed or _code(answer) not in _TOKEN_CODES:
                break
            token = await self._renewed(token)
        return answer

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, **more)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotReached(type(error).__name__) from None
        except httpx.HTTPError as error:
            # without "from": the error's request carries the token
            raise Unanswered(type(error).__name__) from None
        if answer.status_code >= 500:
            raise Unanswered(f"status_{answer.status_code}")
        return answer


_TOKEN_CODES = {code for code, action in ACTIONS.items() if action is Action.RENEW}


def client_of(settings: Settings) -> Client:
    """The API of the account that is set."""
    return Client(settings.wechat_app_id, settings.wechat_secret.get_secret_value(), settings.wechat_api)


def _code(answer: httpx.Response) -> int:
    if answer.content[:1] != b"{":
        return 0
    try:
        return int(answer.json().get("errcode") or 0)
    except (ValueError, TypeError, AttributeError):
        return 0


def _judged(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = json.loads(answer.content)
        code = int(found.get("errcode") or 0)
    except (ValueError, TypeError, AttributeError):
        raise Unanswered("not_json") from None
    if code:
        raise WeChatError(code, str(found.get("errmsg", ""))[:100])
    return dict(found)


def _values(data: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"value": value} for name, value in data.items()}
