"""``make run FAKES=1``: platforms that are not there, each a small server with a phone-like page, and the settings that lead to them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

from chebao.settings import Settings

_FIRST_PORT = 100


@dataclass(frozen=True)
class Fake:
    """One fake platform.

    Args:
        module: run with ``--port`` and `arguments`; ``{app}`` stands for the app's address.
        settings: what the app has to be told; ``{fake}`` stands for the fake's address.
    """

    module: str
    arguments: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


FAKES: dict[str, Fake] = {
    "wechat": Fake(
        "tests.fakes.wechat",
        ("--push", "{app}/wechat", "--menu", "channels/wechat/menu.json"),
        {
            "CHEBAO_WECHAT_APP_ID": "wx0fake0fake0fake0",
            "CHEBAO_WECHAT_SECRET": "f" * 32,
            "CHEBAO_WECHAT_TOKEN": "fake-token",
            "CHEBAO_WECHAT_AES_KEY": "k" * 43,
            "CHEBAO_WECHAT_API": "{fake}",
            "CHEBAO_WECHAT_SUBSCRIPTION_TEMPLATES": '["sub-once"]',
        },
    ),
    "telegram": Fake(
        "tests.fakes.telegram",
        ("--token", "7000000001:fake"),
        {
            "CHEBAO_TELEGRAM_TOKEN": "7000000001:fake",
            "CHEBAO_TELEGRAM_SECRET": "fake-secret",
            "CHEBAO_TELEGRAM_API": "{fake}",
            "CHEBAO_TELEGRAM_RECEIVE": "polling",
        },
    ),
}


def address(settings: Settings, name: str) -> str:
    """Where a fake listens: on the ports from 100 above the app's."""
    return f"http://127.0.0.1:{settings.port + _FIRST_PORT + list(FAKES).index(name)}"


def commands(settings: Settings) -> dict[str, str]:
    """The command of each fake."""
    app = f"http://127.0.0.1:{settings.port}"
    return {
        f"fake_{name}": " ".join(
            [sys.executable, "-m", fake.module, "--port", address(settings, name).rpartition(":")[2]]
            + [argument.format(app=app) for argument in fake.arguments]
        )
        for name, fake in FAKES.items()
    }


def environment(settings: Settings) -> dict[str, str]:
    """The settings that lead the app to the fakes; what is set already stays."""
    return {
        name: value.format(fake=address(settings, fake_name))
        for fake_name, fake in FAKES.items()
        for name, value in fake.settings.items()
        if name not in os.environ
    }
