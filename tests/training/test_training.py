"""The whole training on a tiny world: the same weights each time, nothing that is excluded, and honest refusals."""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("sklearn", reason="scikit-learn comes with the dev dependencies")

from monitor.model import Author, Comment
from monitor.signals.model import as_probabilities, load
from monitor.signals.prepared import prepare
from monitor.signals.weights import OUTPUTS, parse
from monitor.training import corpus, data
from monitor.training.__main__ import main

SAYS = {
    "angry": "you useless clowns ruined everything",
    "needs_reply": "when does my parcel number {n} arrive ?",
    "closing": "thanks that solved it {n}",
    "tagging_only": "@friend{n} look at this",
    "urgent": "my child had an allergic reaction {n} in the shop",
    "threat": "i know where you live {n}",
    "mistake": "your poster says the wrong date {n}",
    "": "nice weather {n} today",
}
KINDS = ("wrong_info", "typo", "broken_link", "misleading")


def own_rows() -> Iterator[dict[str, object]]:
    for n in range(96):
        label, says = list(SAYS.items())[n % len(SAYS)]
        row: dict[str, object] = {name: int(name == label) for name in corpus.LABELS}
        yield row | {
            "text": f"{says.format(n=n)} {'abcdefgh'[n % 7]}{n}",
            "language": "en" if n % 3 else "de",
            "situation": f"situation {n % 12}",
            "writer": n % 5,
            "mistake": KINDS[n // 8 % 4] if label == "mistake" else "",
            "labelled_by": 2,
        }


def tables() -> Mapping[str, str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return {
        "goemotions.csv.gz": "text,labels\n"
        + "".join(f"talk {letters[n % 26]} {n},{('anger', 'joy', 'gratitude', 'neutral')[n % 4]}\n" for n in range(80)),
        "davidson.csv.gz": "tweet,class\n" + "".join(f"tweet {letters[n % 26]} {n},{n % 3}\n" for n in range(30)),
        "vader.csv.gz": "set,text,mean_sentiment\n"
        + "".join(f"tweets,rated {letters[n % 26]} {n},{n % 5 - 2}\n" for n in range(50)),
        "umsab.csv.gz": "lang,split,text,label\n"
        + "".join(f"{('german', 'english')[n % 2]},train,x {letters[n % 26]} {n},{n % 3}\n" for n in range(90)),
        "ibm.csv.gz": "json\n" + '"{""dialogContent"": [{""client"": ""a"", ""message"": ""my line is dead""}]}"\n',
    }  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with tiny data sets, their list, and a tiny corpus of ours."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "en.jsonl").write_text("".join(json.dumps(row) + "\n" for row in own_rows()), "utf-8")
    found = {name: gzip.compress(text.encode(), mtime=0) for name, text in tables().items()}
    found["excluded.txt"] = f"{data.text_hash('talk a 0')}\n".encode()
    sources = ""
    for file, content in found.items():
        (tmp_path / file).write_bytes(content)
        sources += f'[{file.partition(".")[0]}]\ntitle = "t"\nlicence = "l"\nrepository = "r"\ncommit = "c"\n'
        sources += f'file = "{file}"\nsha256 = "{hashlib.sha256(content).hexdigest()}"\ncolumns = []\n'
    (tmp_path / "sources.toml").write_text(sources)
    return tmp_path


def trained(world: Path, out: str, *more: str) -> int:
    said = ("--data", str(world), "--sources", str(world / "sources.toml"), "--corpus", str(world / "corpus"))
    return main([*said, "--out", str(world / out), *more])


@pytest.mark.slow
def test_two_trainings_give_the_same_weights_bit_for_bit_and_they_know_what_they_read(world: Path) -> None:
    assert trained(world, "one") == trained(world, "two") == 0
    for file in ("stack.json", "tables.npz"):
        assert (world / "one" / file).read_bytes() == (world / "two" / file).read_bytes()
    model = load(parse((world / "one" / "stack.json").read_bytes()), (world / "one" / "tables.npz").read_bytes())
    texts = ("you useless clowns ruined everything again", "thanks that solved it")
    batch = [
        prepare(Comment("1", "comment", text, Author("1", "a"), datetime(2026, 1, 1, tzinfo=UTC))) for text in texts
    ]
    angry, closing = (as_probabilities(model.logits(batch))[:, OUTPUTS.index(name)] for name in ("angry", "closing"))
    assert angry[0] > angry[1]
    assert closing[1] > closing[0]


def test_a_data_set_that_is_missing_is_named_and_nothing_is_written(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (world / "vader.csv.gz").unlink()
    assert trained(world, "out") == 1
    assert "vader.csv.gz is missing" in capsys.readouterr().err
    assert not (world / "out").exists()


def test_a_data_set_that_is_another_one_is_refused(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (world / "umsab.csv.gz").write_bytes(b"another")
    assert trained(world, "out") == 1
    assert "umsab.csv.gz is another file: its SHA-256 is" in capsys.readouterr().err


def test_a_damaged_row_of_our_corpus_is_named(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (world / "corpus" / "en.jsonl").open("a") as file:
        file.write(json.dumps(next(own_rows()) | {"mistake": "spelling"}) + "\n")
    assert trained(world, "out") == 1
    assert "en.jsonl:97: 'spelling' is no kind of mistake" in capsys.readouterr().err


def test_texts_that_we_are_evaluated_on_are_never_read(world: Path) -> None:
    known = data.sources(world / "sources.toml")
    assert "talk a 0" not in {one.text for one in data.load(world, known)}
    (world / "anger_eval_dev.jsonl").write_text(json.dumps({"text": "Talk B, 1!"}) + "\n")
    texts = {one.text for one in data.load(world, known)}
    assert "talk b 1" not in texts
    assert "talk c 2" in texts


def test_a_label_that_is_disputed_is_no_label(world: Path) -> None:
    row = next(own_rows()) | {"angry": None, "mistake": None}
    (world / "corpus" / "en.jsonl").write_text(json.dumps(row) + "\n")
    (one,) = corpus.load([], set(), world / "corpus")
    assert "angry" not in one.labels
    assert "mistake" not in one.labels
    assert one.labels["needs_reply"] == 0


def test_what_is_missing_is_downloaded_by_name_and_checked(world: Path) -> None:
    content = (world / "vader.csv.gz").read_bytes()
    (world / "vader.csv.gz").unlink()
    asked: list[str] = []

    class Mirror(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Mirror) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{{repository}}/{{commit}}/{{file}}"
        data.download(world, address, data.sources(world / "sources.toml"))
        (world / "umsab.csv.gz").unlink()
        with pytest.raises(data.DataMissing, match=r"umsab\.csv\.gz is another file"):
            data.download(world, address, data.sources(world / "sources.toml"))
        server.shutdown()
    assert asked == ["/r/c/vader.csv.gz", "/r/c/umsab.csv.gz"]
    assert (world / "vader.csv.gz").read_bytes() == content


@pytest.mark.parametrize("file", sorted(path.name for path in corpus.FOLDER.glob("*.jsonl")))
def test_our_corpus_is_whole_and_names_no_address(file: str) -> None:
    lines = [json.loads(line) for line in (corpus.FOLDER / file).read_text("utf-8").splitlines()]
    assert lines
    if file == "public_labels.jsonl":
        assert not any("text" in line for line in lines)
    else:
        texts = [line["text"] for line in lines]
        assert len(set(texts)) >= 0.99 * len(texts)
        assert all(set(corpus.LABELS) <= set(line) for line in lines)
