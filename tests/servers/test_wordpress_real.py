"""A real WordPress is polled while people comment, edit, answer, moderate and delete there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.shop import Shop
from tests.servers.wordpress import RealWordPress

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RealWordPress]:
    with RealWordPress(tmp_path) as running:
        yield running


def _shop(site: RealWordPress, tmp_path: Path, url: str, **settings: Any) -> Shop:
    return Shop(tmp_path, url, "wordpress", {"base_url": site.url, **settings})


def _moderator(site: RealWordPress) -> dict[str, str]:
    return {"username": "admin", "application_password": site.password}


def test_the_backlog_of_a_real_wordpress_is_right_after_each_step(
    site: RealWordPress, tmp_path: Path, sqlite_url: str
) -> None:
    post = site.publish("Spring menu")
    with _shop(site, tmp_path, sqlite_url, **_moderator(site)) as shop:
        shop.work()
        assert shop.backlog() == []

        first = site.comment(post, "Why was my order late?", by="Kim")
        shop.work()
        assert shop.backlog() == ["Kim: Why was my order late?"]

        site.ask("POST", f"comments/{first}", content="Why were BOTH my orders late?")
        shop.work()
        assert shop.backlog() == ["Kim: Why were BOTH my orders late?"]

        answer = site.answer(post, first, "We are sorry, Kim. Both are refunded.")
        shop.work()
        assert shop.backlog() == []

        again = site.comment(post, "And when will the refund arrive?", by="Kim", parent=answer)
        shop.work()
        assert shop.backlog() == ["Kim: And when will the refund arrive?"]
        thread = [
            "Why were BOTH my orders late?",
            "We are sorry, Kim. Both are refunded.",
            "And when will the refund arrive?",
        ]
        assert thread in shop.threads()

        site.set_status(again, "trash")
        shop.work()
        assert shop.backlog() == []

        site.set_status(again, "approved")
        shop.work()
        assert shop.backlog() == ["Kim: And when will the refund arrive?"]

        site.delete(again)
        shop.work()
        assert shop.backlog() == []


def test_what_is_held_waits_for_nobody_until_it_is_approved_however_late(
    site: RealWordPress, tmp_path: Path, sqlite_url: str
) -> None:
    post = site.publish("Opening hours")
    with _shop(site, tmp_path, sqlite_url, per_page=3, **_moderator(site)) as shop:
        held = site.comment(post, "Are you open on Sunday?", by="Held")
        site.set_status(held, "hold")
        spam = site.comment(post, "Buy watches, will you?", by="Spammer")
        shop.work()
        assert shop.backlog() == ["Spammer: Buy watches, will you?"]

        site.set_status(spam, "spam")
        for number in range(5):  # so many that the held one stands on no first page any more
            site.comment(post, f"Question {number}: is it true?", by=f"Guest{number}")
        shop.work()
        asked = [f"Guest{number}: Question {number}: is it true?" for number in range(5)]
        assert shop.backlog() == asked

        site.set_status(held, "approved")
        shop.work()
        assert shop.backlog() == ["Held: Are you open on Sunday?", *asked]


def test_a_guest_sees_what_is_approved_late_and_what_is_deleted(
    site: RealWordPress, tmp_path: Path, sqlite_url: str
) -> None:
    post = site.publish("Opening hours")
    late = site.comment(post, "Are you open on Sunday?", by="Late")
    site.set_status(late, "hold")
    numbers = [site.comment(post, f"Question {number}: is it true?", by=f"Guest{number}") for number in range(7)]
    asked = [f"Guest{number}: Question {number}: is it true?" for number in range(7)]
    with _shop(site, tmp_path, sqlite_url, per_page=3, own_user_ids=[1]) as shop:
        shop.work()
        assert shop.backlog() == asked

        site.set_status(late, "approved")
        shop.work()
        assert shop.backlog() == ["Late: Are you open on Sunday?", *asked]

        site.answer(post, numbers[6], "It is.")
        shop.work()
        assert shop.backlog() == ["Late: Are you open on Sunday?", *asked[:6]]

        site.delete(numbers[0])  # far below the first page: found when its thread is looked at again
        site.delete(numbers[5])
        shop.work()
        assert shop.backlog() == ["Late: Are you open on Sunday?", *asked[1:5]]

        site.set_status(numbers[1], "trash")  # to a guest a trashed comment looks like one that waits for approval
        shop.work()
        assert shop.backlog() == ["Late: Are you open on Sunday?", *asked[1:5]]


def test_a_trashed_post_takes_its_comments_with_it(site: RealWordPress, tmp_path: Path, sqlite_url: str) -> None:
    post, other = site.publish("The meeting is on Thursday the 13th"), site.publish("Menu")
    site.comment(post, "Is it not Friday?", by="Kim")
    site.comment(other, "Is there soup?", by="Lee")
    with _shop(site, tmp_path, sqlite_url, **_moderator(site)) as shop:
        shop.work()
        assert shop.backlog() == ["Kim: Is it not Friday?", "Lee: Is there soup?"]
        assert ["Text."] in shop.threads()

        site.ask("POST", f"posts/{post}", content="The meeting is on Friday the 14th.")
        shop.work()
        assert ["The meeting is on Friday the 14th."] in shop.threads()

        site.ask("DELETE", f"posts/{post}")
        shop.work()
        assert shop.backlog() == ["Lee: Is there soup?"]
        assert ["The meeting is on Friday the 14th."] not in shop.threads()


def test_a_site_with_plain_permalinks_is_found(tmp_path: Path, sqlite_url: str) -> None:
    with RealWordPress(tmp_path, permalinks="") as site:
        site.comment(site.publish("Menu"), "Is there soup?", by="Lee")
        with _shop(site, tmp_path, sqlite_url, **_moderator(site)) as shop:
            shop.work()
            assert shop.backlog() == ["Lee: Is there soup?"]


def test_a_wrong_password_is_told_and_a_right_one_goes_on(site: RealWordPress, tmp_path: Path, sqlite_url: str) -> None:
    site.comment(site.publish("Menu"), "Is there soup?", by="Lee")
    with _shop(site, tmp_path, sqlite_url, username="admin", application_password="nnnn") as shop:
        shop.work()
        n_failures, says = shop.source()
        assert n_failures == 1
        assert "is the application password right?" in says
        assert shop.backlog() == []


@pytest.mark.parametrize("role", ["author", "subscriber"])
def test_a_user_who_may_not_moderate_reads_what_is_approved(
    site: RealWordPress, tmp_path: Path, sqlite_url: str, role: str
) -> None:
    site.ask("POST", "users/2", roles=[role])
    post = site.publish("Menu")
    site.set_status(site.comment(post, "Is there bread?", by="Held"), "hold")
    site.comment(post, "Is there soup?", by="Lee")
    credentials = {"username": "writer", "application_password": site.writer_password}
    with _shop(site, tmp_path, sqlite_url, **credentials) as shop:
        for _ in range(2):
            shop.work()
            assert shop.backlog() == ["Lee: Is there soup?"]
            assert shop.source()[0] == 0
