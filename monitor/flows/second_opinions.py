"""Asking another model for a second opinion on comments that ours is not sure of. Imported only where one is set up."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import Connection, Engine

from monitor import log
from monitor.core.asking import read_answer, request_body
from monitor.core.backoff import next_try
from monitor.core.opinions import Opinion, Policy, hash_of
from monitor.errors import ClaimLost, RemoteError
from monitor.http import HttpClient
from monitor.model import StoredComment, show_id
from monitor.store import comments, due
from monitor.store import second_opinions as store
from monitor.store.due import Claim
from monitor.store.engine import reading, writing
from monitor.store.second_opinions import Question

_log = log.get()

QUEUE = "second_opinions"
MOST_FAILURES = 3  # to answer one question; then it stays without
REST_BASE, REST_MOST = timedelta(seconds=30), timedelta(minutes=30)  # of the model, after failures in a row


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A chat endpoint as OpenAI's API has it, by the operator's word: it may be on a private address."""

    base_url: str
    model: str
    api_key: str
    timeout: timedelta
    budget_per_day: int


class Adviser:
    """Another model. The assessment notes whom to ask it about, a thread of its own asks; both go on without it."""

    def __init__(self, policy: Policy, endpoint: Endpoint, http: HttpClient) -> None:
        self.policy = policy
        self._endpoint, self._http = endpoint, http
        self._outages = log.Outages()
        self._n_failures = 0
        self._rests_until: datetime | None = None

    def load(self, connection: Connection, brand: str, thread_ids: Iterable[int]) -> Mapping[int, Opinion]:
        """What was asked and said about the comments of these threads."""
        return store.of_threads(connection, brand, thread_ids)

    def questions(self, open_comments: Iterable[StoredComment], known: Mapping[int, Opinion]) -> Sequence[Question]:
        """What to ask about comments that wait, with their signals as the rules see them."""
        found = []
        for stored in open_comments:
            names, text_hash = self.policy.unsure_of(stored.signals), hash_of(stored.comment.text)
            is_known = stored.id in known and known[stored.id].text_hash == text_hash
            if names and not is_known and self.policy.may_ask_about(stored):
                found.append(Question(stored.id, stored.thread_id, text_hash, names))
        return found

    def ask_due(
        self, engine: Engine, lease: timedelta, now: Callable[[], datetime], wake: Callable[[str], None]
    ) -> int:
        """Claim and ask one due question; how many were claimed."""
        with reading(engine) as connection:
            if not due.is_any_due(connection, QUEUE, now()):
                return 0
        with writing(engine) as connection:
            claims = due.claim(connection, QUEUE, now(), max(lease, 2 * self._endpoint.timeout), 1)
        for claimed in claims:
            try:
                self._work(engine, claimed, now, wake)
            except ClaimLost:
                continue  # the text has changed meanwhile, or the lease ended
        return len(claims)

    def _work(self, engine: Engine, claimed: Claim, now: Callable[[], datetime], wake: Callable[[str], None]) -> None:
        with reading(engine) as connection:
            asked = store.load(connection, claimed)
            stored = comments.load_comments(connection, claimed.brand, [claimed.id]).get(claimed.id)
        if asked is None or stored is None or not self._is_worth_asking(asked, stored):
            self._put_off(engine, claimed, None, 0)
            return
        if until := self._not_before(engine, now()):
            self._put_off(engine, claimed, until, asked.n_failures)
            return
        started_at = now()
        try:
            values = self._ask(stored.comment.text, asked.signals)
        except RemoteError as error:
            n_failures = asked.n_failures + 1
            until = self._failed(error, now())
            self._put_off(engine, claimed, until if n_failures < MOST_FAILURES else None, n_failures)
            return
        with writing(engine) as connection:
            store.save(connection, claimed, asked, self._endpoint.model, values, now())
        self._answered(asked, values, started_at, now())
        if values:
            wake("threads")

    def _is_worth_asking(self, asked: Question, stored: StoredComment) -> bool:
        return asked.text_hash == hash_of(stored.comment.text) and self.policy.may_ask_about(stored)

    def _not_before(self, engine: Engine, now: datetime) -> datetime | None:
        """None if a request may be made now, which is then paid for."""
        if self._rests_until is not None and now < self._rests_until:
            return self._rests_until
        with writing(engine) as connection:
            if store.spend(connection, QUEUE, now.date().isoformat(), self._endpoint.budget_per_day):
                self._outages.back("budget", now)
                return None
        if self._outages.lost("budget", now):
            _log.info("opinion.budget_spent", per_day=self._endpoint.budget_per_day)
        return datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)

    def _ask(self, text: str, names: Sequence[str]) -> dict[str, float]:
        endpoint = self._endpoint
        headers = {"content-type": "application/json"}
        if endpoint.api_key:
            headers["authorization"] = f"Bearer {endpoint.api_key}"
        url = f"{endpoint.base_url.rstrip('/')}/chat/completions"
        body = request_body(endpoint.model, text, names)
        answer = self._http.request("POST", url, headers=headers, content=body, timeout=endpoint.timeout)
        return read_answer(answer.json(), names)

    def _failed(self, error: RemoteError, now: datetime) -> datetime:
        """Note that the model cannot be had; when it is tried again."""
        self._n_failures += 1
        until = next_try(self._n_failures, now, REST_BASE, REST_MOST)
        self._rests_until = max(until, error.retry_at) if error.retry_at else until
        if self._outages.lost("model", now):
            _log.warning("opinion.lost", model=self._endpoint.model, says=f"{type(error).__name__}: {error}"[:300])
        return self._rests_until

    def _answered(self, asked: Question, values: Mapping[str, float], started_at: datetime, now: datetime) -> None:
        self._n_failures, self._rests_until = 0, None
        model, took = self._endpoint.model, now - started_at
        if not values:
            if self._outages.lost("model", now):
                _log.warning("opinion.lost", model=model, says="the answer is not the numbers that were asked for")
            return
        if since := self._outages.back("model", now):
            _log.info("opinion.recovered", model=model, n_failures=since["n_failures"], lost_s=since["lost_s"])
        _log.info(
            "opinion.given",
            thread=show_id(asked.thread_id),
            model=model,
            about=list(values),
            took_ms=round(took.total_seconds() * 1_000),
        )

    def _put_off(self, engine: Engine, claimed: Claim, until: datetime | None, n_failures: int) -> None:
        with writing(engine) as connection:
            store.put_off(connection, claimed, until, n_failures)
