"""The example's story is the same for everyone who starts it at the same instant."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.example.world import load_world
from monitor.files import shipped

FILE = shipped("config", "example", "world.toml")
START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October"]
MONTHS += ["November", "December"]


def seconds(n: float) -> timedelta:
    return timedelta(seconds=n)


def test_the_same_start_gives_the_same_world() -> None:
    assert load_world(FILE, START) == load_world(FILE, START)


def test_ids_are_distinct_and_increase_with_time() -> None:
    statuses = load_world(FILE, START).statuses
    ids = [int(status.id) for status in sorted(statuses, key=lambda status: status.created_at)]
    assert ids == sorted(set(ids))


YEARS = st.datetimes(datetime(2020, 1, 1), datetime(2045, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


@given(YEARS)
def test_thursday_the_13th_is_wrong_whenever_the_story_starts(start: datetime) -> None:
    world = load_world(FILE, start)
    [meeting] = [status for status in world.statuses if "soup" in status.text]
    assert "Thursday the 13th" in meeting.text
    month = next(name for name in MONTHS if f"our {name} meeting" in meeting.text)
    year = start.year + ((MONTHS.index(month) + 1, 13) <= (start.month, start.day))
    meant = date(year, MONTHS.index(month) + 1, 13)
    assert meant > start.date()
    assert meant.strftime("%A") != "Thursday"
    [asked] = [status for status in world.statuses if "Which day is it" in status.text]
    assert f"The 13th of {month} is a {meant:%A}." in asked.text


@given(st.floats(0, 200), st.floats(0, 200))
def test_a_later_scene_has_all_of_an_earlier_one_but_what_was_deleted(one: float, other: float) -> None:
    world = load_world(FILE, START)
    sooner, later = (world.scene(START + seconds(n)) for n in sorted((one, other)))
    lost = set(sooner.statuses) - set(later.statuses)
    assert all(sooner.statuses[native_id].deleted_at is not None for native_id in lost)
    assert all(status.created_at <= START + seconds(max(one, other)) for status in later.statuses.values())


def test_before_the_story_starts_there_is_only_history() -> None:
    scene = load_world(FILE, START).scene(START)
    assert scene.statuses
    assert max(status.created_at for status in scene.statuses.values()) < START
    texts = " ".join(status.text for status in scene.statuses.values())
    assert "hacked" not in texts


def test_an_edit_changes_the_text_and_says_when() -> None:
    world = load_world(FILE, START)
    [meeting] = [status for status in world.statuses if status.edits]
    at = meeting.edits[0].at
    before, after = (world.scene(instant).statuses[meeting.id] for instant in (at - seconds(0.001), at))
    assert (before.edited_at, after.edited_at) == (None, at)
    assert before.text != after.text
    assert after.text.startswith("Corrected")


def test_a_deleted_post_is_gone_and_its_answers_stand_alone() -> None:
    world = load_world(FILE, START)
    [flood] = [status for status in world.statuses if "FLOOD" in status.text]
    assert flood.deleted_at is not None
    before, after = world.scene(flood.deleted_at - seconds(0.001)), world.scene(flood.deleted_at)
    answers = before.answers[flood.id]
    assert len({answer.author for answer in answers}) == 5
    assert flood.id not in after.statuses
    assert all(after.answered_by(after.statuses[answer.id]) is None for answer in answers)


def test_a_line_without_a_time_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "world.toml"
    file.write_text('brand = "a"\n[people]\na = { name = "A" }\n[[say]]\nby = "a"\ntext = "when?"\n')
    with pytest.raises(ValueError, match='either "at" or "hours_before"'):
        load_world(file, START)
