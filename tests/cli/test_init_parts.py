"""The parts of heedful init that touch nothing: questions made of settings, typed answers, hours, zones, the file."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.app import parts
from monitor.cli.init import _read_hours
from monitor.cli.init_questions import Question, fault, questions, read_choice, read_typed, read_yes
from monitor.cli.init_toml import Draft, Part, render, slug
from monitor.cli.init_zone import system_zone
from monitor.settings.reading import secret_names

EVERY = [(name, part[name]) for part in parts() for name in part]
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**62), 2**62),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PARTS = st.builds(Part, st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, TEXTS, max_size=4))


@given(PARTS, st.dictionaries(NAMES, PARTS, max_size=2), st.dictionaries(NAMES, PARTS, max_size=2))
def test_whatever_was_answered_the_file_says_just_that(
    brand: Part, sources: dict[str, Part], channels: dict[str, Part]
) -> None:
    text = render(Draft("heedful.db", "shop", brand, "", {}, sources, channels))
    read = tomllib.loads(text)
    assert read["brands"]["shop"] == brand.values
    assert read.get("sources", {}) == {name: part.values for name, part in sources.items()}
    assert read.get("channels", {}) == {name: part.values for name, part in channels.items()}
    assert read["database"] == {"url": "sqlite:///heedful.db"}


@pytest.mark.parametrize(("name", "found"), EVERY, ids=[name for name, _ in EVERY])
def test_every_setting_of_every_part_is_a_question_that_explains_itself(name: str, found: Any) -> None:
    asked = questions(found.Settings)
    assert {one.name for one in asked} == set(found.Settings.model_fields), name
    assert [one.name for one in asked if not one.says] == []
    assert [one.name for one in asked if one.way == "secret"] == [
        one.name for one in asked if one.name in secret_names(found.Settings)
    ]
    assert [one.name for one in asked if one.is_required and not one.is_usual] == []
    assert [one.name for one in asked if one.way == "secret" and "_env" in one.says] == []


@pytest.mark.parametrize(("name", "found"), EVERY, ids=[name for name, _ in EVERY])
def test_what_a_part_proposes_can_be_written_and_is_not_refused(name: str, found: Any) -> None:
    proposed = {one.name: one.default for one in questions(found.Settings) if one.default not in (None, {})}
    text = render(Draft("x.db", "b", sources={"one": Part({}, {}, proposed)}))
    shown = "\n".join(line.removeprefix("#") for line in text.splitlines() if not line.startswith("# "))
    assert tomllib.loads(shown)["sources"]["one"] == proposed, name
    assert [key for key, value in proposed.items() if value and fault(found.Settings, key, value)] == []


@pytest.mark.parametrize(
    ("typed", "hours"),
    [
        ("always", {}),
        ("mon-fri 09:00-17:00", {"mon-fri": "09:00-17:00"}),
        ("Mon - Fri 9:00-17:00", {"mon-fri": "9:00-17:00"}),
        ("monday to friday 09:00-17:00", {"monday-friday": "09:00-17:00"}),
        ("mon,wed 9:00-12:00, 13:00-17:00 sat 9:00-12:00", {"mon,wed": "9:00-12:00, 13:00-17:00", "sat": "9:00-12:00"}),
        ("mon-thu 08:00-16:00; fri 08:00-12:00;", {"mon-thu": "08:00-16:00", "fri": "08:00-12:00"}),
        ("mon-thu 08:00-16:00, fri 08:00-12:00", {"mon-thu": "08:00-16:00", "fri": "08:00-12:00"}),
    ],
)  # fmt: skip
def test_hours_are_read_as_people_write_them(typed: str, hours: dict[str, str]) -> None:
    assert _read_hours(typed) == hours


@pytest.mark.parametrize(
    "typed", ["", "nine to five", "09:00-17:00", "mon-fri", "mon fri 09:00-17:00", "mon-fri 25:00-26:00", "mon-fry 1-2"]
)
def test_hours_that_are_not_clear_are_refused_in_words(typed: str) -> None:
    with pytest.raises(ValueError, match=r"[.?]$"):
        _read_hours(typed)


@pytest.mark.parametrize(
    ("name", "table"),
    [("The Corner Shop", "the-corner-shop"), ("Bäckerei Groß & Co.", "backerei-gross-co"), ("日本", "brand")],
)  # fmt: skip
def test_a_brand_gets_a_name_that_a_table_can_have(name: str, table: str) -> None:
    assert slug(name) == table


def test_typed_answers_are_read_as_their_setting_needs_them() -> None:
    def read(way: Any, typed: str, **more: Any) -> Any:
        return read_typed(Question("x", "", way, **more), typed)

    assert read("list", "a, b,,c ") == ["a", "b", "c"]
    assert read("yes_no", "Yes") is True
    assert read("choice", "2", choices=("one", "two")) == "two"
    assert read("choice", "TW", choices=("one", "two")) == "two"
    assert read("toml", '{ a = "b" }') == {"a": "b"}
    assert read("text", "") is None
    assert read("text", "here", is_path=True) == str(Path("here").absolute())
    for way, typed in (("yes_no", "perhaps"), ("choice", "three"), ("toml", "{")):
        with pytest.raises(ValueError, match=r"."):
            read(way, typed, choices=("one", "two"))
    with pytest.raises(ValueError, match="none of the answers"):
        read_choice("t", ("two", "three"))
    with pytest.raises(ValueError, match="for yes"):
        read_yes("")


def test_the_zone_of_the_system_is_found_where_it_is_said(tmp_path: Path) -> None:
    assert system_zone({}, tmp_path) == "UTC"
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    assert system_zone({}, tmp_path) == "Asia/Tokyo"
    (tmp_path / "timezone").write_text("Europe/Berlin\n")
    assert system_zone({}, tmp_path) == "Europe/Berlin"
    assert system_zone({"TZ": ":America/New_York"}, tmp_path) == "America/New_York"
    assert system_zone({"TZ": "../../etc/passwd"}, tmp_path) == "Europe/Berlin"
    (tmp_path / "timezone").write_bytes(b"\xff\xfe")
    assert system_zone({"TZ": "nonsense"}, tmp_path) == "Asia/Tokyo"
