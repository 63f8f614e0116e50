"""A chat target whose messages can be changed: what people see of it is a wall of messages, some below others."""

from dataclasses import dataclass, field
from datetime import datetime

from monitor.channels.base import Message
from monitor.model import Notice
from tests.flows.brand import Recorder


@dataclass
class Pinned:
    """One message as people see it now."""

    notice: Notice
    delivery_id: str
    below: str
    n_edits: int = 0


@dataclass
class Board(Recorder):
    """`faults` are raised before anything is shown, `losses` after it: the answer never came."""

    wall: dict[str, Pinned] = field(default_factory=dict)
    losses: list[BaseException] = field(default_factory=list)
    n_calls: int = 0

    def post(self, message: Message, delivery_id: str, now: datetime, follows: str) -> str:
        self.n_calls += 1
        self.send(message, delivery_id, now)
        ref = f"message-{len(self.wall) + 1}"
        self.wall[ref] = Pinned(self.sent[-1], delivery_id, follows)
        if self.losses:
            raise self.losses.pop(0)
        return ref

    def edit(self, ref: str, message: Message, now: datetime) -> None:
        self.n_calls += 1
        if self.faults and (fault := self.faults.pop(0)):
            raise fault
        pinned = self.wall[ref]
        pinned.notice, pinned.n_edits = message.payloads[0]["notice"], pinned.n_edits + 1

    def seen(self) -> list[tuple[str, str, str]]:
        """(status, owner, below which) of each message."""
        return [(each.notice.status, each.notice.owner, each.below) for each in self.wall.values()]


class SearchedBoard(Board):
    """One that can be searched."""

    def find(self, delivery_id: str, since: datetime, follows: str) -> str:
        return next((ref for ref, each in self.wall.items() if each.delivery_id == delivery_id), "")
