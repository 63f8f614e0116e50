"""Which accounts have their tokens from `heedful auth`, and how they are come by."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

import connectors
from monitor.http import HttpClient
from monitor.settings import AccountSettings, Settings
from monitor.store.engine import reading, writing

if TYPE_CHECKING:
    from monitor.flows.credentials import Application, StoredAccess
    from monitor.sealing import Box


@dataclass(frozen=True, slots=True)
class Grants:
    """The accounts' access to their platforms."""

    settings: Settings
    engine: Engine
    http: HttpClient
    now: Callable[[], datetime]

    def access(self, account: str) -> "StoredAccess | None":
        """How a connector comes by this account's token; None where it is in the configuration, or none is needed."""
        known = self.settings.accounts.get(account)
        application = application_of(known) if known else None
        if application is None:
            return None
        from monitor.flows.credentials import StoredAccess

        return StoredAccess(self.engine, partial(open_box, self.settings), account, application, self.http, self.now)

    def drill(self) -> int:
        """Look at every grant's end and scopes, and warn people in time; how many were told."""
        from monitor.store import credentials

        brands = {source.account: source.brand for source in self.settings.sources.values()}
        with reading(self.engine) as connection:
            held = [one for one in credentials.load_all(connection) if one.account in brands]
        if not held:
            return 0  # and what OAuth needs is never imported
        from monitor.flows.credentials import drill, run_drill

        with writing(self.engine) as connection:
            applications = {one.account: application_of(self.settings.accounts[one.account]) for one in held}
            needed = {account: known.oauth.scopes for account, known in applications.items() if known}
            found = drill(held, needed, self.now())
            return sum(
                run_drill(
                    connection,
                    brand,
                    [one for one in found if brands[one.account] == brand],
                    [one for one in held if brands[one.account] == brand],
                    self.now(),
                )
                for brand in {brands[one.account] for one in held}
            )


def application_of(account: AccountSettings) -> "Application | None":
    """What we are at this account's platform, if its connector has OAuth and the account names an application."""
    oauth = getattr(connectors.load(account.connector), "oauth", None) if account.client_id else None
    if oauth is None:
        return None
    from monitor.flows.credentials import Application

    return Application(oauth, account.client_id, account.client_secret)


def open_box(settings: Settings) -> "Box":
    """The box that credentials are sealed in.

    Raises: SealBroken saying how to come by a key.
    """
    from monitor.sealing import Box, find_key

    return Box(find_key(settings.credentials.key_env, key_path(settings), os.environ))


def key_path(settings: Settings) -> Path | None:
    """The file of the key, beside the configuration unless it says otherwise."""
    named = settings.credentials.key_file
    return settings.file.parent / named if named else None
