"""Chats that call heedful over real HTTP, each as it really calls: signed, with its secret, or with nothing at all."""

import hmac
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from monitor.core.signatures import press, unguessable
from monitor.flows import assess, notify
from monitor.flows.deliver import Deliverer
from monitor.flows.memory import Memory
from monitor.flows.poll import Poller
from monitor.model import Alert
from monitor.store import acts, alerts, outbox, sources
from monitor.store.engine import reading, writing
from monitor.web.chat import open_door
from tests.channels.bots import SIGNING_SECRET, SLACK_CHANNEL, SLACK_TOKEN
from tests.flows.brand import ANGRY
from tests.web.house import House, open_house
from tests.web.wall import SAID

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TELEGRAM_BOT, TELEGRAM_SECRET = "7700112233", "t3legram-webhook_secret"
GROUPME_SECRET, GROUP = "a-text-that-nobody-guesses", "33221100"
COMMAND_TOKEN, BUTTON_SECRET = "mattermostcommandtoken01ab", "buttons-of-the-mattermost-bot"
PATHS = {"groupme": unguessable(GROUPME_SECRET, "groupme"), "buttons": unguessable(BUTTON_SECRET, "mattermost")}
HANDLES = {
    "slack": "U1",
    "telegram": "77",
    "groupme": "88776655",
    "mattermost": "a" * 26,
    "discord": "330000000000000007",
}
STRANGERS = {"slack": "U666", "telegram": "78", "groupme": "88776656", "mattermost": "b" * 26, "discord": "33"}

CONFIG = """
[channels.slack]
kind = "slack_bot"
base_url = "{slack}"
token = "{slack_token}"
channel = "{slack_channel}"
signing_secret = "{signing_secret}"
[channels.telegram]
kind = "telegram"
base_url = "{elsewhere}"
token = "{telegram_bot}:AAtokenOfABotThatIsMadeUp"
chat_id = "-1001"
callback_secret = "{telegram_secret}"
[channels.groupme]
kind = "groupme"
base_url = "{elsewhere}"
bot_id = "abc123"
callback_secret = "{groupme_secret}"
group_id = "{group}"
[channels.mattermost]
kind = "mattermost_bot"
base_url = "{elsewhere}"
token = "mmb0t"
channel_id = "channel0123456789abcdefghi"
command_token = "an-older-token-0123456789 {command_token}"
callback_secret = "{button_secret}"
callback_url = "http://127.0.0.1:9/chat/mattermost"
[channels.discord]
kind = "discord"
url = "{elsewhere}/api/webhooks/1/token"
public_key = "{public_key}"
[channels.deaf]
kind = "slack_bot"
token = "{slack_token}"
channel = "{slack_channel}"
[people.anna]
name = "Anna"
channels = ["deaf"]
timezone = "Europe/Berlin"
handles = {{ slack = "U1", telegram = "77", groupme = "88776655", mattermost = "{mattermost}", discord = "{discord}" }}
[sources.wall]
brand = "shop"
connector = "tests.web.wall:Wall"
every = "30s"
[[routes]]
channels = ["slack"]
[alerts]
group_wait = "0s"
"""


def config(slack: str = "http://127.0.0.1:9", elsewhere: str = "http://127.0.0.1:9") -> str:
    return CONFIG.format(
        slack=slack,
        elsewhere=elsewhere,
        slack_token=SLACK_TOKEN,
        slack_channel=SLACK_CHANNEL,
        signing_secret=SIGNING_SECRET,
        telegram_bot=TELEGRAM_BOT,
        telegram_secret=TELEGRAM_SECRET,
        groupme_secret=GROUPME_SECRET,
        group=GROUP,
        command_token=COMMAND_TOKEN,
        button_secret=BUTTON_SECRET,
        public_key=KEY.public_key().public_bytes_raw().hex(),
        mattermost=HANDLES["mattermost"],
        discord=HANDLES["discord"],
    )


@dataclass(frozen=True)
class Request:
    """One request of a chat."""

    path: str
    body: bytes
    headers: dict[str, str]


_numbers = count(1)


class Chats:
    """Makes what each chat sends when somebody says something. Each thing said has an id of its own."""

    def __init__(self, now: Any) -> None:
        self._now = now

    def time(self) -> str:
        return str(int(self._now().timestamp()))

    def slack_signed(self, body: bytes, channel: str = "slack", at: str = "", secret: str = SIGNING_SECRET) -> Request:
        at = at or self.time()
        mac = hmac.new(secret.encode(), f"v0:{at}:".encode() + body, sha256).hexdigest()
        headers = {"x-slack-signature": f"v0={mac}", "x-slack-request-timestamp": at}
        return Request(f"/chat/{channel}", body, {"content-type": "application/x-www-form-urlencoded", **headers})

    def slack(self, text: str, who: str = "U1", **more: str) -> Request:
        """The slash command."""
        fields = {"command": "/heedful", "text": text, "user_id": who, "trigger_id": f"{next(_numbers)}.2.ab"}
        return self.slack_signed(urlencode({**fields, "user_name": "anna", **more}).encode())

    def slack_press(self, act: str, alert: str, who: str = "U1", response_url: str = "", **more: Any) -> Request:
        action = {"action_id": act, "block_id": "b", "value": alert, "action_ts": f"17408.{next(_numbers)}", **more}
        said = {"type": "block_actions", "user": {"id": who}, "actions": [action], "response_url": response_url}
        return self.slack_signed(urlencode({"payload": json.dumps(said)}).encode())

    def telegram_update(self, **update: Any) -> Request:
        body = json.dumps({"update_id": next(_numbers), **update}).encode()
        return Request("/chat/telegram", body, {"x-telegram-bot-api-secret-token": TELEGRAM_SECRET})

    def telegram(self, text: str, who: str = "77", chat: str = "group", **more: Any) -> Request:
        sender = {"id": int(who), "is_bot": False, "first_name": "Anna"}
        message = {"message_id": 5, "from": sender, "chat": {"id": -1001, "type": chat}, "text": text, **more}
        return self.telegram_update(message=message)

    def telegram_press(self, words: str, who: str = "77") -> Request:
        message = {"message_id": 4, "chat": {"id": -1001, "type": "group"}, "text": "Angry"}
        pressed = {"id": "991", "from": {"id": int(who), "is_bot": False}, "message": message, "data": words}
        return self.telegram_update(callback_query=pressed)

    def groupme(self, text: str | None, who: str = "88776655", **more: Any) -> Request:
        said = {
            "id": f"1740{next(_numbers)}",
            "group_id": GROUP,
            "sender_type": "user",
            "system": False,
            "name": "Anna",
        }
        body = json.dumps({**said, "user_id": who, "sender_id": who, "text": text, "attachments": [], **more}).encode()
        return Request(f"/chat/groupme/{PATHS['groupme']}", body, {"content-type": "application/json"})

    def mattermost(self, text: str, who: str = HANDLES["mattermost"], **more: str) -> Request:
        fields = {"token": COMMAND_TOKEN, "command": "/heedful", "text": text, "user_id": who}
        body = urlencode({**fields, "trigger_id": f"trigger{next(_numbers)}", **more}).encode()
        return Request("/chat/mattermost", body, {"content-type": "application/x-www-form-urlencoded"})

    def mattermost_post(self, text: str, who: str = HANDLES["mattermost"]) -> Request:
        """An outgoing webhook, as JSON."""
        said = {"token": COMMAND_TOKEN, "text": text, "user_id": who, "post_id": f"post{next(_numbers)}"}
        return Request("/chat/mattermost", json.dumps(said).encode(), {"content-type": "application/json"})

    def mattermost_press(self, act: str, alert: str, who: str = HANDLES["mattermost"], mac: str = "") -> Request:
        context = {"act": act, "alert": alert, "mac": mac or press(BUTTON_SECRET, act, alert)}
        said = {"user_id": who, "post_id": "p", "trigger_id": f"press{next(_numbers)}", "context": context}
        path = f"/chat/mattermost/{PATHS['buttons']}"
        return Request(path, json.dumps(said).encode(), {"content-type": "application/json"})

    def discord_signed(self, body: bytes, at: str = "") -> Request:
        at = at or self.time()
        signature = KEY.sign(at.encode() + body).hex()
        return Request("/chat/discord", body, {"x-signature-ed25519": signature, "x-signature-timestamp": at})

    def discord(self, text: str, who: str = HANDLES["discord"], **more: Any) -> Request:
        data = {"type": 1, "name": "heedful", "options": [{"name": "say", "type": 3, "value": text}]}
        said = {"type": 2, "id": str(10**17 + next(_numbers)), "application_id": "55", "token": "tok", "data": data}
        return self.discord_signed(json.dumps({**said, "member": {"user": {"id": who}}, **more}).encode())

    def say(self, kind: str, text: str, who: str = "") -> Request:
        """Anything said in a chat of this kind, in its plainest way."""
        words = f"heedful {text}" if kind == "groupme" else f"/heedful {text}" if kind == "telegram" else text
        made: Request = getattr(self, kind)(words, who or HANDLES[kind])
        return made


@dataclass
class Talk:
    """The running application with its chats; `work` is what the daemon would do meanwhile."""

    house: House
    chats: Chats
    wall: Any
    memory: Memory = field(default_factory=Memory)

    def send(self, request: Request) -> httpx.Response:
        return self.house.client.post(request.path, content=request.body, headers=request.headers)

    def counted(self, outcome: str) -> float:
        return self.house.counted("chat", outcome)

    def work(self) -> None:
        """Everything that is due, until nothing is."""
        app, now, wake = self.house.app, self.house.now, self.house.wake
        for _ in range(3):
            with writing(app.engine) as connection:
                claims = sources.claim(connection, now(), app.plan.lease, 10, {}, 5)
            for _account, claimed in claims:
                Poller(app.engine, lambda: app.plan, self.memory, now, wake).poll(claimed)
            while assess.assess_due(app.engine, app.plan, now, wake, self.memory.fresh):
                pass
            while notify.notify_due(app.engine, app.plan, now, wake):
                pass
            self._deliver()
            self.later(seconds=2)  # so much a channel wants between two messages

    def _deliver(self) -> None:
        app, now = self.house.app, self.house.now
        deliverer = Deliverer(app.engine, lambda: app.plan, now, self.house.wake)
        with reading(app.engine) as connection:
            waiting = outbox.waiting_channels(connection, now())
        with writing(app.engine) as connection:
            claims = outbox.claim(connection, waiting, now(), app.plan.lease)
        for _channel, claimed in claims:
            deliverer.deliver(claimed)

    def later(self, **duration: float) -> None:
        self.house.ahead += timedelta(**duration)

    def alerts(self) -> Sequence[Alert]:
        with reading(self.house.app.engine) as connection:
            return alerts.listing(connection, None, ["open", "acknowledged", "resolved"], 100)

    def alert(self, alert_id: str) -> Alert:
        with reading(self.house.app.engine) as connection:
            key = acts.find(connection, "alert", alert_id)
            return alerts.load(connection, [key])[key]


@contextmanager
def open_talk(directory: Path, database: str, slack: str = "http://127.0.0.1:9", **more: str) -> Iterator[Talk]:
    """A shop in which one angry comment has opened one alert."""
    SAID.clear()
    with open_house(directory, [open_door], database, config(slack, **more)) as house:
        talk = Talk(house, Chats(house.now), SAID)
        talk.work()
        talk.later(minutes=10)
        SAID.append(("c1", ANGRY, house.now()))
        talk.work()
        yield talk
