"""Routes, ladders and rotas as they are written, and what is refused of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.core.routing import Route, Step
from monitor.errors import ConfigErrors
from tests.settings.places import ENVIRON, WHOLE, load

PEOPLE = '[people.jane]\nchannels = ["bell"]\n[people.ben]\nchannels = ["bell"]\nemail = "ben@shop.example"\n'
BASE = WHOLE.partition("[[routes]]")[0] + PEOPLE


def _load(directory: Path, text: str, environ: dict[str, str] | None = None) -> Any:
    return load(directory, BASE + text, ENVIRON | (environ or {}))


def _faults(directory: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigErrors) as caught:
        _load(directory, text)
    return {error.key: error.reason for error in caught.value.errors}


def test_routes_lie_within_routes_and_match_one_name_or_several(tmp_path: Path) -> None:
    settings = _load(
        tmp_path,
        """
        [ladders.up]
        steps = [{ after = "15m", people = ["jane"] }, { after = "1h", channels = ["bell"], on_call = ["week"] }]
        [rotas.week]
        people = ["jane", "ben"]
        [[routes]]
        channels = ["bell"]
        ladder = "up"
        [[routes.routes]]
        language = ["de", "fr"]
        brand = "shop"
        rule = ["angry", "legal-threat"]
        continue = true
        [[routes.routes]]
        on_call = ["week"]
        severity = "crisis"
        [[routes.routes.routes]]
        name = "deep"
        """.replace(', "legal-threat"', ""),
    )
    [route] = settings.routes
    german = Route(brand=("shop",), rule=("angry",), language=("de", "fr"), continue_=True)
    deep = Route(on_call=("week",), severity="crisis", routes=(Route(name="deep"),))
    assert route == Route(("bell",), ladder="up", routes=(german, deep))
    assert settings.ladders == {
        "up": (
            Step(timedelta(minutes=15), people=("jane",)),
            Step(timedelta(hours=1), channels=("bell",), on_call=("week",)),
        )
    }
    assert settings.people["ben"].email == "ben@shop.example"


def test_a_rota_by_turns_is_read_with_its_stand_ins(tmp_path: Path) -> None:
    rota = _load(
        tmp_path,
        """
        [rotas.week]
        people = ["jane", "ben"]
        starts = 2026-01-05T09:00:00
        turn = "1d"
        timezone = "Europe/London"
        covers = [{ person = "ben", from = "2026-07-01 09:00", until = "2026-07-02 09:00" }]
        """,
    ).rotas["week"]
    assert rota.on_call(datetime(2026, 1, 6, 9, tzinfo=UTC)) == ("ben",)
    assert rota.covers[0].begins_at == datetime(2026, 7, 1, 8, tzinfo=UTC)


def test_a_calendars_address_is_a_secret_that_is_never_shown(tmp_path: Path) -> None:
    secret = {"ROTA": "webcal://calendar.example/private-3f9c/basic.ics"}
    settings = _load(tmp_path, '[rotas.nights]\nical_url_env = "ROTA"\n', secret)
    assert settings.rotas["nights"].is_calendar
    assert settings.rota_calendars == {"nights": "https://calendar.example/private-3f9c/basic.ics"}
    assert "3f9c" not in f"{settings!r}"


@pytest.mark.parametrize("repeat", ['"0s"', "[]"])
def test_reminders_can_be_turned_off_or_be_one(tmp_path: Path, repeat: str) -> None:
    assert _load(tmp_path, f"[alerts]\nrepeat = {repeat}\n").timings.repeat == ()
    assert _load(tmp_path, '[alerts]\nrepeat = "2h"\n').timings.repeat == (timedelta(hours=2),)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ('[[routes]]\nseverity = "high"', "routes.1.channels", "names nobody to tell"),
        ('[[routes]]\npeople = ["janet"]', "routes.1.people", 'there is no person "janet"; did you mean "jane"?'),
        ('[[routes]]\non_call = ["week"]', "routes.1.on_call", 'there is no rota "week"'),
        ('[[routes]]\nchannels = ["bell"]\nladder = "up"', "routes.1.ladder", 'there is no ladder "up"'),
        ('[[routes]]\nchannels = ["bell"]\nlanguage = "German"', "routes.1.language", "is no language"),
        (
            '[[routes]]\nchannels = ["bell"]\n[[routes.routes]]\nrule = ["angryy"]',
            "routes.1.routes.1.rule",
            'did you mean "angry"',
        ),
        ('[[routes]]\nchannels = ["bell"]\nroutes = 3', "routes.1.routes", "[[routes.routes]]"),
        ("[ladders.up]\nsteps = []", "ladders.up.steps", "at least 1"),
        ('[ladders.up]\nsteps = [{ after = "5m" }]', "ladders.up.steps.1", "names nobody to tell"),
        ('[ladders.up]\nsteps = [{ people = ["jane"] }]', "ladders.up.steps.1.after", "is missing"),
        (
            '[ladders.up]\nsteps = [{ after = "5m", people = ["jane"] }, { after = "5m", people = ["ben"] }]',
            "ladders.up.steps.2.after",
            "later than the one before",
        ),
        ("[rotas.week]", "rotas.week", "either people, who take turns, or ical_url"),
        ('[rotas.week]\npeople = ["jane"]\nturn = "0s"', "rotas.week.turn", "at least a minute"),
        ('[rotas.week]\npeople = ["jane"]\nstarts = "monday"', "rotas.week.starts", "no date and time"),
        ('[rotas.week]\npeople = ["jane"]\nstarts = 2026-01-05T09:00:00Z', "rotas.week.starts", "without a time zone"),
        ('[rotas.week]\npeople = ["jane"]\ntimezone = "Mars"', "rotas.week.timezone", "no time zone"),
        ('[rotas.week]\nical_url = "file:///etc/passwd"', "rotas.week.ical_url", "must begin with https://"),
        (
            '[rotas.week]\npeople = ["jane"]\n'
            'covers = [{ person = "jane", from = "2026-01-02 09:00", until = "2026-01-01 09:00" }]',
            "rotas.week.covers.1.until",
            "later than from",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, key: str, reason: str) -> None:
    assert reason in _faults(tmp_path, text).get(key, "not refused")


def test_routes_that_lie_too_deep_are_refused(tmp_path: Path) -> None:
    deep = '[[routes]]\nchannels = ["bell"]\n' + "".join(f"[[routes{'.routes' * n}]]\n" for n in range(1, 12))
    assert any("more than 8 deep" in reason for reason in _faults(tmp_path, deep).values())
