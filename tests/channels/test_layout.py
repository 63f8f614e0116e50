"""The sizes in which a notice is told: the largest that fits, and one that always does."""

import json
from dataclasses import replace
from typing import Any

import pytest

from monitor.channels.layout import PLAIN, SIZES, body, fitted, lay_out
from monitor.model import PlaybookBrief, Reason
from tests.channels.notices import FIRST, KIM, NOW
from tests.channels.test_contract import FAKES, make

BOUNDED = ["discord", "google_chat", "matrix", "mattermost", "ntfy", "rocketchat", "teams", "telegram"]


def swollen(sign: str) -> Any:
    """A notice in which everything from outside is long, and made of this sign alone."""
    text = sign * 3_000
    reason = Reason(text, text, (text,) * 9, text, text, signal_version=text)
    address = "https://shop.example/" + "a" * 470
    thread = replace(KIM, author_name=text, excerpt=text, subject_title=text, platform=text, source_id=text)
    thread = replace(thread, permalink=address, reasons=(reason,) * 9)
    playbook = PlaybookBrief(text, text, (text,) * 20, (text,) * 20)
    return replace(
        FIRST,
        brand_name=text,
        says=text,
        rule=text,
        rule_title=text,
        threads=(thread,) * 9,
        n_threads=9,
        playbook=playbook,
    )


@pytest.mark.parametrize("kind", BOUNDED)
@pytest.mark.parametrize("sign", ["x", "é", "寿", "𝕏", "&", "*", "<", "@", "\\", "[", '"', "ab "])
def test_the_target_accepts_a_notice_in_which_everything_is_too_long(kind: str, sign: str) -> None:
    fake_class = FAKES[kind]
    assert fake_class is not None
    with fake_class() as fake:
        channel = make(kind, fake.url)
        message = channel.render(swollen(sign), NOW)
        channel.send(message, "0delivery", NOW)
        assert len(fake.requests) == len(fake.accepted) == 1  # at the first attempt
        assert set(message.payloads[0]) <= set(fake.accepted[0])
    assert message.is_truncated
    assert "01a2b3c4d5e6f" in json.dumps(message.payloads)


def test_the_largest_size_that_fits_is_taken() -> None:
    def length(layout: Any) -> int:
        return len("\n".join(body(layout, PLAIN)))

    lengths = [length(lay_out(swollen("x "), NOW, size)) for size in SIZES]
    assert lengths == sorted(lengths, reverse=True)
    for room in (lengths[0], lengths[3], lengths[-1]):
        drawn, is_truncated = fitted(swollen("x "), NOW, length, lambda drawn, room=room: drawn <= room)  # type: ignore[misc]
        assert drawn == room
        assert is_truncated
