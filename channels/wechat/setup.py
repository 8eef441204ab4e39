"""Makes the channel out of settings; importing this loads WeChat's libraries."""

from __future__ import annotations

from channels.speech import Transcriber
from channels.wechat.client import client_of
from channels.wechat.connector import WeChat
from channels.wechat.intake import CHANNEL, Intake
from channels.wechat.notices import Notices
from channels.wechat.protocol import Credentials
from channels.wechat.sender import Sender
from chebao.conversations.api import Consents, Hub, Uploads
from chebao.settings import Settings


def channel(settings: Settings, hub: Hub, uploads: Uploads, transcriber: Transcriber | None = None) -> WeChat:
    """The channel of the account that is set, taken into the hub's delivery."""
    keys = (settings.wechat_aes_key.get_secret_value(), settings.wechat_aes_key_previous.get_secret_value())
    credentials = Credentials(
        settings.wechat_app_id, settings.wechat_token.get_secret_value(), tuple(key for key in keys if key)
    )
    client, consents = client_of(settings), Consents(hub.engine, CHANNEL)
    notices = Notices(
        client,
        consents,
        subscriptions=settings.wechat_subscription_templates,
        template=settings.wechat_notice_template,
    )
    sender = Sender(client, hub, uploads, notices, public_url=settings.public_url)
    hub.delivery.add(sender)
    return WeChat(credentials, hub, client, Intake(client, hub, uploads, consents, transcriber), sender)
