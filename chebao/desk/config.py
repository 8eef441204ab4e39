"""What an operator may set about the desk (environment, prefix ``CHEBAO_DESK_``)."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeskSettings(BaseSettings):
    """How long the desk waits for whom."""

    model_config = SettingsConfigDict(env_prefix="CHEBAO_DESK_", env_file=".env", extra="ignore")

    answer_seconds: float = Field(default=60, gt=0)
    """Assigned but unanswered so long: the next agent is asked."""

    silent_seconds: float = Field(default=60, gt=0)
    """Nothing heard of an agent's page so long: he is offline, his conversations move on."""

    idle_ask_minutes: float = Field(default=10, gt=0)
    """A customer has not answered so long: he is asked whether he is still there; who is the bot's again, how it was."""

    idle_close_minutes: float = Field(default=5, gt=0)
    """So long after that the conversation is closed."""

    hold_minutes: float = Field(default=60, gt=0)
    """A conversation is put aside so long, where the agent names no time."""
