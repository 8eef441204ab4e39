"""Settings from the environment (prefix ``CHEBAO_``); the complete list with comments is `.env.example`."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent

_DEMO_VALUE = "demo"


class Settings(BaseSettings):
    """All that an operator may set. Secrets left at their demo values refuse to start outside demo mode."""

    model_config = SettingsConfigDict(env_prefix="CHEBAO_", env_file=".env", extra="ignore")

    mode: Literal["demo", "production"] = "demo"
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    data: Path = ROOT / ".chebao"
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")

    rasa_port: int = 5005
    actions_port: int = 5055
    rasa_url: str = ""
    backoffice_url: str = ""
    hub_url: str = ""

    chat_key: SecretStr = SecretStr(_DEMO_VALUE)
    backoffice_token: SecretStr = SecretStr(_DEMO_VALUE)
    events_secret: SecretStr = SecretStr(_DEMO_VALUE)
    session_secret: SecretStr = SecretStr(_DEMO_VALUE)
    desk_key: SecretStr = SecretStr(_DEMO_VALUE)

    fakes: bool = False

    wechat_app_id: str = ""
    wechat_secret: SecretStr = SecretStr("")
    wechat_token: SecretStr = SecretStr("")
    wechat_aes_key: SecretStr = SecretStr("")
    wechat_aes_key_previous: SecretStr = SecretStr("")
    wechat_api: str = "https://api.weixin.qq.com"
    wechat_notice_template: str = ""
    wechat_subscription_templates: list[str] = []

    telegram_token: SecretStr = SecretStr("")
    telegram_secret: SecretStr = SecretStr("")
    telegram_api: str = "https://api.telegram.org"
    telegram_receive: Literal["webhook", "polling"] = "webhook"
    telegram_personal_data: Literal["on", "off"] = "on"

    web_origins: list[str] = []
    company: str = "车保财险（演示）"
    hotline: str = "95000（演示）"

    @model_validator(mode="after")
    def _derive(self) -> Self:
        local = f"http://127.0.0.1:{self.port}"
        self.public_url = (self.public_url or local).rstrip("/")
        self.hub_url = self.hub_url or local
        self.backoffice_url = self.backoffice_url or f"{local}/backoffice/v1"
        self.rasa_url = self.rasa_url or f"http://127.0.0.1:{self.rasa_port}"
        for name in ("wechat_aes_key", "wechat_aes_key_previous"):
            key = getattr(self, name).get_secret_value()
            if key and not re.fullmatch("[0-9A-Za-z]{43}", key):
                raise ValueError(f"CHEBAO_{name.upper()} is not an EncodingAESKey: 43 letters and digits")
        if self.wechat_app_id and not (self.wechat_secret.get_secret_value() and self.wechat_token.get_secret_value()):
            raise ValueError("CHEBAO_WECHAT_APP_ID needs CHEBAO_WECHAT_SECRET and CHEBAO_WECHAT_TOKEN")
        if self.fakes and not self.demo:
            raise ValueError("CHEBAO_FAKES is for demo mode")
        if self.mode == "production":
            weak = [
                f"CHEBAO_{name.upper()}"
                for name in ("chat_key", "backoffice_token", "events_secret", "session_secret")
                if len(getattr(self, name).get_secret_value()) < 16
            ]
            if 0 < len(self.desk_key.get_secret_value()) < 16:
                weak.append("CHEBAO_DESK_KEY")
            if weak:
                raise ValueError(f"production mode needs secrets of at least 16 characters: {', '.join(weak)}")
        return self

    @property
    def demo(self) -> bool:
        """Whether fixed codes, demo data and the reset endpoint are on."""
        return self.mode == "demo"


@lru_cache
def get_settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
