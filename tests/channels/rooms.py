"""Fakes of the chat rooms that take markdown or cards: what the real ones would refuse or misread, these refuse."""

import json
import re
from typing import Any

from tests.channels.fakes import Fake, Reply

DISCORD_TOKEN = "d1sc0rd-S3cr3t_t0ken"
MATTERMOST_KEY = "mm5ecretkey0123456789abcde"
NAMED = re.compile(r"@(?!\u200b)\w")


def _json(status: int, answer: object, **headers: str) -> Reply:
    return status, json.dumps(answer).encode(), headers


def markdown_fault(text: str, *ours: str) -> str:
    """What of a text is markup and not ours, or "". An escaped character is taken out, and so is what `ours` match."""
    for pattern in (r"\\[!-/:-@\[-`{-~]", r"`heedful ack \w+`", *ours):
        text = re.sub(pattern, "", text, flags=re.MULTILINE)
    found = re.search(r"[\\*_`~<>\[\]|#]", text)
    return f"markup of a stranger: {text[max(0, found.start() - 30) : found.end() + 30]}" if found else ""


class FakeDiscord(Fake):
    """One webhook, by Discord's documented limits."""

    remaining = 4

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        address, _, query = path.partition("?")
        webhook, is_change, message_id = address.partition("/messages/")
        if webhook != f"/api/webhooks/100200300400500600/{DISCORD_TOKEN}":
            return _json(404, {"message": "Unknown Webhook", "code": 10015})
        if method == "GET":
            return _json(200, {"id": "100200300400500600", "channel_id": "7", "name": "heedful"})
        payload = json.loads(body)
        shown = {name: value for name, value in payload.items() if value or not is_change}
        fault = "not waited for" if "wait=true" not in query and not is_change else discord_fault(shown)
        if fault:
            return _json(400, {"code": 50035, "message": "Invalid Form Body"})
        if is_change:
            if message_id not in self.wall:
                return _json(404, {"message": "Unknown Message", "code": 10008})
            self.wall[message_id] |= payload
        else:
            message_id = str(900 + len(self.accepted))
            self.accepted.append(payload)
            self.wall[message_id] = dict(payload)
        bucket = {"x-ratelimit-remaining": str(self.remaining), "x-ratelimit-reset-after": "1.5"}
        return 200, json.dumps({"id": message_id, "channel_id": "7"}).encode(), bucket


def discord_fault(payload: dict[str, Any]) -> str:
    """What Discord would refuse of a message, or show otherwise than we mean it."""
    if payload.get("allowed_mentions") != {"parse": []}:
        return "somebody could be pinged"
    if set(payload) == {"allowed_mentions", "content"}:
        return "" if 0 < len(payload["content"]) <= 2_000 else "content"
    (embed,) = payload["embeds"]
    if not 0 < len(embed["title"]) <= 256 or not 0 < len(embed["description"]) <= 4_096:
        return "too long"
    if len(embed["title"]) + len(embed["description"]) > 6_000 or not 0 <= embed["color"] <= 0xFFFFFF:
        return "too long, or no colour"
    if NAMED.search(re.sub(r"\]\(<[^>]*>\)", "", embed["title"] + embed["description"])):
        return "names somebody"
    ours = (r"\[open it\]\(<https?://[^\s<>()]+>\)", r"^> ", r"^\*\*|\*\*(?=$| ·| on | under |:)")
    return markdown_fault(embed["title"]) or markdown_fault(embed["description"], *ours)


class FakeMattermost(Fake):
    """One incoming webhook; checks in the order of the real server."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        payload = json.loads(body)
        if not payload.get("text"):
            return self._refuses("text", 400)
        if path != f"/sub/hooks/{MATTERMOST_KEY}":
            return self._refuses("invalid", 400)
        if "channel" in payload:
            return self._refuses("channel", 404)
        if fault := mattermost_fault(payload["text"]):
            return 400, b"", {"x-fault": fault.encode("ascii", "replace").decode()[:200]}
        self.accepted.append(payload)
        return 200, b"ok", {"content-type": "text/plain"}

    def _refuses(self, what: str, status: int) -> Reply:
        return _json(status, {"id": f"web.incoming_webhook.{what}.app_error", "message": "…", "status_code": status})


def mattermost_fault(text: str) -> str:
    """What of a post would name somebody, or be read as markup that is not ours."""
    if len(text) > 4_000:
        return "it would be split"
    visible = re.sub(r"\[open it\]\([^\s()]+\)", "", text)
    if NAMED.search(visible) or re.search(r"~(?!\u200b)\w|<[!@]", visible):
        return "names somebody"
    if re.search(r"^> .*\n.", visible, re.MULTILINE):
        return "a quotation that goes on"
    return markdown_fault(visible, r"^#### ", r"^> ", r"^\*\*|\*\*(?=$| ·| on | under |:)")


TEAMS_SIG = "t3amsS1gnature-x_y"
TEAMS_QUERY = f"api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={TEAMS_SIG}"
_RUN = {"type", "text", "weight", "size", "color", "isSubtle", "italic", "selectAction"}
_FIELDS = {
    "RichTextBlock": {"type", "spacing", "inlines"},
    "Container": {"type", "separator", "spacing", "style", "items"},
    "ActionSet": {"type", "actions"},
}


class FakeTeams(Fake):
    """One workflow: takes whatever its trigger takes, and notes what Teams would then make of the card."""

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if path != f"/workflows/a1/triggers/manual/paths/invoke?{TEAMS_QUERY}":
            return _json(401, {"error": {"code": "DirectApiAuthorizationRequired", "message": "…"}})
        if method != "POST":
            return _json(405, {"error": {"code": "MethodNotAllowed", "message": "…"}})
        payload = json.loads(body)
        fault = "too large" if len(body) > 24_000 else card_fault(payload)
        if fault:
            return 400, b"", {"x-fault": fault.encode("ascii", "replace").decode()[:200]}
        self.accepted.append(payload)
        return 202, b"", {}


def card_fault(payload: dict[str, Any]) -> str:
    """What the schema of Adaptive Cards 1.4, or Teams, would not take of a message, or ""."""
    (attachment,) = payload["attachments"]
    card = attachment["content"]
    if payload["type"] != "message" or attachment["contentType"] != "application/vnd.microsoft.card.adaptive":
        return "not a card"
    if (card["type"], card["version"], card["msteams"]) != ("AdaptiveCard", "1.4", {"width": "Full"}):
        return "another card"
    return next(filter(None, map(_element_fault, card["body"])), "")


def _element_fault(element: dict[str, Any]) -> str:
    if not set(element) <= _FIELDS.get(element["type"], set()):
        return f"{element['type']} with {set(element)}"
    if element["type"] == "Container":
        return next(filter(None, map(_element_fault, element["items"])), "" if element["items"] else "an empty box")
    if element["type"] == "ActionSet":
        addresses = [action["url"] for action in element["actions"] if action["type"] == "Action.OpenUrl"]
        return "" if addresses and all(url.startswith("https://") for url in addresses) else "a button to nowhere"
    faults = ("a run" for run in element["inlines"] if not run["text"] or not set(run) <= _RUN)
    actions = [run["selectAction"] for run in element["inlines"] if "selectAction" in run]
    if any(action["type"] != "Action.OpenUrl" or not action["url"].startswith("https://") for action in actions):
        return "a link to nowhere"
    texts = "".join(run["text"] for run in element["inlines"])
    if re.search(r"\{\{|</?at\b", texts, re.IGNORECASE):
        return "something that is expanded"
    return next(faults, "" if element["inlines"] else "an empty line")
