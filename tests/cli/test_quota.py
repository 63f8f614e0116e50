"""heedful quota: what is spent, what is asked for, and intervals that can be pasted."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from connectors.base import Abilities, Budget, ConnectorSettings, Known, Page, Rechecked
from monitor.core.quota import DAY, window
from monitor.http import HttpClient
from monitor.model import Comment
from monitor.store import spendings
from monitor.store.engine import open_engine, writing
from monitor.store.spendings import Turn
from tests.cli.shop import Shop

ACCOUNT = """
[accounts.acme]
connector = "tests.cli.test_quota:Metered"
{budget}
[sources.busy]
brand = "shop"
account = "acme"
every = "1m"
[sources.quiet]
brand = "shop"
account = "acme"
every = "1m"
"""
BUDGET = Budget(10_000, DAY, "units")


class Metered:
    """A connector whose platform counts."""

    platform: ClassVar[str] = "acme"
    Settings: ClassVar[type[ConnectorSettings]] = ConnectorSettings
    abilities: ClassVar[Abilities] = Abilities(budget=BUDGET)

    def __init__(self, settings: Any, http: HttpClient) -> None:
        """It needs neither."""

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        return Page((), "end", spent=5)

    def normalise(self, raw: Any) -> Comment | None:
        return None

    def recheck(self, known: Any) -> Rechecked:
        return Rechecked(())


@pytest.fixture
def metered(shop: Shop) -> Shop:
    return _with_account(shop)


def _with_account(shop: Shop, budget: str = "") -> Shop:
    shop.config.write_text(shop.config.read_text() + ACCOUNT.format(budget=budget))
    return shop


def _spend(shop: Shop, source_id: str, spent: float, n_new: int) -> None:
    now = datetime.now(UTC)
    engine = open_engine(f"sqlite:///{shop.directory / 'shop.db'}")
    with writing(engine) as connection:
        spendings.add_to_source(connection, "acme", source_id, Turn(spent, True, n_new), now - timedelta(minutes=1))
        spendings.add_to_account(connection, "acme", window(BUDGET, now), Turn(spent, True, n_new))
    engine.dispose()


def _account(shop: Shop, code: int) -> dict[str, Any]:
    accounts = json.loads(shop.run("quota", "--json", code=code).stdout)["accounts"]
    found: dict[str, Any] = next(one for one in accounts if one["id"] == "acme")
    return found


def test_sources_that_fit_are_shown_with_their_share_and_nothing_is_proposed(metered: Shop) -> None:
    account = _account(metered, 0)
    assert (account["budget"], account["unit"], account["window_s"], account["fits"]) == (10_000, "units", 86_400, True)
    assert [one["cost_a_day"] for one in account["sources"]] == [1_440, 1_440]
    assert [one["proposed_every_s"] for one in account["sources"]] == [None, None]
    assert 0 < account["resets_in_s"] <= 86_400
    assert "[sources." not in metered.run("quota").stdout


def test_where_they_do_not_fit_the_proposal_can_be_pasted_and_then_fits(metered: Shop) -> None:
    _spend(metered, "busy", 8, 400)
    _spend(metered, "quiet", 8, 3)
    before = _account(metered, 3)
    assert (before["spent"], before["asked_a_day"], before["fits"]) == (16, 2 * 8 * 1_440, False)
    shown = metered.run("quota", code=3).stdout
    proposed = tomllib.loads(shown[shown.index("[sources.") :])["sources"]
    assert proposed == {"busy": {"every": "2m"}, "quiet": {"every": "15m"}}
    text = metered.config.read_text()
    for name, table in proposed.items():
        at = text.index('"1m"', text.index(f"[sources.{name}]"))
        text = text[:at] + f'"{table["every"]}"' + text[at + len('"1m"') :]
    metered.config.write_text(text)
    after = _account(metered, 0)
    assert after["asked_a_day"] <= after["usable_a_day"] < 10_000


def test_an_account_with_a_budget_of_its_own_is_measured_by_it(shop: Shop) -> None:
    account = _account(_with_account(shop, "budget = 2000"), 3)
    assert (account["budget"], account["usable_a_day"]) == (2_000, 1_900)


def test_a_source_without_a_known_budget_is_shown_without_a_limit(shop: Shop) -> None:
    shown = shop.run("quota").stdout
    assert "no limit known" in shown
    assert "letters" in shown


def test_a_budget_for_a_connector_that_counts_nothing_is_refused(shop: Shop) -> None:
    text = '[accounts.a]\nconnector = "file"\nbudget = 5\n'
    shop.config.write_text(shop.config.read_text() + text)
    assert "accounts.a.budget" in shop.run("check", code=2).stderr


def test_what_polls_spend_is_what_quota_shows(metered: Shop) -> None:
    metered.run("poll", "--here", "busy", "quiet")
    account = _account(metered, 3)
    assert account["spent"] == 10
    assert [one["cost_a_poll"] for one in account["sources"]] == [5, 5]


def test_known_is_what_a_recheck_is_given() -> None:
    assert Metered(None, None).recheck([Known("1", None, None)]).spent == 1  # type: ignore[arg-type]
