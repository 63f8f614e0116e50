"""What is said on the forum while daemons die: a world that grows, and remembers what must be stored in the end."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from threading import RLock

ALARM = "I want a refund at once"  # told alone: one alert for each thread
CROWD = "you are closed again"  # told together: one alert for each source


@dataclass(frozen=True, slots=True)
class Said:
    """One comment as it stands; `seq` is the place of its last change. `calls` is the rule that it must set off."""

    id: str
    page: str
    by: str
    text: str
    created_at: datetime
    root: str
    parent: str | None = None
    calls: str = ""
    edited_at: datetime | None = None
    is_deleted: bool = False
    seq: int = 0


class World:
    """Comments on some pages. Threads may use it side by side; the same seed says the same things.

    What sets off a rule is never edited, answered or deleted, so that what must be told does not depend on when
    it is read. Where a page does not tell roots (`rootless`), only comments without answers are deleted: nobody
    could say where an answer belongs whose parents were never seen.
    """

    def __init__(self, pages: list[str], seed: int = 0, rootless: frozenset[str] = frozenset()) -> None:
        self.pages, self._rootless = pages, rootless
        self._chance, self._lock = Random(seed), RLock()
        self._said: dict[str, Said] = {}
        self._coming: list[Said] = []  # parents that the forum shows only after their answers
        self._n_changes = 0

    @property
    def said(self) -> list[Said]:
        """Everything, the deleted too."""
        with self._lock:
            return list(self._said.values())

    def changes(self, page: str, after: int, limit: int) -> list[Said]:
        """What changed on a page since, oldest change first."""
        with self._lock:
            found = [said for said in self._said.values() if said.page == page and said.seq > after]
        return sorted(found, key=lambda said: said.seq)[:limit]

    def say(self, page: str, text: str, *, calls: str = "", at: datetime | None = None) -> Said:
        """A customer begins a conversation."""
        with self._lock:
            new_id = self._new_id()
            said = Said(new_id, page, self._customer(), f"{text} ({new_id})", at or _now(), new_id, calls=calls)
            return self._put(said)

    def grow(self) -> None:
        """Something happens, somewhere."""
        with self._lock:
            page = self._chance.choice(self.pages)
            act = self._chance.choices(
                (self._begin, self._answer, self._answer_early, self._edit, self._delete), (6, 8, 2, 3, 2)
            )[0]
            act(page)

    def settle(self) -> None:
        """Show what is still to come, so that the world is whole."""
        with self._lock:
            for said in self._coming:
                self._put(said)
            self._coming.clear()

    def _begin(self, page: str) -> None:
        calls = self._chance.choices(("", "alarm", "crowd"), (6, 3, 1))[0]
        text = {"": "Where can I park here?", "alarm": f"{ALARM}!", "crowd": f"Why, {CROWD}!"}[calls]
        self.say(page, text, calls=calls)

    def _answer(self, page: str) -> None:
        if above := self._any(page):
            by = "brand" if self._chance.random() < 0.4 and not self._said[above.root].calls else self._customer()
            self._put(self._below(above, by))

    def _answer_early(self, page: str) -> None:
        """An answer that the forum shows before what it answers."""
        if not (above := self._any(page)):
            return
        parent = self._below(above, self._customer())
        self._coming.append(parent)
        self._put(self._below(parent, self._customer()))
        if len(self._coming) > 5:
            self._put(self._coming.pop(0))

    def _edit(self, page: str) -> None:
        if (said := self._any(page)) and not said.calls:
            text = f"Where can I park here? (change {self._n_changes} of {said.id})"
            self._put(replace(said, text=text, edited_at=_now()))

    def _delete(self, page: str) -> None:
        if (said := self._any(page)) is None or said.calls or said.id == said.root:
            return
        if page not in self._rootless or not self._is_answered(said):
            self._put(replace(said, is_deleted=True))

    def _is_answered(self, said: Said) -> bool:
        return any(other.parent == said.id for other in (*self._said.values(), *self._coming))

    def _any(self, page: str) -> Said | None:
        there = [said for said in self._said.values() if said.page == page and not said.is_deleted]
        return self._chance.choice(there) if there else None

    def _below(self, above: Said, by: str) -> Said:
        new_id = self._new_id()
        return Said(new_id, above.page, by, f"About that: {new_id}?", _now(), above.root, above.id)

    def _put(self, said: Said) -> Said:
        self._n_changes += 1
        said = replace(said, seq=self._n_changes)
        self._said[said.id] = said
        return said

    def _new_id(self) -> str:
        self._n_changes += 1
        return f"c{self._n_changes}"

    def _customer(self) -> str:
        return f"customer-{self._chance.randint(1, 40)}"


def _now() -> datetime:
    return datetime.now(UTC)


def before() -> datetime:
    """A time that was before any source was added."""
    return _now() - timedelta(hours=1)
