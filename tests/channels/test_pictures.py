"""The pictures in the pages show what the channels post today."""

import json
from pathlib import Path

import pytest

from tests.channels.pictures import FOLDER, PICTURES, drawn_from, shown


def test_each_picture_was_drawn_from_what_is_posted_now() -> None:
    assert json.loads((FOLDER / "drawn_from.json").read_text("utf-8")) == drawn_from(), (
        "draw them anew, and look at them: python -m tests.channels.pictures"
    )
    assert {path.stem for path in FOLDER.glob("*.png")} == set(PICTURES)


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_picture_shows_all_that_matters_and_stands_in_a_page(name: str) -> None:
    text = shown(name)
    for said in (PICTURES[name][1].rule_title, "Worst bakery in town", "Example Bakery", "01a2b3c4d5e6f"):
        assert said in text
    pages = [page.read_text("utf-8") for page in Path(FOLDER).parent.glob("*.md")]
    assert any(f"pictures/{name}.png" in page for page in pages)
