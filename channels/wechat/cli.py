"""Commands for the official account: ``chebao wechat menu apply``, ``chebao wechat templates``, and what ``chebao doctor`` looks at."""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import httpx
import typer

from channels.wechat import menu
from channels.wechat.client import Action, Client, NotReached, Unanswered, WeChatError, client_of
from channels.wechat.notices import facts
from channels.wechat.templates import Form, Setting, Template, Unusable, form
from chebao.conversations.api import Message
from chebao.doctor import Finding
from chebao.settings import Settings, get_settings

wechat_app = typer.Typer(help="The WeChat official account.", no_args_is_help=True)
menu_app = typer.Typer(help="The account's menu.", no_args_is_help=True)
wechat_app.add_typer(menu_app, name="menu")

_EXAMPLE = "您的报案 CLM2026112207 有新进展：定损已完成。"
_PAGE = "mp.weixin.qq.com → 设置与开发 → 开发接口管理 → 基本配置"
_FIXES = {
    40013: ("AppID 不对，请核对 CHEBAO_WECHAT_APP_ID", "wrong app id: check CHEBAO_WECHAT_APP_ID"),
    40125: ("AppSecret 不对，请核对或重置后更新 CHEBAO_WECHAT_SECRET", "wrong secret: check CHEBAO_WECHAT_SECRET"),
    40164: (f"本机出口 IP 不在白名单，请在 {_PAGE} 的“IP白名单”里加上", "this machine's address is not on the IP white list"),
    48001: ("公众号没有这个接口权限：需要已认证的服务号", "the account may not use this interface: a verified service account is needed"),
    50002: ("公众号被限制使用接口，请查看站内信", "the account is restricted: see its inbox"),
}  # fmt: skip


@menu_app.command("apply")
def apply_menu(file: Annotated[Path, typer.Argument(help="Menu as JSON.")] = menu.FILE) -> None:
    """Replaces the account's menu by the one of a file."""
    settings = get_settings()
    if not settings.wechat_app_id:
        raise typer.BadParameter("CHEBAO_WECHAT_APP_ID is not set")
    try:
        wanted = menu.load(file)
        problem = menu.problem(wanted)
    except (OSError, ValueError) as error:
        problem = str(error)
    if problem:
        raise typer.BadParameter(f"{file}: {problem}")
    try:
        asyncio.run(_create(settings, wanted))
    except (WeChatError, NotReached, Unanswered) as error:
        _fail(error, "菜单没有更新", "the menu was not replaced")
    print("菜单已更新，手机上最多 5 分钟后可见；取消关注再关注可立即看到。")


def _fail(error: Exception, chinese: str, english: str) -> NoReturn:
    """Ends the command with what to mend."""
    code = error.code if isinstance(error, WeChatError) else 0
    chinese, english = _FIXES.get(code, (chinese, english))
    print(f"{chinese} / {english} ({error})", file=sys.stderr)
    raise typer.Exit(1) from None


async def _create(settings: Settings, wanted: dict[str, Any]) -> None:
    client = client_of(settings)
    try:
        await client.create_menu(wanted)
    finally:
        await client.close()


async def findings(settings: Settings) -> list[Finding]:
    """Settings, token, menu and webhook of the account."""
    if not settings.wechat_app_id:
        return [Finding("wechat", True, "微信未启用（没有 CHEBAO_WECHAT_APP_ID）", "WeChat is off")]
    return [*_settings(settings), *await _account(settings), await _webhook(settings)]


def _settings(settings: Settings) -> Iterator[Finding]:
    if not settings.wechat_aes_key.get_secret_value():
        yield Finding(
            "wechat key", False,
            f"没有 EncodingAESKey，消息正文不受签名保护：在 {_PAGE} 选“安全模式”，并填 CHEBAO_WECHAT_AES_KEY",
            "no AES key: bodies are not authenticated; choose safe mode and set CHEBAO_WECHAT_AES_KEY",
        )  # fmt: skip
    if not settings.public_url.startswith("https://"):
        yield Finding(
            "wechat url", False,
            f"CHEBAO_PUBLIC_URL 是 {settings.public_url}：微信只能推送到公网的 80 或 443 端口，付款链接也要用它",
            "CHEBAO_PUBLIC_URL must be a public https address",
        )  # fmt: skip


async def _account(settings: Settings) -> list[Finding]:
    """Token and menu."""
    client = client_of(settings)
    try:
        await client.token()
        current = await client.current_menu()
        templates = await _templates(client, settings)
    except WeChatError as error:
        fallback = (f"微信返回错误 {error.code}", f"WeChat answers errcode {error.code}")
        where = "wechat token" if error.action is not Action.GIVE_UP else "wechat api"
        return [Finding(where, False, *_FIXES.get(error.code, fallback))]
    except (NotReached, Unanswered) as error:
        words = f"连不上 {settings.wechat_api}（{error}），请检查出网和 DNS", f"{settings.wechat_api} is not reachable"
        return [Finding("wechat api", False, *words)]
    finally:
        await client.close()
    found = [Finding("wechat token", True, "access_token 正常", "token works"), *templates]
    if not current.get("is_menu_open"):
        found.append(
            Finding(
                "wechat menu",
                False,
                "还没有菜单：运行 chebao wechat menu apply",
                "no menu: run `chebao wechat menu apply`",
            )
        )
    return found


async def _templates(client: Client, settings: Settings) -> list[Finding]:
    """Whether the templates that are set can be filled and sent."""
    kinds = await _kinds(client, settings, unset=False)
    if not kinds:
        return []
    problems = [problem for kind in kinds for _, problem in kind.set_ones() if problem]
    return [
        Finding("wechat template", False, f"{p.chinese}。运行 chebao wechat templates 看账号里的模板", p.english)
        for p in problems
    ] or [Finding("wechat templates", True, "通知模板正常", "the notices' templates can be filled")]


@dataclass(frozen=True)
class _Kind:
    """Subscription or template messages: the account's templates, and the operator's settings of them."""

    title: str
    name: str
    known: dict[str, Template]
    settings: list[str]

    def set_ones(self) -> Iterator[tuple[Form | None, Unusable | None]]:
        for text in self.settings:
            try:
                yield form(Setting.of(text), self.known), None
            except Unusable as problem:
                yield None, problem


async def _kinds(client: Client, settings: Settings, *, unset: bool) -> list[_Kind]:
    """Both kinds, or those of which a template is set."""
    subscriptions = settings.wechat_subscription_templates
    message = [settings.wechat_notice_template] if settings.wechat_notice_template else []
    found = []
    for title, name, texts, fetch in (
        ("订阅通知", "CHEBAO_WECHAT_SUBSCRIPTION_TEMPLATES", subscriptions, client.subscription_templates),
        ("模板消息", "CHEBAO_WECHAT_NOTICE_TEMPLATE", message, client.message_templates),
    ):
        if texts or unset:
            known = {one.id: one for one in map(Template.of, await fetch())}
            found.append(_Kind(title, name, known, texts))
    return found


@wechat_app.command("templates")
def show_templates() -> None:
    """Shows the account's templates for notices, what each would say, and what is wrong with those that are set."""
    settings = get_settings()
    if not settings.wechat_app_id:
        raise typer.BadParameter("CHEBAO_WECHAT_APP_ID is not set")
    try:
        kinds = asyncio.run(_fetched_kinds(settings))
    except (WeChatError, NotReached, Unanswered) as error:
        _fail(error, "读不到模板列表", "the templates could not be read")
    example = facts(Message.of({"sender": "system", "text": _EXAMPLE}), datetime.now(ZoneInfo("Asia/Shanghai")))
    problems = []
    for kind in kinds:
        ones = list(kind.set_ones())
        problems += [problem.chinese for _, problem in ones if problem]
        forms = {one.template.id: one for one, _ in ones if one}
        print(f"{kind.title}（{kind.name}）")
        for template in kind.known.values():
            print(_shown(template, forms.get(template.id), example))
        print("" if kind.known else "  （账号里没有）\n")
    for words in problems:
        print(f"✗ {words}")
    if problems:
        raise typer.Exit(1)


def _shown(template: Template, used: Form | None, example: dict[str, str]) -> str:
    """A template, filled as it is set, or as it would be if its id alone were set."""
    head = f"  {'✓' if used else ' '} {template.title}  {template.id}"
    try:
        values = (used or form(Setting(template.id), {template.id: template})).filled(example)
    except Unusable as problem:
        return f"{head}\n      {problem.chinese}"
    lines = template.content.strip().split("\n")
    for name, value in values.items():
        lines = [row.replace(f"{{{{{name}.DATA}}}}", f"{value}  ({name})") for row in lines]
    return "\n".join([head, *(f"      {row}" for row in lines)])


async def _fetched_kinds(settings: Settings) -> list[_Kind]:
    client = client_of(settings)
    try:
        return await _kinds(client, settings, unset=True)
    finally:
        await client.close()


async def _webhook(settings: Settings) -> Finding:
    """Does what the console does when the address is saved."""
    from channels.wechat import protocol  # loads WeChat's libraries, which other commands do not need

    token, now, nonce, echo = (
        settings.wechat_token.get_secret_value(),
        str(int(time.time())),
        "doctor",
        secrets.token_hex(8),
    )
    query = {"timestamp": now, "nonce": nonce, "echostr": echo, "signature": protocol.signature_of(token, now, nonce)}
    url = f"{settings.public_url}/wechat"
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.get(url, params=query)
    except httpx.HTTPError as error:
        return Finding(
            "wechat webhook", False, f"访问不到 {url}（{type(error).__name__}）：请检查域名、证书和反向代理",
            f"{url} is not reachable",
        )  # fmt: skip
    if answer.text == echo:
        return Finding("wechat webhook", True, f"{url} 验证正常", f"{url} answers the check")
    return Finding(
        "wechat webhook", False, f"{url} 返回 {answer.status_code}：Token 与运行中的服务不一致，或请求没有转到本服务",
        f"{url} answers {answer.status_code}: another token, or another server",
    )  # fmt: skip
