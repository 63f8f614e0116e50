"""Notices to render: a few that read like real ones, and hostile ones without end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from monitor.model import Line, Notice, PlaybookBrief, Reason, Section, Severity, ThreadBrief

NOW = datetime(2026, 11, 12, 13, 5, tzinfo=UTC)

ANGRY = Reason(
    "signal",
    "angry 0.83 (at least 0.7)",
    words=("worst", "never again"),
    value=0.83,
    threshold=0.7,
    signal_version="angry=1",
)
WAITING = Reason(
    "waiting", "waiting since 2026-11-12 10:05 UTC", value="2026-11-12T10:05:00+00:00", threshold="2h", comment_id=7
)

PLAYBOOK = PlaybookBrief(
    "ranting-customer",
    "A customer is upset",
    (
        "Answer within the hour, even if it is unjust.",
        "Say that you have heard what went wrong.",
        "Offer to go on in private, and then really do.",
    ),
    ("Do not answer anger with anger.", "Do not delete the comment."),
)

KIM = ThreadBrief(
    thread_id="0k3m9x2p7q4rs",
    platform="mastodon",
    source_id="shop-mentions",
    author_name="Kim Example",
    excerpt="Worst bakery in town. I waited 40 minutes & nobody came <again>. Never again! @channel",
    permalink="https://social.example/@kim/1?a=1&b=2",
    created_at=NOW - timedelta(hours=3),
    awaiting_since=NOW - timedelta(hours=3),
    reasons=(ANGRY, WAITING),
    subject_title="Open on *Sunday*!",
)

NOOR = replace(
    KIM,
    thread_id="0noor00000000",
    author_name="Noor",
    excerpt="Is the meeting on Thursday the 13th or on Friday? The 13th is a Friday.",
    permalink="https://social.example/@noor/2",
    created_at=NOW - timedelta(minutes=20),
    awaiting_since=NOW - timedelta(minutes=20),
    reasons=(Reason("phrases", "says “the 13th is a”", words=("the 13th is a",)),),
    subject_title="",
)

FIRST = Notice(
    id=42,
    brand="bakery",
    brand_name="Example Bakery",
    timezone="Europe/Berlin",
    alert_id="01a2b3c4d5e6f",
    reason="first",
    says="new",
    rule="angry-reach",
    rule_title="An angry customer",
    severity=Severity.HIGH,
    created_at=NOW,
    threads=(KIM, NOOR),
    n_threads=2,
    n_people=2,
    playbook=PLAYBOOK,
)

OPERATORS = replace(
    FIRST,
    rule="operator",
    rule_title="A channel does not work",
    says='The channel "owners" refuses us: its webhook is gone. Make a new one and put its URL into the configuration.',
    threads=(),
    n_threads=0,
    n_people=0,
    playbook=None,
)

PRIVATE = replace(FIRST, threads=(replace(KIM, is_private=True, platform="email", source_id="inbox"),), n_threads=1)

DIGEST = replace(
    FIRST,
    alert_id="",
    reason="digest",
    says="12 notices were held since Wed 11 Nov 2026, 18:00 CET: your hours are over",
    rule="",
    rule_title="What was held over night",
    severity=Severity.MEDIUM,
    threads=(),
    n_threads=0,
    n_people=0,
    playbook=None,
    sections=(
        Section(
            "Oldest waiting",
            (
                Line(
                    "Kim Example on mastodon, 14 h: “Worst bakery in town. <again>”",
                    "https://social.example/@kim/1?a=1&b=2",
                ),
                Line("Noor on mastodon, 20 min: “Is the meeting on Thursday?”", "https://social.example/@noor/2"),
            ),
        ),
        Section("By platform", (Line("mastodon 9 · youtube 3"), Line("first answer: 2 h 10 min (target 1 h)"))),
    ),
)

CRISIS = replace(
    FIRST,
    reason="update",
    says="14 people more in the last hour",
    rule="pile-on",
    rule_title="A pile-on under one post",
    severity=Severity.CRISIS,
    n_threads=61,
    n_people=57,
    status="acknowledged",
    owner="Alex Example",
    sections=(
        Section("What happened", (Line("Our post “Open on *Sunday*!”", "https://social.example/@bakery/9"),)),
        Section("Damage", (Line("57 people upset, 14 new in the last hour"), Line("▁▂▄▇█ of the last 5 hours"))),
        Section("What to do", (Line("Say what went wrong: Alex, due in 20 min"), Line("Answer each person: Kim"))),
        Section("What not to do", (Line("Do not delete the post."), Line("Do not argue."))),
    ),
    playbook=None,
)

NOTICES = {
    "first": FIRST,
    "more": replace(FIRST, reason="more", says="3 threads more since the last notice, 12 in all", n_threads=12),
    "severity_rose": replace(FIRST, reason="severity_rose", says="more urgent now: crisis, it was high"),
    "repeat": replace(FIRST, reason="repeat", says="still open, and nobody has acknowledged it"),
    "resolved": replace(FIRST, reason="resolved", says="resolved: nothing of it stands any more"),
    "escalated": replace(FIRST, reason="escalated", says="nobody acknowledged it in 30 min: step 2 of the ladder"),
    "reopened": replace(FIRST, reason="reopened", says="it is back, 2 days after it was resolved"),
    "acknowledged": replace(FIRST, reason="more", says="2 threads more", status="acknowledged", owner="Alex <Example>"),
    "digest": DIGEST,
    "crisis": CRISIS,
    "operators": OPERATORS,
    "private": PRIVATE,
}

_PIECES = st.sampled_from(
    [
        "<!channel>", "<!everyone>", "<!subteam^S0123>", "<@U123|boss>", "@channel @here @everyone", "#general",
        "<https://evil.example|your bank>", "*bold* _it_ ~no~ `code` ```block```", "&amp; &lt; &", "|>|", ">quote",
        "\u202egnihton\u202c", "\u2066x\u2069", "שלום عربي", "e\u0301" + "\u0323" * 60, "\ud800", "\udfff\ud83d",
        "\x00\x1b[31mred\x1b]0;title\x07", "\r\n\u2028\u0085", "\u200b\u200d\ufeff", "👩‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿", "&" * 400,
        "x" * 10_000, "https://evil.example/a_b*c", "{{7*7}} ${x} %s", "[bold red]rich[/]", '"}],"text":"', "…",
    ]
)  # fmt: skip
HOSTILE = st.lists(_PIECES | st.text(max_size=20), max_size=5).map("".join)
_INSTANTS = st.integers(0, 2_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
_VALUES = st.none() | st.floats() | HOSTILE

_REASONS = st.builds(
    Reason,
    condition=HOSTILE,
    says=HOSTILE,
    words=st.lists(HOSTILE, max_size=12).map(tuple),
    value=_VALUES,
    threshold=_VALUES,
    signal_version=HOSTILE,
)
# What must survive whatever stands around it.
SENTINEL = Reason("signal", "angry 0.83 (at least 0.7)", ("sentinelword",), 0.8375, 0.7, signal_version="angry=1")
FIRST_STEP = "Sentinel step: breathe, then read it twice."

_THREADS = st.builds(
    ThreadBrief,
    thread_id=HOSTILE,
    platform=HOSTILE,
    source_id=HOSTILE,
    author_name=HOSTILE,
    excerpt=HOSTILE,
    permalink=HOSTILE | st.just("https://shop.example/" + "&" * 400) | st.just("https://shop.example/c|>1"),
    created_at=_INSTANTS,
    awaiting_since=st.none() | _INSTANTS,
    reasons=st.lists(_REASONS, max_size=6).map(lambda reasons: (SENTINEL, *reasons)),
    subject_title=HOSTILE,
    is_private=st.booleans(),
)

_LINKS = st.just("") | HOSTILE | st.just("https://shop.example/" + "&" * 400) | st.just("https://shop.example/c|>1")
_SECTIONS = st.builds(
    Section, heading=HOSTILE, lines=st.lists(st.builds(Line, text=HOSTILE, link=_LINKS), max_size=30).map(tuple)
)
FIRST_SECTION = Section("Sentinel heading", (Line("Sentinel line"),))

HOSTILE_NOTICES = st.builds(
    Notice,
    id=st.integers(0, 2**63 - 1),
    brand=HOSTILE,
    brand_name=HOSTILE,
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    alert_id=st.just("01a2b3c4d5e6f"),
    reason=st.sampled_from(["first", "more", "severity_rose", "repeat"]),
    says=HOSTILE,
    rule=HOSTILE,
    rule_title=HOSTILE,
    severity=st.sampled_from(Severity),
    created_at=_INSTANTS,
    threads=st.lists(_THREADS, min_size=1, max_size=4).flatmap(
        lambda threads: st.sampled_from([tuple(threads), tuple(threads * 12)])
    ),
    n_threads=st.integers(1, 100_000),
    n_people=st.integers(0, 100_000),
    playbook=st.builds(
        PlaybookBrief,
        name=HOSTILE,
        title=HOSTILE,
        steps=st.lists(HOSTILE, max_size=12).map(lambda steps: (FIRST_STEP, *steps)),
        avoid=st.lists(HOSTILE, max_size=8).map(tuple),
    ),
)
HOSTILE_ROOMS = st.builds(
    lambda notice, sections, owner: replace(
        notice, reason="update", status="acknowledged", owner=owner, sections=(FIRST_SECTION, *sections)
    ),
    HOSTILE_NOTICES,
    st.lists(_SECTIONS, max_size=14),
    HOSTILE,
)
