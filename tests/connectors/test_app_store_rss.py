"""What is the public feed's own: pages that are empty though they should not be, and how little it tells."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.app_store_rss import AppStoreRss, AppStoreRssSettings
from monitor.errors import Gone, Unavailable
from monitor.http import HttpClient
from tests.contract.reader import Reader
from tests.platforms.app_store_rss import APPS, Fake
from tests.platforms.base import World
from tests.platforms.server import Reply, Request

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "app_store_rss").glob("*.json"))
BASE: dict[str, Any] = {"apps": ["1"], "countries": ["us"]}


@pytest.fixture
def fake(world: World, tmp_path: Path) -> Iterator[Fake]:
    with Fake(world, tmp_path) as platform:
        yield platform


@pytest.fixture
def reader(fake: Fake, http: HttpClient) -> Reader:
    return Reader(AppStoreRss, fake, http)


def _written(world: World, n: int, post: str = "") -> list[str]:
    app = post or world.post()
    keys = []
    for number in range(n):
        world.advance(timedelta(minutes=1))
        keys.append(world.comment(app, f"Review {number}", by=f"kim{number}"))
    return keys


def _notes(reader: Reader) -> list[str]:
    """Read until there is no more; what the pages said."""
    notes = []
    for _ in range(100):
        page = reader.fetch()
        reader.keep(page)
        notes.append(page.note)
        if not page.more:
            return [note for note in notes if note]
    raise AssertionError("no end")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_payload_reads_as_it_should(path: Path, http: HttpClient) -> None:
    golden = json.loads(path.read_text())
    comment = AppStoreRss(AppStoreRssSettings.model_validate(BASE), http).normalise(golden["raw"])
    assert comment is not None
    assert json.loads(json.dumps(asdict(comment), default=str)) == golden["comment"]


def test_a_page_whose_json_is_empty_is_read_as_atom_and_gives_the_same(
    reader: Reader, fake: Fake, world: World, http: HttpClient
) -> None:
    key = world.comment(world.post(), 'Is 3 < 4 & "fine"?\n<b>Not</b> for me', by="kim & co")
    reader.poll()
    fake.empty_json = {1}
    other = Reader(AppStoreRss, fake, http)
    other.poll()
    assert other.held == reader.held
    assert other.of(key).text == 'A title\n\nIs 3 < 4 & "fine"?\n<b>Not</b> for me'


def test_an_empty_first_page_does_not_mean_that_there_are_no_reviews_and_moves_no_mark(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.page_size = 5
    app = world.post()
    _written(world, 12, app)
    reader.poll()
    fake.empty_json = fake.empty_atom = {1}
    _written(world, 12, app)
    before = reader.present
    reader.poll()
    assert reader.present == before
    fake.empty_json = fake.empty_atom = set()
    world.advance()
    reader.poll()
    assert reader.present == fake.expected()


def test_a_page_in_the_middle_that_stays_empty_is_asked_for_again_and_then_left_out_loudly(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.page_size = 5
    keys = _written(world, 20)
    fake.empty_json = fake.empty_atom = {2}
    notes = _notes(reader)
    assert any("page 2 stays empty" in note for note in notes)
    assert reader.present == fake.expected() - {fake.native_id(key) for key in keys[10:15]}
    fake.empty_json = fake.empty_atom = set()
    world.advance(timedelta(hours=6, minutes=1))
    reader.poll()
    assert reader.present == fake.expected(), "what was left out is found when the last days are read again"


def test_page_11_answers_that_the_depth_is_limited_and_that_is_the_end(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.page_size, fake.deepest = 50, 10
    keys = _written(world, 560)
    reader.poll()
    assert reader.present == {fake.native_id(key) for key in keys[-500:]}


def test_one_review_comes_bare_and_the_app_itself_is_not_a_review(
    world: World, tmp_path: Path, http: HttpClient
) -> None:
    class WithApp(Fake):
        """Old answers have the app among the entries."""

        def answer(self, request: Request) -> Reply:
            reply = super().answer(request)
            if isinstance(reply.body, dict) and isinstance(reply.body.get("feed", {}).get("entry"), list):
                reply.body["feed"]["entry"].insert(0, {"im:name": {"label": "Bakery"}, "id": {"label": "1000000001"}})
            return reply

    with WithApp(world, tmp_path) as fake:
        app = world.post()
        world.comment(app)
        reader = Reader(AppStoreRss, fake, http)
        reader.poll()
        assert reader.present == fake.expected()
        world.comment(app)
        reader.poll()
        assert reader.present == fake.expected()


def test_an_edited_review_is_dated_anew_and_keeps_its_id(reader: Reader, world: World) -> None:
    key = _written(world, 3)[0]
    reader.poll()
    world.advance(timedelta(days=2))
    world.edit(key, "They fixed it!")
    reader.poll()
    assert "They fixed it!" in reader.of(key).text
    assert reader.of(key).created_at == world.now


def test_a_review_that_comes_late_and_out_of_order_is_found_when_the_last_days_are_read_again(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.page_size = 5
    app = world.post()
    _written(world, 20, app)
    reader.poll()
    late = world.comment(app, "Held back", at=world.now - timedelta(minutes=12))
    world.advance()
    reader.poll()
    assert fake.native_id(late) not in reader.held, "it lies below the first page, or this test shows nothing"
    world.advance(timedelta(hours=6))
    reader.poll()
    assert reader.present == fake.expected()


def test_a_country_that_fails_does_not_keep_the_others_from_being_read(
    fake: Fake, world: World, http: HttpClient
) -> None:
    world.comment(world.post())
    fake.countries = ("us", "de", "fr")
    fake.missing = {"de"}
    reader = Reader(AppStoreRss, fake, http)
    outcomes = set()
    for _ in range(9):
        world.advance(timedelta(minutes=1))
        try:
            outcomes.update(_notes(reader))
        except Gone:
            outcomes.add("raised")
    assert reader.present == fake.expected()
    assert any("de/" in outcome for outcome in outcomes)
    assert "raised" in outcomes, "the place that fails is now and then the first one"


def test_a_country_that_is_down_ends_the_poll_and_keeps_what_was_read(
    fake: Fake, world: World, http: HttpClient
) -> None:
    world.comment(world.post())
    fake.countries, fake.broken = ("us", "de"), {"de"}
    reader = Reader(AppStoreRss, fake, http)
    n_raised = 0
    for _ in range(8):
        world.advance(timedelta(minutes=1))
        try:
            reader.poll()
        except Unavailable:
            n_raised += 1
    assert reader.present == fake.expected()
    assert 0 < n_raised < 8


def test_reviews_without_a_date_are_dated_by_the_atom_of_the_page(reader: Reader, fake: Fake, world: World) -> None:
    fake.has_dates = False
    key = _written(world, 3)[0]
    reader.poll()
    assert reader.of(key).created_at == world[key].created_at


def test_reviews_without_any_date_count_as_old_at_first_and_then_as_first_seen(
    reader: Reader, fake: Fake, world: World
) -> None:
    fake.has_dates, fake.empty_atom = False, set(range(1, 99))
    app = world.post()
    old = _written(world, 2, app)[0]
    began_at = world.now
    reader.poll()
    assert reader.of(old).created_at == began_at - timedelta(days=30)
    world.advance(timedelta(hours=1))
    new = world.comment(app, "New")
    seen_at = world.now
    for _ in range(3):
        reader.poll()
        assert reader.of(new).created_at == seen_at, "and it stays so"
        assert reader.of(old).created_at == began_at - timedelta(days=30)
        world.advance(timedelta(hours=7))


def test_stars_votes_and_places_are_told(reader: Reader, fake: Fake, world: World) -> None:
    key = world.comment(world.post(), "Never again", by="kim")
    fake.stars[key] = 1
    reader.poll()
    review = reader.of(key)
    assert (review.kind, review.stars, review.n_likes) == ("review", 1.0, 1)
    assert (review.subject_native_id, review.subject_title) == (f"app/{APPS[0]}", "Bakery 1")
    assert review.author.native_id.isdecimal()


@pytest.mark.parametrize(
    "settings",
    [
        {"apps": [], "countries": ["us"]},
        {"apps": ["bakery"], "countries": ["us"]},
        {"apps": ["1"], "countries": ["usa"]},
        {"apps": ["1"], "countries": ["u/"]},
        BASE | {"base_url": "itunes.apple.com"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AppStoreRssSettings.model_validate(settings)


def test_an_app_may_be_given_as_its_address_has_it() -> None:
    assert AppStoreRssSettings.model_validate(BASE | {"apps": ["id42", 43], "countries": ["US"]}).apps == ("42", "43")
