"""Playbooks: Markdown with front matter becomes steps that a chat message can show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.playbooks import parse_playbook
from monitor.errors import ConfigError
from monitor.model import PlaybookBrief

FRONT = '+++\nname = "ranting"\ntitle = "A rant"\nfor = "anger"\n+++\n'


def test_steps_and_what_to_avoid_are_read_and_the_rest_is_left_to_the_reader() -> None:
    text = (
        "\ufeff" + FRONT + "\nSome words.\n- no step\n\n## What to do\n\n1. Read it\n   all of it.\n2) Answer.\n\n"
        "Not a step.\n  Nor this.\n\n## Do not\n\n- Do not shout,\n  ever.\n* Do not wait.\n\n## Later\n\n3. Learn.\n"
    )
    assert parse_playbook(text, "x.md") == PlaybookBrief(
        "ranting",
        "A rant",
        ("Read it all of it.", "Answer.", "Learn."),
        ("Do not shout, ever.", "Do not wait."),
        "anger",
    )


def test_windows_line_ends_make_no_difference() -> None:
    text = FRONT + "1. One\n2. Two\n\n## Do not\n- Three\n"
    assert parse_playbook(text.replace("\n", "\r\n"), "x.md") == parse_playbook(text, "x.md")


@pytest.mark.parametrize(
    ("text", "key", "hint"),
    [
        ("1. Do it", "", "front matter"),
        ("+++\nname = 'x'\n1. Do it", "", "front matter"),
        ("+++\nname = x\n+++\n1. Do it", "", "not TOML"),
        ("+++\nname = 'x'\nfor = 'y'\n+++\n1. Do it", "title", "missing"),
        ("+++\nname = 'x'\ntitle = 'x'\n+++\n1. Do it", "for", "missing"),
        ("+++\nname = 'X y'\ntitle = 'x'\nfor = 'y'\n+++\n1. Do it", "name", "small letters"),
        ("+++\nname = 3\ntitle = 'x'\nfor = 'y'\n+++\n1. Do it", "name", "text"),
        ("+++\nname = 'x'\ntitel = 'x'\ntitle = 'x'\nfor = 'y'\n+++\n1. Do it", "titel", '"title"'),
        (FRONT + "nothing", "", "no steps"),
        (FRONT + "## Do not\n- shout", "", "no steps"),
    ],
)
def test_a_faulty_playbook_is_refused_with_file_key_and_reason(text: str, key: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_playbook(text, "faulty.md")
    assert (refusal.value.file, refusal.value.key) == ("faulty.md", key)
    assert hint in refusal.value.reason


@given(st.text(alphabet="+\n 1.-*#Donta=\"'x"))
def test_any_text_is_a_playbook_or_refused(body: str) -> None:
    for text in (body, FRONT + body):
        try:
            playbook = parse_playbook(text, "x.md")
        except ConfigError:
            continue
        assert playbook.steps
        assert all(step == step.strip() for step in playbook.steps + playbook.avoid)
