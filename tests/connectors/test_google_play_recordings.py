"""The connector against the recorded answer of the real Google Play, replayed over real HTTP."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors.google_play import GooglePlay, GooglePlaySettings
from monitor.http import HttpClient
from tests.faults import FaultServer, json_answer

SHARED = Path(os.environ.get("HEEDFUL_SHARED") or Path(__file__).resolve().parents[2] / "../shared")
FOLDER = SHARED / "recordings" / "googleplay"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the recordings are not there ({FOLDER})")


def test_every_recorded_review_and_its_answer_are_obtained() -> None:
    for path in sorted(FOLDER.glob("*.json")):
        found = json.loads(path.read_text())
        url, body = urlsplit(found["request"]["url"]), found["response"]["body"]
        package = url.path.split("/")[-2]
        reviews = body.get("reviews", [])
        n_expected = sum(len(review["comments"]) for review in reviews)
        client = HttpClient()
        with FaultServer(paths={f"/applications/{package}/reviews": json_answer(body)}) as server:
            given = {"packages": [package], "token": "a-recorded-token", "base_url": server.url}
            connector = GooglePlay(GooglePlaySettings.model_validate(given), client)
            page = connector.fetch_page(None, datetime(2026, 11, 21, tzinfo=UTC))
        client.close()
        comments = [comment for raw in page.raws if (comment := connector.normalise(raw))]
        print(f"{path.stem:32} | expected {n_expected:3} | stored {len(comments):3}")  # noqa: T201
        assert len({comment.native_id for comment in comments}) == n_expected
        for review in reviews:
            user = next(part["userComment"] for part in review["comments"] if "userComment" in part)
            read = next(one for one in comments if one.native_id == f"{package}/{review['reviewId']}")
            assert (read.kind, read.stars, read.author.name) == ("review", user["starRating"], review["authorName"])
            assert read.text == (user.get("originalText") or user["text"]).strip()
            assert int(read.created_at.timestamp()) == int(user["lastModified"]["seconds"])
