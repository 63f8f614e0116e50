"""The simulated brand: a year of posts with the comments below each, the same at each run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tests.platforms.base import BRAND, START, World

AGE = timedelta(days=372)  # of the oldest post
_PEOPLE = 3_000
_TEXTS = (
    "Is this one without nuts?",
    "The bread was stale again.",
    "Lovely, thank you!",
    "When do you open on Monday?",
    "My order never came, number 1182.",
    "We drove there and you were closed.",
    "Best rye in town.",
    "That price is wrong on your page.",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    n_posts: int
    n_comments: int
    life: timedelta  # how long it is watched after the backfill, while comments go on arriving


FULL = Size(200, 20_000, timedelta(hours=6))
SMALL = Size(6, 90, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Oldest:
    """What late replies are written to: the oldest post, and a customer's comment below it that nobody has answered."""

    post: str
    comment: str


def build(size: Size, now: datetime = START) -> tuple[World, Oldest]:
    """The world as it stands now. Comments come fast at first and then ever more slowly; a quarter are answers."""
    chance = Random(20_000)
    every = (AGE - timedelta(days=2)) / size.n_posts
    events: list[tuple[datetime, int, int]] = []
    for number in range(size.n_posts):
        posted_at = now - AGE + every * number
        events.append((posted_at, number, -1))
        for order in range(_share(size, number)):
            wait = timedelta(hours=2 + min(chance.expovariate(1 / 60), 600))
            events.append((min(posted_at + wait, now - timedelta(minutes=chance.randrange(5, 600))), number, order))
    world = World(now - AGE)
    posts: dict[int, str] = {}
    below: dict[int, list[str]] = {}
    for at, number, order in sorted(events):
        world.now = at.replace(microsecond=0)
        if order < 0:
            posts[number] = world.post(f"News number {number} from the bakery.")
            below[number] = []
            continue
        found = below[number]
        above = chance.choice(found[1:]) if len(found) > 3 and chance.random() < 0.25 else None
        by = BRAND if above and chance.random() < 0.5 else f"guest{chance.randrange(_PEOPLE)}"
        found.append(write(world, posts[number], chance, above, by))
    world.now = now
    return world, Oldest(posts[0], below[0][0])


def write(world: World, post: str, chance: Random, above: str | None = None, by: str = "") -> str:
    """One comment of somebody."""
    by = by or f"guest{chance.randrange(_PEOPLE)}"
    return world.comment(post, f"{chance.choice(_TEXTS)} ({chance.randrange(10**6)})", by=by, reply_to=above)


def _share(size: Size, number: int) -> int:
    """How many of the comments stand below this post: some posts have ten times as many as others."""
    weights = [1 + 9 * (place % 10 == 3) for place in range(size.n_posts)]
    until = [round(size.n_comments * sum(weights[:place]) / sum(weights)) for place in (number, number + 1)]
    return until[1] - until[0]
