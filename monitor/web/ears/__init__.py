"""How heedful hears what is said in each kind of chat, and answers there. One file each.

An ear is built from the settings of one channel. What it is sent is believed only as far as that chat proves it.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from monitor.web.ears.base import Ear

EARS: Mapping[str, str] = {
    "slack_bot": "monitor.web.ears.slack:SlackEar",
    "telegram": "monitor.web.ears.telegram:TelegramEar",
    "groupme": "monitor.web.ears.groupme:GroupMeEar",
    "mattermost": "monitor.web.ears.mattermost:MattermostEar",
    "mattermost_bot": "monitor.web.ears.mattermost:MattermostEar",
    "discord": "monitor.web.ears.discord:DiscordEar",
}
"""By the kind of a channel."""


def ear_of(kind: str, settings: Any) -> Ear | None:
    """The ear of a channel of this kind; None where its settings name no secret by which callers are believed."""
    path = EARS.get(kind)
    if path is None:
        return None
    module, _, name = path.partition(":")
    build: Callable[[Any], Ear | None] = getattr(import_module(module), name).of
    return build(settings)
