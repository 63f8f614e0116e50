"""Setting up one platform or chat in a conversation: its settings, its permission, and whether it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import click
from pydantic import BaseModel

from monitor.cli import show
from monitor.cli.auth import Road, authorise
from monitor.cli.check import look
from monitor.cli.connectors import describe
from monitor.cli.endings import Failure
from monitor.cli.init_asking import ask, ask_choice, ask_setting, ask_yes, heading, say, sentence
from monitor.cli.init_questions import Question, questions, read_choice
from monitor.cli.init_staging import Staging
from monitor.cli.init_toml import Draft, Part
from monitor.core.nearest import nearest
from monitor.errors import ConfigError, ConfigErrors, HeedfulError, NotFound
from monitor.settings.reading import secret_names
from monitor.settings.tables import AccountTable, ChannelTable, SourceTable

Kind = Literal["sources", "channels"]
GIVEN_BY_HAND = "token"  # the setting in whose place a permission stands (connectors.base.GivenToken)
_ACCOUNT = tuple(
    replace(one, is_required=one.name == "client_id")
    for one in questions(AccountTable)
    if one.name in ("client_id", "client_secret")
)


@dataclass
class Place:
    """One platform or chat that is being set up: the class behind it, and the answers so far."""

    kind: Kind
    part: str  # the connector's name, or the channel's kind
    found: Any
    answers: dict[str, Any] = field(default_factory=dict)
    name: str = ""  # of its table, once it has one
    account: str = ""
    shares: bool = False  # the account of a place that was set up before, with its secrets
    client: dict[str, Any] = field(default_factory=dict)  # the application, where a permission is asked for
    is_granted: bool = False

    @property
    def model(self) -> type[BaseModel]:
        model: type[BaseModel] = self.found.Settings
        return model

    @property
    def asks_permission(self) -> bool:
        return bool(self.client)

    @property
    def prefix(self) -> str:
        """What the files of its secrets begin with."""
        return f"account-{self.account}" if self.account else f"{self.kind.removesuffix('s')}-{self.name}"

    def questions(self, with_rare: bool) -> list[Question]:
        """What is to be asked; an account that is shared has its secrets already."""
        skipped = set(secret_names(self.model)) if self.shares else set()
        skipped |= {GIVEN_BY_HAND} if self.asks_permission else set()
        return [one for one in questions(self.model) if (one.is_usual or with_rare) and one.name not in skipped]


class Guide:
    """Takes a person through platforms and chats, and keeps what comes of it in a draft."""

    def __init__(self, staging: Staging, draft: Draft, parts: tuple[Mapping[str, Any], Mapping[str, Any]]) -> None:
        self._staging, self._draft = staging, draft
        self._there: dict[Kind, Mapping[str, Any]] = {"sources": parts[0], "channels": parts[1]}

    def choose(self, kind: Kind, label: str, default: str) -> list[str]:
        """Which of the registered parts a person wants: numbers or names, in any order."""
        there = self._there[kind]
        names = list(there)
        abouts = [describe(name, there[name])["about"] for name in names]
        rows = [[str(n), name, about] for n, (name, about) in enumerate(zip(names, abouts, strict=True), 1)]
        show.table((show.Column("", right=True), show.Column("NAME"), show.Column("", flexible=True, least=30)), rows)
        click.echo()
        return ask(label, lambda typed: self._chosen(typed, names, kind), default)

    def _chosen(self, typed: str, names: Sequence[str], kind: Kind) -> list[str]:
        wanted = [word for word in typed.replace(",", " ").split() if word]
        if not wanted:
            raise ValueError("Please choose at least one; a number will do.")
        found = []
        for word in wanted:
            name = word if ":" in word else read_choice(word, names)
            try:
                _ = self._there[kind][name]
            except (NotFound, KeyError) as error:
                raise ValueError(f"{error}{nearest(name, names)}") from None
            found.append(name)
        return list(dict.fromkeys(found))

    def set_up(self, kind: Kind, part: str) -> None:
        """One platform or chat, and others of the same kind as long as the person wants."""
        place = Place(kind, part, self._there[kind][part])
        heading(f"{part}: {describe(part, place.found)['about']}")
        folder = "connectors" if kind == "sources" else "channels"
        say(f"docs/{folder}/{part}.md says step by step where to get what is asked here.")
        while self._one(place):
            if kind == "channels" or not ask_yes(f"Is there another place on {part} to watch?", False):
                return
            place = self._beside(place)

    def _beside(self, place: Place) -> Place:
        """Another place on the same platform; what was answered for the first one is proposed."""
        secrets = secret_names(place.model) if place.account else ()
        answers = {name: value for name, value in place.answers.items() if name not in secrets}
        shared = place.account, bool(place.account), place.client, place.is_granted
        return Place(place.kind, place.part, place.found, answers, "", *shared)

    def _one(self, place: Place) -> bool:
        """Ask, try, and ask what to do where it did not work; False where it was skipped."""
        self._ask_permission(place)
        with_rare, wanted = False, place.questions(False)
        while True:
            for question in wanted:
                place.answers[question.name] = ask_setting(place.model, question, place.answers.get(question.name))
            self._put(place)
            says = self._refusal()
            is_keepable = not says
            if not (says or self._grant(place) or self._try(place)):
                return True
            way = _what_now(is_keepable)
            if way == "keep":
                return True
            if way == "skip":
                self._take_away(place)
                return False
            if way == "change":
                with_rare = ask_yes("Do you want to see the rarely used settings too?", with_rare)
            wanted = place.questions(with_rare) if way == "change" else []

    def _ask_permission(self, place: Place) -> None:
        """Whether the platform's own page gives the permission, where it has one."""
        oauth = getattr(place.found, "oauth", None)
        if oauth is None or place.shares:
            return
        click.echo()
        by_page = "page"
        if secret_names(place.model):
            say(
                f"{place.part} can be read with a permission that you give on its own page (you need the id of an "
                "application that you registered there), or with a token or key that you have already."
            )
            by_page = ask_choice("Which is it?", ("page", "token"), "page")
        if by_page == "page":
            for question in _ACCOUNT:
                place.client[question.name] = ask_setting(AccountTable, question, place.client.get(question.name))

    def _put(self, place: Place) -> None:
        """Write the answers into the draft, secrets into files."""
        draft, secrets = self._draft, secret_names(place.model)
        if not place.name:
            place.name = draft.free_name(_name(place), place.kind)
        if place.kind == "sources" and not place.account and self._holds_secrets(place):
            place.account = draft.free_name(place.part.rpartition(":")[2].casefold(), "accounts")
        given = {name: value for name, value in place.answers.items() if value is not None}
        files = {
            f"{name}_file": self._staging.keep_secret(f"{place.prefix}.{name}", given.pop(name))
            for name in secrets
            if name in given
        }
        if place.account and not place.shares:
            draft.accounts[place.account] = self._account(place, files)
        if place.asks_permission:
            draft.key_file = self._staging.key
        ours: dict[str, Any] = {"kind": place.part}
        if place.kind == "sources":
            ours = {"brand": draft.brand_id}
            ours |= {"account": place.account} if place.account else {"connector": place.part}
        tables: dict[str, Part] = getattr(draft, place.kind)
        tables[place.name] = self._table(place, ours | ({} if place.account else files), given)

    def _holds_secrets(self, place: Place) -> bool:
        return place.asks_permission or any(place.answers.get(name) for name in secret_names(place.model))

    def _account(self, place: Place, files: Mapping[str, str]) -> Part:
        values: dict[str, Any] = {"connector": place.part}
        if place.client:
            values["client_id"] = place.client["client_id"]
            if secret := place.client.get("client_secret"):
                named = self._staging.keep_secret(f"{place.prefix}.client_secret", secret)
                values["client_secret_file"] = named
        return Part({**values, **files}, _says(AccountTable) | _says(place.model))

    def _table(self, place: Place, ours: Mapping[str, Any], given: Mapping[str, Any]) -> Part:
        known = {one.name: one.default for one in questions(place.model)}
        values = {name: value for name, value in given.items() if value != known[name]}
        of_account = set(secret_names(place.model)) if place.account else set()
        others: dict[str, Any] = {
            f"{name}_file" if name in secret_names(place.model) else name: default
            for name, default in known.items()
            if name not in values and f"{name}_file" not in ours and name not in of_account
        }
        if place.kind == "sources":
            others = {"every": "5m", **others}
        says = _says(SourceTable if place.kind == "sources" else ChannelTable) | _says(place.model)
        return Part({**ours, **values}, says, others)

    def _take_away(self, place: Place) -> None:
        getattr(self._draft, place.kind).pop(place.name, None)
        used = {part.values.get("account") for part in self._draft.sources.values()}
        if place.account not in used:
            self._draft.accounts.pop(place.account, None)
            self._staging.forget_secrets(place.prefix)
        if not any("client_id" in part.values for part in self._draft.accounts.values()):
            self._draft.key_file = ""

    def _refusal(self) -> str:
        """Why the configuration would not load with these answers, said to the person; "" where it would."""
        try:
            with self._staging.call(self._draft) as call:
                _ = call.settings
        except ConfigErrors as error:
            reasons = [_reason(one) for one in error.errors]
        except ConfigError as error:
            reasons = [_reason(error)]
        else:
            return ""
        for reason in reasons:
            say(sentence(f"That does not fit together: {reason}"), "  ")
        return reasons[0]

    def _grant(self, place: Place) -> str:
        """The platform's permission, by the code behind `heedful auth`; why there is none, or ""."""
        if not place.asks_permission or place.is_granted:
            return ""
        from monitor.sealing import make_key

        road = _road(place.found.oauth)
        try:
            with self._staging.call(self._draft) as call:
                if not (key := self._staging.home / self._staging.key).exists():
                    make_key(key)
                authorise(call, place.account, road)
        except (HeedfulError, Failure) as error:
            says = error.message if isinstance(error, Failure) else str(error)
            say(f"There is no permission yet: {says}", "  ")
            say(f"Kept as it is, `heedful auth {place.account}` asks for it again later.", "  ")
            return says
        place.is_granted = True
        say("The permission is there.", "  ")
        return ""

    def _try(self, place: Place) -> str:
        """What it says when it is asked, by the code behind `heedful check`; "" where it is well."""
        click.echo()
        what = "source" if place.kind == "sources" else "channel"
        with self._staging.call(self._draft) as call:
            found = look(call, what, place.name)
        say(sentence(f"{place.name}: {'works' if found.is_well else 'DOES NOT WORK'}: {found.says}"), "  ")
        return "" if found.is_well else found.says


def _what_now(is_keepable: bool) -> str:
    ways = {"again": "tries once more", "change": "lets you change what you typed"}
    ways |= {"keep": "goes on with it as it is, to be mended later"} if is_keepable else {}
    ways |= {"skip": "leaves it out"}
    say("; ".join(f'"{way}" {says}' for way, says in ways.items()) + ".")
    return ask_choice("What now?", tuple(ways), "again" if is_keepable else "change")


def _road(oauth: Any) -> Road:
    ways = ("browser", "paste", "code") if oauth.device_url else ("browser", "paste")
    say(
        "browser: you agree in a browser on this machine. paste: you agree in a browser elsewhere, and paste the "
        f"address that it ends at.{' code: you type a short code on another device.' if oauth.device_url else ''}"
    )
    way = ask_choice("How do you want to agree?", ways, "browser")
    return Road(by_paste=way == "paste", by_device=way == "code")


def _name(place: Place) -> str:
    """What to call its table: the part, and what is watched where that was a choice."""
    name = place.part.rpartition(":")[2].casefold().replace("_", "-")
    watched = place.answers.get("watch")
    return f"{name}-{watched}".replace("_", "-") if isinstance(watched, str) else name


def _says(model: type[BaseModel]) -> dict[str, str]:
    """What each setting means; of a secret also under the name of its file."""
    says = {name: info.description or "" for name, info in model.model_fields.items()}
    return says | {f"{name}_file": says[name] for name in secret_names(model)}


def _reason(error: ConfigError) -> str:
    setting = ".".join(error.key.split(".")[2:])
    return f"{setting}: {error.reason}" if setting else error.reason
