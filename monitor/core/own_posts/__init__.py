"""Our own posts, read before the customers read them: pure checks, each with a reason that a person can follow.

A check takes a `Draft` (the post and what surrounds it) and returns what it found, or nothing. A new check is one
function and one line in CHECKS; rules name it in the condition `own_post`.
"""

from collections.abc import Callable, Mapping

from monitor.core.own_posts.account import unlike_us
from monitor.core.own_posts.calendar_slips import past_date, weekday_date
from monitor.core.own_posts.draft import Draft, LinkState, OwnPost, PostFinding
from monitor.core.own_posts.links import dead_link, links_in, malformed_link
from monitor.core.own_posts.others import differs, double_post
from monitor.core.own_posts.wording import forbidden, not_for_public, placeholder

__all__ = ["CHECKS", "Draft", "LinkState", "OwnPost", "PostFinding", "check_post", "links_in"]

CHECKS: Mapping[str, Callable[[Draft], PostFinding | None]] = {
    "weekday_date": weekday_date,
    "past_date": past_date,
    "differs": differs,
    "malformed_link": malformed_link,
    "dead_link": dead_link,
    "placeholder": placeholder,
    "not_for_public": not_for_public,
    "double_post": double_post,
    "forbidden_word": forbidden,
    "unlike_us": unlike_us,
}


def check_post(draft: Draft) -> tuple[PostFinding, ...]:
    """What is wrong, or looks wrong, with a post of ours; in the order of CHECKS."""
    found = [check(draft) for check in CHECKS.values()]
    return tuple(finding for finding in found if finding is not None)
