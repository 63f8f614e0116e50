"""The simulated platform answers as a Mastodon server does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from monitor import example
from monitor.core.text import plain_text
from monitor.errors import HeedfulError
from monitor.example.platform import TOKEN

START = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def at(self, seconds: float) -> None:
        self.now = START + timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def running(tmp_path: Path, clock: Clock) -> Iterator[example.Example]:
    with example.start(tmp_path / "example", clock=clock) as started:
        yield started


@pytest.fixture
def client(running: example.Example) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=running.base_url, headers=headers, trust_env=False) as client:
        client.get("/api/v1/notifications")  # the story starts when it is first read
        yield client


def test_the_token_tells_who_the_brand_is(client: httpx.Client) -> None:
    assert client.get("/api/v1/accounts/verify_credentials").json()["username"] == "tidewell"


def test_without_the_token_nothing_is_shown(client: httpx.Client) -> None:
    answer = client.get("/api/v1/notifications", headers={"Authorization": "Bearer other"})
    assert answer.status_code == 401
    assert answer.json() == {"error": "The access token is invalid"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 80])
def test_walking_forward_with_min_id_meets_each_mention_once(client: httpx.Client, clock: Clock, limit: int) -> None:
    clock.at(60)
    every = client.get("/api/v1/notifications", params={"limit": 80}).json()
    met, mark = [], "1"
    while page := client.get("/api/v1/notifications", params={"limit": limit, "min_id": mark}).json():
        met += reversed(page)
        mark = page[0]["id"]
    assert met == every[::-1]
    assert len(met) > 15


@pytest.mark.parametrize("limit", [1, 3, 80])
def test_following_the_next_links_meets_each_own_post_once(client: httpx.Client, clock: Clock, limit: int) -> None:
    clock.at(60)
    own = client.get("/api/v1/accounts/verify_credentials").json()["id"]
    page = client.get(f"/api/v1/accounts/{own}/statuses", params={"limit": limit, "exclude_replies": "true"})
    met = page.json()
    while page.links.get("next"):
        page = client.get(page.links["next"]["url"])
        met += page.json()
    assert len({status["id"] for status in met}) == len(met) == 6
    assert [status["id"] for status in met] == sorted((status["id"] for status in met), key=int, reverse=True)
    assert not any(status["in_reply_to_id"] for status in met)


def test_mentions_are_all_that_anyone_says_to_the_brand(client: httpx.Client, clock: Clock) -> None:
    clock.at(60)
    told = client.get("/api/v1/notifications", params={"types[]": ["mention"], "limit": 80}).json()
    assert {notice["type"] for notice in told} == {"mention"}
    assert {person["acct"] for notice in told for person in notice["status"]["mentions"]} >= {"tidewell"}
    assert not any(notice["account"]["acct"] == "tidewell" for notice in told)
    assert client.get("/api/v1/notifications", params={"types[]": ["favourite"]}).json() == []


def test_a_status_is_html_with_its_mentions_and_links_marked_up(client: httpx.Client, clock: Clock) -> None:
    clock.at(20)
    told = client.get("/api/v1/notifications", params={"limit": 80}).json()
    [rant] = [notice["status"] for notice in told if "THIRD" in notice["status"]["content"]]
    assert 'class="u-url mention"' in rant["content"]
    assert plain_text(rant["content"]).startswith("@tidewell THIRD TIME that my brakes fail after your so-called")


def test_a_thread_is_told_above_and_below(client: httpx.Client, clock: Clock) -> None:
    clock.at(200)
    told = client.get("/api/v1/notifications", params={"limit": 80}).json()
    [asked] = [notice["status"] for notice in told if "1.55 m" in notice["status"]["content"]]
    context = client.get(f"/api/v1/statuses/{asked['id']}/context").json()
    assert [status["account"]["acct"] for status in context["ancestors"]] == ["tidewell"]
    assert [status["account"]["acct"] for status in context["descendants"]] == ["tidewell", "anouk"]
    assert context["descendants"][0]["in_reply_to_id"] == asked["id"]


def test_a_batch_shows_what_stands_and_leaves_out_what_is_deleted(client: httpx.Client, clock: Clock) -> None:
    clock.at(40)
    own = client.get("/api/v1/accounts/verify_credentials").json()["id"]
    before = client.get(f"/api/v1/accounts/{own}/statuses").json()
    ids = [status["id"] for status in before]
    clock.at(90)
    after = client.get("/api/v1/statuses", params={"id[]": ids}).json()
    gone = [status for status in before if status["id"] not in {kept["id"] for kept in after}]
    assert sorted(plain_text(status["content"])[:12] for status in gone) == [
        "!!! GIVEAWAY",
        "Half the tow",
        "I made 4,870",
    ]
    assert client.get(f"/api/v1/statuses/{gone[0]['id']}").status_code == 404
    [meeting] = [status for status in after if status["edited_at"]]
    assert "Corrected" in meeting["content"]


def test_hashtags_have_a_timeline(client: httpx.Client) -> None:
    tagged = client.get("/api/v1/timelines/tag/Tidewell").json()
    assert len(tagged) == 2
    assert all(status["tags"][0]["name"] == "tidewell" for status in tagged)


def test_a_question_that_makes_no_sense_is_refused(client: httpx.Client) -> None:
    assert client.get("/api/v1/notifications", params={"limit": "many"}).status_code == 422
    assert client.get("/api/v1/nothing").status_code == 404


def test_the_link_of_a_comment_opens_its_thread_in_a_browser(client: httpx.Client, clock: Clock) -> None:
    clock.at(60)
    told = client.get("/api/v1/notifications", params={"limit": 80}).json()
    answer = client.get(told[0]["status"]["url"])
    assert answer.status_code == 200
    assert "Did you get hacked?" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert client.get("/@nobody/1").status_code == 404


def test_starting_again_goes_on_with_the_same_story_on_the_same_port(tmp_path: Path, clock: Clock) -> None:
    directory = tmp_path / "example"

    def ids() -> list[str]:
        with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as client:
            told = client.get(f"{started.base_url}/api/v1/notifications", params={"limit": 80}).json()
        return [notice["status"]["uri"] for notice in told]

    with example.start(directory, clock=clock) as started:
        assert not started.is_resumed
        ids()
        clock.at(30)
        before, first_url = ids(), started.base_url
    (directory / "heedful.db").touch()
    with example.start(directory, clock=clock) as started:
        assert started.is_resumed
        assert started.base_url == first_url
        assert ids() == before
        clock.at(60)
        assert set(before) <= set(ids())
        clock.at(1_000)
        assert started.is_over


def test_without_its_database_the_story_starts_anew(tmp_path: Path, clock: Clock) -> None:
    with example.start(tmp_path, clock=clock) as started:
        httpx.get(f"{started.base_url}/api/v1/notifications", trust_env=False)
    assert json.loads((tmp_path / "story.json").read_text())["started_at"] == START.isoformat()
    with example.start(tmp_path, clock=clock) as started:
        assert not started.is_resumed


def test_a_port_that_is_taken_is_said_when_it_was_asked_for(running: example.Example, tmp_path: Path) -> None:
    taken = int(running.base_url.rpartition(":")[2])
    with pytest.raises(HeedfulError, match=f"port {taken}: .*in use"):
        example.start(tmp_path / "second", port=taken)


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HeedfulError, match=r"the directory .*file/example: Not a directory"):
        example.start(tmp_path / "file" / "example")


def test_the_written_configuration_names_the_platform_where_it_is_served(running: example.Example) -> None:
    text = running.config_path.read_text()
    assert f'"{running.base_url}"' in text
    assert '"../' not in text
    assert running.base_url in running.banner()
