"""Each recorded answer, changed at one place as another version, plugin or server might have it, is read all the same.

Every change is answered over real HTTP and read by the connector's real fetch path. Whatever it is: nothing but the
payload's own entry may be lost, no other comment may change, none may move to another place, nothing may end the poll.
Only what `REQUIRED` names may cost its entry, and then that is in quarantine. Needs the recordings (HEEDFUL_SHARED).
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from connectors import load
from connectors.app_store_rss import AppStoreRss
from connectors.base import Connector
from connectors.facebook import Facebook
from connectors.instagram import Instagram
from connectors.mastodon import Mastodon
from connectors.reddit import Reddit
from connectors.x import X
from connectors.youtube import YouTube
from monitor.errors import RemoteError
from monitor.http import HttpClient
from monitor.model import Comment
from tests.connectors import mutations, test_facebook_recordings, test_instagram_recordings, test_mastodon_recordings
from tests.connectors import test_app_store_recordings as app_store
from tests.connectors import test_reddit_recordings as reddit
from tests.connectors import test_x_recordings as x
from tests.connectors import test_youtube_recordings as youtube
from tests.connectors.mutations import Mutation
from tests.platforms import load_fake
from tests.platforms.base import World
from tests.platforms.server import HttpFakePlatform, Reply, Request

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PLACE = ("parent_native_id", "root_native_id", "subject_native_id", "created_at")
MOST_CALLS = 60


@dataclass
class Read:
    """What came of one source, read to its end and polled once more."""

    held: dict[str, Comment] = field(default_factory=dict)
    n_quarantined: int = 0
    refused: str = ""


@dataclass
class Scene:
    """A server that answers with one of its bodies changed, and how its source is read."""

    connector: Any
    kind: Any  # the class of a fake platform
    arguments: tuple[Any, ...] = ()  # before the folder
    is_last: bool = True  # whether the folder is the last argument, and not the first one
    prepare: Callable[[Any], None] = lambda server: None
    reset: Callable[[Any], None] = lambda server: None
    settings: dict[str, Any] = field(default_factory=dict)
    now: datetime = NOW
    server: Any = None
    bodies: list[Any] = field(default_factory=list)
    change: tuple[Any, Any] | None = None

    def start(self, folder: Path) -> HttpFakePlatform:
        """The server, whose answers pass through `reply`."""
        scene = self

        class Changing(self.kind):  # type: ignore[name-defined, misc]
            def answer(self, request: Request) -> Reply:
                return scene.reply(super().answer(request))

        self.server = Changing(*self.arguments, folder) if self.is_last else Changing(folder, *self.arguments)
        return self.server  # type: ignore[no-any-return]

    def reply(self, reply: Reply) -> Reply:
        if not isinstance(reply.body, dict | list) or reply.status != 200:
            return reply
        if self.change is not None and reply.body == self.change[0]:
            return Reply(self.change[1], reply.status, reply.headers)
        if self.change is None and reply.body not in self.bodies:
            self.bodies.append(json.loads(json.dumps(reply.body)))
        return reply

    def read(self, http: HttpClient) -> Read:
        self.reset(self.server)
        given = self.server.source_settings() or {"base_url": self.server.url}
        connector = self.connector(self.connector.Settings.model_validate(given | self.settings), http)
        read, cursor, n_quiet, now = Read(), None, 0, self.now
        for _ in range(MOST_CALLS):
            try:
                page = connector.fetch_page(cursor, now)
            except RemoteError as error:
                read.refused = str(error)
                return read
            for raw in page.raws:
                _keep(read, connector, raw)
            cursor = json.loads(json.dumps(page.cursor))
            if not page.more:
                n_quiet, now = n_quiet + 1, now + timedelta(minutes=5)
            if n_quiet == 2:
                return read
        raise AssertionError("no end")


def _keep(read: Read, connector: Connector, raw: Any) -> None:
    try:
        comment = connector.normalise(raw)
    except ValueError:
        read.n_quarantined += 1
        return
    if comment is not None:
        assert comment.native_id
        assert comment.created_at.tzinfo is UTC
        read.held[comment.native_id] = comment


# What an entry can be lost without (it is in quarantine then), and what tells its id, its time or its place.
REQUIRED = {
    "mastodon": {"id", "created_at", "account", "content", "in_reply_to_id", "in_reply_to_account_id", "visibility"}
    | {"status", "type", "reblog"},
    "reddit": {"name", "created_utc", "data", "kind", "children", "parent_id", "link_id", "replies", "context"}
    | {"link_author", "body", "selftext", "author"},
    "x": {"id", "text", "created_at", "author_id", "conversation_id", "in_reply_to_user_id", "referenced_tweets"}
    | {"type", "edit_history_tweet_ids"},
    "youtube": {"id", "snippet", "topLevelComment", "publishedAt", "videoId", "channelId", "statistics"}
    | {"commentCount"},
    # Whether there is more below a post than the few comments that come along, only their number tells.
    "facebook": {"id", "created_time", "permalink_url", "from", "parent", "comments", "summary", "total_count"},
    "instagram": {"id", "timestamp", "replies", "paging", "next", "data", "comments_count"},
    "app_store": {"id", "label", "im:rating", "updated", "author", "attributes", "createdDate", "relationships"}
    | {"response", "data", "responseBody", "lastModifiedDate"},
    "tiktok": {"item_id", "create_time", "comment_id", "comments", "video_id", "parent_comment_id"},
    "yelp": {"id", "time_created"},
    "tripadvisor": {"id", "published_date", "owner_response"},
    "trustpilot": {"id", "createdAt", "companyReply"},
    "google_business": {"reviewId", "name", "createTime", "updateTime", "reviewReply"},
    "google_play": {"reviewId", "comments", "userComment", "developerComment", "lastModified", "seconds", "nanos"},
    "wordpress": {"id", "post", "parent", "date_gmt", "content", "rendered", "type", "modified_gmt"},
    "linkedin": {"id", "created", "time", "commentUrn", "object", "message", "actor", "parentComment", "author"}
    | {"createdAt", "publishedAt"},
}
# Lists of comments alone: an emptied page has nothing to do with what is on the next one.
FLAT = {"youtube", "google_play", "app_store", "yelp", "tripadvisor", "trustpilot", "google_business"}
MAY_CHANGE = {"mentions", "n_replies", "subject_title", "subject_url", "author", "n_likes", "is_liked_by_us"}


def _lead_to_both_pages(server: Any) -> None:
    server.lead_to(server.recordings[0][0].partition("/")[0], comments_count=4)


def _below_a_post(server: Any) -> None:
    summary = server.recordings[0][3]["summary"]
    post = {"id": server.recordings[0][0].partition("/")[0], "created_time": "2021-08-10T18:00:00+0000"}
    post |= {"message": "A post", "comments": {"data": [], "summary": summary}}
    server.made_up["19292868552/feed"] = {"data": [post]}


def _both_pages_of_a_video(server: Any) -> None:
    server.as_new = True
    video = server.recordings[0].query["videoId"]
    snippet = {"publishedAt": "2001-01-01T00:00:00Z", "channelId": youtube.CHANNEL, "title": "Made up"}
    server.videos = [video]
    server.lists["videos", "id", video] = [{"id": video, "snippet": snippet, "statistics": {"commentCount": "10"}}]


def _listing(case: reddit.Case) -> Scene:
    def prepare(server: Any) -> None:
        server.serve(case.files[0], case.at)

    given = {"own_account": "spez", "token": "recorded", "backfill": timedelta(days=9_000), **case.settings}
    return Scene(Reddit, reddit.Replay, prepare=prepare, settings=given)


def _recorded_scenes() -> dict[str, Scene]:
    toots, faces, grams = test_mastodon_recordings, test_facebook_recordings, test_instagram_recordings
    found = {f"mastodon: {case.name}": Scene(Mastodon, toots.Replay, (case,)) for case in toots.CASES}
    for at in (3, 8, 10):
        found[f"reddit: {reddit.CASES[at].name}"] = _listing(reddit.CASES[at])
    for one in x.CASES:
        found[f"x: {one.name}"] = Scene(X, x.Replay, (one,), reset=lambda server: setattr(server, "was_served", False))
    pages = ("comment_threads_by_video_p1", "comment_threads_by_video_p2")
    related = ("comment_threads_all_related",)
    found["youtube: channel"] = Scene(YouTube, youtube.Replay, related, is_last=False)
    found["youtube: video"] = Scene(YouTube, youtube.Replay, pages, is_last=False, prepare=_both_pages_of_a_video)
    names = ["post_comments_p1", "post_comments_p2"]
    found["facebook: comments"] = Scene(Facebook, faces.Replay, ("19292868552", names), prepare=_below_a_post)
    names = ["page_feed_p1", "page_feed_p2"]
    found["facebook: feed"] = Scene(Facebook, faces.Replay, ("19292868552", names))
    names = ["media_comments_p1", "media_comments_p2"]
    found["instagram: comments"] = Scene(Instagram, grams.Replay, (names,), prepare=_lead_to_both_pages)
    small = app_store.CASES["small app, 2 pages"]
    found["app_store: small app"] = Scene(
        AppStoreRss, app_store.Replay, prepare=lambda server: setattr(server, "pages", small)
    )
    return found


MADE_UP = (*("tiktok", "yelp", "tripadvisor", "trustpilot", "google_business", "google_play", "wordpress", "linkedin"),)


def _made_up_scene(name: str) -> Scene:
    """A platform of which nothing was recorded, as its fake tells a small world."""
    world = World()
    first = world.comment(world.post(), "Is 3 < 4?")
    world.advance()
    world.edit(world.reply(first), "Corrected.")
    world.comment(world.post("Another of ours"), "Second", by="ann")
    world.advance()
    return Scene(load(name), load_fake(name), (world,), now=world.now)


@dataclass
class Judge:
    """Tries changes of one body and notes what must not have come of them."""

    scene: Scene
    http: HttpClient
    platform: str
    body: Any
    expected: Read
    wrong: list[str] = field(default_factory=list)
    hosts: dict[mutations.Path, set[str]] = field(default_factory=dict)

    def read(self, body: Any) -> Read:
        self.scene.change = (self.body, body)
        try:
            return self.scene.read(self.http)
        finally:
            self.scene.change = None

    @property
    def required(self) -> set[str]:
        return REQUIRED[self.platform]

    @property
    def ids(self) -> set[str]:
        """The comments that the body tells of."""
        values = mutations.values_of(self.body)
        return {one for one in self.expected.held if one in values or values & set(one.split("/"))}

    def hosted(self, path: mutations.Path) -> set[str]:
        """The comments of the innermost entry that has any: what may be lost with it, and nothing else."""
        for end in range(len(path), 0, -1):
            if isinstance(path[end - 1], int):
                entry = path[:end]
                if entry not in self.hosts:
                    rest = self.read(mutations.without(self.body, entry))
                    self.hosts[entry] = set(self.expected.held) - set(rest.held)
                if self.hosts[entry]:
                    return self.hosts[entry]
        return set()

    def of_entry(self, one: Mutation, is_required: bool) -> None:
        found, held = self.read(one.body), self.expected.held
        lost = set(held) - set(found.held)
        if found.refused:
            self.wrong.append(f"{one}: {found.refused}")
        elif not is_required and (lost or set(found.held) - set(held)):
            self.wrong.append(f"{one}: lost {sorted(lost)[:3]}, new {sorted(set(found.held) - set(held))[:3]}")
        elif lost and lost - self.hosted(one.path):
            self.wrong.append(f"{one}: lost {len(lost)} of {len(held)}")
        for native_id in set(held) & set(found.held) if not is_required else ():
            if any(getattr(held[native_id], name) != getattr(found.held[native_id], name) for name in PLACE):
                self.wrong.append(f"{one}: {native_id} moved")

    def unchanged(self, one: Mutation) -> None:
        found = self.read(one.body)
        if found.refused or set(found.held) != set(self.expected.held):
            self.wrong.append(f"{one}: {found.refused or 'comments lost or made up'}")
            return
        for native_id, comment in found.held.items():
            before = self.expected.held[native_id]
            names = [each.name for each in fields(before) if getattr(before, each.name) != getattr(comment, each.name)]
            if set(names) - MAY_CHANGE:
                self.wrong.append(f"{one}: {native_id} has another {names}")

    def of_envelope(self, one: Mutation) -> None:
        """What stands around the entries: the other pages go on, or the poll is refused as a whole and comes again."""
        found = self.read(one.body)
        is_emptied = one.name == "empty" and isinstance(mutations.at(self.body, one.path), list)
        if is_emptied and not found.refused and self.platform in FLAT:
            lost = set(self.expected.held) - set(found.held) - self.ids
            if lost:
                self.wrong.append(f"{one}: lost {len(lost)} of other pages")


def _is_read(platform: str) -> Callable[[str], bool]:
    folder = Path(__file__).resolve().parents[2] / "connectors"
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    words = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", source)) | set(re.findall(r'"([\w:$~-]+)"', source))
    words |= {to_camel(word) for word in words}
    return lambda key: key in words


def _try(judge: Judge, seen: set[tuple[str, str]], is_read: Callable[[str], bool]) -> None:
    """Each kind of place once."""
    for path in list(mutations.places(judge.body)):
        value = mutations.at(judge.body, path)
        sign = (mutations.place_of(path), type(value).__name__)
        if sign in seen or not path or not all(is_read(step) for step in path if isinstance(step, str)):
            continue
        seen.add(sign)
        in_entry = any(isinstance(step, int) for step in path)
        if isinstance(value, list) and value and path[-1] not in judge.required:
            for one in mutations.of_list(judge.body, path):
                judge.unchanged(one)
        if isinstance(path[-1], int):
            if isinstance(value, dict):
                for one in (*mutations.unread(judge.body, path, is_read), *mutations.of_object(judge.body, path)):
                    judge.unchanged(one)
            continue
        for one in mutations.of_value(judge.body, path):
            if one.name == "unknown" and path[-1] == "id":
                continue  # a page's lowest id is where the next one begins: an id of another make there is no server's
            if in_entry:
                judge.of_entry(one, path[-1] in judge.required)
            else:
                judge.of_envelope(one)


def _is_well(name: str, scene: Scene, http: HttpClient, folder: Path, seen: set[tuple[str, str]]) -> None:
    with scene.start(folder):
        scene.prepare(scene.server)
        expected = scene.read(http)
        assert not expected.refused
        wrong: list[str] = []
        platform = name.partition(":")[0]
        for body in list(scene.bodies):
            judge = Judge(scene, http, platform, body, expected)
            if judge.ids:
                _try(judge, seen, _is_read(platform))
                wrong += judge.wrong
    assert wrong == []


RECORDED = ("mastodon", "reddit", "x", "youtube", "facebook", "instagram", "app_store")


@pytest.mark.skipif(not app_store.FOLDER.is_dir(), reason=f"the recordings are not there ({app_store.FOLDER.parent})")
@pytest.mark.parametrize("platform", RECORDED)
def test_a_recorded_answer_with_one_change_loses_no_more_than_one_entry(
    platform: str, http: HttpClient, tmp_path: Path
) -> None:
    seen: set[tuple[str, str]] = set()
    scenes = {name: scene for name, scene in _recorded_scenes().items() if name.startswith(f"{platform}:")}
    assert scenes
    for name, scene in scenes.items():
        _is_well(name, scene, http, tmp_path, seen)
    assert seen, "no answer was changed anywhere"


@pytest.mark.parametrize("name", MADE_UP)
def test_a_fake_answer_with_one_change_loses_no_more_than_one_entry(
    name: str, http: HttpClient, tmp_path: Path
) -> None:
    seen: set[tuple[str, str]] = set()
    _is_well(name, _made_up_scene(name), http, tmp_path, seen)
    assert seen, "no answer was changed anywhere"
