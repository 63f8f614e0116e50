"""Our own posts from the page to the alert: told before the customers notice, over when mended, links opened."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpcore
import pytest
from sqlalchemy.engine import Engine

from monitor.core.matching import Phrase
from monitor.flows.links import LinkOpener
from monitor.http import HttpClient
from monitor.model import make_id
from monitor.store import acts
from monitor.store.engine import reading, writing
from monitor.store.links import states
from tests.faults import FAULTS, FaultServer, Script, json_answer
from tests.flows.brand import START, Bakery

OURS: dict[str, Any] = {"who": "bakery", "kind": "post"}
WRONG = "The meeting is on Thursday the 13th at 7 pm"  # START is in March 2026: the 13th is a Friday
RIGHT = "The meeting is on Friday the 13th at 7 pm"
DEAD = "Our menu: http://bakery.example9.com/menu"


class Dialler(httpcore.SyncBackend):
    """Whatever public address is dialled, the server on loopback answers."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return super().connect_tcp("127.0.0.1", self.port, *args, **kwargs)


@dataclass
class Web:
    """A bakery whose posts' links lead to one server."""

    bakery: Bakery
    server: FaultServer
    http: HttpClient
    opened: list[int] = field(default_factory=list)

    def say(self, text: str, native_id: str = "p1") -> None:
        self.bakery.platform.say(native_id, text, self.bakery.now, **OURS)

    def work(self) -> None:
        self.bakery.work()
        opener = LinkOpener(
            self.bakery.engine, lambda: self.bakery.plan, self.http, self.bakery.clock, self.bakery.woken.append
        )
        while n := opener.open_due():
            self.opened.append(n)
        self.bakery.work()


@pytest.fixture
def web(engine: Engine) -> Iterator[Web]:
    with FaultServer(json_answer(1)) as server:
        http = HttpClient(resolver=lambda host, port: ["93.184.216.34"], network=Dialler(server.port))
        yield Web(Bakery(engine), server, http)
        http.close()


def test_a_slip_in_our_own_post_is_told_before_anybody_has_commented(web: Web) -> None:
    web.say(WRONG)
    web.work()
    assert web.bakery.told() == [("our-date", "first")]
    (notice,) = web.bakery.slack.sent
    assert "Friday" in notice.threads[0].reasons[0].says
    assert notice.threads[0].excerpt == WRONG


def test_an_edit_that_mends_it_ends_the_alert(web: Web) -> None:
    web.say(WRONG)
    web.work()
    web.bakery.later(minutes=10)
    web.say(RIGHT)
    web.work()
    assert web.bakery.told() == [("our-date", "first"), ("our-date", "resolved")]


def test_closing_the_posts_thread_says_that_it_is_right_as_it_is(web: Web) -> None:
    web.say(WRONG)
    web.work()
    thread_id = make_id("bakery", "tiny", "p1")
    web.bakery.later(minutes=1)
    with writing(web.bakery.engine) as connection:
        acts.close(connection, "bakery", thread_id, "ana", web.bakery.now)
    web.bakery.work()
    assert web.bakery.told()[-1] == ("our-date", "resolved")


def test_posts_of_others_and_posts_from_before_we_watched_are_not_checked(web: Web) -> None:
    web.bakery.platform.say("p1", WRONG, web.bakery.now, who="kim", kind="post")
    web.bakery.platform.say("p2", WRONG, START - timedelta(days=1), **OURS)
    web.work()
    assert web.bakery.told() == []


def test_the_brands_forbidden_words_and_a_double_post_are_told(web: Web) -> None:
    brand = web.bakery.plan.brands["bakery"]
    words = {"cheapest": Phrase.of("cheapest")}
    web.bakery.change_plan(brands={"bakery": replace(brand, forbidden=words)})
    web.say("The cheapest rolls")
    web.say("Rolls from six o'clock", "p2")
    web.work()
    web.bakery.later(hours=1)
    web.say("Rolls from six o'clock", "p3")
    web.work()
    assert {rule for rule, _ in web.bakery.told()} == {"our-slip", "our-double-post"}


def test_a_link_that_is_not_there_is_told_and_over_once_it_is(web: Web) -> None:
    web.server.script = FAULTS["404"]
    web.say(DEAD)
    web.work()
    assert web.bakery.told() == [("our-link", "first")]
    assert "answers 404" in web.bakery.slack.sent[0].threads[0].reasons[0].says
    web.server.script = json_answer(1)
    web.bakery.later(minutes=3)
    web.work()
    assert web.bakery.told()[-1] == ("our-link", "resolved")


@pytest.mark.parametrize(
    ("script", "n_rounds", "is_told"),
    [
        (json_answer(1), 3, False),
        (FAULTS["401"], 3, False),  # it is there, and not for programs
        (FAULTS["403"], 3, False),
        (FAULTS["503"], 1, False),  # may be a passing trouble
        (FAULTS["503"], 2, True),
        (FAULTS["reset"], 2, True),
    ],
)
def test_only_what_is_surely_dead_is_told(web: Web, script: Script, n_rounds: int, is_told: bool) -> None:
    web.server.script = script
    web.say(DEAD)
    for _ in range(n_rounds):
        web.work()
        web.bakery.later(minutes=20)
    assert bool(web.bakery.told()) is is_told


def test_a_good_link_is_opened_five_times_within_a_week_and_then_left_alone(web: Web) -> None:
    web.say(DEAD)
    for _ in range(24 * 10):
        web.work()
        web.bakery.later(hours=1)
    assert len(web.opened) == 5
    assert {exchange.method for exchange in web.server.seen} == {"HEAD"}


def test_links_to_private_addresses_are_never_dialled(engine: Engine) -> None:
    with FaultServer(json_answer(1)) as server:
        http = HttpClient(resolver=lambda host, port: ["127.0.0.1"], network=Dialler(server.port))
        web = Web(Bakery(engine), server, http)
        web.say("See http://intern.example9.com/secret")
        web.work()
        http.close()
    assert server.seen == []


def test_a_brand_may_leave_its_links_unopened(web: Web) -> None:
    web.bakery.change_plan(brands={"bakery": replace(web.bakery.plan.brands["bakery"], opens_links=False)})
    web.say(DEAD)
    web.work()
    assert (web.opened, web.server.seen) == ([], [])
    with reading(web.bakery.engine) as connection:
        assert states(connection, "bakery", [make_id("bakery", "tiny", "p1")]) == {}
