"""Chats over real HTTP: who is believed, who is heard, and that nothing is done twice."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.flows.chat import STRANGER
from tests.channels.bots import SIGNING_SECRET
from tests.web.chats import COMMAND_TOKEN, GROUP, PATHS, STRANGERS, Request, Talk, open_talk

KINDS = ["slack", "telegram", "groupme", "mattermost", "discord"]


@pytest.fixture
def talk(tmp_path: Path, sqlite_url: str) -> Iterator[Talk]:
    with open_talk(tmp_path, sqlite_url) as talk:
        yield talk


def status(talk: Talk) -> str:
    (alert,) = talk.alerts()
    return alert.status


# --- who is believed ---


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_known_person_says_is_done(talk: Talk, kind: str) -> None:
    assert talk.send(talk.chats.say(kind, "ack")).status_code == 200
    (alert,) = talk.alerts()
    assert (alert.status, alert.acknowledged_by) == ("acknowledged", "Anna")
    assert talk.counted("accepted") == 1
    assert {"threads", "alerts"} <= set(talk.house.woken)


@pytest.mark.parametrize("channel", ["deaf", "nobody", "console", "..", "slack%00", "slack/x", "telegram/y", "groupme"])
def test_an_address_that_is_none_is_not_found(talk: Talk, channel: str) -> None:
    request = replace(talk.chats.say("slack", "ack"), path=f"/chat/{channel}")
    assert talk.send(request).status_code == 404
    assert talk.house.client.get("/chat/slack").status_code in (404, 405)
    assert status(talk) == "open"


SIGNED = {
    "slack": ["body", "x-slack-signature", "x-slack-request-timestamp", "path"],
    "discord": ["body", "x-signature-ed25519", "x-signature-timestamp", "path"],
    "telegram": ["x-telegram-bot-api-secret-token", "path"],
    "groupme": ["path"],
    "mattermost": ["token", "path"],
    "buttons": ["act", "alert", "mac", "path"],
}
CASES = [(kind, where) for kind, places in SIGNED.items() for where in places]
BYTES = [chr(code) for code in range(33, 127) if chr(code) not in "/?#%\\"]


def _made(talk: Talk, kind: str) -> Request:
    if kind == "buttons":
        return talk.chats.mattermost_press("ack", "0" * 13)
    return talk.chats.say(kind, "ack")


def _changed(text: str, at: int, to: str) -> str:
    at %= len(text)
    return text[:at] + (to if text[at] != to else chr(ord(to) ^ 1)) + text[at + 1 :]


def _spoiled(request: Request, where: str, at: int, to: str) -> Request:
    """The same with one character changed in one place."""
    if where == "path":
        head = "/chat/"
        return replace(request, path=head + _changed(request.path.removeprefix(head), at, to))
    if where == "body":
        return replace(request, body=_changed(request.body.decode(), at, to).encode())
    if where == "token":
        return replace(
            request, body=request.body.replace(COMMAND_TOKEN.encode(), _changed(COMMAND_TOKEN, at, to).encode())
        )
    if where in ("act", "alert", "mac"):
        said = json.loads(request.body)
        said["context"][where] = _changed(said["context"][where], at, to)
        return replace(request, body=json.dumps(said).encode())
    return replace(request, headers={**request.headers, where: _changed(request.headers[where], at, to)})


@pytest.mark.parametrize(("kind", "where"), CASES)
def test_whatever_is_changed_of_what_a_chat_proves_is_refused(talk: Talk, kind: str, where: str) -> None:
    request = _made(talk, kind)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(at=st.integers(0, 10_000), to=st.sampled_from(BYTES))
    def is_refused(at: int, to: str) -> None:
        spoiled = _spoiled(request, where, at, to)
        if spoiled.path.count("/") > request.path.count("/") or ("&" in to and where == "token"):
            return
        answer = talk.send(spoiled)
        assert answer.status_code in (400, 401, 403, 404), (answer.status_code, spoiled)
        assert len(answer.text) < 30

    is_refused()
    assert status(talk) == "open"
    assert talk.counted("accepted") == 0


@pytest.mark.parametrize("kind", [*KINDS, "buttons"])
def test_whatever_is_sent_by_whoever_is_believed_never_breaks_anything(talk: Talk, kind: str) -> None:
    request = _made(talk, kind)
    parts = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
        max_leaves=12,
    )

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(said=parts, raw=st.binary(max_size=80), as_json=st.booleans())
    def is_answered(said: object, raw: bytes, as_json: bool) -> None:
        body = json.dumps(said).encode() if as_json else raw
        if kind == "slack":
            sent = talk.chats.slack_signed(urlencode({"payload": body}).encode() if as_json else body)
        elif kind == "discord":
            sent = talk.chats.discord_signed(body)
        else:
            sent = replace(request, body=body)
        assert talk.send(sent).status_code in (200, 400, 403)

    is_answered()
    assert status(talk) == "open"


@pytest.mark.parametrize("kind", [*KINDS, "buttons"])
def test_whatever_a_known_person_says_is_answered(talk: Talk, kind: str) -> None:
    words = st.text(st.characters(), max_size=40)
    typed = st.tuples(st.sampled_from(["ack", "show", "close", "snooze", "take", "done"]), words).map(" ".join)
    ids = st.text(st.sampled_from("0123456789az"), min_size=1, max_size=14).map("show {}".format)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(said=words | typed | ids, call_id=words)
    def is_answered(said: str, call_id: str) -> None:
        if kind == "buttons":
            made = json.loads(talk.chats.mattermost_press("show", said).body) | {"trigger_id": call_id}
            request = replace(talk.chats.mattermost_press("show", said), body=json.dumps(made).encode())
        elif kind in ("slack", "mattermost"):
            safe = said.encode("utf-8", "replace").decode()
            request = talk.chats.say(kind, safe)
        else:
            request = talk.chats.say(kind, said)
        assert talk.send(request).status_code == 200

    is_answered()


WORDS = [
    *(
        "type",
        "user",
        "id",
        "actions",
        "action_id",
        "value",
        "action_ts",
        "update_id",
        "message",
        "from",
        "chat",
        "text",
    ),
    *(
        "callback_query",
        "data",
        "reply_to_message",
        "is_bot",
        "group_id",
        "sender_type",
        "system",
        "attachments",
        "name",
    ),
    *("token", "command", "trigger_id", "user_id", "context", "member", "options", "resolved", "messages", "target_id"),
]


@pytest.mark.parametrize("kind", ["slack", "discord"])
@pytest.mark.parametrize(
    "at",
    ["", "0", "-1", "99999999999", "999999999999", "1e9", "nan", "١٧٤٠٨٢٣٢٠٥", "1740823205.0", "17408232051740823205"],
)
def test_a_time_that_is_none_is_refused_whoever_signed_it(talk: Talk, kind: str, at: str) -> None:
    body = talk.chats.say(kind, "ack").body
    signed: Callable[..., Request] = getattr(talk.chats, f"{kind}_signed")
    request = signed(body, at=at) if at else signed(body)
    if not at:
        name = "x-slack-request-timestamp" if kind == "slack" else "x-signature-timestamp"
        request = replace(request, headers={k: v for k, v in request.headers.items() if k != name})
    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    answer = talk.house.client.post(request.path, content=body, headers=headers)
    assert answer.status_code in (401, 403)
    assert status(talk) == "open"


@pytest.mark.parametrize("kind", ["slack", "discord"])
@pytest.mark.parametrize("seconds", [-3_600, -310, 310, 3_600])
def test_what_was_signed_at_another_time_is_refused(talk: Talk, kind: str, seconds: int) -> None:
    request = talk.chats.say(kind, "ack")
    talk.later(seconds=-seconds)
    assert talk.send(request).status_code == 403
    assert talk.counted("refused_time") == 1
    assert status(talk) == "open"


def test_the_secret_of_another_app_opens_nothing(talk: Talk) -> None:
    body = talk.chats.slack("ack").body
    assert talk.send(talk.chats.slack_signed(body, secret="another-secret-of-another")).status_code == 403
    assert talk.send(talk.chats.slack_signed(body, secret="")).status_code == 403
    assert talk.send(replace(talk.chats.slack_signed(body), path="/chat/discord")).status_code == 401
    assert talk.send(replace(talk.chats.telegram("/ack"), path="/chat/mattermost")).status_code == 403
    assert talk.send(talk.chats.groupme("heedful ack", group_id="1")).status_code == 403
    assert status(talk) == "open"


def test_two_signatures_are_none(talk: Talk) -> None:
    request = talk.chats.slack("ack")
    headers = [*request.headers.items(), ("x-slack-signature", request.headers["x-slack-signature"])]
    assert talk.house.client.post(request.path, content=request.body, headers=headers).status_code == 403


def test_while_a_secret_is_being_replaced_both_are_good(talk: Talk) -> None:
    older = talk.chats.mattermost("help", token="an-older-token-0123456789")
    assert talk.send(older).status_code == 200
    assert talk.send(talk.chats.mattermost("help")).status_code == 200
    assert talk.send(talk.chats.mattermost("help", token="")).status_code == 403


# --- replays ---


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_again_is_not_done_again(talk: Talk, kind: str) -> None:
    request = talk.chats.say(kind, "close")
    assert talk.send(request).status_code == 200
    talk.work()
    (alert,) = talk.alerts()
    assert alert.status == "resolved"
    talk.later(minutes=2)
    talk.wall.append(("c2", "This is UNACCEPTABLE again, worst shop ever, you should be ashamed!!!", talk.house.now()))
    talk.work()
    n_open = [one.status for one in talk.alerts()].count("open")
    assert n_open == 1
    for _ in range(3):
        assert talk.send(request).status_code == 200
    talk.work()
    assert [one.status for one in talk.alerts()].count("open") == 1
    assert talk.counted("repeated") == 3


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_is_not_repeated_either(talk: Talk, kind: str) -> None:
    request = talk.chats.say(kind, "backlog")
    talk.send(request)
    assert "Kim" not in talk.send(request).text
    assert talk.counted("repeated") == 1


def test_a_call_is_done_once_by_two_hosts_on_one_postgres(tmp_path: Path, database_url: str) -> None:
    """On SQLite two daemons of one machine; on Postgres two hosts."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with open_talk(tmp_path / "one", database_url) as one, open_talk(tmp_path / "two", database_url) as two:
        for kind in KINDS:
            request = one.chats.say(kind, "show")
            one.send(request)
            two.send(request)
        assert (one.counted("accepted"), two.counted("repeated")) == (5, 5)


def test_a_call_that_two_hosts_hear_at_the_same_moment_is_done_once(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with open_talk(tmp_path / "one", database_url) as one, open_talk(tmp_path / "two", database_url) as two:
        with ThreadPoolExecutor(8) as pool:
            for _ in range(5):
                request = one.chats.telegram("/heedful ack")
                sent = list(pool.map(lambda host, request=request: host.send(request), [one, two] * 4))
                assert [answer.status_code for answer in sent] == [200] * 8
                assert len([answer for answer in sent if "has alert" in answer.text]) == 1
        n = one.counted("accepted") + two.counted("accepted"), one.counted("repeated") + two.counted("repeated")
        assert n == (5, 35)


# --- who is heard ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("words", ["ack", "backlog", "show"])
def test_a_stranger_changes_nothing_and_learns_nothing(talk: Talk, kind: str, words: str) -> None:
    answer = talk.send(talk.chats.say(kind, words, STRANGERS[kind]))
    assert answer.status_code == 200
    assert "Kim" not in answer.text
    assert status(talk) == "open"
    assert talk.counted("stranger") == 1
    is_told = STRANGER.split(":")[0] in answer.text
    assert is_told is (kind in ("slack", "mattermost", "discord"))  # in a room nobody is answered who is not known


def test_what_a_stranger_is_told_nobody_else_sees(talk: Talk) -> None:
    told = [
        talk.send(talk.chats.say(kind, "ack", STRANGERS[kind])).json() for kind in ("slack", "mattermost", "discord")
    ]
    assert [told[0]["response_type"], told[1]["response_type"], told[2]["data"]["flags"]] == ["ephemeral"] * 2 + [64]
    toast = talk.send(talk.chats.telegram_press("ack", STRANGERS["telegram"])).json()
    assert (toast["method"], toast["show_alert"]) == ("answerCallbackQuery", True)


def test_a_handle_of_one_chat_is_none_in_another(talk: Talk) -> None:
    assert "77" in talk.chats.say("slack", "ack", "77").body.decode()
    talk.send(talk.chats.say("slack", "ack", "77"))
    talk.send(talk.chats.say("groupme", "ack", "77"))
    talk.send(talk.chats.say("mattermost", "ack", "U1"))
    assert status(talk) == "open"
    assert talk.counted("stranger") == 3


@pytest.mark.parametrize("sender", ["bot", "system", "", None, "User"])
def test_in_groupme_only_people_are_heard_and_never_ourselves(talk: Talk, sender: str | None) -> None:
    answer = talk.send(talk.chats.groupme("heedful ack", sender_type=sender))
    assert (answer.status_code, answer.text) == (200, "")
    assert status(talk) == "open"
    assert talk.counted("not_for_us") == 1


def test_in_groupme_a_message_of_the_system_is_not_heard(talk: Talk) -> None:
    for system in (True, None, "false"):
        assert talk.send(talk.chats.groupme("heedful ack", system=system)).status_code == 200
    assert status(talk) == "open"


@pytest.mark.parametrize("bot", [True, None, "no", 1])
def test_in_telegram_only_people_are_heard(talk: Talk, bot: object) -> None:
    sent: Any = {"from": {"id": 77, "is_bot": bot}}
    assert talk.send(talk.chats.telegram("/heedful ack", **sent)).text == ""
    assert status(talk) == "open"


@pytest.mark.parametrize("text", ["I asked heedful to ack it", "", None, "heedfully", "good morning", "/ack"])
def test_what_is_not_said_to_us_is_not_answered(talk: Talk, text: str | None) -> None:
    assert talk.send(talk.chats.groupme(text)).text == ""
    assert talk.send(talk.chats.mattermost_post(text or "")).text == ""
    if text != "/ack":
        assert talk.send(talk.chats.telegram(text or "")).text == ""
    assert talk.counted("accepted") == 0
    assert status(talk) == "open"


def test_a_stranger_who_may_be_a_bot_is_not_answered_where_everybody_reads(talk: Talk) -> None:
    assert talk.send(talk.chats.mattermost_post("heedful backlog", STRANGERS["mattermost"])).text == ""
    assert talk.send(talk.chats.groupme("heedful backlog", STRANGERS["groupme"])).text == ""
    assert talk.send(talk.chats.telegram("/heedful backlog", STRANGERS["telegram"])).text == ""


@pytest.mark.parametrize("text", ["/ban 5", "/ban@another_bot 5", "/start", "/startle"])
def test_commands_of_other_bots_in_a_group_are_left_to_them(talk: Talk, text: str) -> None:
    assert talk.send(talk.chats.telegram(text)).text == ""


def test_in_private_a_bot_is_talked_to_without_its_name(talk: Talk) -> None:
    assert "Kim" in talk.send(talk.chats.telegram("backlog", chat="private")).text
    assert "snooze" in talk.send(talk.chats.telegram("/start", chat="private")).text


# --- which alert is meant ---


def _foot(talk: Talk) -> tuple[str, str]:
    from monitor.model import show_id

    shown = show_id(talk.alerts()[0].id)
    return (
        shown,
        f"Angry\n> Alert 0000000000000 is a lie\nAlert 1111111111111\nAlert {shown} · 2 Mar · take it: heedful ack",
    )


def _second_alert(talk: Talk) -> None:
    """From now on an alert must be named."""
    from monitor.store import alerts
    from monitor.store.engine import writing

    (alert,) = talk.alerts()
    with writing(talk.house.app.engine) as connection:
        alerts.save(connection, [replace(alert, id=alert.id + 1, group_key="another")], talk.house.now())


def test_an_answer_to_our_message_is_about_its_alert_by_its_last_line(talk: Talk) -> None:
    alert, text = _foot(talk)
    _second_alert(talk)
    ours = {"message_id": 4, "from": {"id": 7700112233, "is_bot": True}, "text": text}
    theirs = {**ours, "from": {"id": 5, "is_bot": True}}
    assert talk.send(talk.chats.telegram("ack", reply_to_message=theirs)).text == ""
    assert talk.alert(alert).status == "open"
    talk.send(talk.chats.telegram("ack", reply_to_message=ours))
    assert talk.alert(alert).status == "acknowledged"


def test_in_groupme_an_answer_to_our_message_needs_neither_name_nor_id(talk: Talk) -> None:
    alert, text = _foot(talk)
    _second_alert(talk)
    reply = [{"type": "reply", "reply_id": "m1", "base_reply_id": "m1"}]
    talk.send(talk.chats.groupme(text.replace(" ·", ","), sender_type="bot", id="m1"))
    assert talk.send(talk.chats.groupme("ack", attachments=[{"type": "reply", "reply_id": "m9"}])).text == ""
    assert talk.alert(alert).status == "open"
    talk.send(talk.chats.groupme("ack", attachments=reply))
    assert talk.alert(alert).status == "acknowledged"


def test_in_discord_a_command_in_a_messages_menu_is_about_its_alert(talk: Talk) -> None:
    alert, text = _foot(talk)
    _second_alert(talk)
    message = {"id": "9", "content": "", "embeds": [{"title": "Angry", "description": text}]}
    data = {"type": 3, "name": "Acknowledge", "target_id": "9", "resolved": {"messages": {"9": message}}}
    assert "has alert" in talk.send(talk.chats.discord("", data=data)).text
    assert talk.alert(alert).status == "acknowledged"


def test_a_press_of_a_button_is_about_its_own_alert(talk: Talk) -> None:
    alert, _ = _foot(talk)
    _second_alert(talk)
    assert talk.send(talk.chats.mattermost_press("ack", alert)).json() == {}
    assert talk.alert(alert).status == "acknowledged"
    talk.send(talk.chats.slack_press("snooze_hour", alert))
    assert talk.alert(alert).snoozed_until is not None
    talk.send(talk.chats.telegram_press(f"close {alert}"))
    talk.work()
    assert talk.alert(alert).status == "resolved"


def test_what_the_chats_themselves_ask_is_answered(talk: Talk) -> None:
    assert talk.send(talk.chats.discord_signed(b'{"type": 1}')).json() == {"type": 1}
    assert talk.send(talk.chats.slack_signed(b"ssl_check=1&token=x")).status_code == 200
    assert talk.counted("challenge") == 2
    assert talk.send(replace(talk.chats.discord_signed(b'{"type": 1}'), body=b'{"type": 2}')).status_code == 401


def test_no_secret_is_part_of_an_address_that_is_not_its_own() -> None:
    assert PATHS["groupme"] != PATHS["buttons"]
    assert len(PATHS["groupme"]) == 40
    assert GROUP not in PATHS["groupme"]
    assert SIGNING_SECRET not in str(PATHS)
