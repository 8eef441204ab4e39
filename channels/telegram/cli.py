"""What ``chebao doctor`` looks at of the Telegram bot."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from chebao.doctor import Finding
from chebao.settings import Settings

if TYPE_CHECKING:
    from channels.telegram.client import Client

_PORTS = (443, 80, 88, 8443)
_RECENT = 3600
_MANY = 100


async def findings(settings: Settings) -> list[Finding]:
    """Token, reachability, and how updates come in."""
    token = settings.telegram_token.get_secret_value()
    if not token:
        return [Finding("telegram", True, "Telegram 未启用（没有 CHEBAO_TELEGRAM_TOKEN）", "Telegram is off")]
    from channels.telegram.client import Client  # loads Telegram's library, which other commands do not need

    client = Client(token, settings.telegram_api)
    try:
        return [found async for found in _bot(client, settings)]
    finally:
        await client.close()


async def _bot(client: Client, settings: Settings) -> AsyncIterator[Finding]:
    from telegram.error import InvalidToken, TelegramError

    from channels.telegram.protocol import COMMANDS

    try:
        name, info, menu = await client.name(), await client.webhook(), await client.menu()
    except InvalidToken:
        yield Finding(
            "telegram token", False, "Bot token 不对：在 @BotFather 发 /token 核对，更新 CHEBAO_TELEGRAM_TOKEN",
            "the bot token is refused: check it with @BotFather (/token), set CHEBAO_TELEGRAM_TOKEN",
        )  # fmt: skip
        return
    except TelegramError as error:
        yield Finding(
            "telegram api", False,
            f"连不上 {settings.telegram_api}（{type(error).__name__}）：中国大陆的服务器访问不到 Telegram，"
            "请设 HTTPS_PROXY，或把 CHEBAO_TELEGRAM_API 指向自建的转发",
            f"{settings.telegram_api} is not reachable: set HTTPS_PROXY, or point CHEBAO_TELEGRAM_API to a relay of yours",
        )  # fmt: skip
        return
    yield Finding("telegram token", True, f"token 有效，机器人是 @{name}", f"token works, the bot is @{name}")
    if menu != {command: words for command, (words, _) in COMMANDS.items()}:
        yield Finding(
            "telegram menu", False, "命令菜单还没有设上，或不是这一版的：重启服务会自动设置，请看日志 telegram_webhook_failed",
            "the command menu is not ours: the service sets it when it starts; see telegram_webhook_failed in its log",
        )  # fmt: skip
    if settings.telegram_receive == "polling":
        yield _polling(info)
        return
    for found in (*_address(settings), *_webhook(settings, info)):
        yield found
    yield await _secret(settings)


def _polling(info: dict[str, Any]) -> Finding:
    if url := info.get("url"):
        return Finding(
            "telegram polling", False, f"设的是轮询，但 webhook 还登记在 {url}：重启服务会取消它，别让两个环境用同一个 token",
            f"polling is set, but a webhook stands at {url}: a restart removes it; one token serves one installation",
        )  # fmt: skip
    return Finding("telegram polling", True, "轮询模式，没有登记 webhook", "polling, no webhook is set")


def _address(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.public_url)
    if url.scheme != "https" or (url.port or 443) not in _PORTS:
        yield Finding(
            "telegram url", False,
            f"CHEBAO_PUBLIC_URL 是 {settings.public_url}：Telegram 只推送到公网 https 的 443、80、88、8443 端口；"
            "没有公网地址时设 CHEBAO_TELEGRAM_RECEIVE=polling",
            "CHEBAO_PUBLIC_URL must be a public https address on port 443, 80, 88 or 8443; "
            "without one set CHEBAO_TELEGRAM_RECEIVE=polling",
        )  # fmt: skip


def _webhook(settings: Settings, info: dict[str, Any]) -> Iterator[Finding]:
    """What Telegram itself says of our webhook."""
    wanted, known = f"{settings.public_url}/telegram", info.get("url") or ""
    if known != wanted:
        where = f"登记在 {known}" if known else "还没有登记"
        yield Finding(
            "telegram webhook", False, f"webhook {where}，应为 {wanted}：启动服务时会自动登记，请看日志 telegram_webhook_failed",
            f"the webhook is {known or 'not set'}, not {wanted}: the service sets it when it starts; see telegram_webhook_failed",
        )  # fmt: skip
        return
    yield Finding("telegram webhook", True, f"webhook 登记在 {known}", f"the webhook is {known}")
    error = str(info.get("last_error_message") or "")
    if error and time.time() - int(info.get("last_error_date") or 0) < _RECENT:
        chinese, english = _why(error)
        yield Finding(
            "telegram errors", False, f"Telegram 最近一次推送失败：{error}。{chinese}",
            f"Telegram's last push failed: {error}. {english}",
        )  # fmt: skip
    if (waiting := int(info.get("pending_update_count") or 0)) > _MANY:
        yield Finding(
            "telegram updates", False, f"有 {waiting} 条更新积压在 Telegram：服务没有及时应答，请看日志和上面的错误",
            f"{waiting} updates wait at Telegram: the service does not acknowledge them; see the logs and the errors above",
        )  # fmt: skip


def _why(error: str) -> tuple[str, str]:
    """What to do about the error of a push."""
    lower = error.lower()
    if "403" in lower:
        return (
            "服务拒绝了密钥：重启服务会重新登记，多个进程要用同一个 CHEBAO_TELEGRAM_SECRET",
            "The service refused the secret: a restart sets it anew; several processes need one CHEBAO_TELEGRAM_SECRET",
        )
    if "certificate" in lower or "ssl" in lower:
        return "请检查证书链是否完整、域名是否一致", "Check the certificate's chain and its name"
    if any(word in lower for word in ("connection", "timed out", "timeout", "resolve")):
        return "请检查域名、防火墙和反向代理", "Check DNS, firewall and reverse proxy"
    return "请看服务日志", "See the service's log"


async def _secret(settings: Settings) -> Finding:
    """Knocks at our own door: what is no update is refused as that, with another secret as a stranger's."""
    from channels.telegram.client import webhook_secret

    chosen = settings.telegram_secret.get_secret_value()
    if chosen and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", chosen):
        return Finding(
            "telegram secret", False, "CHEBAO_TELEGRAM_SECRET 只能用字母、数字、_ 和 -，最多 256 个；留空会自动生成",
            "CHEBAO_TELEGRAM_SECRET takes letters, digits, _ and - only, at most 256; empty, one is derived",
        )  # fmt: skip
    url = f"{settings.public_url}/telegram"
    headers = {"X-Telegram-Bot-Api-Secret-Token": webhook_secret(settings)}
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.post(url, content=b"{}", headers=headers)
    except httpx.HTTPError as error:
        return Finding(
            "telegram service", False, f"访问不到 {url}（{type(error).__name__}）：请检查域名、证书和反向代理",
            f"{url} is not reachable: check DNS, certificate and reverse proxy",
        )  # fmt: skip
    if answer.status_code == httpx.codes.BAD_REQUEST:
        return Finding("telegram service", True, f"{url} 能访问，密钥一致", f"{url} answers and knows the secret")
    if answer.status_code == httpx.codes.FORBIDDEN:
        return Finding(
            "telegram service", False,
            "密钥与运行中的服务不一致：用同一份 .env（CHEBAO_TELEGRAM_SECRET、CHEBAO_SESSION_SECRET）重启服务",
            "the running service has another secret: restart it with this .env (CHEBAO_TELEGRAM_SECRET, CHEBAO_SESSION_SECRET)",
        )  # fmt: skip
    return Finding(
        "telegram service", False, f"{url} 返回 {answer.status_code}：请求没有转到本服务，或运行中的服务没有启用 Telegram",
        f"{url} answers {answer.status_code}: another server, or one without Telegram",
    )  # fmt: skip
