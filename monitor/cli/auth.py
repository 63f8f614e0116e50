"""heedful auth: getting a platform's permission, and keeping it."""

import secrets
import sys
import webbrowser
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from monitor.cli import show
from monitor.cli.call import Call, pass_call
from monitor.cli.endings import Failure
from monitor.errors import NotFound, Unauthorized

if TYPE_CHECKING:
    from oauthlib.oauth2 import WebApplicationClient

    from monitor.flows.credentials import Application
    from monitor.store.credentials import Credential

PORT = 8484
_PATIENCE_S = 600.0
_PAGE = (
    "<!doctype html><meta charset=utf-8><title>heedful</title>"
    "<p>{says} You can close this page and go back to the terminal.</p>"
)
COLUMNS = (
    show.Column("ACCOUNT"),
    show.Column("PLATFORM"),
    show.Column("GRANTED"),
    show.Column("VALID UNTIL"),
    show.Column("RENEWABLE UNTIL"),
    show.Column("SCOPES", flexible=True, least=20),
)


@dataclass(frozen=True, slots=True)
class Road:
    """How a person reaches the platform's page and comes back: through a browser here, by pasting, by a code."""

    port: int = PORT
    by_paste: bool = False
    by_device: bool = False
    opens: bool = True  # the browser, where there is a terminal
    page: str = ""  # a page of our own to be sent back to, "": this machine


@click.command()
@click.argument("account", required=False)
@click.option("--port", default=PORT, show_default=True, help="Where the platform sends you back to, on this machine.")
@click.option(
    "--redirect",
    metavar="ADDRESS",
    help="A page of your own to be sent back to, where the platform takes none on this machine; then you paste.",
)
@click.option(
    "--paste", is_flag=True, help="Paste the address you were sent to, where no browser runs on this machine."
)
@click.option("--device", is_flag=True, help="Type a code on another device, where the platform offers that.")
@click.option("--no-browser", is_flag=True, help="Print the link only.")
@pass_call
def auth(
    call: Call,
    /,
    account: str | None,
    port: int,
    redirect: str | None,
    paste: bool,
    device: bool,
    no_browser: bool,
) -> None:
    """Get a platform's permission for an account of the configuration; without ACCOUNT, show what there is.

    The link is opened (or printed), you agree there, and the tokens are stored encrypted and renewed from then on.
    """
    if account is None:
        _show(call)
        return
    page = _checked(redirect or "")
    authorise(call, account, Road(port, paste or bool(page), device, not no_browser, page))
    click.echo(f"{account} is authorised. Its sources go on by themselves; `heedful check` tries each of them.")


def _checked(redirect: str) -> str:
    if redirect and (not redirect.startswith("https://") or not urlsplit(redirect).hostname or "?" in redirect):
        raise Failure("--redirect wants an address as https://www.bakery.example/, as the platform knows it")
    return redirect


def authorise(call: Call, account: str, road: Road) -> None:
    """Get a platform's permission for an account of the configuration, and keep it.

    Raises: Failure and HeedfulError, fit to be shown; nothing was kept.
    """
    application, platform = _application(call, account)
    _make_key(call)
    by_link = not road.by_device
    told = _by_link(call, application, road) if by_link else _by_device(call, application)
    _keep(call, account, platform, application, told)


def _application(call: Call, account: str) -> "tuple[Application, str]":
    from monitor.app import parts
    from monitor.core.nearest import nearest
    from monitor.grants import application_of

    accounts = call.settings.accounts
    if account not in accounts:
        raise NotFound(f'there is no account "{account}" in {call.file}{nearest(account, accounts)}')
    application = application_of(accounts[account])
    connector = accounts[account].connector
    if application is None:
        raise Failure(
            f"{connector} needs no authorisation: give its token in the configuration"
            if getattr(parts()[0][connector], "oauth", None) is None
            else f"[accounts.{account}] names no client_id; docs/connectors/{connector}.md says how to come by one"
        )
    return application, parts()[0][connector].platform


def _make_key(call: Call) -> None:
    from monitor.grants import key_path
    from monitor.sealing import make_key

    path = key_path(call.settings)
    if path is not None and not path.exists():
        make_key(path)
        click.echo(f"A key to seal credentials with was written to {path}. Back it up, not beside the database.")


def _by_link(call: Call, application: "Application", road: Road) -> dict[str, Any]:
    from oauthlib.oauth2 import OAuth2Error, WebApplicationClient

    oauth, client = application.oauth, WebApplicationClient(application.client_id)
    redirect, state = road.page or f"http://127.0.0.1:{road.port}/", secrets.token_urlsafe(24)
    link, verifier = _link(client, oauth, redirect, state)
    with (
        nullcontext() if road.by_paste else _Redirects(road.port, state) as redirects
    ):  # listens before anybody can come back
        click.echo(f"Register {redirect} as a redirect address of your application, then open:\n\n  {link}\n")
        if redirects is None:
            address = click.prompt(f"The address that you were sent to (it begins with {redirect})")
        else:
            if road.opens and sys.stdout.isatty():
                webbrowser.open(link)
            address = redirects.wait()
    if oauth.code_name != "code":
        address = address.replace(f"?{oauth.code_name}=", "?code=").replace(f"&{oauth.code_name}=", "&code=")
    try:
        # The library refuses plain http; a redirect to this very machine never leaves it (RFC 8252, 7.3).
        found = client.parse_request_uri_response(address.replace("http://", "https://", 1), state=state)
    except OAuth2Error as error:
        raise Failure(f"the platform did not agree: {error.error} {error.description or ''}".strip()) from None
    fields = {"grant_type": "authorization_code", "code": found["code"], "redirect_uri": redirect}
    fields |= {"code_verifier": verifier} if verifier else {}
    return application.redeem(call.app.http, fields)


def _link(client: "WebApplicationClient", oauth: Any, redirect: str, state: str) -> tuple[str, str]:
    """The address at which a person agrees, and the PKCE verifier ("" where the platform has none)."""
    params: dict[str, str] = dict(oauth.authorize_params)
    params |= {oauth.client_name: client.client_id} if oauth.client_name != "client_id" else {}
    verifier = ""
    if oauth.uses_pkce:
        verifier = client.create_code_verifier(64)
        params |= {"code_challenge": client.create_code_challenge(verifier, "S256"), "code_challenge_method": "S256"}
    scope = oauth.scope_separator.join(oauth.scopes)
    return client.prepare_request_uri(oauth.authorize_url, redirect, scope, state, **params), verifier


class _Redirects(HTTPServer):
    """Waits on loopback for the browser to come back from the platform with our state."""

    timeout = 1.0

    def __init__(self, port: int, state: str) -> None:
        self.state, self.found = state, ""
        try:
            super().__init__(("127.0.0.1", port), _Redirect)
        except OSError:
            raise Failure(f"port {port} of this machine is taken; name another with --port") from None

    def wait(self) -> str:
        """The address that the browser was sent to."""
        ends = monotonic() + _PATIENCE_S
        while not self.found and monotonic() < ends:
            self.handle_request()
        if not self.found:
            raise Failure("nobody came back from the platform within ten minutes; try again, or use --paste")
        return self.found


class _Redirect(BaseHTTPRequestHandler):
    server: _Redirects

    def do_GET(self) -> None:
        is_ours = f"state={self.server.state}" in urlsplit(self.path).query
        if is_ours:
            self.server.found = f"http://127.0.0.1:{self.server.server_port}{self.path}"
        page = _PAGE.format(says="Thank you." if is_ours else "This is not what heedful waits for.").encode()
        self.send_response(200 if is_ours else 404)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the address holds the code."""


@dataclass(frozen=True, slots=True)
class _Device:
    code: str
    interval_s: float
    ends: float


def _by_device(call: Call, application: "Application") -> dict[str, Any]:
    oauth = application.oauth
    if not oauth.device_url:
        raise Failure("this platform has no device flow; leave out --device (--paste needs no browser here)")
    fields = {"scope": oauth.scope_separator.join(oauth.scopes), "client_id": application.client_id}
    told = _ask_device(call, oauth.device_url, fields)
    where = told.get("verification_uri") or told.get("verification_url")
    click.echo(f"On any device open {where} and type: {told['user_code']}")
    asked = _Device(
        told["device_code"], float(told.get("interval", 5)), monotonic() + float(told.get("expires_in", 600))
    )
    fields = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": asked.code}
    wait = asked.interval_s
    while monotonic() < asked.ends:
        sleep(wait)
        try:
            return application.fetch(call.app.http, oauth.token_url, fields)
        except Unauthorized as error:
            if "slow_down" in str(error):
                wait += 5
            elif "authorization_pending" not in str(error):
                raise
    raise Failure("nobody typed the code in time")


def _ask_device(call: Call, url: str, fields: Mapping[str, str]) -> dict[str, Any]:
    from urllib.parse import urlencode

    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    told = call.app.http.request("POST", url, headers=headers, content=urlencode(fields).encode()).json()
    if not isinstance(told, dict) or not {"device_code", "user_code"} <= told.keys():
        raise Failure("the platform did not offer a code")
    return told


def _keep(call: Call, account: str, platform: str, application: "Application", told: dict[str, Any]) -> None:
    from monitor.flows.credentials import granted
    from monitor.grants import open_box
    from monitor.store import credentials, sources
    from monitor.store.engine import writing

    call.app.upgrade()
    kept = granted(open_box(call.settings), application.oauth, told, {}, call.now)
    with writing(call.app.engine) as connection:
        credentials.save(connection, account, platform, kept, call.now)
        sources.free_account(connection, account)
        named = [name for name, source in call.settings.sources.items() if source.account == account]
        sources.request_poll(connection, named, call.now)


def _show(call: Call) -> None:
    from monitor.store import credentials

    with call.reading() as connection:
        held = credentials.load_all(connection)
    if held:
        show.table(COLUMNS, [_row(one) for one in held])
    else:
        click.echo("No account is authorised yet. heedful auth ACCOUNT begins.")


def _row(one: "Credential") -> list[str]:
    def day(at: Any) -> str:
        return f"{at:%Y-%m-%d %H:%M}" if at else "no end"

    return [
        one.account, one.platform, day(one.granted_at), day(one.expires_at), day(one.refresh_expires_at),
        " ".join(one.scopes) or "not told",
    ]  # fmt: skip
