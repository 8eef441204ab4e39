"""What an operator may set about turns and queue (environment, prefix ``CHEBAO_``)."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chebao.conversations.summaries import ChatCompletions, SummaryWriter

DEMO_MINIMUM_WAIT = 10


class HubSettings(BaseSettings):
    """Turns, queue and hand-off."""

    model_config = SettingsConfigDict(env_prefix="CHEBAO_", env_file=".env", extra="ignore")

    queue_wait_minutes: int = Field(default=10, ge=1)
    turn_seconds: float = Field(default=8.0, gt=0, le=8.0)
    summary_url: str = ""
    summary_key: SecretStr = SecretStr("")
    summary_model: str = ""

    def summary_writer(self) -> SummaryWriter | None:
        """The model that puts hand-offs into words, where one is set."""
        if not self.summary_url:
            return None
        return ChatCompletions(self.summary_url, self.summary_key.get_secret_value(), self.summary_model)

    def wait_minutes(self, *, demo: bool) -> int:
        """Minutes in the queue before the bot takes a conversation back."""
        return max(DEMO_MINIMUM_WAIT, self.queue_wait_minutes) if demo else self.queue_wait_minutes
