"""What the desk itself says to customers, in Chinese."""

from __future__ import annotations

from chebao.conversations.api import Reply

SKILLS = {
    "claims": "理赔",
    "renewal": "续保",
    "new_policy": "投保",
    "complaint": "投诉",
    "general": "综合咨询",
}
"""Skills as customers and agents read them."""


def next_agent() -> Reply:
    """The agent who was asked first has not answered."""
    return Reply(text="抱歉让您久等了，正在为您换一位客服，您前面说的内容都在，不用重复。")


def agent_left() -> Reply:
    """The agent's page is gone."""
    return Reply(text="刚才的客服暂时离开了，正在为您转给其他客服，您前面说的内容都在，不用重复。")


def to_skill(skill: str) -> Reply:
    """The agent passes the customer on to colleagues of a skill."""
    return Reply(text=f"正在为您转给负责{SKILLS.get(skill, '这类问题')}的客服，您前面说的内容都在，不用重复。")


def joined(name: str) -> Reply:
    """A supervisor speaks beside the agent."""
    return Reply(text=f"客服主管{name}也加入了，和客服一起为您服务。")


def still_there(minutes: float) -> Reply:
    """The customer has not answered for a while."""
    return Reply(
        text=f"还在吗？{minutes:g} 分钟内没有收到您的消息，这次人工服务会先结束；之后您随时可以再找我们。还需要继续吗？"
    )


def closed_for_silence() -> Reply:
    """Nor after that."""
    return Reply(text="这次人工服务先结束了。您随时发消息，我马上回复；需要客服，发送“人工”就行。")
