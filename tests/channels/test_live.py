"""What every channel promises whose messages can be changed: in place, below one another, never twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from monitor.channels import REGISTRY
from monitor.channels.base import Live, MessageGone, Searched
from monitor.channels.buttons import BUTTONS, offered
from monitor.errors import Gone, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.model import Notice
from tests.channels.bots import SLACK_CHANNEL, FakeSlackBot
from tests.channels.notices import CRISIS, DIGEST, FIRST, HOSTILE_NOTICES, HOSTILE_ROOMS, NOTICES, NOW, OPERATORS
from tests.channels.test_contract import HTTP, make, posted, strings

LIVE = ["discord", "matrix", "mattermost_bot", "slack_bot", "telegram"]
PAGERS = ["opsgenie", "pagerduty"]  # see test_pagers.py
TAKEN = replace(FIRST, reason="update", says="acknowledged", status="acknowledged", owner="Alex Example")
OVER = replace(FIRST, reason="resolved", says="resolved: nothing of it stands any more", status="resolved")


def text(shown: Any) -> str:
    return "\n".join(strings(shown))


def test_these_are_the_channels_whose_messages_can_be_changed() -> None:
    assert sorted(kind for kind in REGISTRY if isinstance(make(kind), Live)) == sorted([*LIVE, *PAGERS])
    assert [kind for kind in REGISTRY if isinstance(make(kind), Searched)] == ["slack_bot"]


@pytest.mark.parametrize("kind", LIVE)
def test_a_message_is_changed_in_its_place(kind: str) -> None:
    with posted(kind) as (fake, channel):
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        assert ref
        channel.edit(ref, channel.render(TAKEN, NOW), NOW)
        (shown,) = fake.wall.values()
        assert "Alex Example has it" in text(shown)
        assert "take it" not in text(shown)
        assert len(fake.accepted) == 1


@pytest.mark.parametrize("kind", LIVE)
def test_a_change_that_is_made_twice_is_no_error(kind: str) -> None:
    with posted(kind) as (fake, channel):
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        for later in range(3):
            channel.edit(ref, channel.render(TAKEN, NOW), NOW + timedelta(seconds=later))
        assert len(fake.wall) == 1


@pytest.mark.parametrize("kind", LIVE)
def test_a_state_that_comes_back_is_shown_again(kind: str) -> None:
    with posted(kind) as (fake, channel):
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        for later, notice in enumerate([TAKEN, replace(FIRST, reason="update"), TAKEN]):
            channel.edit(ref, channel.render(notice, NOW), NOW + timedelta(seconds=later))
        assert "Alex Example has it" in text(*fake.wall.values())


@pytest.mark.parametrize("kind", LIVE)
def test_news_stand_below_the_first_message_where_the_chat_has_threads(kind: str) -> None:
    with posted(kind) as (fake, channel):
        first = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        second = channel.post(channel.render(OVER, NOW), "1delivery", NOW, first)
        assert second != first
        root, below = fake.wall
        shown = fake.wall[below]
        expected = {
            "discord": {},
            "matrix": {"rel_type": "m.thread", "event_id": root},
            "mattermost_bot": root,
            "slack_bot": root,
            "telegram": {"message_id": int(root) if root.isdecimal() else 0, "allow_sending_without_reply": True},
        }[kind]
        found = {
            "discord": {},
            "matrix": {k: v for k, v in shown.get("m.relates_to", {}).items() if k in ("rel_type", "event_id")},
            "mattermost_bot": shown.get("root_id"),
            "slack_bot": shown.get("thread_ts"),
            "telegram": shown.get("reply_parameters"),
        }[kind]
        assert found == expected


@pytest.mark.parametrize("kind", [kind for kind in LIVE if kind != "matrix"])
def test_a_message_that_somebody_deleted_is_gone_and_not_the_channel(kind: str) -> None:
    with posted(kind) as (fake, channel):
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        fake.wall.clear()
        with pytest.raises(MessageGone) as caught:
            channel.edit(ref, channel.render(TAKEN, NOW), NOW)
        assert caught.value.__context__ is None
        channel.send(channel.render(FIRST, NOW), "1delivery", NOW)


@pytest.mark.parametrize("kind", [kind for kind in LIVE if kind not in ("matrix", "discord")])
def test_what_followed_a_message_that_is_gone_is_posted_all_the_same(kind: str) -> None:
    with posted(kind) as (fake, channel):
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        fake.wall.clear()
        assert channel.post(channel.render(OVER, NOW), "1delivery", NOW, ref)
        assert "RESOLVED" in text(fake.accepted[-1])


@pytest.mark.parametrize("kind", LIVE)
@pytest.mark.parametrize("ref", ["nonsense", "", "C1|C1", "../../x", "0" * 60])
def test_a_name_of_no_message_changes_nothing(kind: str, ref: str) -> None:
    with posted(kind) as (fake, channel):
        if kind == "matrix":
            return  # any name is one there: the server keeps the change, and nobody sees it
        with pytest.raises(MessageGone):
            channel.edit(ref, channel.render(TAKEN, NOW), NOW)
        assert fake.wall == {}
        assert channel.post(channel.render(FIRST, NOW), "0delivery", NOW, ref)


EDIT_STATUSES = [(401, Unauthorized), (410, Gone), (429, RateLimited), (500, Unavailable), (302, Unavailable)]


@pytest.mark.parametrize("kind", LIVE)
@pytest.mark.parametrize(("status", "expected"), EDIT_STATUSES)
def test_a_refused_change_is_the_error_that_says_what_to_do_next(
    kind: str, status: int, expected: type[RemoteError]
) -> None:
    with posted(kind) as (fake, channel):
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        fake.fail_with = (status, b"", {"retry-after": "90"})
        with pytest.raises(RemoteError) as caught:
            channel.edit(ref, channel.render(TAKEN, NOW), datetime.now(UTC))
    assert type(caught.value) is expected
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("kind", LIVE)
def test_whatever_people_write_a_change_is_accepted(kind: str) -> None:
    with posted(kind) as (fake, channel):
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        moment = [datetime.now(UTC)]

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(notice=HOSTILE_NOTICES | HOSTILE_ROOMS)
        def is_accepted(notice: Notice) -> None:
            moment[0] += timedelta(minutes=1)
            n_before = len(fake.requests)
            channel.edit(ref, channel.render(notice, NOW), moment[0])
            assert len(fake.requests) == n_before + 1  # and not by falling back to plain text
            assert "01a2b3c4d5e6f" in text(*fake.wall.values())

        is_accepted()


def test_the_buttons_are_those_that_are_of_use() -> None:
    assert [button.act for button in offered(FIRST)] == [button.act for button in BUTTONS]
    assert "ack" not in {button.act for button in offered(CRISIS)}
    assert [button.act for button in offered(OVER)] == ["show"]
    assert offered(DIGEST) == ()
    assert {button.act for button in offered(OPERATORS)} == {"ack", "snooze_hour", "snooze_tomorrow", "assign", "close"}


def test_what_a_button_says_is_a_command_that_is_understood() -> None:
    from zoneinfo import ZoneInfo

    from monitor.core.chat import parse

    verbs = {button.act: parse(button.command("01a2b3c4d5e6f"), NOW, ZoneInfo("UTC")) for button in BUTTONS}
    assert {command.about for command in verbs.values()} == {"01a2b3c4d5e6f"}
    assert [command.verb for command in verbs.values()] == [
        "ack",
        "snooze",
        "snooze",
        "assign",
        "wrong",
        "close",
        "show",
    ]
    assert verbs["snooze_hour"].until == NOW + timedelta(hours=1)


@pytest.mark.parametrize("kind", ["slack_bot", "telegram"])
def test_buttons_stand_only_where_somebody_listens(kind: str) -> None:
    unheard = {"slack_bot": {"signing_secret": None}, "telegram": {"callback_secret": None}}[kind]
    for notice in NOTICES.values():
        assert "Acknowledge" not in text(make(kind, **unheard).render(notice, NOW).payloads)
    assert "Acknowledge" in text(make(kind).render(FIRST, NOW).payloads)


# --- Slack's bot ------------------------------------------------------------------------------------------------


def slack(fake: FakeSlackBot, **more: Any) -> Any:
    return make("slack_bot", fake.url, HTTP, **more)


def test_a_slack_message_whose_answer_was_lost_is_found_again() -> None:
    with FakeSlackBot() as fake:
        channel = slack(fake)
        for number in range(5):  # several pages of them
            ref = channel.post(channel.render(FIRST, NOW), f"{number}delivery", NOW, "")
        below = channel.post(channel.render(OVER, NOW), "6delivery", NOW, ref)
        assert channel.find("4delivery", NOW, "") == ref
        assert channel.find("6delivery", NOW, ref) == below
        assert channel.find("6delivery", NOW, "") == ""
        fake.may_read = False
        assert channel.find("4delivery", NOW, "") == ""
        fake.fail_with = (503, b"", {})
        with pytest.raises(Unavailable):
            channel.find("4delivery", NOW, "")


def test_a_slack_thread_is_not_continued_in_another_channel() -> None:
    with FakeSlackBot() as fake:
        channel = slack(fake)
        elsewhere = f"C9999ZZZZZZ|{SLACK_CHANNEL}|1740823205.000000"
        channel.post(channel.render(OVER, NOW), "0delivery", NOW, elsewhere)
        assert "thread_ts" not in fake.accepted[0]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("invalid_auth", Unauthorized),
        ("missing_scope", Unauthorized),
        ("not_in_channel", Gone),
        ("is_archived", Gone),
        ("ratelimited", RateLimited),
        ("internal_error", Unavailable),
    ],
)
def test_slacks_words_say_what_to_do_next(word: str, expected: type[RemoteError]) -> None:
    with FakeSlackBot() as fake:
        fake.fail_with = (200, b'{"ok": false, "error": "%s"}' % word.encode(), {})
        for act in (
            lambda: slack(fake).send(slack(fake).render(FIRST, NOW), "0delivery", NOW),
            lambda: slack(fake).edit("C1|C1|1.0", slack(fake).render(FIRST, NOW), NOW),
            slack(fake).check,
        ):
            with pytest.raises(RemoteError, match=word) as caught:
                act()
            assert type(caught.value) is expected


def test_blocks_that_slack_refuses_arrive_as_plain_text_also_as_a_change() -> None:
    class Strict(FakeSlackBot):
        def _fault(self, content: dict[str, Any]) -> str:
            return "invalid_blocks" if content.get("blocks") else ""

    with Strict() as fake:
        channel = slack(fake)
        ref = channel.post(channel.render(FIRST, NOW), "0delivery", NOW, "")
        assert "Answer within the hour" in fake.accepted[0]["text"]
        channel.edit(ref, channel.render(TAKEN, NOW), NOW)
        assert "Alex Example has it" in text(*fake.wall.values())


def test_what_is_urgent_is_shown_in_the_channel_as_well_as_in_its_thread() -> None:
    loud = {
        name
        for name, notice in NOTICES.items()
        if "reply_broadcast" in make("slack_bot").render(notice, NOW).payloads[0]
    }
    assert loud == {"severity_rose", "escalated", "reopened", "repeat"}
