"""Makes the channel out of settings; importing this loads WeChat's libraries."""

from __future__ import annotations

from channels.wechat.client import client_of
from channels.wechat.connector import WeChat
from channels.wechat.intake import Intake, Transcriber
from channels.wechat.protocol import Credentials
from channels.wechat.sender import Sender
from chebao.conversations.api import Hub, Uploads
from chebao.settings import Settings


def channel(settings: Settings, hub: Hub, uploads: Uploads, transcriber: Transcriber | None = None) -> WeChat:
    """The channel of the account that is set, taken into the hub's delivery."""
    keys = (settings.wechat_aes_key.get_secret_value(), settings.wechat_aes_key_previous.get_secret_value())
    credentials = Credentials(
        settings.wechat_app_id, settings.wechat_token.get_secret_value(), tuple(key for key in keys if key)
    )
    client = client_of(settings)
    sender = Sender(
        client, hub, uploads, public_url=settings.public_url, notice_template=settings.wechat_notice_template
    )
    hub.delivery.add(sender)
    return WeChat(credentials, hub, client, Intake(client, hub, uploads, transcriber), sender)
