"""The public data sets: found in a folder or downloaded, checked by checksum, and read without what is excluded."""

import csv
import gzip
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import httpx

_LINK = re.compile(r"https?://\S+|www\.\S+")
_MENTION = re.compile(r"@\w+")
_NO_WORD = re.compile(r"\W+")
_LARGEST_FIELD = 1 << 24
_EVALUATED = ("anger_eval_dev.jsonl", "mistake_eval_dev.jsonl")  # where they lie beside the data, none is trained on


class DataMissing(Exception):
    """A data set is not there or is another one; the text says which and what to do."""


@dataclass(frozen=True)
class Source:
    """One public file, as `sources.toml` describes it."""

    name: str
    title: str
    licence: str
    repository: str
    commit: str
    file: str
    sha256: str
    columns: Sequence[str]


@dataclass(frozen=True)
class Public:
    """One public text with what its own data set says of it: names of labels, or a number."""

    text: str
    source: str  # "vader.tweets", "umsab.german"; what stands before the dot is the name in `sources.toml`
    labels: frozenset[str] = frozenset()
    sentiment: float = 0.0

    @property
    def sha1(self) -> str:
        return text_hash(self.text)


def sources(path: Path | None = None) -> Mapping[str, Source]:
    """The shipped list of data sets, or another one."""
    written = (
        path.read_text(encoding="utf-8")
        if path
        else (files("monitor.training") / "sources.toml").read_text(encoding="utf-8")
    )
    return {name: Source(name, **table) for name, table in tomllib.loads(written).items()}


def text_hash(text: str) -> str:
    """By which a text is known without being shown: of its lower-case words, without links, mentions and marks."""
    plain = _MENTION.sub("", _LINK.sub("", text.lower()))
    return hashlib.sha1(_NO_WORD.sub("", plain).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def download(folder: Path, template: str, known: Mapping[str, Source]) -> None:
    """Whatever of the data sets is not in the folder yet, from addresses made of the template.

    Raises: DataMissing: an address gives nothing, or another file than ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for source in known.values():
        if (folder / source.file).is_file():
            continue
        address = template.format(file=source.file, repository=source.repository, commit=source.commit)
        try:
            answer = httpx.get(address, follow_redirects=True, timeout=60)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise DataMissing(f"{source.file}: {address} gives nothing: {error}") from error
        _check(source, answer.content)
        (folder / source.file).write_bytes(answer.content)


def load(folder: Path, known: Mapping[str, Source]) -> list[Public]:
    """All public texts in a fixed order, each once for each data set, without those that we are evaluated on.

    Raises: DataMissing: a file is missing or has another checksum.
    """
    raw = {source.name: _read(source, folder) for source in known.values()}
    never = excluded(folder, known)
    found: dict[tuple[str, str], Public] = {}
    for text in _texts(raw):
        found.setdefault((text.source, text.sha1), text)
    return [text for (_, sha1), text in found.items() if sha1 not in never]


def excluded(folder: Path, known: Mapping[str, Source]) -> set[str]:
    """The hashes of the texts that may not be trained on."""
    return set(_read(known["excluded"], folder).decode("ascii").split()) | _evaluated(folder)


def _read(source: Source, folder: Path) -> bytes:
    path = folder / source.file
    if not path.is_file():
        raise DataMissing(f"{path} is missing: {source.title} ({source.licence}), from {source.repository}")
    content = path.read_bytes()
    _check(source, content)
    return content


def _check(source: Source, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != source.sha256:
        raise DataMissing(f"{source.file} is another file: its SHA-256 is {found}, not {source.sha256}")


def _evaluated(folder: Path) -> set[str]:
    lines = (
        line
        for name in _EVALUATED
        if (folder / name).is_file()
        for line in (folder / name).read_text(encoding="utf-8").splitlines()
    )
    return {text_hash(json.loads(line)["text"]) for line in lines}


def _texts(raw: Mapping[str, bytes]) -> Iterator[Public]:
    for row in _rows(raw["goemotions"]):
        yield Public(row["text"], "goemotions", frozenset(row["labels"].split("|")))
    for row in _rows(raw["davidson"]):
        yield Public(row["tweet"], "davidson", frozenset() if row["class"] == "2" else frozenset({"offensive"}))
    for row in _rows(raw["vader"]):
        yield Public(row["text"], f"vader.{row['set']}", sentiment=float(row["mean_sentiment"]))
    for row in _rows(raw["umsab"]):
        if row["split"] == "train":
            label = ("negative", "neutral", "positive")[int(row["label"])]
            yield Public(row["text"], f"umsab.{row['lang']}", frozenset({label}))
    for row in _rows(raw["ibm"]):
        for message in json.loads(row["json"])["dialogContent"]:
            if "client" in message:
                yield Public(message["message"], "ibm")


def _rows(content: bytes) -> Iterator[dict[str, str]]:
    csv.field_size_limit(_LARGEST_FIELD)
    with gzip.open(io.BytesIO(content), "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)
