"""The settings of push: what is on, and what is refused because it would keep nobody out."""

from pathlib import Path

import pytest

from monitor.app import build, read_settings
from monitor.errors import ConfigErrors
from monitor.settings import Settings
from tests.settings.places import ENVIRON, WHOLE, load

WEB = '[web]\nport = 8484\npublic_url = "https://heedful.shop.example"\n'
SECRET = "a-secret-of-the-app"


def told(directory: Path, keys: str, account: str = 'token_env = "PARK_TOKEN"') -> Settings:
    return load(directory, WEB + WHOLE.replace(account, f"{account}\n{keys}"), {**ENVIRON, "PUSH": SECRET})


def fault(directory: Path, keys: str, text: str = WHOLE) -> str:
    with pytest.raises(ConfigErrors) as caught:
        load(directory, text.replace('token_env = "PARK_TOKEN"', f'token_env = "PARK_TOKEN"\n{keys}'))
    (error,) = caught.value.errors
    return str(error).removeprefix(f"{directory / 'heedful.toml'}: ")


def test_nothing_is_listened_to_unless_it_is_asked_for(tmp_path: Path) -> None:
    web = load(tmp_path).web
    assert (web.port, web.host, web.public_url) == (0, "127.0.0.1", "")


def test_a_secret_and_a_token_are_read_and_never_shown(tmp_path: Path) -> None:
    settings = told(tmp_path, 'push_secret_env = "PUSH"\nverify_token = "a-token"')
    account = settings.accounts["shop"]
    assert (account.push_secret, account.verify_token) == (SECRET, "a-token")
    assert SECRET not in f"{settings!r} {account}"
    assert "a-token" not in f"{settings!r} {account}"


@pytest.mark.parametrize("secret", ["short", " ", f"{SECRET} short"])
def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path, secret: str) -> None:
    assert fault(tmp_path, f'push_secret = "{secret}"') == (
        "accounts.shop.push_secret: has fewer than 16 characters: it can be guessed"
    )


def test_a_token_alone_is_refused(tmp_path: Path) -> None:
    assert fault(tmp_path, 'verify_token = "a"') == "accounts.shop.verify_token: needs push_secret too"


def test_a_platform_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    text = WHOLE + f'[accounts.box]\nconnector = "box"\npush_secret = "{SECRET}"\n'
    assert fault(tmp_path, "", text) == 'accounts.box.push_secret: the platform of "box" tells nothing by itself'


@pytest.mark.parametrize("url", ["heedful.shop.example", "https://h.example/?a=b", "https://a@h.example", "ftp://h"])
def test_an_address_that_no_platform_could_call_is_refused(tmp_path: Path, url: str) -> None:
    assert fault(tmp_path, "", f'[web]\npublic_url = "{url}"\n' + WHOLE).startswith("web.public_url: ")


CONFIG = f"""
[database]
url = "sqlite:///push.db"
[brands.shop]
[channels.console]
kind = "console"
[accounts.one]
connector = "threads"
token = "t"
push_secret = "{SECRET}"
[accounts.two]
connector = "threads"
token = "t"
push_secret = "{SECRET}"
[accounts.apart]
connector = "threads"
token = "t"
push_secret = "{SECRET}-of-its-own"
""" + "".join(f'[sources.{name}]\nbrand = "shop"\naccount = "{name}"\n' for name in ("one", "two", "apart"))


def test_accounts_of_one_app_hear_what_any_of_them_is_told(tmp_path: Path) -> None:
    path = tmp_path / "heedful.toml"
    path.write_text(WEB + CONFIG)
    app = build(read_settings(path))
    heard = {name: sorted(listener.sources) for name, listener in app.plan.listeners.items()}
    assert heard == {"one": ["one", "two"], "two": ["one", "two"], "apart": ["apart"]}
    app.close()
    path.write_text(CONFIG)
    app = build(read_settings(path))
    assert app.plan.listeners == {}, "without a port nobody is heard"
    app.close()
