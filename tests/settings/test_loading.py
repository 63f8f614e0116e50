import os
import tracemalloc
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from monitor.core.routing import Route
from monitor.core.telling import Cap, Quiet
from monitor.errors import ConfigError, ConfigErrors
from monitor.model import Recipient
from monitor.settings import load_settings
from tests.settings.places import ENVIRON, WHOLE, Clash, ParkSettings, load

pytestmark = pytest.mark.filterwarnings("error")


def faults(directory: Path, text: str, environ: dict[str, str] | None = None) -> dict[str, str]:
    with pytest.raises(ConfigErrors) as caught:
        load(directory, text, ENVIRON if environ is None else environ)
    assert all(error.file.startswith(str(directory)) for error in caught.value.errors)
    return {error.key: error.reason for error in caught.value.errors}


def test_everything_that_is_configured_is_there(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.file == tmp_path / "heedful.toml"
    brand = settings.brands["shop"]
    assert (brand.name, brand.timezone, brand.hours, brand.bot_replies_count) == (
        "The Corner Shop",
        "Europe/London",
        None,
        False,
    )
    bench = settings.sources["bench"]
    assert (bench.brand, bench.connector, bench.platform, bench.account) == ("shop", "park", "park", "shop")
    assert bench.every == timedelta(seconds=90)
    assert isinstance(bench.settings, ParkSettings)
    assert bench.settings.server == "https://park.example"
    assert bench.settings.token.get_secret_value() == "park-secret"
    assert settings.accounts["shop"].connector == "park"
    assert settings.channels["bell"].kind == "bell"
    assert settings.routes == [Route(("bell",), severity="high", name="crisis", continue_=True)]
    assert settings.timings.repeat == (timedelta(hours=4), timedelta(days=1), timedelta(days=7))
    assert settings.daemon.poll_threads == 16
    assert "angry" in settings.rules.titles
    assert settings.playbooks
    assert settings.warnings == ()


def test_a_source_without_an_account_shares_its_quota_with_nobody(tmp_path: Path) -> None:
    assert load(tmp_path).sources["letters"].account == "source:letters"


def test_no_secret_shows_when_the_settings_are_printed(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE + '[database]\nurl = "postgresql://heedful:db-secret@db.example/heedful"\n')
    shown = f"{settings!r} {settings} {settings.sources!r} {settings.database!r}"
    assert not [secret for secret in ("park-secret", "bell-secret", "db-secret") if secret in shown]
    assert settings.database.url.endswith("db-secret@db.example/heedful")


def test_every_fault_is_told_at_once_with_its_key_and_the_nearest_name(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """
        [brand.shop]
        [brands.shop]
        timezone = "Europe/Lodnon"
        [daemon]
        tick = 5
        lease = "2 minutes"
        log_format = "xml"
        poll_thread = 3
        [sources.bench]
        brand = "shoop"
        conector = "park"
        [sources.swing]
        brand = "shop"
        connector = "prak"
        [sources.slide]
        brand = "shop"
        account = "shopp"
        every = "0s"
        [accounts.shop]
        connector = "park"
        servre = "x"
        [channels.bell]
        kind = "bel"
        [[routes]]
        channels = ["bell", "bells"]
        brand = "shopp"
        rule = "angryy"
        severity = "loud"
        [[routes]]
        channels = ["bels"]
        rule = "angryy"
        """,
    )
    expected = {
        "brand": 'did you mean "brands"',
        "brands.shop.timezone": 'did you mean "Europe/London"',
        "daemon.tick": 'write "5s", "5m"',
        "daemon.lease": 'like "90s", "5m"',
        "daemon.log_format": "'json'",
        "daemon.poll_thread": 'did you mean "poll_threads"',
        "sources.bench.brand": 'did you mean "shop"',
        "sources.bench.connector": "is missing; there are park, box",
        "sources.swing.connector": 'there is no connector "prak"; did you mean "park"',
        "sources.slide.account": 'did you mean "shop"',
        "sources.slide.every": "shorter than a second",
        "accounts.shop.servre": 'did you mean "server"',
        "channels.bell.kind": 'did you mean "bell"',
        "routes.1.severity": "'high'",
        "routes.2.channels": 'did you mean "bell"',
        "routes.2.rule": 'did you mean "angry"',
    }
    for key, reason in expected.items():
        assert reason in found.get(key, "not refused"), key


def test_the_text_of_the_error_has_one_line_for_each_fault_with_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path, '[daemon]\ntick = "soon"\nlease = "later"\n')
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{tmp_path}/heedful.toml: daemon.tick: 'soon' is no duration")


def test_an_unknown_key_of_a_connector_names_the_nearest_of_all_that_may_stand_there(tmp_path: Path) -> None:
    found = faults(tmp_path, WHOLE.replace('every = "90s"', 'evry = "90s"\ntoken_fil = "x"\nbackfil = "3d"'))
    assert found["sources.bench.evry"] == 'unknown key; did you mean "every"?'
    assert found["sources.bench.token_fil"] == 'unknown key; did you mean "token_file"?'
    assert found["sources.bench.backfil"] == 'unknown key; did you mean "backfill"?'


def test_a_missing_secret_says_how_to_give_it_and_what_it_is(tmp_path: Path) -> None:
    found = faults(tmp_path, WHOLE.replace('token_env = "PARK_TOKEN"', ""))
    assert found == {
        "sources.bench.token": 'is missing; give token_env = "NAME" or token_file = "path"'
        " (Made under Settings, Development.)"
    }


def test_a_fault_of_an_account_is_told_once_however_many_sources_share_it(tmp_path: Path) -> None:
    text = WHOLE.replace('server = "https://park.example"', "server = 3")
    text += "".join(f'[sources.bench{n}]\nbrand = "shop"\naccount = "shop"\n' for n in range(5))
    assert set(faults(tmp_path, text)) == {"accounts.shop.server"}
    assert set(faults(tmp_path, text.replace("server = 3", 'server = "x"'), {})) == {
        "accounts.shop.token_env",
        "channels.bell.url_env",
    }


def test_a_source_overrides_its_account(tmp_path: Path) -> None:
    text = WHOLE.replace('every = "90s"', 'every = "90s"\nserver = "https://other.example"\nbackfill = "2d12h"')
    settings = load(tmp_path, text).sources["bench"].settings
    assert settings.server == "https://other.example"
    assert settings.token.get_secret_value() == "park-secret"
    assert settings.backfill == timedelta(days=2, hours=12)


def test_a_source_cannot_use_an_account_of_another_connector(tmp_path: Path) -> None:
    text = WHOLE.replace('every = "90s"', 'connector = "box"')
    assert 'is of "park"' in faults(tmp_path, text)["sources.bench.connector"]


def test_durations_of_connectors_are_read_as_ours_are(tmp_path: Path) -> None:
    text = WHOLE.replace('every = "90s"', 'pause = "1h30m"')
    assert load(tmp_path, text).sources["bench"].settings.pause == timedelta(minutes=90)
    text = WHOLE.replace('every = "90s"', 'pause = "soon"\npages = 0')
    found = faults(tmp_path, text)
    assert "is no duration" in found["sources.bench.pause"]
    assert "greater than or equal to 1" in found["sources.bench.pages"]


def test_a_secret_may_lie_in_a_file_beside_the_configuration_or_where_a_variable_says(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    secret.chmod(0o600)
    for path in ("token", "$PLACE/token", str(secret)):
        text = WHOLE.replace('token_env = "PARK_TOKEN"', f'token_file = "{path}"')
        settings = load(tmp_path, text, {**ENVIRON, "PLACE": str(tmp_path)})
        assert settings.sources["bench"].settings.token.get_secret_value() == "from-a-file"
        assert settings.warnings == ()


def test_a_secret_that_everyone_can_read_is_warned_about_and_one_that_is_not_there_refused(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("from-a-file")
    secret.chmod(0o644)
    text = WHOLE.replace('token_env = "PARK_TOKEN"', 'token_file = "token"')
    (warning,) = load(tmp_path, text).warnings
    assert "accounts.shop.token_file" in warning
    assert f"chmod 600 {secret}" in warning
    secret.write_text("\n")
    assert "is empty" in faults(tmp_path, text)["accounts.shop.token_file"]
    os.remove(secret)
    assert "No such file" in faults(tmp_path, text)["accounts.shop.token_file"]


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    text = WHOLE.replace('token_env = "PARK_TOKEN"', 'token_env = "PARK_TOKEN"\ntoken = "x"')
    assert faults(tmp_path, text) == {"accounts.shop.token_env": "is given more than once: token, token_env"}


def test_the_environment_is_asked_for_secrets_and_says_which_is_missing(tmp_path: Path) -> None:
    assert faults(tmp_path, WHOLE, {}) == {
        "accounts.shop.token_env": "the environment variable PARK_TOKEN is not set",
        "channels.bell.url_env": "the environment variable BELL_URL is not set",
    }


def test_business_hours_holidays_and_team_are_read(tmp_path: Path) -> None:
    brand = load(
        tmp_path,
        """
        [brands.shop]
        timezone = "Europe/London"
        hours = { mon-thu = "09:00-17:30", Fri = "22:00-02:00", "sat,sun" = "13:00-15:00, 09:00-12:00" }
        holidays = ["GB-ENG", "2026-12-24"]
        team = ["@Shop", "shop@social.example", "park:4711", "park:host:12", "name: Jane of Support "]
        bot_replies_count = true
        """,
    ).brands["shop"]
    assert brand.hours is not None
    assert brand.hours[0] == brand.hours[3] == ((time(9), time(17, 30)),)
    assert brand.hours[4] == ((time(22), time(2)),)
    assert brand.hours[5] == brand.hours[6] == ((time(9), time(12)), (time(13), time(15)))
    assert brand.team.author_ids == {("park", "4711"), ("park", "host:12")}
    assert brand.team.handles == {"shop", "shop@social.example"}
    assert brand.team.names == {"jane of support"}
    assert brand.bot_replies_count
    # Wednesday afternoon, then the date given, two holidays, and a Sunday
    christmas = datetime(2026, 12, 23, 16, 30, tzinfo=UTC)
    assert brand.calendar.elapsed(christmas, christmas + timedelta(days=4)) == timedelta(hours=1 + 5)


@pytest.mark.parametrize(
    ("line", "key", "reason"),
    [
        ('hours = { mon-fry = "09:00-17:00" }', "hours.mon-fry", '"fry" is no weekday; did you mean "fri"?'),
        ('hours = { mon = "9-17" }', "hours.mon", 'write one like "09:00-17:30"'),
        ('hours = { mon = "09:00-25:00" }', "hours.mon", "from 00:00 to 24:00"),
        ('hours = { mon-fri = "09:00-17:00", wed = "09:00-12:00" }', "hours.wed", "wed is given twice"),
        ('hours = { mon = "closed" }', "hours", "no opening time in the whole week"),
        ('holidays = "UKK"', "holidays", "no holidays are known"),
        ('team = ["name:"]', "team.0", "names nobody"),
        ('timezone = "../../etc/passwd"', "timezone", "no time zone"),
        ('hours = "always"', "hours", "dictionary"),
    ],
)
def test_a_brand_that_makes_no_sense_is_refused(tmp_path: Path, line: str, key: str, reason: str) -> None:
    found = faults(tmp_path, f"[brands.shop]\n{line}\n")
    assert reason in found[f"brands.shop.{key}"]


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("brands = 3", "brands", "must be a table"),
        ("[brands]\nshop = 3", "brands.shop", "must be a table"),
        ("[sources]\nshop = 3", "sources.shop", "must be a table"),
        ("[routes]\nchannels = []", "routes", "[[routes]]"),
        ('[brands."a b"]', "brands.a b", "letters, digits"),
        ('rules = "rules.toml"', "rules", "must be a list of files"),
        ("playbooks = 3", "playbooks", "name of a directory"),
        ('playbooks = "nowhere"', "playbooks", "there is no directory"),
        ('rules = ["shiped"]', "rules", 'did you mean "shipped"?'),
        ('[database]\nurl = "mysql://x"', "database.url", 'must begin with "sqlite:///"'),
        ("[[routes]]\nchannels = []", "routes.1.channels", "names nobody to tell"),
    ],
)
def test_a_table_of_the_wrong_shape_is_refused(tmp_path: Path, text: str, key: str, reason: str) -> None:
    assert reason in faults(tmp_path, text)[key]


WITH_PEOPLE = (
    WHOLE
    + """
[people.jane]
channels = ["bell"]
timezone = "Europe/Berlin"
hours = { mon-fri = "08:00-18:00", holidays = "10:00-12:00" }
holidays = "DE"
handles = { slack = "U1", telegram = 4711 }
budget_per_hour = 3

[digests.desk]
kind = "morning"
days = "mon,wed"
people = ["jane"]
channels = ["bell"]
"""
)


def test_people_have_channels_hours_handles_and_a_budget(tmp_path: Path) -> None:
    jane = load(tmp_path, WITH_PEOPLE).people["jane"]
    assert (jane.name, jane.channels, jane.handles) == ("jane", ("bell",), {"slack": "U1", "telegram": "4711"})
    assert jane.cap == Cap(3, 80)
    eve = datetime(2026, 12, 24, 18, tzinfo=UTC)
    assert jane.calendar.opens(eve) == datetime(2026, 12, 25, 9, tzinfo=UTC)  # a holiday's own hours
    assert jane.calendar.closes(datetime(2026, 12, 25, 9, tzinfo=UTC)) == datetime(2026, 12, 25, 11, tzinfo=UTC)


def test_a_digest_is_laid_out_for_each_brand_and_once_for_each_channel(tmp_path: Path) -> None:
    settings = load(tmp_path, WITH_PEOPLE)
    (schedule,) = settings.digests["desk"].schedules(settings.brands)
    assert (schedule.kind, schedule.brand, schedule.recipient) == ("morning", "shop", Recipient("bell", "jane"))
    assert schedule.next(datetime(2026, 11, 16, 9, tzinfo=UTC)) == datetime(2026, 11, 18, 8, 30, tzinfo=UTC)


def test_a_brand_is_quiet_at_night_on_holidays_or_outside_its_hours(tmp_path: Path) -> None:
    def quiet(line: str) -> Quiet | None:
        return load(tmp_path, WHOLE.replace("[brands.shop]", f"[brands.shop]\n{line}")).brands["shop"].quiet

    evening = datetime(2026, 11, 18, 23, tzinfo=UTC)
    night = quiet('quiet = { mon-sun = "22:00-07:00" }')
    assert night is not None
    assert night.ends(evening) == datetime(2026, 11, 19, 7, tzinfo=UTC)
    both = quiet('quiet = { mon-sun = "22:00-07:00", holidays = "all day" }\nholidays = "2026-11-19"')
    assert both is not None
    assert both.ends(evening) == datetime(2026, 11, 20, 7, tzinfo=UTC)
    outside = quiet('quiet = "outside hours"\nhours = { mon-fri = "09:00-17:00" }')
    assert outside is not None
    assert outside.ends(evening) == datetime(2026, 11, 19, 9, tzinfo=UTC)
    assert quiet("quiet = {}") is None


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("[people]\njane = 3", "people.jane", "must be a table"),
        ('[people.jane]\nchannels = ["bel"]', "people.jane.channels", 'did you mean "bell"?'),
        ("[people.jane]\nchannels = []", "people.jane.channels", "at least 1"),
        ('[people.jane]\nchannels = ["bell"]\nhours = { mon = "closed" }', "people.jane.hours", "no opening time"),
        ('[people.jane]\nchannels = ["bell"]\ntimezone = "Berlin"', "people.jane.timezone", "no time zone"),
        ('[people.jane]\nchannels = ["bell"]\nhandles = { slak = "U1" }', "people.jane.handles.slak", "unknown key"),
        (
            '[people.a]\nchannels = ["bell"]\nhandles.slack = "U1"\n'
            '[people.b]\nchannels = ["bell"]\nhandles.slack = "U1"',
            "people.b.handles.slack",
            'is that of "a" too',
        ),
        ('[brands.x]\nquiet = { mon-sun = "all day" }', "brands.x.quiet", "the whole week is quiet"),
        ('[brands.x]\nquiet = "outside hours"', "brands.x.quiet", "outside of which hours?"),
        ('[brands.x]\nquiet = { mon = "22-7" }', "brands.x.quiet.mon", 'write one like "09:00-17:30"'),
        ('[digests.x]\nkind = "morning"', "digests.x", "nobody would have it"),
        ('[digests.x]\nkind = "dayly"\nchannels = ["bell"]', "digests.x.kind", "'morning' or 'weekly'"),
        ('[digests.x]\nkind = "morning"\nat = "25:00"\nchannels = ["bell"]', "digests.x.at", "no time of day"),
        ('[digests.x]\nkind = "morning"\ndays = "may"\nchannels = ["bell"]', "digests.x.days", "no weekday"),
        ('[digests.x]\nkind = "morning"\npeople = ["jan"]', "digests.x.people", 'no people "jan"'),
        ('[alerts]\npasses = "severe"', "alerts.passes", "'crisis', 'high', 'medium' or 'low'"),
    ],
)
def test_hours_people_and_digests_that_make_no_sense_are_refused(
    tmp_path: Path, text: str, key: str, reason: str
) -> None:
    assert reason in faults(tmp_path, f"{WHOLE}\n{text}\n")[key]


def test_a_file_that_is_not_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not TOML: .*line 2"):
        load(tmp_path, "[brands]\nshop = = 3")


def test_own_rules_change_the_shipped_ones_and_are_refused_with_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[rules.angry]\ntitle = "Cross"\n')
    settings = load(tmp_path, 'rules = ["shipped", "mine.toml"]\n' + WHOLE)
    assert settings.rules.titles["angry"] == "Cross"
    (tmp_path / "mine.toml").write_text('[rules.angry]\nplaybook = "offensive-pots"\n')
    with pytest.raises(ConfigErrors) as caught:
        load(tmp_path, 'rules = ["shipped", "mine.toml"]\n' + WHOLE)
    assert "mine.toml" in str(caught.value)
    assert "offensive-post" in str(caught.value)


def test_a_rule_of_ours_that_is_misnamed_in_an_own_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[rules.angryy]\nseverity = "high"\n')
    with pytest.raises(ConfigErrors, match=r'mine\.toml: rules\.angryy\.when: this is missing; did you mean "angry"\?'):
        load(tmp_path, 'rules = ["shipped", "mine.toml"]\n' + WHOLE)


def test_a_route_for_a_platform_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    misnamed = WHOLE + '[[routes]]\nchannels = ["bell"]\nplatform = "prak"\n'
    assert faults(tmp_path, misnamed) == {"routes.2.platform": 'there is no platform "prak"; did you mean "park"?'}


def test_hours_that_cannot_be_read_are_not_also_called_empty(tmp_path: Path) -> None:
    found = faults(tmp_path, '[brands.shop]\nhours = { mon-fry = "09:00-17:00" }\n')
    assert list(found) == ["brands.shop.hours.mon-fry"]


def test_own_playbooks_lie_over_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "tea.md").write_text(
        '+++\nname = "tea"\ntitle = "Make tea"\nfor = "any trouble"\n+++\n\n1. Boil water\n'
    )
    settings = load(tmp_path, 'playbooks = "plays"\n' + WHOLE)
    assert settings.playbooks["tea"].steps == ("Boil water",)
    assert len(settings.playbooks) > 1


def test_a_sqlite_file_lies_beside_the_configuration_wherever_the_command_is_started(tmp_path: Path) -> None:
    settings = load(tmp_path, '[database]\nurl = "sqlite:///data/heedful.db"\n')
    assert settings.database.url == f"sqlite:///{tmp_path}/data/heedful.db"
    assert load(tmp_path, "").database.url == "sqlite:////home/nobody/.local/share/heedful/heedful.db"
    under_systemd = load(tmp_path, "", {"STATE_DIRECTORY": "/var/lib/heedful"})
    assert under_systemd.database.url == "sqlite:////var/lib/heedful/heedful.db"


@pytest.mark.slow
def test_ten_thousand_sources_take_little_memory(tmp_path: Path) -> None:
    sources = (f'[sources.bench{n}]\nbrand = "shop"\naccount = "shop"\npages = {n % 7 + 1}\n' for n in range(10_000))
    text = WHOLE + "".join(sources)
    load(tmp_path, text)  # what is imported on the way is not the sources'
    tracemalloc.start()
    settings = load(tmp_path, text)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(settings.sources) == 10_002
    assert used / 10_000 < 3_000


def test_a_connector_whose_setting_has_the_name_of_a_key_of_every_source_is_refused(tmp_path: Path) -> None:
    # What is written there would be taken for our key, and would never reach the connector.
    path = tmp_path / "heedful.toml"
    path.write_text('[brands.shop]\n[sources.s]\nbrand = "shop"\nconnector = "clash"\n')
    with pytest.raises(ConfigErrors) as caught:
        load_settings(path, {"clash": Clash}, {}, ENVIRON)
    [error] = caught.value.errors
    assert error.key == "sources.s.connector"
    assert error.reason.startswith("every and client_id: every source or account has that key already")
