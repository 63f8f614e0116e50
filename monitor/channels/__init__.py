"""The chat targets that heedful tells; one file each."""

from importlib import import_module

from monitor.channels.base import Channel
from monitor.errors import NotFound

REGISTRY = {
    "console": "monitor.channels.console:Console",
    "slack": "monitor.channels.slack:Slack",
    "slack_bot": "monitor.channels.slack_bot:SlackBot",
    "groupme": "monitor.channels.groupme:GroupMe",
    "webhook": "monitor.channels.webhook:Webhook",
    "discord": "monitor.channels.discord:Discord",
    "mattermost": "monitor.channels.mattermost:Mattermost",
    "mattermost_bot": "monitor.channels.mattermost_bot:MattermostBot",
    "teams": "monitor.channels.teams:Teams",
    "ntfy": "monitor.channels.ntfy:Ntfy",
    "telegram": "monitor.channels.telegram:Telegram",
    "matrix": "monitor.channels.matrix:Matrix",
    "google_chat": "monitor.channels.google_chat:GoogleChat",
    "rocketchat": "monitor.channels.rocketchat:RocketChat",
    "pagerduty": "monitor.channels.pagerduty:PagerDuty",
    "opsgenie": "monitor.channels.opsgenie:Opsgenie",
    "apprise": "monitor.channels.apprise:Apprise",
    "email": "monitor.channels.email:Email",
}


def load(kind: str) -> type[Channel]:
    """The channel class of this kind.

    Raises: NotFound, fit to be shown.
    """
    path = REGISTRY.get(kind)
    if path is None:
        raise NotFound(f'there is no channel kind "{kind}"; there are {", ".join(REGISTRY)}')
    module, _, attribute = path.partition(":")
    found: type[Channel] = getattr(import_module(module), attribute)
    return found
