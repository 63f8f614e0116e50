"""A real Isso is polled while people comment, edit, answer, approve and delete there."""

from pathlib import Path
from typing import Any

import pytest

from tests.servers.isso import RealIsso
from tests.servers.shop import Shop

pytestmark = [pytest.mark.server, pytest.mark.slow]

PAGES = {"pages": ["/menu", "/hours", "/nobody-yet"]}
LATEST = {"latest": True}
BOTH_WAYS = pytest.mark.parametrize("ways", [PAGES, LATEST], ids=["pages", "latest"])


def _shop(server: RealIsso, tmp_path: Path, url: str, ways: dict[str, Any]) -> Shop:
    settings = {"base_url": server.url, "site_url": "https://shop.example", **ways}
    return Shop(tmp_path, url, "isso", settings)


@BOTH_WAYS
def test_the_backlog_of_a_real_isso_is_right_after_each_step(
    tmp_path: Path, sqlite_url: str, ways: dict[str, Any]
) -> None:
    with RealIsso(tmp_path) as server:
        ours = server.comment("/hours", "Welcome, ask us anything.", by="The Shop & Co")
        ways = ways | {"own_authors": [{"hash": ours.hash, "name": "The Shop & Co"}]}
        with _shop(server, tmp_path, sqlite_url, ways) as shop:
            shop.work()
            assert shop.backlog() == []

            first = server.comment("/menu", "Why was my *order* late?")
            shop.work()
            assert shop.backlog() == ["Kim: Why was my order late?"]

            server.edit(first, "Why were BOTH my orders late?")
            shop.work()
            assert shop.backlog() == ["Kim: Why were BOTH my orders late?"]

            answer = server.comment("/menu", "We are sorry, Kim.", by="The Shop & Co", parent=first)
            shop.work()
            assert shop.backlog() == []

            again = server.comment("/menu", "And when will the refund arrive?", parent=answer)
            shop.work()
            assert shop.backlog() == ["Kim: And when will the refund arrive?"]
            assert [
                "Why were BOTH my orders late?",
                "We are sorry, Kim.",
                "And when will the refund arrive?",
            ] in shop.threads()

            server.delete(again)
            shop.work()
            assert shop.backlog() == []


@BOTH_WAYS
def test_the_brands_name_without_its_hash_answers_nobody(tmp_path: Path, sqlite_url: str, ways: dict[str, Any]) -> None:
    with RealIsso(tmp_path) as server:
        ours = server.comment("/hours", "Welcome, ask us anything.", by="The Shop")
        ways = ways | {"own_authors": [{"hash": ours.hash, "name": "The Shop"}]}
        with _shop(server, tmp_path, sqlite_url, ways) as shop:
            first = server.comment("/menu", "Is there soup?")
            server.comment(
                "/menu", "No, and do not ask again.", by="The Shop", parent=first, email="joker@mail.example"
            )
            shop.work()
            assert "Kim: Is there soup?" in shop.backlog()


@BOTH_WAYS
def test_a_deleted_comment_waits_no_more_and_the_replies_below_it_stay(
    tmp_path: Path, sqlite_url: str, ways: dict[str, Any]
) -> None:
    with RealIsso(tmp_path) as server, _shop(server, tmp_path, sqlite_url, ways) as shop:
        first = server.comment("/menu", "Why was my order late?")
        below = server.comment("/menu", "Mine was late too, will you answer?", by="Lee", parent=first)
        shop.work()
        assert shop.threads() == [["Why was my order late?", "Mine was late too, will you answer?"]]

        server.delete(first)  # leaves a shell
        shop.work()
        assert shop.threads() == [["Mine was late too, will you answer?"]]

        server.delete(below)  # and takes the shell along
        shop.work()
        assert shop.threads() == []
        assert shop.backlog() == []


@BOTH_WAYS
def test_what_waits_for_approval_is_found_when_it_is_approved_late(
    tmp_path: Path, sqlite_url: str, ways: dict[str, Any]
) -> None:
    with RealIsso(tmp_path, is_moderated=True) as server, _shop(server, tmp_path, sqlite_url, ways) as shop:
        held = server.comment("/menu", "Is there soup?", by="Held")
        later = server.comment("/menu", "Is there bread?", by="Later")
        server.moderate(later, "activate")
        shop.work()
        assert shop.backlog() == ["Later: Is there bread?"]

        server.moderate(held, "activate")
        shop.work()
        assert shop.backlog() == ["Held: Is there soup?", "Later: Is there bread?"]

        server.moderate(later, "edit", text="Is there really no bread?")  # sets no time of change
        shop.work()
        assert shop.backlog() == ["Held: Is there soup?", "Later: Is there really no bread?"]

        server.moderate(held, "delete")
        server.moderate(server.comment("/menu", "Is there cake?", by="New"), "activate")  # the number stays the same
        shop.work()
        assert shop.backlog() == ["Later: Is there really no bread?", "New: Is there cake?"]


def test_a_late_reply_to_an_old_comment_of_another_page_is_found(tmp_path: Path, sqlite_url: str) -> None:
    with RealIsso(tmp_path) as server, _shop(server, tmp_path, sqlite_url, LATEST) as shop:
        old = server.comment("/hours", "When do you open?", by="Ann")
        shop.work()
        for number in range(4):
            server.comment(f"/page-{number}", f"Question {number}: is it true?", by=f"Guest{number}")
            shop.work()
        server.comment("/hours", "I wonder too, do you open on Sunday?", by="Bea", parent=old)
        shop.work()
        assert ["When do you open?", "I wonder too, do you open on Sunday?"] in shop.threads()
        assert len(shop.threads()) == 5


def test_a_server_without_a_list_of_latest_comments_says_what_to_set(tmp_path: Path, sqlite_url: str) -> None:
    with RealIsso(tmp_path, has_latest=False) as server, _shop(server, tmp_path, sqlite_url, LATEST) as shop:
        shop.work()
        n_failures, says = shop.source()
        assert n_failures == 1
        assert "latest-enabled = true" in says
