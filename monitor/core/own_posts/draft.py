"""What the checks of our own posts look at, and what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from monitor.core.matching import Phrase


@dataclass(frozen=True, slots=True)
class OwnPost:
    """One post of ours: plain text, aware UTC; `language` is an ISO 639-1 code, "" where it cannot be told."""

    id: int
    text: str
    created_at: datetime
    language: str = ""


@dataclass(frozen=True, slots=True)
class LinkState:
    """What came of opening a link that stands in a post: `is_dead` None means that it could not be told."""

    is_dead: bool | None
    says: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A post with what surrounds it: our other posts of the same source (any order) and the brand's own settings."""

    post: OwnPost
    others: Sequence[OwnPost] = ()
    zone: tzinfo = UTC
    forbidden: Mapping[str, Phrase] = field(default_factory=dict)  # as the operator wrote it: ready to be found
    links: Mapping[str, LinkState] = field(default_factory=dict)  # by URL, those that were opened

    @property
    def local_time(self) -> datetime:
        """When the post was published, on the brand's own clock."""
        return self.post.created_at.astimezone(self.zone)


@dataclass(frozen=True, slots=True)
class PostFinding:
    """One check's finding: why in a sentence, and the words of the post that it rests on."""

    check: str
    says: str
    words: tuple[str, ...] = ()
