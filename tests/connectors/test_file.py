"""Files of rows: positions, appended and replaced files, bad rows, and 5,000 real support tweets."""

import csv
import gzip
import json
import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.base import Json, Page
from connectors.file import File, FileSettings
from monitor.errors import Unavailable
from monitor.model import Comment

NOW = datetime(2100, 1, 1, tzinfo=UTC)  # long after any file was written, so that all of them have settled
GOLDEN = Path(__file__).parents[1] / "golden" / "file"
SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")


def reader(path: Path, **how: Any) -> File:
    return File(FileSettings(path=path, **how))


def pages(path: Path, cursor: Json = None, now: datetime = NOW, **how: Any) -> Iterator[Page]:
    """The pages until there is no more, by a new connector each time, as after restarts."""
    for _ in range(10_000):
        page = reader(path, **how).fetch_page(cursor, now)
        yield page
        cursor = json.loads(json.dumps(page.cursor))
        if not page.more:
            return
    raise AssertionError("it never ends")


def read(path: Path, cursor: Json = None, now: datetime = NOW, **how: Any) -> tuple[list[Comment], list[str], Json]:
    """The comments, what was wrong with the other rows, and the cursor after the last page."""
    comments: list[Comment] = []
    errors: list[str] = []
    for page in pages(path, cursor, now, **how):
        cursor = page.cursor
        for raw in json.loads(json.dumps(list(page.raws))):
            try:
                comment = reader(path, **how).normalise(raw)
            except ValueError as error:
                errors.append(str(error))
            else:
                assert comment is not None
                comments.append(comment)
    return comments, errors, cursor


def row(number: int, **more: object) -> str:
    base = {"native_id": str(number), "text": f"Comment {number}", "created_at": "2026-03-02T10:00:00Z"}
    return json.dumps(base | more) + "\n"


def ids(comments: list[Comment]) -> list[str]:
    return [comment.native_id for comment in comments]


def test_appended_rows_are_found_and_the_rest_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(row(1) + row(2))
    first, _, cursor = read(path)
    again, _, same = read(path, cursor)
    with path.open("a") as file:
        file.write(row(3))
    more, _, _ = read(path, cursor)
    assert (ids(first), ids(again), ids(more)) == (["1", "2"], [], ["3"])
    assert same == cursor


def test_a_replaced_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(row(1) + row(2))
    _, _, cursor = read(path)
    for text in (row(7) + row(8) + row(9), row(1)):
        path.write_text(text)
        os.utime(path, (1, len(text)))
        comments, _, _ = read(path, cursor)
        assert len(comments) == text.count("\n")


def test_a_file_that_was_only_touched_is_nothing_new(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("native_id,text,created_at\n1,Hi,2026-03-02\n")
    _, _, cursor = read(path)
    os.utime(path, (5, 5))
    assert read(path, cursor)[0] == []


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("n_rows", [0, 1, 3, 4])
def test_a_last_line_without_an_end_is_read_once_it_has_settled(tmp_path: Path, end: str, n_rows: int) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(map(row, range(n_rows))) + row(99).rstrip() + end)
    just_now = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    page = reader(path, rows_per_page=100).fetch_page(None, just_now)
    assert len(page.raws) == n_rows + bool(end)
    assert ("not complete" in page.note) is (not end)
    comments, errors, cursor = read(path, page.cursor, just_now + timedelta(seconds=6), rows_per_page=100)
    assert ids(comments) == ([] if end else ["99"])
    assert errors == []
    assert read(path, cursor)[0] == []


def test_a_line_that_was_taken_too_soon_is_read_again_when_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    whole = row(1) + row(2)
    path.write_text(whole[:-20])
    comments, errors, cursor = read(path)
    assert ids(comments) == ["1"]
    assert errors[0].startswith("a.jsonl:2: not JSON")
    path.write_text(whole + row(3))
    comments, errors, _ = read(path, cursor)
    assert (ids(comments), errors) == (["2", "3"], [])


def test_a_folder_is_read_file_by_file_and_unfinished_and_hidden_files_are_left_alone(tmp_path: Path) -> None:
    for number, name in enumerate(["b.jsonl", "a.csv", ".hidden.jsonl", "c.jsonl.part", "d.jsonl~"]):
        text = f"native_id,text,created_at\n{number},x,2026-03-02\n" if name.endswith("csv") else row(number)
        (tmp_path / name).write_text(text)
    (tmp_path / "folder.jsonl").mkdir()
    comments, errors, cursor = read(tmp_path)
    assert (ids(comments), errors) == (["1", "0"], [])
    (tmp_path / "aa.jsonl").write_text(row(5))
    (tmp_path / "a.csv").unlink()
    comments, _, cursor = read(tmp_path, cursor)
    assert ids(comments) == ["5"]
    assert sorted(cursor["files"]) == ["aa.jsonl", "b.jsonl"]


def test_only_files_of_the_pattern_are_read_also_in_inner_folders(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl").write_text(row(1))
    (tmp_path / "a.log").write_text("noise\n")
    assert ids(read(tmp_path, pattern="**/*.jsonl")[0]) == ["1"]


def test_a_file_moves_to_the_archive_only_after_its_rows_were_stored(tmp_path: Path) -> None:
    drop, away = tmp_path / "drop", tmp_path / "drop" / "done"
    drop.mkdir()
    (drop / "a.jsonl").write_text(row(1) + row(2))
    connector = reader(drop, archive=away, pattern="**/*")
    page = connector.fetch_page(None, NOW)
    assert len(page.raws) == 2
    connector.fetch_page(None, NOW)  # the page was lost in a crash: the file must still be there
    assert (drop / "a.jsonl").exists()
    last = connector.fetch_page(page.cursor, NOW)  # this cursor was stored, and so were its rows
    assert not (drop / "a.jsonl").exists()
    assert (away / "a.jsonl").read_text() == row(1) + row(2)
    (drop / "a.jsonl").write_text(row(3))
    comments, _, cursor = read(drop, last.cursor, archive=away, pattern="**/*")
    read(drop, cursor, archive=away, pattern="**/*")
    assert ids(comments) == ["3"]
    assert sorted(path.name for path in away.iterdir()) == ["a.jsonl", "a.jsonl.1"]


def test_bad_rows_say_file_row_and_column_and_their_neighbours_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    bad = [
        "nonsense\n",
        "[1, 2]\n",
        '{"native_id": NaN}\n',
        row(5, created_at="soon"),
        row(6, text=None),
        row(7, n_likes="x"),
    ]
    path.write_text(row(1) + "\n" + "".join(bad) + row(2))
    comments, errors, _ = read(path, columns={"n_likes": "n_likes"})
    assert ids(comments) == ["1", "2"]
    assert [error.split(": ")[0] for error in errors] == [f"a.jsonl:{number}" for number in range(3, 9)]
    assert "created_at: no time in the form iso: soon" in errors[3]
    assert "text: nothing in this row" in errors[4]
    assert "n_likes" in errors[5]


def test_bad_csv_rows_are_set_aside_and_an_open_quote_swallows_one_line_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = ["native_id,text,created_at", '1,"two\nlines",2026-03-02', "2,too,many,2026-03-02", '3,"open,2026-03-02']
    lines += [f"{number},fine,2026-03-02" for number in range(4, 9000)]
    path.write_text("\n".join(lines) + "\n")
    comments, errors, _ = read(path, rows_per_page=400)
    assert ids(comments) == ["1", *map(str, range(4, 9000))]
    assert comments[0].text == "two\nlines"
    assert [error.split(": ")[0] for error in errors] == ["a.csv:3", "a.csv:4"]


def test_a_csv_without_a_mapped_column_is_one_error_and_the_next_file_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,words\n1,x\n")
    (tmp_path / "b.csv").write_text("id,text,created_at\n1,x,2026-03-02\n")
    comments, errors, _ = read(tmp_path, columns={"native_id": "id", "text": "text", "language": "id"})
    assert len(comments) == 1
    assert errors == ["a.csv:1: text: nothing in this row"] or "created_at" in errors[0]
    comments, errors, _ = read(tmp_path, columns={"native_id": "key"})
    assert (comments, len(errors)) == ([], 2)
    assert errors[0] == "a.csv:1: the file has no column key"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"native_id,text,created_at\n", b"native_id,text,created_at"])
@pytest.mark.parametrize("name", ["a.csv", "b.jsonl"])
def test_a_file_without_rows_is_no_comments(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content if name == "a.csv" else content.replace(b"native_id,text,created_at", b""))
    comments, errors, cursor = read(tmp_path)
    assert (comments, errors) == ([], [])
    assert read(tmp_path, cursor)[2] == cursor


def test_a_byte_order_mark_other_encodings_and_tabs_are_understood(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfnative_id,text,created_at\r\n1,Gr\xc3\xbc\xc3\x9fe,2026-03-02\r\n")
    assert read(tmp_path)[0][0].text == "Grüße"
    (tmp_path / "a.csv").unlink()
    (tmp_path / "b.tsv").write_bytes(b"native_id\ttext\tcreated_at\n1\tGr\xfc\xdfe\t2026-03-02\n")
    assert read(tmp_path, encoding="latin-1")[0][0].text == "Grüße"
    assert "not utf-8" in read(tmp_path)[1][0]
    (tmp_path / "b.tsv").unlink()
    (tmp_path / "c.csv").write_text("1;Hi;2026-03-02\n")
    comments, _, _ = read(tmp_path, delimiter=";", header=["native_id", "text", "created_at"])
    assert [(c.native_id, c.text) for c in comments] == [("1", "Hi")]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.csv.gz"])
def test_gzip_files_are_read_page_by_page(tmp_path: Path, name: str) -> None:
    text = "".join(map(row, range(50)))
    if name == "a.csv.gz":
        text = "native_id,text,created_at\n" + "".join(f"{n},x,2026-03-02\n" for n in range(50))
    (tmp_path / name).write_bytes(gzip.compress(text.encode()))
    comments, errors, cursor = read(tmp_path, rows_per_page=7)
    assert (ids(comments), errors) == (list(map(str, range(50))), [])
    assert read(tmp_path, cursor)[0] == []


def test_one_connector_reads_a_gzip_file_once_over_many_pages(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress("".join(map(row, range(50))).encode()))
    connector, cursor, got = reader(tmp_path, rows_per_page=7), None, []
    while (page := connector.fetch_page(cursor, NOW)).more:
        got += [raw["values"]["native_id"] for raw in page.raws]
        cursor = page.cursor
    assert got == list(map(str, range(50)))


def test_a_cut_gzip_file_gives_what_is_in_it_and_says_that_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress("".join(row(n, text=str(random.Random(n).random())) for n in range(3000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    just_now = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    waiting = list(pages(path, None, just_now))
    assert "not complete" in waiting[-1].note
    comments, errors, cursor = read(path)
    assert 500 < len(comments) < 2500
    assert "damaged" in errors[-1]
    path.write_bytes(whole)
    os.utime(path, (9, 9))
    assert len(read(path, cursor)[0]) == 3000


def test_a_huge_line_is_one_bad_row_and_memory_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        file.write(row(1))
        file.write('{"text": "')
        for _ in range(40):
            file.write("x" * 1_000_000)
        file.write('"}\n' + row(2))
    tracemalloc.start()
    comments, errors, _ = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ids(comments) == ["1", "2"]
    assert errors == ["a.jsonl:2: a line of more than 1,000,000 bytes"]
    assert peak < 12_000_000


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("native_id,text,created_at\n")
        for block in range(400):
            file.writelines(f"{block * 100 + n},{'words ' * 40},2026-03-02\n" for n in range(100))
    connector = reader(path)
    n_rows, cursor = 0, None
    tracemalloc.start()
    while (page := connector.fetch_page(cursor, NOW)).more:
        n_rows, cursor = n_rows + len(page.raws), page.cursor
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_rows == 40_000
    assert path.stat().st_size > 9_000_000
    assert peak < 3_000_000


def test_a_missing_path_is_unavailable_and_says_which(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"nowhere: no such file or folder"):
        reader(tmp_path / "nowhere").fetch_page(None, NOW)


@pytest.mark.parametrize(
    ("value", "native_id"),
    [
        ("3.0", "3"),
        (3.0, "3"),
        (3, "3"),
        ("0017", "0017"),
        ("1.5", "1.5"),
        (" a ", "a"),
        ("9007199254740993", "9007199254740993"),
    ],
)
def test_ids_survive_tools_that_take_them_for_numbers(tmp_path: Path, value: object, native_id: str) -> None:
    (tmp_path / "a.jsonl").write_text(row(1, native_id=value, parent_native_id=value))
    comment = read(tmp_path)[0][0]
    assert (comment.native_id, comment.parent_native_id) == (native_id, native_id)


@pytest.mark.parametrize("value", ["1.23E+17", 1.5, 1e17, True])
def test_an_id_that_was_rounded_is_refused(tmp_path: Path, value: object) -> None:
    (tmp_path / "a.jsonl").write_text(row(1, native_id=value))
    comments, errors, _ = read(tmp_path)
    assert (comments, len(errors)) == ([], 1)


def test_a_row_without_an_id_has_the_same_one_wherever_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(row(1, native_id=""))
    (tmp_path / "b.jsonl").write_text(row(5) + row(1, native_id=None))
    comments, _, _ = read(tmp_path)
    assert comments[0].native_id == comments[2].native_id
    assert comments[0].native_id.startswith("row-")


@pytest.mark.parametrize(
    ("times", "value"),
    [
        (["iso"], "2026-03-02T09:30:00+01:00"),
        (["iso"], "2026-03-02 08:30:00"),
        (["epoch"], 1772440200),
        (["epoch_ms"], "1772440200000"),
        (["epoch_us"], 1772440200000000),
        (["iso", "%d/%m/%Y %H:%M"], "02/03/2026 08:30"),
        (["%a %b %d %H:%M:%S %z %Y"], "Mon Mar 02 08:30:00 +0000 2026"),
    ],
)
def test_times_are_read_in_the_forms_that_the_settings_name(tmp_path: Path, times: list[str], value: object) -> None:
    (tmp_path / "a.jsonl").write_text(row(1, created_at=value))
    assert read(tmp_path, times=times)[0][0].created_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)


def test_times_without_a_zone_are_in_the_zone_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(row(1, created_at="2026-07-02T10:30:00"))
    comment = read(tmp_path, timezone="Europe/Berlin")[0][0]
    assert comment.created_at == datetime(2026, 7, 2, 8, 30, tzinfo=UTC)


def test_nested_json_constants_prefixes_and_mentions_are_mapped(tmp_path: Path) -> None:
    values = {
        "id": 7,
        "user": {"name": "Kim", "id": 9},
        "body": "Hi @lee &amp; @max, mail a@b",
        "t": 0,
        "re": 6,
        "in": "TRUE",
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(values) + "\n")
    comment = read(
        tmp_path,
        columns={
            "native_id": "id",
            "author_name": "user.name",
            "author_native_id": "user.id",
            "text": "body",
            "created_at": "t",
            "parent_native_id": "re",
        },
        constants={"kind": "review", "stars": 2},
        times=["epoch"],
        inbound_column="in",
        text_is="escaped",
        mentions_in_text=True,
        id_prefix="shop-",
    )[0][0]
    assert (comment.native_id, comment.parent_native_id) == ("shop-7", "shop-6")
    assert (comment.kind, comment.stars, comment.is_ours) == ("review", 2.0, False)
    assert (comment.author.native_id, comment.author.name) == ("9", "Kim")
    assert (comment.text, comment.mentions) == ("Hi @lee & @max, mail a@b", ("lee", "max"))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"columns": {"txt": "a"}}, "no field of a comment: txt"),
        ({"constants": {"kind": "remark"}}, "no kind of comment"),
        ({"constants": {"colour": "red"}}, "no field of a comment"),
        ({"encoding": "utf-16"}, "convert UTF-16"),
        ({"encoding": "nonsense"}, "encoding"),
        ({"timezone": "Mars/Olympus"}, "no such time zone"),
        ({"delimiter": ";;"}, "delimiter"),
        ({"rows_per_page": 0}, "rows_per_page"),
    ],
)
def test_wrong_settings_are_refused_with_a_reason(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        FileSettings(path=tmp_path, **wrong)


LINE = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda t: bool(t.strip())
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(LINE, min_size=0, max_size=6), min_size=1, max_size=4), st.integers(1, 5), st.booleans())
def test_any_appending_and_paging_reads_every_row_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]], size: int, is_csv: bool
) -> None:
    path = tmp_path_factory.mktemp("drop") / ("a.csv" if is_csv else "a.jsonl")
    if is_csv:
        path.write_text("native_id,text,created_at\n")
    got: list[str] = []
    cursor: Json = None
    written: list[str] = []
    for batch in batches:
        with path.open("a", newline="", encoding="utf-8") as file:
            for text in batch:
                number = str(len(written))
                if is_csv:
                    csv.writer(file).writerow([number, f'"{text}"\nand more', "2026-03-02"])
                else:
                    file.write(row(int(number), text=text))
                written.append(number)
        comments, errors, cursor = read(path, cursor, rows_per_page=size)
        assert errors == []
        got += ids(comments)
    assert got == written


def test_golden_rows_read_as_they_did() -> None:
    goldens = sorted(GOLDEN.glob("*.json"))
    assert goldens
    for path in goldens:
        golden = json.loads(path.read_text())
        connector = File(FileSettings(path=Path("unused"), **golden["settings"]))
        for raw, expected in zip(golden["raws"], golden["comments"], strict=True):
            comment = connector.normalise(raw)
            assert comment is not None
            assert {name: _plain(comment, name) for name in expected} == expected, path.name


def _plain(comment: Comment, name: str) -> object:
    value = (
        getattr(comment.author, name.removeprefix("author_")) if name.startswith("author_") else getattr(comment, name)
    )
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


TWCS = SHARED / "datasets" / "twcs_sample.csv.gz"
TWCS_SETTINGS: dict[str, Any] = {
    "columns": {
        "native_id": "tweet_id",
        "author_native_id": "author_id",
        "author_handle": "author_id",
        "parent_native_id": "in_response_to_tweet_id",
    },
    "times": ["%a %b %d %H:%M:%S %z %Y"],
    "inbound_column": "inbound",
    "text_is": "escaped",
    "mentions_in_text": True,
}


@pytest.mark.skipif(not TWCS.exists(), reason="the shared sample of real support tweets is not on this machine")
def test_five_thousand_real_support_tweets_equal_the_files_own_columns() -> None:
    with gzip.open(TWCS, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    connector, cursor = reader(TWCS, **TWCS_SETTINGS), None
    comments: list[Comment] = []
    while (page := connector.fetch_page(cursor, NOW)).raws:
        comments += [c for raw in page.raws if (c := connector.normalise(raw))]
        cursor = page.cursor
    assert len(comments) == len(rows) == 5000
    wrong = {
        name: [
            expected["tweet_id"] for expected, got in zip(rows, comments, strict=True) if holds(expected) != holds2(got)
        ]
        for name, (holds, holds2) in TWCS_EQUALS.items()
    }
    assert wrong == {name: [] for name in TWCS_EQUALS}
    assert sum(comment.is_ours is False for comment in comments) == 2778


def _twcs_time(row: dict[str, str]) -> datetime:
    return datetime.strptime(row["created_at"], "%a %b %d %H:%M:%S %z %Y")


TWCS_EQUALS: dict[str, tuple[Callable[[dict[str, str]], object], Callable[[Comment], object]]] = {
    "native id": (lambda row: row["tweet_id"], lambda comment: comment.native_id),
    "author": (lambda row: row["author_id"], lambda comment: comment.author.native_id),
    "ours": (lambda row: row["inbound"] == "False", lambda comment: comment.is_ours),
    "time": (_twcs_time, lambda comment: comment.created_at),
    "parent": (
        lambda row: str(int(float(row["in_response_to_tweet_id"]))) if row["in_response_to_tweet_id"] else None,
        lambda comment: comment.parent_native_id,
    ),
    "text": (
        lambda row: row["text"].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").strip(),
        lambda comment: comment.text,
    ),
}
