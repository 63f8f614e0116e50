"""heedful init: from questions to a configuration that works, and that nothing is left where it was not finished."""

import re
import stat
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from monitor.app import parts, read_settings
from monitor.cli.root import heedful
from tests.channels import fakes
from tests.cli.shop import Shop
from tests.cli.terminal import ROOT, Terminal
from tests.platforms.base import Fault, World
from tests.platforms.mastodon import Fake as Mastodon
from tests.tokens import CODE, TokenServer

QUESTION = "My order never came, where is it?"
BUSINESS = ("Example Bakery", "Europe/Berlin", "always", "@bakery")
FILE = ("format", "inbound_column", "text_is", "id_prefix", "delimiter", "header", "archive")  # all may be left alone
SECRETS = (fakes.TOKEN, Mastodon.secret)


class Person:
    """Somebody with a Mastodon account and a Slack room, in a directory of their own."""

    def __init__(self, home: Path, mastodon: Mastodon, slack: fakes.FakeSlack) -> None:
        self.home, self.mastodon, self.slack = home, mastodon, slack

    @property
    def file(self) -> Path:
        return self.home / "heedful.toml"

    @property
    def platform(self) -> tuple[str, ...]:
        """The answers about Mastodon that work: address, token, what to watch, and nothing for the other two."""
        return (self.mastodon.url, Mastodon.secret, "own_posts", "", "")

    @property
    def room(self) -> tuple[str, str]:
        return ("slack", f"{self.slack.url}/services/{fakes.TOKEN}")

    def init(self, *typed: str, code: int = 0, more: tuple[str, ...] = ()) -> Result:
        """One conversation, each answer on a line; it must end with this exit code."""
        env = {"COLUMNS": "100", "HEEDFUL_CONFIG": str(self.file), "TZ": "Europe/Paris"}
        result = CliRunner().invoke(heedful, ["init", *more], input="".join(f"{one}\n" for one in typed), env=env)
        assert result.exit_code == code, result.output
        assert not [secret for secret in SECRETS if secret in result.output]
        return result

    def left(self) -> list[str]:
        return sorted(path.relative_to(self.home).as_posix() for path in self.home.rglob("*"))


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    (tmp_path / "fake").mkdir()
    (tmp_path / "home").mkdir()
    world = World(datetime.now(UTC) - timedelta(days=2))
    with Mastodon(world, tmp_path / "fake") as mastodon, fakes.FakeSlack() as slack:
        world.comment(world.post("Fresh rye every day."), QUESTION)
        yield Person(tmp_path / "home", mastodon, slack)


def test_the_answers_become_a_configuration_that_works_and_who_waits_is_shown(person: Person) -> None:
    shown = person.init(*BUSINESS, "mastodon", *person.platform, "n", *person.room, "").output
    assert "mastodon-own-posts: works: 2 comments on its first page" in shown
    assert "slack: works: would take a message" in shown
    assert "where is it?" in shown[shown.index("Reading for the first time") :]
    settings = read_settings(person.file)
    (brand,) = settings.brands.values()
    assert (list(settings.brands), brand.name, brand.timezone, brand.hours) == (
        ["example-bakery"], "Example Bakery", "Europe/Berlin", None,
    )  # fmt: skip
    assert brand.team.handles == {"bakery"}
    source = settings.sources["mastodon-own-posts"]
    assert (source.account, source.settings.watch) == ("mastodon", "own_posts")
    assert settings.warnings == ()
    env = {"HEEDFUL_CONFIG": str(person.file)}
    assert CliRunner().invoke(heedful, ["check"], env=env).exit_code == 0
    assert person.slack.accepted == []


def test_secrets_are_in_files_of_their_owner_and_never_in_the_configuration(person: Person) -> None:
    person.init(*BUSINESS, "mastodon", *person.platform, "n", *person.room, "")
    assert not [secret for secret in SECRETS if secret in person.file.read_text()]
    folder = person.home / "heedful-secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((person.home / "heedful.db").stat().st_mode) == 0o600
    kept = {path.name: (stat.S_IMODE(path.stat().st_mode), path.read_text()) for path in folder.iterdir()}
    assert kept == {
        "account-mastodon.token": (0o600, f"{Mastodon.secret}\n"),
        "channel-slack.url": (0o600, f"{person.room[1]}\n"),
    }


def test_the_file_explains_every_setting_and_shows_those_that_were_left_alone(person: Person) -> None:
    person.init(*BUSINESS, "mastodon", *person.platform, "n", *person.room, "")
    text = person.file.read_text()
    assert '#backfill = "30d"' in text
    assert '#every = "5m"' in text
    assert (
        "# What to read: whoever addresses the account, everything under its own posts, or a hashtag.\nwatch = " in text
    )
    lines = text.splitlines()
    silent = [
        line for before, line in pairwise(lines)
        if re.match(r"#?[a-z_]+ = ", line) and not before.startswith(("# ", "["))
    ]  # fmt: skip
    assert silent == []
    assert max(map(len, lines)) <= 120


def test_every_wrong_answer_is_explained_and_asked_again(person: Person) -> None:
    shown = person.init(
        "", "Example Bakery", "Europe/Berln", "Mars", "Europe/Berlin", "nine to five", "mon-fri 9-17",
        "monday to friday 09:00-17:00; sat 09:00-12:00, 13:00-15:00", "name:", "",
        "", "mastadon", "99", "mastodon", "my.server", "", person.mastodon.url, Mastodon.secret, "everything", "2",
        "", "", "perhaps", "n", "slack", "http://elsewhere.example/x", person.room[1], "",
    ).output  # fmt: skip
    for words in (
        "Please type a name", 'did you mean "Europe/Berlin"', "Please write days and times", "is no time of opening",
        "names nobody", "choose at least one", 'did you mean "mastodon"', '"99" is none of the answers',
        "must be an address such as", "This one is needed", '"everything" is none of the answers', 'answer "y" for yes',
        "must begin with https://",
    ):  # fmt: skip
        assert words in " ".join(shown.split()), words
    hours = read_settings(person.file).brands["example-bakery"].hours
    assert hours is not None
    assert {day: len(windows) for day, windows in hours.items()} == {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 2}


def test_enter_accepts_what_is_proposed(person: Person) -> None:
    platform = (person.mastodon.url, Mastodon.secret, "", "", "")
    shown = person.init("Example Bakery", "", "", "", "mastodon", *platform, "", "", "", "", "", "").output
    assert "Time zone [Europe/Paris]" in shown
    settings = read_settings(person.file)
    (brand,) = settings.brands.values()
    assert brand.timezone == "Europe/Paris"
    assert brand.hours is not None
    assert len(brand.hours) == 5
    assert list(settings.sources) == ["mastodon-mentions"]
    assert [channel.kind for channel in settings.channels.values()] == ["console"]


def test_credentials_that_are_refused_can_be_typed_again(person: Person) -> None:
    wrong = (person.mastodon.url, "not-the-token", "own_posts", "", "")
    again = ("change", "n", "", Mastodon.secret, "", "", "")
    shown = person.init(*BUSINESS, "mastodon", *wrong, *again, "n", *person.room, "").output
    assert "DOES NOT WORK" in shown
    assert "The credentials are refused" in " ".join(shown.split())
    assert "not-the-token" not in shown
    assert (person.home / "heedful-secrets" / "account-mastodon.token").read_text() == f"{Mastodon.secret}\n"


def test_a_platform_that_is_down_is_tried_again(person: Person) -> None:
    person.mastodon.fail(Fault.OVERLOADED)
    shown = person.init(*BUSINESS, "mastodon", *person.platform, "again", "n", *person.room, "").output
    assert shown.index("DOES NOT WORK") < shown.index("mastodon-own-posts: works")


def test_a_platform_that_is_down_can_be_kept_and_is_said_to_be_unread(person: Person) -> None:
    person.mastodon.fail(Fault.OVERLOADED, times=50)
    shown = person.init(*BUSINESS, "mastodon", *person.platform, "keep", "n", *person.room, "").output
    assert list(read_settings(person.file).sources) == ["mastodon-own-posts"]
    assert "mastodon-own-posts could not be read" in shown
    assert "source.lost" not in shown


def test_a_platform_that_is_down_can_be_skipped_and_leaves_nothing(person: Person, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    files = (str(tmp_path / "drop"), *[""] * len(FILE), "n")
    person.mastodon.fail(Fault.OVERLOADED, times=50)
    person.init(*BUSINESS, "mastodon, file", *person.platform, "skip", *files, *person.room, "")
    settings = read_settings(person.file)
    assert (list(settings.sources), list(settings.accounts)) == (["file"], [])
    assert [path.name for path in (person.home / "heedful-secrets").iterdir()] == ["channel-slack.url"]


def test_a_chat_that_is_gone_is_noticed(person: Person) -> None:
    gone = f"{person.slack.url}/services/T0000/B0000/gone"
    shown = person.init(
        *BUSINESS, "mastodon", *person.platform, "n", "slack", gone, "change", "n", person.room[1], ""
    ).output
    assert "slack: DOES NOT WORK" in shown
    assert "slack: works" in shown


def test_answers_that_do_not_fit_together_are_asked_again(person: Person) -> None:
    first = (person.mastodon.url, Mastodon.secret, "hashtag", "", "")
    shown = person.init(
        *BUSINESS, "mastodon", *first, "change", "n", "", "", "", "#bakery", "", "n", *person.room, ""
    ).output
    assert "That does not fit together" in shown
    assert read_settings(person.file).sources["mastodon-hashtag"].settings.hashtag == "#bakery"


def test_a_second_place_on_a_platform_shares_the_account_and_is_not_asked_for_its_secret(person: Person) -> None:
    other = ("", "mentions", "", "")
    person.init(*BUSINESS, "mastodon", *person.platform, "y", *other, "n", *person.room, "")
    settings = read_settings(person.file)
    assert {name: source.account for name, source in settings.sources.items()} == {
        "mastodon-own-posts": "mastodon", "mastodon-mentions": "mastodon",
    }  # fmt: skip
    assert settings.sources["mastodon-mentions"].settings.token == settings.sources["mastodon-own-posts"].settings.token
    assert len(list((person.home / "heedful-secrets").iterdir())) == 2


def test_a_secret_can_be_taken_from_a_file(person: Person, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{Mastodon.secret}\n")
    platform = (person.mastodon.url, f"@{tmp_path}/nowhere", f"@{tmp_path}/token", "own_posts", "", "")
    shown = person.init(*BUSINESS, "mastodon", *platform, "n", *person.room, "").output
    assert "nowhere cannot be read" in " ".join(shown.split())
    assert "mastodon-own-posts: works" in shown


def test_a_file_that_is_there_is_never_replaced_unasked(person: Person) -> None:
    person.file.write_text("# mine\n")
    shown = person.init("", code=2).output
    assert "There is a configuration already" in shown
    assert (person.left(), person.file.read_text()) == (["heedful.toml"], "# mine\n")
    shown = person.init("y", *BUSINESS, "mastodon", *person.platform, "n", *person.room, "").output
    assert "The one from before is" in shown
    assert (person.home / "heedful.toml.old").read_text() == "# mine\n"
    assert read_settings(person.file).sources


def test_a_file_that_came_meanwhile_is_not_replaced_either(person: Person) -> None:
    with Terminal("--config", str(person.file), "init", at=person.home) as terminal:
        for question, typed in (*_business(), ("Which of these", "file")):
            terminal.answer(question, typed)
        (person.home / "drop").mkdir()
        terminal.answer("  path", str(person.home / "drop"))
        for name in FILE:
            terminal.answer(f"  {name} ", "")
        terminal.answer("another place", "n")
        terminal.answer("Which of these", "")
        terminal.answer("imitate [", "")
        terminal.answer("title (", "")
        terminal.wait_for("Write ")
        person.file.write_text("# somebody else's\n")
        terminal.answer("(y/n)", "y")
        code, shown = terminal.finish()
    assert code == 1
    assert "Nothing was changed" in shown
    assert (person.left(), person.file.read_text()) == (["drop", "heedful.toml"], "# somebody else's\n")


def test_databases_and_secrets_that_are_there_are_left_alone(person: Person) -> None:
    (person.home / "heedful.db").write_bytes(b"an old one")
    (person.home / "heedful-secrets").mkdir()
    person.init(*BUSINESS, "mastodon", *person.platform, "n", *person.room, "")
    assert (person.home / "heedful.db").read_bytes() == b"an old one"
    assert 'url = "sqlite:///heedful-2.db"' in person.file.read_text()
    assert (person.home / "heedful-secrets-2" / "channel-slack.url").is_file()
    assert list((person.home / "heedful-secrets").iterdir()) == []


def test_a_file_in_a_folder_that_is_not_there_yet_is_written_there(person: Person) -> None:
    target = person.home / "etc" / "heedful" / "bakery.toml"
    shown = person.init(*BUSINESS, "mastodon", *person.platform, "n", *person.room, "", more=(str(target),)).output
    assert read_settings(target).sources
    assert f"heedful --config {target} run" in shown
    assert not [path for path in person.left() if "init" in path]


@pytest.mark.parametrize("n_answers", [0, 4, 7, 11])
def test_where_the_answers_end_nothing_is_written(person: Person, n_answers: int) -> None:
    answers = (*BUSINESS, "mastodon", *person.platform, "n", *person.room)
    shown = person.init(*answers[:n_answers], code=1).output
    assert "nothing was written" in shown
    assert person.left() == []


def test_whoever_says_no_at_the_end_gets_nothing(person: Person) -> None:
    person.init(*BUSINESS, "mastodon", *person.platform, "n", *person.room, "n", code=1)
    assert person.left() == []


def _business() -> list[tuple[str, str]]:
    return list(zip(("called", "Time zone [", "Hours", "Your people"), BUSINESS, strict=True))


def test_at_a_terminal_secrets_are_not_shown_and_ctrl_c_leaves_nothing(person: Person) -> None:
    with Terminal("--config", str(person.file), "init", at=person.home) as terminal:
        for question, typed in (*_business(), ("Which of these", "mastodon"), ("  base_url", person.mastodon.url)):
            terminal.answer(question, typed)
        terminal.wait_for("not shown while you type")
        assert [path.startswith(".heedful-init-") for path in person.left()] == [True]
        terminal.answer("", Mastodon.secret)
        terminal.answer("watch [", "own_posts")
        terminal.wait_for("hashtag (")
        terminal.interrupt()
        code, shown = terminal.finish()
    assert code == 1
    assert "nothing was written" in shown
    assert Mastodon.secret not in shown
    assert person.left() == []


def test_a_line_that_is_hung_up_leaves_nothing(person: Person) -> None:
    with Terminal("--config", str(person.file), "init", at=person.home) as terminal:
        for question, typed in (*_business(), ("Which of these", "mastodon"), ("  base_url", person.mastodon.url)):
            terminal.answer(question, typed)
        terminal.answer("not shown while you type", Mastodon.secret)
        terminal.wait_for("watch [")
        terminal.hang_up()
        ends = time.monotonic() + 60
        while terminal.process.poll() is None and time.monotonic() < ends:
            time.sleep(0.05)
    assert person.left() == []


def test_a_permission_is_asked_for_on_the_platforms_page_and_kept_sealed(shop: Shop) -> None:
    server = TokenServer()
    home = shop.directory / "home"
    home.mkdir()
    environ = {"ACME_TOKENS": server.url, "ACME_SEEN": str(shop.directory / "seen")}
    try:
        with Terminal("init", at=home, environ=environ) as terminal:
            for question, typed in (*_business(), ("Which of these", "tests.cli.test_auth:Granted")):
                terminal.answer(question, typed)
            terminal.answer("client_id", "us")
            terminal.answer("client_id", "us")
            terminal.answer("client_secret (", "hush")
            terminal.answer("How do you want to agree", "paste")
            terminal.wait_for("https://acme.example/agree")
            asked = parse_qs(urlsplit(terminal.wait_for("\n").strip()).query)
            back = f"{asked['redirect_uri'][0]}?code={CODE}&state={asked['state'][0]}"
            terminal.answer("The address that you were sent to", back)
            terminal.wait_for("The permission is there")
            terminal.answer("another place", "n")
            terminal.answer("Which of these", "")
            terminal.answer("imitate [", "")
            terminal.answer("title (", "")
            terminal.answer("Write", "y")
            code, shown = terminal.finish()
    finally:
        server.close()
    assert code == 0, shown
    assert "hush" not in shown
    assert "access-1" not in shown
    assert (shop.directory / "seen").read_text() == "access-1"
    assert [stat.S_IMODE((home / name).stat().st_mode) for name in ("heedful.key", "heedful.db")] == [0o600, 0o600]
    told = tomllib.loads((home / "heedful.toml").read_text())
    assert told["credentials"] == {"key_file": "heedful.key"}
    assert told["accounts"]["granted"] == {
        "connector": "tests.cli.test_auth:Granted", "client_id": "us",
        "client_secret_file": "heedful-secrets/account-granted.client_secret",
    }  # fmt: skip


def test_a_permission_that_was_not_given_can_be_asked_for_later(person: Person) -> None:
    named = ("tests.cli.test_auth:Granted", "us", "", "paste", "http://127.0.0.1:8484/?code=x&state=forged")
    shown = " ".join(person.init(*BUSINESS, *named, "keep", "n", *person.room, "").output.split())
    assert "There is no permission yet" in shown
    assert "`heedful auth granted` asks for it again later" in shown
    assert "granted could not be read" in shown
    settings = read_settings(person.file)
    assert settings.accounts["granted"].client_id == "us"
    assert (person.home / "heedful.key").is_file()


def test_ctrl_c_in_the_first_read_leaves_the_configuration_complete(person: Person) -> None:
    with Terminal("--config", str(person.file), "init", at=person.home) as terminal:
        for question, typed in (*_business(), ("Which of these", "mastodon"), ("  base_url", person.mastodon.url)):
            terminal.answer(question, typed)
        names = ("  token (", "  watch [", "  hashtag (", "  own_account (")
        for question, typed in zip(names, person.platform[1:], strict=True):
            terminal.answer(question, typed)
        terminal.answer("another place", "n")
        terminal.answer("Which of these", "slack")
        terminal.answer("  url (", person.room[1])
        terminal.wait_for("Write ")
        person.mastodon.fail(Fault.SLOW_DRIP, times=50)
        terminal.answer("(y/n)", "y")
        terminal.wait_for("Reading for the first time")
        time.sleep(1.0)
        terminal.interrupt()
        code, shown = terminal.finish()
    assert code == 0, shown
    assert "the configuration is complete" in " ".join(shown.split())
    assert list(read_settings(person.file).sources) == ["mastodon-own-posts"]


def test_init_knows_no_platform_and_no_chat_by_name() -> None:
    names = [name for part in parts() for name in part if name not in ("file", "console", "x", "feeds", "threads")]
    for path in (ROOT / "monitor" / "cli").glob("init*.py"):
        text = path.read_text()
        assert [name for name in names if re.search(rf'["\']{name}["\']', text)] == [], path
