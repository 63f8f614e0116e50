"""Each channel's page says what is needed to use it."""

from pathlib import Path

import pytest

from monitor.channels import REGISTRY, load

DOCS = Path(__file__).resolve().parents[2] / "docs" / "channels"


@pytest.mark.parametrize("kind", sorted(REGISTRY))
def test_the_page_of_a_channel_names_every_setting_and_its_limits(kind: str) -> None:
    page = (DOCS / f"{kind}.md").read_text("utf-8")
    assert f'kind = "{kind}"' in page
    for name in load(kind).Settings.model_fields:
        assert f"`{name}`" in page
    for heading in ("## Settings", "What a message looks like" if kind != "webhook" else "## The request"):
        assert heading in page


def test_there_is_no_page_of_a_channel_that_does_not_exist() -> None:
    assert {page.stem for page in DOCS.glob("*.md")} == set(REGISTRY)
