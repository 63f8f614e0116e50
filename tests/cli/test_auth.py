"""heedful auth: from the link to tokens in the store, and what it says where something is missing."""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import Abilities, Access, ConnectorSettings, Known, Page, Rechecked
from connectors.oauth import OAuth
from monitor.http import HttpClient
from monitor.model import Comment
from tests.cli.shop import Shop
from tests.tokens import CODE, TokenServer

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = """
[credentials]
key_file = "shop.key"
[accounts.acme]
connector = "tests.cli.test_auth:Granted"
client_id = "us"
client_secret_env = "ACME_SECRET"
[sources.acme]
brand = "shop"
account = "acme"
"""


class Granted:
    """A connector that asks its access for a token, writes it down, and shows nothing."""

    platform: ClassVar[str] = "acme"
    Settings: ClassVar[type[ConnectorSettings]] = ConnectorSettings
    abilities: ClassVar[Abilities] = Abilities()
    oauth: ClassVar[OAuth] = OAuth("https://acme.example/agree", os.environ.get("ACME_TOKENS", ""), ("read", "write"))

    def __init__(self, settings: Any, http: HttpClient, access: Access | None = None) -> None:
        assert access is not None
        self._access = access

    def fetch_page(self, cursor: Any, now: datetime) -> Page:
        Path(os.environ["ACME_SEEN"]).write_text(self._access.token())
        return Page((), "end")

    def normalise(self, raw: Any) -> Comment | None:
        return None

    def recheck(self, known: Sequence[Known]) -> Rechecked:
        return Rechecked(())


class Acme:
    """A shop with an account at a platform, driven as another process, as people do."""

    def __init__(self, shop: Shop, server: TokenServer) -> None:
        self.shop, self.server = shop, server
        shop.config.write_text(shop.config.read_text() + ACCOUNT)
        self.seen = shop.directory / "seen"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        told = {"HEEDFUL_CONFIG": str(self.shop.config), "ACME_TOKENS": self.server.url, "ACME_SECRET": "hush",
                "ACME_SEEN": str(self.seen), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1",
                "COLUMNS": "200"}  # fmt: skip
        command = [sys.executable, "-c", "from monitor.cli import main; main()", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=os.environ | told, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=ROOT
        )

    def run(self, *arguments: str, code: int = 0, said: str = "") -> str:
        process = self.start(*arguments)
        output, _ = process.communicate(said, timeout=60)
        assert process.returncode == code, output
        return output

    def begin(self, *arguments: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
        """A running `heedful auth acme`, and what its link asks of the platform."""
        process = self.start("auth", "acme", *arguments)
        assert process.stdout is not None
        for line in process.stdout:
            if "https://acme.example/agree" in line:
                query = parse_qs(urlsplit(line.strip()).query)
                return process, {name: values[0] for name, values in query.items()}
        raise AssertionError("no link was shown")


@pytest.fixture
def acme(shop: Shop) -> Iterator[Acme]:
    server = TokenServer()
    yield Acme(shop, server)
    server.close()


def finish(process: subprocess.Popen[str], code: int = 0, said: str = "") -> str:
    output, _ = process.communicate(said, timeout=60)
    assert process.returncode == code, output
    return output


def test_who_agrees_in_the_browser_is_authorised_and_the_sources_go_on(acme: Acme) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process, asked = acme.begin("--no-browser", "--port", str(port))
    assert (asked["scope"], asked["client_id"], asked["code_challenge_method"]) == ("read write", "us", "S256")
    back = f"{asked['redirect_uri']}?code={CODE}&state={asked['state']}"
    with urllib.request.urlopen(back) as page:
        assert b"Thank you" in page.read()
    assert "acme is authorised" in finish(process)
    assert acme.server.asked[0]["code_verifier"]
    assert acme.server.asked[0]["redirect_uri"] == asked["redirect_uri"]
    acme.run("poll", "acme", "--here")
    assert acme.seen.read_text() == "access-1"
    shown = acme.run("auth")
    assert re.search(r"acme.*read write", shown)
    assert "access-1" not in shown


def test_a_pasted_address_is_as_good_where_no_browser_runs(acme: Acme) -> None:
    process, asked = acme.begin("--paste")
    output = finish(process, said=f"{asked['redirect_uri']}?code={CODE}&state={asked['state']}\n")
    assert "acme is authorised" in output
    assert (acme.shop.directory / "shop.key").stat().st_mode & 0o777 == 0o600


def test_where_a_platform_takes_no_address_on_this_machine_one_is_sent_to_a_page_of_ones_own(acme: Acme) -> None:
    own = "https://www.shop.example/"
    process, asked = acme.begin("--redirect", own)
    assert asked["redirect_uri"] == own
    assert "acme is authorised" in finish(process, said=f"{own}?code={CODE}&state={asked['state']}\n")
    assert acme.server.asked[0]["redirect_uri"] == own
    for bad in ("http://www.shop.example/", "https://", "https://www.shop.example/?a=b"):
        assert "--redirect wants an address" in acme.run("auth", "acme", "--redirect", bad, code=1)


def test_the_code_of_a_redirect_that_is_not_ours_is_never_used(acme: Acme) -> None:
    process, asked = acme.begin("--paste")
    output = finish(process, code=1, said=f"{asked['redirect_uri']}?code={CODE}&state=somebody-elses\n")
    assert "did not agree" in output
    assert acme.server.asked == []


def test_a_person_who_refuses_is_told_so(acme: Acme) -> None:
    process, asked = acme.begin("--paste")
    output = finish(process, code=1, said=f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}\n")
    assert "access_denied" in output


def test_a_code_that_the_platform_refuses_shows_no_secret(acme: Acme) -> None:
    process, asked = acme.begin("--paste")
    output = finish(process, code=1, said=f"{asked['redirect_uri']}?code=forged&state={asked['state']}\n")
    assert "invalid_grant" in output
    assert "hush" not in output


def test_an_account_without_an_application_says_where_to_get_one(acme: Acme) -> None:
    acme.shop.config.write_text(acme.shop.config.read_text().replace('client_id = "us"', ""))
    assert "names no client_id" in acme.run("auth", "acme", code=1)


def test_an_unknown_account_names_the_nearest(acme: Acme) -> None:
    assert 'did you mean "acme"' in acme.run("auth", "acne", code=2)
