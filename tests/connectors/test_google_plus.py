"""Archives of Google+: both forms, what is private, what is hostile, and that nothing of it ever alerts."""

import json
import os
import random
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import google_plus_archive as archive
from connectors.base import Json
from connectors.google_plus import GooglePlus, GooglePlusSettings
from connectors.google_plus_pages import read_page
from connectors.google_plus_takeout import read_json
from monitor.errors import Unauthorized, Unavailable
from monitor.model import Comment
from tests.platforms.base import World
from tests.platforms.google_plus import Fake

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "google_plus").glob("*.json"))
ACME, ROB = "100000000000000000001", "100000000000000000002"
ADDRESS = f"https://plus.google.com/{ACME}/posts/EJukQAAfFrV"


def person(number: str, name: str) -> dict[str, str]:
    page = f"https://plus.google.com/{number}"
    return {"displayName": name, "profilePageUrl": page, "resourceName": f"users/{number}"}


def comment(text: str, at: str = "2013-06-23 13:00:01+0000", who: str = ROB) -> dict[str, Any]:
    return {"creationTime": at, "author": person(who, "Rob" if who == ROB else "Acme"), "content": text}


def post(**more: Any) -> dict[str, Any]:
    base = {
        "url": ADDRESS,
        "creationTime": "2013-06-23 12:34:56+0000",
        "author": person(ACME, "Acme"),
        "content": "New opening hours!<br>See you",
        "postAcl": {"isPublic": True},
        "comments": [comment("The date is wrong")],
    }
    return base | more


def packed(path: Path, files: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return path


def read(path: Path, cursor: Json = None, **how: Any) -> tuple[list[Comment], list[str], str]:
    """The comments, what was wrong with the rest, and what was noted, by a new connector for each page."""
    comments: list[Comment] = []
    errors: list[str] = []
    notes: list[str] = []
    for _ in range(1_000):
        connector = GooglePlus(GooglePlusSettings(path=path, **how))
        page = connector.fetch_page(cursor, NOW)
        notes += [page.note] if page.note else []
        for raw in json.loads(json.dumps(list(page.raws))):
            try:
                found = connector.normalise(raw)
            except ValueError as error:
                errors.append(str(error))
            else:
                assert found is not None
                comments.append(found)
        if not page.more:
            return comments, errors, "; ".join(notes)
        assert page.cursor != cursor
        cursor = json.loads(json.dumps(page.cursor))
    raise AssertionError("it never ends")


def texts(comments: list[Comment]) -> list[str]:
    return [one.text for one in comments]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_file_reads_as_it_should(path: Path) -> None:
    golden = json.loads(path.read_text())
    if "page" in golden:
        found = read_page("a.html", golden["page"].encode(), False, ("Public",))
    else:
        found = read_json("a.json", json.dumps(golden["document"]).encode(), False)
    connector = GooglePlus(GooglePlusSettings(path=path))
    read = [asdict(one) for raw in found.raws if (one := connector.normalise(raw)) is not None]
    assert json.loads(json.dumps(read, default=str)) == golden["comments"]


def test_there_are_goldens_of_every_form() -> None:
    assert {path.stem for path in GOLDEN} >= {"takeout_post", "takeout_page", "activity_log", "api_dump"}


def test_both_forms_of_one_post_are_the_same_comments(world: World, tmp_path: Path) -> None:
    fake = Fake(world, tmp_path)
    with fake:
        kim = world.comment(world.post("We are open & glad"), "Really?\nUntil when?")
        world.reply(kim)
        entry = world.posts[0]
        pages = read_page("a.html", fake.page(entry).encode(), False, ("Public",)).raws
        documents = read_json("a.json", json.dumps(fake.post(entry)).encode(), False).raws
    connector = GooglePlus(GooglePlusSettings(path=tmp_path))

    def told(raw: Json) -> tuple[Any, ...]:
        one = connector.normalise(raw)
        assert one is not None
        return one.native_id, one.kind, one.text, one.author, one.created_at, one.subject_native_id, one.is_ours

    assert len(pages) == 3
    assert [told(raw) for raw in pages] == [told(raw) for raw in documents]


def test_a_post_in_both_forms_ends_as_its_json_which_knows_more(tmp_path: Path) -> None:
    page = (
        '<a class="author" href="https://plus.google.com/+Acme">Acme</a> - '
        f'<a href="{ADDRESS}">2013-06-23 12:34:56+0000</a><div class="main-content">New opening hours!<br>See you</div>'
        '<div class="visibility">Shared with: Public</div>'
    )
    folder = "Takeout/Google+ Stream/Posts"
    path = packed(tmp_path / "a.zip", {f"{folder}/a.json": json.dumps(post(comments=[])), f"{folder}/b.html": page})
    comments, errors, _ = read(path)
    assert errors == []
    assert [one.native_id for one in comments] == ["EJukQAAfFrV", "EJukQAAfFrV"]
    assert [one.author.native_id for one in comments] == ["+Acme", ACME]


def test_only_public_posts_are_read_unless_one_asks_and_the_others_are_private_then(tmp_path: Path) -> None:
    circle = {"visibleToStandardAcl": {"circles": [{"type": "CIRCLE_TYPE_YOUR_CIRCLES"}]}}
    shown = {"visibleToStandardAcl": {"circles": [{"type": "CIRCLE_TYPE_PUBLIC"}]}}
    posts = [post(url=f"{ADDRESS}{n}", content=f"Post {n}", postAcl=acl) for n, acl in enumerate([circle, shown, {}])]
    path = packed(tmp_path / "a.zip", {f"{n}.json": json.dumps(one) for n, one in enumerate(posts)})
    comments, errors, note = read(path)
    assert texts(comments) == ["Post 1", "The date is wrong"]
    assert errors == []
    assert note == "a.zip: 2 posts were not public and left out (with_private reads them)"
    comments, _, note = read(path, with_private=True)
    assert [one.is_private for one in comments if one.kind == "post"] == [True, False, True]
    assert [one.is_private for one in comments if one.kind == "comment"] == [True, False, True]
    assert note == ""


@pytest.mark.parametrize(
    ("shown", "words", "n"),
    [
        ("Shared with: Public", None, 1),
        ("Geteilt mit: Öffentlich, <a href='https://plus.google.com/communities/1'>Bäcker</a>", None, 1),
        ("Shared with: Your circles", None, 0),
        ("公開範囲：一般公開", None, 0),
        ("公開範囲：一般公開", ("一般公開",), 1),
        ("", None, 0),
    ],
)
def test_a_page_is_public_by_the_word_of_its_language(
    tmp_path: Path, shown: str, words: tuple[str, ...] | None, n: int
) -> None:
    page = (
        '<a class="author" href="https://plus.google.com/1">A</a> - '
        f'<a href="{ADDRESS}">2013-06-23 12:34:56+0000</a><div class="main-content">Hello</div>'
        f'<div class="visibility">{shown}</div>'
    )
    (tmp_path / "a.html").write_text(page, encoding="utf-8")
    comments, errors, note = read(tmp_path, **({"public_words": words} if words else {}))
    assert (len(comments), errors) == (n, [])
    assert bool(note) is (n == 0)


def test_whoever_wrote_the_stream_is_the_brand_and_in_communities_only_who_is_named(tmp_path: Path) -> None:
    ours = post(comments=[comment("Thanks"), comment("Gladly", "2013-06-23 14:00:00+0000", ACME)])
    there = post(url=f"{ADDRESS}2", author=person(ROB, "Rob"), content="Is it fresh?", comments=[
        comment("Yes, daily", "2013-06-24 14:00:00+0000", ACME)])  # fmt: skip
    there["postAcl"] = {"isPublic": True, "communityAcl": {"community": {"displayName": "Bread"}}}
    path = packed(tmp_path / "a.zip", {"a.json": json.dumps(ours), "b.json": json.dumps(there)})

    def told(**how: Any) -> list[tuple[str, bool | None]]:
        return [(one.kind, one.is_ours) for one in read(path, **how)[0]]

    assert told() == [("post", True), ("comment", None), ("comment", True), ("comment", None), ("comment", None)]
    for name in (ACME, f"users/{ACME}"):
        assert told(own_ids=(name,)) == [
            ("post", True), ("comment", None), ("comment", True), ("comment", None), ("comment", True),
        ]  # fmt: skip


def test_a_customers_post_and_the_answer_below_it_are_one_conversation(tmp_path: Path) -> None:
    there = post(author=person(ROB, "Rob"), comments=[comment("Yes, daily", who=ACME)])
    there["postAcl"] = {"isPublic": True, "communityAcl": {"community": {}}}
    (tmp_path / "a.json").write_text(json.dumps(there))
    asked, answered = read(tmp_path, own_ids=(ACME,))[0]
    assert (asked.kind, answered.kind) == ("comment", "comment")
    assert asked.root_native_id == answered.root_native_id == asked.native_id


def test_mentions_plus_ones_shared_posts_links_and_polls_are_kept(tmp_path: Path) -> None:
    said = (
        f'Thanks <span class="proflinkWrapper"><span class="proflinkPrefix">+</span><a class="proflink" '
        f'href="https://plus.google.com/+RobSmith" oid="{ROB}">Rob</a></span>!'
    )
    full = post(
        content=said,
        plusOnes=[{"plusOner": person(ROB, "Rob")}, {"plusOner": person(ACME, "Acme")}],
        link={"title": "Our menu", "url": "https://acme.example/menu"},
        resharedPost={"author": person(ROB, "Rob"), "content": "Best <b>bread</b> in town"},
        poll={"choices": [{"description": "Rye"}, {"description": "Spelt"}, {"odd": 1}]},
        album={"media": [{"description": "The new oven"}]},
        location={"displayName": "Market Square"},
    )
    (tmp_path / "a.json").write_text(json.dumps(full))
    one = read(tmp_path, own_ids=(ACME,))[0][0]
    assert one.mentions == (ROB, "+RobSmith")
    assert (one.n_likes, one.n_replies, one.is_liked_by_us) == (2, 1, True)
    for words in (
        "Thanks +Rob!",
        "Originally shared by Rob",
        "Best bread in town",
        "Our menu",
        "- Rye",
        "The new oven",
    ):
        assert words in one.text
    assert "Market Square" in one.text
    assert "https://acme.example/menu" in one.text


def test_an_edit_is_known_by_its_time_and_changes_no_id(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(post()))
    before = read(tmp_path)[0]
    edited = post(updateTime="2013-06-23 12:40:00+0000", content="Other hours!")
    edited["comments"][0] |= {"content": "The date was wrong", "updateTime": "2013-06-23 13:30:00+0000"}
    path.write_text(json.dumps(edited))
    after = read(tmp_path)[0]
    assert [one.native_id for one in before] == [one.native_id for one in after]
    assert [one.edited_at for one in before] == [None, None]
    assert [one.edited_at and one.edited_at.isoformat() for one in after] == [
        "2013-06-23T12:40:00+00:00", "2013-06-23T13:30:00+00:00",
    ]  # fmt: skip


def test_the_same_words_twice_in_one_second_are_two_comments(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(post(comments=[comment("No"), comment("No!"), comment("No!!")])))
    comments = read(tmp_path)[0]
    assert len({one.native_id for one in comments}) == 4


def test_a_broken_file_goes_to_quarantine_alone(tmp_path: Path) -> None:
    good = json.dumps(post())
    files: dict[str, str | bytes] = {
        "a.json": good[:-20],
        "b.json": b"\xff\xfe\x00",
        "c.json": "[" * 100_000,
        "d.json": json.dumps(post(url="", comments=[])),
        "e.json": json.dumps(post(url=f"{ADDRESS}e", creationTime="yesterday", comments=[])),
        "f.json": json.dumps(post(url=f"{ADDRESS}f", comments=[comment("fine"), {"content": 7}, "words", None])),
        "g.json": '{"url": NaN, "author": {}, "content": ""}',
        "h.json": good,
    }
    comments, errors, _ = read(packed(tmp_path / "a.zip", files))
    assert texts(comments) == [
        "New opening hours!\nSee you",
        "fine",
        "New opening hours!\nSee you",
        "The date is wrong",
    ]
    assert sorted({error.split(": ")[0] for error in errors}) == [f"{name}.json" for name in "abcdefg"]
    assert "d.json: a post with neither url nor resourceName" in errors
    assert "e.json: no time: yesterday" in errors


def test_an_archive_that_is_none_goes_to_quarantine_and_the_next_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"not a zip at all")
    whole = packed(tmp_path / "b.zip", {"a.json": json.dumps(post())}).read_bytes()
    (tmp_path / "c.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "d.tgz").write_bytes(b"\x1f\x8b")
    (tmp_path / "e.zip.part").write_bytes(b"still coming")
    comments, errors, _ = read(tmp_path)
    assert len(comments) == 2
    assert [error.split(": ")[0] for error in errors] == ["a.zip", "c.zip", "d.tgz"]
    assert "unpack it" in errors[2]


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_zip_never_brings_the_reader_down(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    files = {f"{n}.json": json.dumps(post(url=f"{ADDRESS}{n}")) for n in range(4)}
    data = bytearray(packed(tmp_path / "a.zip", files).read_bytes())
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    (tmp_path / "a.zip").write_bytes(data)
    comments, errors, _ = read(tmp_path / "a.zip")
    assert set(texts(comments)) <= {"New opening hours!\nSee you", "The date is wrong"}
    assert all(str(tmp_path) not in error for error in errors)


def test_a_bomb_is_one_unreadable_file_and_takes_no_memory(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        with out.open("bomb.json", "w", force_zip64=True) as stream:
            for _ in range(300):
                stream.write(b" " * 1_000_000)
        out.writestr("good.json", json.dumps(post()))
    tracemalloc.start()
    comments, errors, _ = read(tmp_path / "a.zip")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(comments) == 2
    assert errors == ["bomb.json: larger than 20,000,000 bytes"]
    assert peak < 10_000_000


def test_a_bomb_that_lies_about_its_size_gives_no_more_than_it_said(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"bomb.json": b" " * 30_000_000, "good.json": json.dumps(post())})
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 30_000_000), struct.pack("<L", 1_000)))
    tracemalloc.start()
    comments, errors, _ = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(comments) == 2
    assert len(errors) == 1
    assert errors[0].startswith("bomb.json: ")
    assert peak < 10_000_000


def test_what_stands_after_the_bound_of_an_archive_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    text = json.dumps({"padding": " " * 19_000_000})
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("000.json", json.dumps(post()))
        out.writestr("001.json", text)
        info = out.getinfo("001.json")
        # Many names for one member, as the bombs do that grow without layers.
        for number in range(2, 200):
            again = zipfile.ZipInfo(f"{number:03}.json")
            again.header_offset, again.CRC = info.header_offset, info.CRC
            again.compress_size, again.file_size = info.compress_size, info.file_size
            again.compress_type = info.compress_type
            out.filelist.append(again)
    volume = archive.volumes(tmp_path / "a.zip")[0]
    with volume.opened() as opened:
        assert len(opened.names) < 110
        assert "only the first" in opened.problem


@pytest.mark.parametrize("kind", ["encrypted", "lzma"])
def test_a_member_that_takeout_would_never_write_is_refused_unopened(tmp_path: Path, kind: str) -> None:
    method = zipfile.ZIP_LZMA if kind == "lzma" else zipfile.ZIP_STORED
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as out:
        out.writestr("a.json", json.dumps(post()))
    if kind == "encrypted":
        data = bytearray((tmp_path / "a.zip").read_bytes())
        data[data.index(b"PK\x01\x02") + 8] |= 1
        (tmp_path / "a.zip").write_bytes(data)
    comments, errors, _ = read(tmp_path / "a.zip")
    assert (comments, len(errors)) == ([], 1)
    assert ("encrypted" if kind == "encrypted" else "Takeout does not use") in errors[0]


def test_names_that_climb_out_of_the_archive_are_only_labels(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    names = ["../../evil.json", "/etc/evil.json", "C:\\evil.json", "a/../../b.json", "n\x07\x1b[31m.json"]
    posts = {name: json.dumps(post(url=f"{ADDRESS}{n}")) for n, name in enumerate(names)}
    before = sorted(tmp_path.rglob("*"))
    comments, errors, _ = read(packed(inside / "a.zip", posts))
    assert (len(comments), errors) == (10, [])
    assert sorted(tmp_path.rglob("*")) == [*before, inside / "a.zip"]


def test_links_in_a_folder_are_not_followed_and_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(json.dumps(post(url=f"{ADDRESS}x", content="outside")))
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "b.json").write_text(json.dumps(post(url=f"{ADDRESS}y", content="outside too")))
    folder = tmp_path / "takeout"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(post(content="inside", comments=[])))
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    (folder / "links").symlink_to(tmp_path / "away")
    os.mkfifo(folder / "pipe.json")
    assert stat.S_ISFIFO((folder / "pipe.json").stat().st_mode)
    comments, errors, _ = read(folder)
    assert (texts(comments), errors) == (["inside"], [])


def test_a_page_nested_without_end_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    page = '<div class="main-content">' + "<div>" * 400_000
    (tmp_path / "a.html").write_text(page)
    (tmp_path / "b.json").write_text(json.dumps(post(comments=[])))
    comments, errors, _ = read(tmp_path)
    assert len(comments) == 1
    assert errors == ["a.html: a page that is too large or too deeply nested to be Google's"]


def test_other_products_of_the_archive_are_not_opened(tmp_path: Path) -> None:
    stream = "Takeout/Google+ Stream/Posts/20130623 - New.json"
    files = {"Takeout/Mail/broken.json": "{", "Takeout/Google+ Circles/Friends.json": "[]", stream: json.dumps(post())}
    comments, errors, _ = read(packed(tmp_path / "a.zip", files))
    assert (len(comments), errors) == (2, [])


def test_an_archive_that_is_replaced_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"a.json": json.dumps(post())})
    cursor: Json = None
    for _ in range(2):
        cursor = GooglePlus(GooglePlusSettings(path=path)).fetch_page(cursor, NOW).cursor
    assert read(path, cursor)[0] == []
    assert len(json.dumps(cursor)) < 200
    packed(path, {"a.json": json.dumps(post(comments=[]))})
    assert len(read(path, cursor)[0]) == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.lists(st.integers(0, 5), max_size=6))
def test_pages_of_any_size_give_the_same_comments(
    tmp_path_factory: pytest.TempPathFactory, size: int, sizes: list[int]
) -> None:
    path = tmp_path_factory.mktemp("pages") / "a.zip"
    many = [
        post(
            url=f"{ADDRESS}{n}", comments=[comment(f"{m}", f"2013-06-23 13:00:{m:02}+0000") for m in range(n_comments)]
        )
        for n, n_comments in enumerate(sizes)
    ]
    packed(path, {f"{n}.json": json.dumps(one) for n, one in enumerate(many)})
    assert len(read(path, rows_per_page=size)[0]) == len(sizes) + sum(sizes)


def test_a_path_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nowhere: no such file or folder"):
        GooglePlus(GooglePlusSettings(path=tmp_path / "nowhere")).fetch_page(None, NOW)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root; run the tests as another user")
def test_a_path_that_we_may_not_read_is_unauthorized(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0)
    with pytest.raises(Unauthorized):
        GooglePlus(GooglePlusSettings(path=tmp_path / "shut")).fetch_page(None, NOW)


def test_the_archive_is_history_whatever_its_dates_say() -> None:
    assert GooglePlus.abilities.is_history
