"""What every normalised comment must be, and that no payload brings a connector down."""

import copy
import json
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.base import Connector
from monitor.http import HttpClient
from monitor.model import Comment
from tests.contract.conftest import Case
from tests.contract.reader import Reader, every_raw
from tests.platforms.base import FakePlatform, World

LIKELY = ["id", "status", "content", "created_at", "account", "author", "text", "date", "url", "", "0", "1" * 400]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12)
ANY_JSON = st.recursive(
    SCALARS | st.sampled_from([*LIKELY, "2026-03-02T10:00:00Z", "0001-01-01T00:00:00+14:00", "\ud800", "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(LIKELY) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=12,
)
UNREADABLE: list[Any] = [{}, [], None, "words", {"status": {}}, {"id": {}}, 7]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def _filled(world: World) -> None:
    first = world.comment(world.post(), 'Is 3 < 4 & "fine"?\nOr is it not?')
    world.advance()
    second = world.reply(first)
    world.edit(second, "Corrected.")
    world.reply(second, by="lee")


def _places(raw: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a payload."""
    inner = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list) else ()
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


def _replaced(raw: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(raw)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def _reads(connector: Connector, raw: Any) -> None:
    """Normalise gives a Comment that can be stored, None or ValueError, and leaves the payload as it is."""
    before = copy.deepcopy(raw)
    try:
        comment = connector.normalise(raw)
    except ValueError:
        return
    assert comment is None or isinstance(comment, Comment)
    assert raw == before
    if comment is not None:
        _is_sound(comment)


def _is_sound(comment: Comment) -> None:
    assert comment.native_id
    assert comment.created_at.tzinfo is UTC
    assert comment.edited_at is None or comment.edited_at.tzinfo is UTC
    words = (comment.native_id, comment.text, comment.author.name, comment.author.handle, comment.subject_title)
    for text in (*words, comment.permalink, comment.subject_url, comment.author.url, comment.language):
        assert "\x00" not in text
        text.encode()
    for url in (comment.permalink, comment.subject_url, comment.author.url):
        assert not url or urlsplit(url).scheme in ("http", "https", "file")


def test_times_are_aware_utc_and_those_of_the_platform(reader: Reader, world: World) -> None:
    _filled(world)
    reader.catch_up()
    readable = reader.fake.expected()  # a platform of reviews has no place for an answer to an answer
    for entry in (entry for entry in world.comments if reader.fake.native_id(entry.key) in readable):
        comment = reader.of(entry.key)
        assert comment.created_at.tzinfo is UTC
        assert abs(comment.created_at - entry.created_at) < timedelta(seconds=1)
    for comment in reader.held.values():
        _is_sound(comment)


def test_the_text_is_what_its_author_typed(reader: Reader, world: World) -> None:
    key = world.comment(world.post(), 'Is 3 < 4 & "fine"?\nOr is it not? ğ 日本 🎉')
    reader.poll()
    assert 'Is 3 < 4 & "fine"?\nOr is it not? ğ 日本 🎉' in reader.of(key).text
    assert "<p" not in reader.of(key).text


def test_ids_and_permalinks_are_the_same_at_every_read(
    case: Case, reader: Reader, fake: FakePlatform, world: World, http: HttpClient
) -> None:
    _filled(world)
    reader.catch_up()
    world.advance(timedelta(hours=3))
    again = Reader(case.connector, fake, http)
    again.catch_up()
    assert again.held == reader.held
    assert len({comment.permalink for comment in reader.held.values() if comment.permalink}) in (0, len(reader.held))


def test_a_raw_comment_survives_json(reader: Reader, world: World) -> None:
    _filled(world)
    raws = every_raw(reader)
    assert raws
    for raw in raws:
        assert reader.build().normalise(json.loads(json.dumps(raw))) == reader.build().normalise(raw)


@QUICK
@given(raw=ANY_JSON)
def test_normalise_is_total_on_any_json(reader: Reader, raw: Any) -> None:
    _reads(reader.build(), raw)


def test_normalise_is_total_on_real_payloads_with_anything_in_any_place(reader: Reader, world: World) -> None:
    _filled(world)
    raws = every_raw(reader)
    connector = reader.build()

    @QUICK
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        raw = data.draw(st.sampled_from(raws))
        place = data.draw(st.sampled_from(_places(raw)))
        _reads(connector, _replaced(raw, place, data.draw(ANY_JSON)))

    holds()


def test_one_unreadable_payload_does_not_spoil_its_neighbours(reader: Reader, world: World) -> None:
    _filled(world)
    raws = every_raw(reader)
    good = [reader.build().normalise(raw) for raw in raws]
    for broken in UNREADABLE:
        _reads(reader.build(), broken)
        assert [reader.build().normalise(raw) for raw in raws] == good
