"""What every channel promises, for each one in the registry: limits, disarming, errors, silence about its secret."""

import io
import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from monitor.channels import REGISTRY, load
from monitor.channels.base import Channel, ChannelSettings, Message
from monitor.errors import Gone, HeedfulError, Malformed, NotFound, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http import HttpClient
from monitor.model import Line, Notice, Reason, Section
from tests.channels import notices
from tests.channels.bots import (
    MATTERMOST_CHANNEL,
    MATTERMOST_TOKEN,
    SIGNING_SECRET,
    SLACK_CHANNEL,
    SLACK_TOKEN,
    FakeMattermostBot,
    FakeSlackBot,
)
from tests.channels.fakes import BOT_ID, SECRET, TOKEN, Fake, FakeGroupMe, FakeReceiver, FakeSlack
from tests.channels.homeserver import MATRIX_TOKEN, ROOM, FakeHomeserver
from tests.channels.mailbox import OWNER, SENDER
from tests.channels.notices import CRISIS, DIGEST, FIRST, HOSTILE_NOTICES, HOSTILE_ROOMS, KIM, NOTICES, NOW, WAITING
from tests.channels.pagers import GENIE_KEY, ROUTING_KEY, FakeOpsgenie, FakePagerDuty
from tests.channels.phones import BOT_TOKEN, CALLBACK_SECRET, CHAT, NTFY_TOKEN, TOPIC, FakeNtfy, FakeTelegram
from tests.channels.rooms import (
    DISCORD_TOKEN,
    MATTERMOST_KEY,
    TEAMS_QUERY,
    TEAMS_SIG,
    FakeDiscord,
    FakeMattermost,
    FakeTeams,
)
from tests.channels.spaces import GOOGLE_QUERY, GOOGLE_TOKEN, ROCKET_TOKEN, FakeGoogleChat, FakeRocketChat
from tests.faults import FAULTS, FaultServer

HOOK = "h00k-s3cr3t"
HTTP = HttpClient()
HASTY = HttpClient(timeout=timedelta(seconds=0.5), deadline=timedelta(seconds=1))  # for targets that never answer

FAKES: dict[str, type[Fake] | None] = {
    "console": None,
    "slack": FakeSlack,
    "groupme": FakeGroupMe,
    "webhook": FakeReceiver,
    "discord": FakeDiscord,
    "mattermost": FakeMattermost,
    "teams": FakeTeams,
    "ntfy": FakeNtfy,
    "telegram": FakeTelegram,
    "matrix": FakeHomeserver,
    "google_chat": FakeGoogleChat,
    "rocketchat": FakeRocketChat,
    "slack_bot": FakeSlackBot,
    "mattermost_bot": FakeMattermostBot,
    "pagerduty": FakePagerDuty,
    "opsgenie": FakeOpsgenie,
    "apprise": None,  # by a library of its own: test_apprise.py holds it to them
    "email": None,  # no HTTP: test_email.py holds it to the same promises
}
REMOTE = sorted(kind for kind, fake in FAKES.items() if fake)
READ = sorted(set(FAKES) - {"webhook"})  # by people


def settings_of(kind: str, url: str) -> dict[str, Any]:
    return {
        "console": {},
        "slack": {"url": f"{url}/services/{TOKEN}"},
        "groupme": {"bot_id": BOT_ID, "base_url": url},
        "webhook": {"url": f"{url}/in/{HOOK}?key={HOOK}", "secret": SECRET, "allow_private": True},
        "discord": {"url": f"{url}/api/webhooks/100200300400500600/{DISCORD_TOKEN}"},
        "mattermost": {"url": f"{url}/sub/hooks/{MATTERMOST_KEY}"},
        "teams": {"url": f"{url}/workflows/a1/triggers/manual/paths/invoke?{TEAMS_QUERY}"},
        "ntfy": {"topic": TOPIC, "token": NTFY_TOKEN, "base_url": url},
        "telegram": {"token": BOT_TOKEN, "chat_id": str(CHAT), "base_url": url} | {"callback_secret": CALLBACK_SECRET},
        "matrix": {"base_url": url, "token": MATRIX_TOKEN, "room_id": ROOM},
        "slack_bot": {"token": SLACK_TOKEN, "channel": SLACK_CHANNEL, "base_url": url}
        | {"signing_secret": SIGNING_SECRET},
        "mattermost_bot": {"base_url": url, "token": MATTERMOST_TOKEN, "channel_id": MATTERMOST_CHANNEL},
        "pagerduty": {"routing_key": ROUTING_KEY, "base_url": url},
        "opsgenie": {"api_key": GENIE_KEY, "base_url": url},
        "apprise": {"url": url.replace("http://", "json://")},
        "google_chat": {"url": f"{url}/v1/spaces/AAAA1234/messages?{GOOGLE_QUERY}"},
        "rocketchat": {"url": f"{url}/hooks/5f0c/{ROCKET_TOKEN}"},
        "email": {"host": "127.0.0.1", "port": 9, "tls": "none", "sender": SENDER, "to": OWNER},
    }[kind]


def make(kind: str, url: str = "http://127.0.0.1:9", http: HttpClient = HTTP, **more: Any) -> Any:
    """The channel, as the app makes it; GroupMe without its pauses."""
    channel = load(kind)
    made: Any = channel(channel.Settings(**{**settings_of(kind, url), **more}), http)
    if kind == "groupme":
        made._pause = lambda seconds: None
    return made


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for part in value.values() for text in strings(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in strings(part))


def drawn(payload: Mapping[str, Any]) -> Any:
    """What is shown of a payload; where that comes in two forms, the richer one."""
    return next((payload[form] for form in ("blocks", "formatted_body", "html") if form in payload), payload)


def read(message: Message) -> str:
    """All that a reader sees, in order; escapes undone, line breaks between messages taken away."""
    if "data" in message.payloads[0]:
        return "\n".join([json.dumps(message.payloads[0], ensure_ascii=False), *strings(message.payloads[0])])
    text = "\n".join(text for payload in message.payloads for text in strings(drawn(payload)))
    for escaped, plain in (("\u200b", ""), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(escaped, plain)
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


@contextmanager
def posted(kind: str) -> Iterator[tuple[Fake, Any]]:
    fake_class = FAKES[kind]
    assert fake_class is not None
    with fake_class() as fake:
        yield fake, make(kind, fake.url)


def test_the_contract_knows_every_channel_of_the_registry() -> None:
    assert set(FAKES) == set(REGISTRY)
    with pytest.raises(NotFound, match='"pager"; there are console'):
        load("pager")


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_a_channel_has_what_the_flows_need(kind: str) -> None:
    channel: type[Channel] = load(kind)
    assert channel.kind == kind
    assert issubclass(channel.Settings, ChannelSettings)
    assert timedelta(0) <= channel.min_gap <= timedelta(minutes=1)
    undocumented = [name for name, field in channel.Settings.model_fields.items() if not field.description]
    assert undocumented == []


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_a_setting_that_does_not_exist_is_refused(kind: str) -> None:
    with pytest.raises(ValidationError, match="colour"):
        make(kind, colour="red")


# --- what a message says ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_an_alert_says_what_happened_why_and_what_to_do(kind: str) -> None:
    text = read(make(kind).render(FIRST, NOW))
    assert "high" in text.lower()
    for said in ("An angry customer", "Example Bakery", "Kim Example", "Worst bakery", "https://social.example/@kim/1"):
        assert said in text
    for why in ("0.83", "0.7", "worst", "never again", "angry=1", "the 13th is a"):
        assert why in text
    for what_to_do in ("Answer within the hour", "Do not delete the comment", "heedful ack 01a2b3c4d5e6f"):
        assert what_to_do in text


@pytest.mark.parametrize("kind", READ)
def test_times_are_the_brands_and_waiting_is_said_in_hours(kind: str) -> None:
    text = read(make(kind).render(FIRST, NOW))
    assert "waiting 3 h" in text
    assert "Thu 12 Nov 2026, 11:05 CET" in text  # Kim wrote it, and has been waiting since
    assert "UTC" not in text


@pytest.mark.parametrize("kind", sorted(REGISTRY))
@pytest.mark.parametrize("name", sorted(NOTICES))
def test_every_kind_of_notice_says_why_it_is_told_now(kind: str, name: str) -> None:
    text = read(make(kind).render(NOTICES[name], NOW))
    assert NOTICES[name].says.split("(")[0] in text
    assert NOTICES[name].alert_id in text


@pytest.mark.parametrize("kind", READ)
def test_a_resolved_alert_asks_for_nothing_any_more(kind: str) -> None:
    text = read(make(kind).render(NOTICES["resolved"], NOW))
    assert "RESOLVED" in text
    for no_longer in ("heedful ack", "Answer within the hour", "waiting 3 h", "0.83"):
        assert no_longer not in text


@pytest.mark.parametrize("kind", READ)
def test_a_repeated_alert_says_that_it_is_still_open(kind: str) -> None:
    assert "An angry customer (still open)" in read(make(kind).render(NOTICES["repeat"], NOW))


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_a_private_message_is_not_copied_into_a_shared_room(kind: str) -> None:
    channel = make(kind)
    text = read(channel.render(NOTICES["private"], NOW))
    for private in ("Worst bakery", "worst", "never again"):
        assert private not in text
    assert "0.83" in text
    if kind != "webhook":
        assert "private message; read it there" in text
    assert "Worst bakery" in read(make(kind, show_private=True).render(NOTICES["private"], NOW))


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_what_fits_is_not_called_truncated_and_what_does_not_is(kind: str) -> None:
    channel = make(kind)
    assert not channel.render(FIRST, NOW).is_truncated
    many = channel.render(replace(FIRST, threads=FIRST.threads * 30, n_threads=60), NOW)
    assert many.is_truncated
    assert "more threads" in read(many) or many.payloads[0]["data"]["n_threads"] == 60
    long = channel.render(replace(FIRST, threads=(replace(notices.KIM, excerpt="word " * 2_000),)), NOW)
    assert long.is_truncated
    assert "…" in read(long)


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_sections_stand_above_the_worst_threads(kind: str) -> None:
    text = read(make(kind).render(CRISIS, NOW))
    for said in ("A pile-on under one post", "14 people more", "57 people upset", "▁▂▄▇█", "Alex, due in 20 min"):
        assert said in text
    assert "https://social.example/@bakery/9" in text
    assert text.lower().index("what happened") < text.lower().index("damage") < text.lower().index("what not to do")
    if kind != "webhook":
        assert text.lower().index("what not to do") < text.index("Worst bakery")


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_more_sections_than_fit_are_counted(kind: str) -> None:
    heap = Section("Heap", tuple(Line(f"line {number}", "https://shop.example/" + "a" * 300) for number in range(400)))
    message = make(kind).render(replace(CRISIS, sections=(heap,) * 40), NOW)
    assert message.is_truncated
    text = read(message)
    assert "line 0" in text
    if kind != "webhook":
        assert "more lines" in text
        assert "more parts" in text
        assert "Alex Example has it" in text


@pytest.mark.parametrize("kind", READ)
def test_a_digest_asks_nobody_to_take_it_and_names_no_alert(kind: str) -> None:
    text = read(make(kind).render(DIGEST, NOW))
    assert "DIGEST · What was held over night" in text
    assert "12 notices were held" in text
    for absent in ("take it", "Take it", "heedful ack", "Alert "):
        assert absent not in text


@pytest.mark.parametrize("kind", READ)
def test_who_has_an_alert_stands_at_its_foot_and_nobody_else_is_asked(kind: str) -> None:
    text = read(make(kind).render(NOTICES["acknowledged"], NOW))
    assert "Alex <Example> has it" in text
    assert "heedful ack" not in text
    assert "somebody has it" in read(make(kind).render(replace(NOTICES["acknowledged"], owner=" "), NOW))


@pytest.mark.parametrize("kind", READ)
def test_an_update_of_what_is_over_says_so(kind: str) -> None:
    over = replace(NOTICES["acknowledged"], reason="update", status="resolved")
    text = read(make(kind).render(over, NOW))
    assert "RESOLVED · An angry customer" in text
    for no_longer in ("has it", "heedful ack", "Answer within the hour"):
        assert no_longer not in text


# --- hostile notices --------------------------------------------------------------------------------------------

UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("kind", sorted(REGISTRY))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(notice=HOSTILE_NOTICES)
def test_whatever_people_write_the_reasons_and_the_first_step_are_read(kind: str, notice: Notice) -> None:
    message = make(kind).render(notice, NOW)
    text = read(message)
    assert notices.FIRST_STEP in text
    assert "01a2b3c4d5e6f" in text
    assert "0.8375" in text or "0.84" in text
    assert "0.7" in text
    if not notice.threads[0].is_private:
        assert "sentinelword" in text
    if all(thread.is_private for thread in notice.threads):
        assert "sentinelword" not in text
    if kind != "webhook":
        assert not UNSEEN.search(text.replace("\n", ""))


@pytest.mark.parametrize("kind", sorted(REGISTRY))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(notice=HOSTILE_ROOMS)
def test_whatever_stands_in_sections_the_first_one_and_the_first_step_are_read(kind: str, notice: Notice) -> None:
    text = read(make(kind).render(notice, NOW))
    assert "sentinel heading" in text.lower()
    assert "Sentinel line" in text
    assert notices.FIRST_STEP in text
    if kind != "webhook":
        assert "has it" in text
        assert not UNSEEN.search(text.replace("\n", ""))


@pytest.mark.parametrize("kind", REMOTE)
def test_whatever_people_write_the_target_accepts_it(kind: str) -> None:
    with posted(kind) as (fake, channel):

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(notice=HOSTILE_NOTICES | HOSTILE_ROOMS)
        def is_accepted(notice: Notice) -> None:
            before = len(fake.accepted)
            message = channel.render(notice, NOW)
            channel.send(message, f"0delivery{before}", datetime.now(UTC))  # another one: some know repeats
            assert len(fake.accepted) - before == len(message.payloads)
            for payload in message.payloads[-1:]:
                assert set(payload) <= set(fake.accepted[-1])  # and not by falling back to plain text

        is_accepted()


@settings(max_examples=40, deadline=None)
@given(notice=HOSTILE_NOTICES)
def test_the_terminal_shows_hostile_text_without_obeying_it(notice: Notice) -> None:
    for imitate in ("slack", "groupme"):
        stream = io.StringIO()
        channel = load("console")(load("console").Settings(imitate=imitate), HTTP)  # type: ignore[call-arg]
        channel._stream = stream  # type: ignore[attr-defined]
        channel.send(channel.render(notice, NOW), "0delivery", NOW)
        assert not UNSEEN.search(stream.getvalue().replace("\n", ""))


# --- errors -----------------------------------------------------------------------------------------------------

STATUSES = [
    (400, Malformed),
    (401, Unauthorized),
    (403, Unauthorized),
    (404, Gone),
    (410, Gone),
    (429, RateLimited),
    (500, Unavailable),
    (502, Unavailable),
    (503, Unavailable),
    (302, Unavailable),
]


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize(("status", "expected"), STATUSES)
def test_a_refusal_is_the_error_that_says_what_to_do_next(kind: str, status: int, expected: type[RemoteError]) -> None:
    with posted(kind) as (fake, channel):
        fake.fail_with = (status, b"", {"retry-after": "90", "location": "/elsewhere"})
        with pytest.raises(RemoteError) as caught:
            channel.send(channel.render(FIRST, NOW), "0delivery", NOW)
        assert {path for _, path, _, _ in fake.requests} == {fake.requests[0][1]}  # nothing was followed
    assert type(caught.value) is expected
    assert caught.value.status == status
    if status in (429, 503):
        assert caught.value.retry_at is not None
        assert timedelta(seconds=60) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=90)


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize("fault", ["timeout", "reset", "slow drip of headers"])
def test_a_target_that_does_not_answer_is_unavailable(kind: str, fault: str) -> None:
    with FaultServer(FAULTS[fault]) as server:
        channel = make(kind, server.url, HASTY)
        with pytest.raises(Unavailable) as caught:
            channel.send(channel.render(FIRST, NOW), "0delivery", NOW)
        assert caught.value.was_sent


@pytest.mark.parametrize("kind", REMOTE)
def test_a_target_that_nobody_runs_was_never_sent_to(kind: str) -> None:
    channel = make(kind)
    with pytest.raises(Unavailable) as caught:
        channel.send(channel.render(FIRST, NOW), "0delivery", NOW)
    assert not caught.value.was_sent
    with pytest.raises(Unavailable):
        channel.check()


@pytest.mark.parametrize("kind", REMOTE)
def test_the_check_says_whether_the_target_lives_and_posts_nothing(kind: str) -> None:
    with posted(kind) as (fake, channel):
        channel.check()
        assert fake.accepted == []
        assert len(fake.requests) == 1
        fake.fail_with = (503, b"", {})
        with pytest.raises(Unavailable):
            channel.check()


SECRETS = re.compile(
    "|".join(
        [
            *(TOKEN, TOKEN.split("/")[-1], BOT_ID, HOOK, SECRET.removeprefix("whsec_")),
            *(
                DISCORD_TOKEN,
                MATTERMOST_KEY,
                TEAMS_SIG,
                TOPIC,
                NTFY_TOKEN,
                BOT_TOKEN,
                CALLBACK_SECRET,
                BOT_TOKEN.partition(":")[2],
            ),
            *(
                MATRIX_TOKEN,
                GOOGLE_TOKEN,
                ROCKET_TOKEN,
                SLACK_TOKEN,
                SIGNING_SECRET,
                MATTERMOST_TOKEN,
                ROUTING_KEY,
                GENIE_KEY,
            ),
        ]
    )
)


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize("status", [status for status, _ in STATUSES] + [0])
def test_the_secret_is_in_no_error_no_repr_and_no_log(kind: str, status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with posted(kind) as (fake, channel):
        fake.fail_with = (status, b"bad", {})
        channel = channel if status else make(kind)
        raised = []
        for act in (lambda: channel.send(channel.render(FIRST, NOW), "0delivery", NOW), channel.check):
            try:
                act()
            except HeedfulError as error:
                raised.append(error)
        assert raised
        for error in raised:
            assert not SECRETS.search("".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)))
            assert error.__cause__ is error.__context__ is None
        for shown in (repr(channel), str(channel), repr(getattr(channel, "settings", "")), caplog.text):
            assert not SECRETS.search(shown)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("slack", {"url": f"http://hooks.example/{HOOK}"}),
        ("slack", {"url": f"{HOOK}"}),
        ("slack", {"url": f"https://[{HOOK}"}),
        ("slack", {"url": f"https:///{HOOK}"}),
        ("groupme", {"bot_id": f"{HOOK} "}),
        ("groupme", {"base_url": "http://api.example"}),
        ("webhook", {"url": f"http://x.example/{HOOK}", "allow_private": False}),
        ("webhook", {"url": f"ftp://x.example/{HOOK}"}),
        ("webhook", {"secret": f"whsec_{HOOK}"}),
        ("webhook", {"secret": "whsec_aDAwaw=="}),
        ("webhook", {"previous_secret": f"{HOOK}"}),
        ("discord", {"url": f"https://discord.com/api/webhooks/1/{HOOK}/slack"}),
        ("discord", {"url": f"http://discord.example/api/webhooks/1/{HOOK}"}),
        ("discord", {"thread_id": f"{HOOK}"}),
        ("mattermost", {"url": f"https://chat.example/{HOOK}"}),
        ("teams", {"url": f"https://shop.webhook.office.com/webhookb2/{HOOK}"}),
        ("teams", {"url": f"http://prod.example/workflows/{HOOK}"}),
        ("ntfy", {"topic": f"{HOOK}/json"}),
        ("ntfy", {"token": f"{HOOK}\r\nx: y"}),
        ("ntfy", {"base_url": "http://ntfy.example"}),
        ("ntfy", {"base_url": "https://ntfy.example/?auth=1"}),
        ("telegram", {"token": f"{HOOK}"}),
        ("telegram", {"chat_id": "the group"}),
        ("google_chat", {"url": f"https://chat.example/v1/spaces/A/messages?key={HOOK}"}),
        ("google_chat", {"url": f"https://chat.example/{HOOK}?key=1&token=2"}),
        ("rocketchat", {"url": f"https://chat.example/hooks/{HOOK}"}),
        ("telegram", {"callback_secret": f"{HOOK} "}),
        ("slack_bot", {"token": f"{HOOK}"}),
        ("slack_bot", {"channel": "#care"}),
        ("slack_bot", {"base_url": "http://slack.example"}),
        ("mattermost_bot", {"token": f"{HOOK}\n"}),
        ("mattermost_bot", {"channel_id": "town-square"}),
        ("pagerduty", {"routing_key": f"{HOOK}"}),
        ("opsgenie", {"api_key": f"{HOOK} "}),
        ("apprise", {"url": f"{HOOK}"}),
        ("apprise", {"url": f"json://x.example/{HOOK} "}),
        ("matrix", {"token": f"{HOOK}\n"}),
        ("matrix", {"room_id": "#care:server.example"}),
        ("matrix", {"base_url": "http://matrix.example"}),
    ],
)
def test_a_setting_that_cannot_work_is_refused_without_being_shown(kind: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        load(kind).Settings(**{**settings_of(kind, "http://127.0.0.1:9"), **wrong})
    assert "must" in str(caught.value)
    assert HOOK not in str(caught.value)


def test_a_message_of_every_kind_arrives_whole() -> None:
    for kind in REMOTE:
        with posted(kind) as (fake, channel):
            for name, notice in NOTICES.items():
                message = channel.render(notice, NOW)
                channel.send(message, f"0{name}", datetime.now(UTC))
                for sent, payload in zip(fake.accepted[-len(message.payloads) :], message.payloads, strict=True):
                    assert {**sent, **json.loads(json.dumps(payload))} == sent


@pytest.mark.parametrize("kind", [kind for kind in REMOTE if kind != "webhook"])
def test_a_reason_that_two_comments_share_is_said_once_and_what_is_not_the_case_is_left_out(kind: str) -> None:
    other = replace(WAITING, comment_id=8)
    no_hack = Reason("not", "not: says “hacked”")
    notice = replace(FIRST, threads=(replace(KIM, reasons=(WAITING, other, no_hack)),), n_threads=1)
    shown = read(make(kind).render(notice, NOW))
    assert shown.count("waiting since") == 1
    assert "hacked" not in shown


@pytest.mark.parametrize("kind", [kind for kind in REMOTE if kind != "webhook"])
def test_threads_that_no_longer_wait_are_not_looked_for_in_the_backlog(kind: str) -> None:
    many = replace(NOTICES["resolved"], threads=(KIM,) * 8, n_threads=60)
    shown = read(make(kind).render(many, NOW))
    assert "more threads" in shown
    assert "heedful backlog" not in shown
