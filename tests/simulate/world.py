"""What happens in the month: posts, comments, answers and three crises; the same for the same seed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
BEGINS = datetime(2030, 10, 30, 4, tzinfo=UTC)  # midnight there; the clocks go back on 3 November
PLACES = ("page", "gallery", "mentions", "reviews", "videos", "blog")
OURS = "the-brand"
HOLIDAYS = (datetime(2030, 11, 11).date(), datetime(2030, 11, 28).date())  # noqa: DTZ001 - Veterans Day, Thanksgiving

_FRIENDLY = (
    "Lovely bread as always",
    "The cinnamon rolls were great today, thank you!",
    "Thank you so much for the cake",
    "😍😍😍",
    "❤️",
    "Thanks for the quick help",
    "Thanks, see you on Saturday!",
    "This looks delicious",
    "Great picture, thanks",
    "👏👏",
)
_QUESTIONS = (
    "What time do you open on Sunday?",
    "Do you have anything without gluten?",
    "How much is the large cake, and can I order it by phone?",
    "Is the shop in Main Street closed next week?",
    "Can somebody tell me whether my order has arrived?",
    "Do you deliver to the north side?",
)
_ANGRY = (
    "This is UNACCEPTABLE, worst bakery ever, you should be ashamed!!!",
    "I am furious, you ruined my daughter's birthday and nobody answers the phone",
    "Terrible service, rude staff, never again!!!",
    "Absolutely disgusting, I want my money back NOW",
)
_MISTAKES = (
    "The date is wrong, Thursday is the 14th and not the 13th",
    "Your link does not work, it leads to an error page",
    "That price is wrong, the shop charged me twice as much as you say here",
)
_OFFENDED = (
    "This is disgusting and offensive, delete this NOW and apologise",
    "How could anybody think that this is funny? Shame on you, tasteless!",
    "Horrible, insulting joke. You should be ashamed, I am never coming back",
    "Unbelievably tone-deaf and offensive. Disgusted.",
)
_CONFUSED = (
    "This is wrong, the date is wrong! Is it tonight or on Thursday?",
    "Thursday is the 14th, not the 13th. Your announcement is wrong!",
    "We stood before a closed door, the date you gave is WRONG. Ridiculous!",
)
_WARNING = (
    "You have been hacked, this is a scam!",
    "Is this really you? Looks like your account was hacked",
    "Hacked account?! Do not click on this link, it is phishing",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance and when it becomes visible; `parent` and `post` are ids of the same place."""

    id: str
    place: str
    at: datetime
    text: str
    who: str
    parent: str = ""
    post: str = ""
    is_post: bool = False
    n_followers: int | None = None


@dataclass(slots=True)
class Month:
    """Everything that is said, by place in order of time; `crises` name their beginnings."""

    said: dict[str, list[Said]]
    crises: dict[str, datetime] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return sum(len(listed) for listed in self.said.values())


@dataclass(slots=True)
class Writer:
    """Writes the month; every number is drawn from one seed."""

    days: int
    n_comments: int
    seed: int
    said: list[Said] = field(default_factory=list)
    n: int = 0
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    @property
    def ends(self) -> datetime:
        return BEGINS + timedelta(days=self.days)

    def write(self) -> Month:
        """The month's utterances: about `n_comments`, and what we post and answer ourselves."""
        posts = list(self._posts())
        crises = self._crises()
        while self.n < self.n_comments:
            self._conversation(self.random.choice(posts))
        by_place: dict[str, list[Said]] = {place: [] for place in PLACES}
        for each in sorted(self.said, key=lambda one: (one.at, one.id)):
            if each.at < self.ends:
                by_place[each.place].append(each)
        return Month(by_place, crises)

    def _posts(self) -> Iterator[Said]:
        for day in range(self.days):
            for place in PLACES:
                at = BEGINS + timedelta(days=day, hours=8, minutes=self.random.randrange(600))
                text = f"News number {day} from our {place}: fresh bread every morning and a new cake of the week"
                yield self._say(place, at, text, OURS, is_post=True)

    def _conversation(self, post: Said) -> None:
        at = post.at + timedelta(minutes=self.random.expovariate(1 / 600))
        if self.random.random() < 0.3:  # most comments come by day, some at any time
            at = post.at + timedelta(hours=self.random.uniform(0, 72))
        kind = self.random.random()
        texts = _FRIENDLY if kind < 0.72 else _QUESTIONS if kind < 0.95 else _ANGRY if kind < 0.985 else _MISTAKES
        who = f"customer-{self.random.randrange(12_000)}"
        first = self._say(post.place, at, self.random.choice(texts), who, post=post.id)
        if texts is _FRIENDLY and self.random.random() < 0.3:
            return  # thanks need no answer
        if self.random.random() > 0.93:
            return  # and some answers are forgotten
        reply = self._answer(first)
        if self.random.random() < 0.25:
            later = reply.at + timedelta(minutes=self.random.uniform(5, 300))
            text = self.random.choice(("Thank you so much!", "Ok thanks", "That is no answer, I am still waiting!!"))
            self._say(post.place, later, text, who, parent=first.id, post=post.id)

    def _answer(self, to: Said) -> Said:
        at = in_business(to.at + timedelta(minutes=self.random.lognormvariate(4.2, 1.0)))
        text = "We are sorry about this. Here is what we know, and please call us if it does not help."
        return self._say(to.place, at, text, OURS, parent=to.id, post=to.post)

    def _crises(self) -> dict[str, datetime]:
        """Three of them, as far as the days reach: at night, while Slack is dead, and on a holiday."""
        found = {}
        for name, day, hour, place, text, outcry, n in (
            ("offence", 1, 23, "page", "Our little joke about people who cannot bake", _OFFENDED, 160),
            ("wrong date", 9, 12, "videos", "The meeting is on Thursday the 13th at 7 pm", _CONFUSED, 90),
            ("hacked", 29, 15, "gallery", "Win 1000 dollars, click http://prize.example9.com", _WARNING, 60),
        ):
            if day >= self.days:
                continue
            at = BEGINS + timedelta(days=day, hours=hour)
            found[name] = at
            self._outcry(self._say(place, at, text, OURS, is_post=True), outcry, n)
        return found

    def _outcry(self, post: Said, texts: tuple[str, ...], n: int) -> None:
        for number in range(n):
            at = post.at + timedelta(minutes=3 + self.random.expovariate(1 / 90))
            who, n_followers = f"upset-{post.id}-{number}", self.random.randrange(5_000)
            first = self._say(post.place, at, self.random.choice(texts), who, post=post.id, n_followers=n_followers)
            if self.random.random() < 0.9:
                self._answer(first)

    def _say(self, place: str, at: datetime, text: str, who: str, **fields: Any) -> Said:
        self.n += 1
        one = Said(f"{place}-{self.n}", place, at, text, who, **fields)
        self.said.append(one)
        return one


def in_business(at: datetime) -> datetime:
    """The first instant from `at` on at which somebody is in the shop."""
    there = at.astimezone(ZONE)
    while there.date() in HOLIDAYS or there.weekday() == 6 or not 8 <= there.hour < 19:
        step = timedelta(hours=1) if there.hour >= 19 or there.hour < 7 else timedelta(minutes=20)
        at += step
        there = at.astimezone(ZONE)
    return at
