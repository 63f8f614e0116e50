"""A forum on which somebody writes so many times a second, at instants that follow from the rate alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic, sleep

from tests.crash.world import World

ANGRY = "This is UNACCEPTABLE, the worst service ever, you should be ashamed!!!"
CALM = "The bread was lovely today, and the strawberry cake for my mother too."


@dataclass
class Feed:
    """What has been said so far. `visible_at` has, for each comment that must be told, when a poll could first see it.

    Every comment begins a conversation of its own, and what is angry sets off the shipped rule of that name, so that
    each becomes an alert and a message of its own: the instant at which its id first arrives at the webhook is the
    comment's and no other's. Calm ones make the same work up to their verdict, but nobody is told of them, and so
    they have no time.
    """

    world: World
    pages: list[str]
    visible_at: dict[str, float] = field(default_factory=dict)
    n_said: int = 0
    late_s: float = 0.0  # behind the rate at worst: the feeder's own delay, which is in nobody's time

    def run(self, rate: float, seconds: float, told_share: float) -> None:
        """Say `rate` comments a second, evenly; `told_share` of them are angry."""
        began, n = monotonic(), round(rate * seconds)
        for number in range(n):
            wait = began + number / rate - monotonic()
            if wait > 0:
                sleep(wait)
            self.late_s = max(self.late_s, -wait)
            self._say(number, is_told=int((number + 1) * told_share) > int(number * told_share))

    def _say(self, number: int, *, is_told: bool) -> None:
        page = self.pages[number % len(self.pages)]
        at = monotonic()  # before it is there: what a poll sees at once is not younger than nothing
        said = self.world.say(page, ANGRY if is_told else CALM, calls="angry" if is_told else "")
        self.n_said += 1
        if is_told:
            self.visible_at[said.id] = at


def waits(visible_at: Mapping[str, float], arrived_at: Mapping[str, float]) -> list[float]:
    """How long each told comment took, the shortest first; those that never arrived are left out."""
    return sorted(arrived_at[said] - at for said, at in visible_at.items() if said in arrived_at)
