"""Synthetic pages for the benchmarks, and a connector that reads them as a real one reads a platform's JSON."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from pydantic import BaseModel
from pydantic_core import from_json

from connectors.base import Abilities, Page
from monitor.model import Author, Comment

BASE = datetime(2026, 3, 2, 9, tzinfo=UTC)
_WORDS = (
    "the bread was lovely today but can you tell me when you open on sunday because my mother wants a cake with "
    "strawberries and cream for her birthday and the last one from your shop in the high street was really very good "
    "please let us know if there is a table free near the window at about noon we would be four or maybe five people"
).split()
_ANGRY = "This is UNACCEPTABLE, the worst service ever, you should be ashamed!!!"
_MISTAKE = "I think you got the date wrong, the 13th is not a Thursday. Is it tonight?"


def text(chance: Random) -> str:
    """About 120 characters; three in a hundred are angry, one in a hundred points out a mistake."""
    roll = chance.random()
    words = " ".join(chance.choices(_WORDS, k=chance.randint(12, 30)))
    if roll < 0.03:
        return f"{_ANGRY} {words[:60]}"
    if roll < 0.04:
        return f"{_MISTAKE} {words[:50]}"
    return words + chance.choice(("", "?", ".", "!", " 🙂"))


def raw_page(page: int, size: int = 100, seed: int = 7) -> bytes:
    """One page as a platform sends it: nested JSON, about 700 bytes a comment, three comments to a thread."""
    chance = Random(seed * 1_000_003 + page)
    comments = [_raw(page * size + n, chance) for n in range(size)]
    return json.dumps({"kind": "list", "nextPageToken": f"p{page + 1}", "items": comments}).encode()


def _raw(number: int, chance: Random) -> dict[str, Any]:
    root = number - number % 3
    at = (BASE + timedelta(seconds=number)).isoformat()
    return {
        "kind": "comment",
        "etag": f"etag-{number:016d}",
        "id": f"c{number}",
        "snippet": {
            "channelId": "UCbakery00000000000000000",
            "postId": f"post{number // 300}",
            "textDisplay": text(chance),
            "parentId": None if number == root else f"c{root}",
            "authorDisplayName": f"Person {number % 997}",
            "authorProfileImageUrl": f"https://img.example/{number % 997}/photo.jpg",
            "authorChannelUrl": f"https://p.example/person/{number % 997}",
            "authorChannelId": {"value": f"person{number % 997}"},
            "canRate": True,
            "viewerRating": "none",
            "likeCount": chance.randint(0, 9),
            "publishedAt": at,
            "updatedAt": at,
        },
    }


class _AuthorId(BaseModel):
    value: str


class _Snippet(BaseModel):
    postId: str
    textDisplay: str
    parentId: str | None
    authorDisplayName: str
    authorChannelUrl: str
    authorChannelId: _AuthorId
    likeCount: int
    publishedAt: datetime


class _Raw(BaseModel):
    id: str
    snippet: _Snippet


class PageReader:
    """Reads pages from memory: everything that a connector does except the network."""

    abilities = Abilities()

    def __init__(self, pages: list[bytes]) -> None:
        self.pages = pages

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        place = cursor or 0
        return Page(from_json(self.pages[place])["items"], place + 1, more=place + 1 < len(self.pages))

    def normalise(self, raw: Any) -> Comment:
        read = _Raw.model_validate(raw)
        said = read.snippet
        return Comment(
            native_id=read.id,
            kind="comment",
            text=said.textDisplay,
            author=Author(said.authorChannelId.value, said.authorDisplayName, url=said.authorChannelUrl),
            created_at=said.publishedAt,
            permalink=f"https://p.example/{said.postId}?c={read.id}",
            parent_native_id=said.parentId,
            root_native_id=said.parentId,
            subject_native_id=said.postId,
            n_likes=said.likeCount,
        )

    def recheck(self, known: Any) -> Any:
        raise AssertionError("abilities say that there is none")
