"""The simulated platform as a person sees it in a browser, so that the links in alerts lead somewhere."""

import re
from html import escape

from monitor.example.world import Scene, Status

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "article{border-left:3px solid #ccc;padding:.2rem 1rem;margin:1rem 0}.ours{border-color:#07c}.here{background:#ffd}"
    "small{color:#555}"
)
_THREAD = re.compile(r"/@(\w+)/(\d+)")


def page(scene: Scene, path: str) -> tuple[int, str]:
    """The status code and HTML of a page: one thread under its permalink, everything under "/"."""
    if path == "/":
        roots = [status for status in scene.statuses.values() if scene.answered_by(status) is None]
        return 200, _document(scene, sorted(roots, key=lambda root: root.created_at, reverse=True), "")
    found = _THREAD.fullmatch(path)
    status = scene.statuses.get(found.group(2)) if found else None
    if status is None or found is None or found.group(1) != status.author.handle:
        return 404, _frame("<p>There is nothing here (any more).</p>")
    return 200, _document(scene, [*scene.ancestors(status), status][:1], status.id)


def _document(scene: Scene, roots: list[Status], here: str) -> str:
    return _frame("".join(_branch(scene, root, here) for root in roots))


def _branch(scene: Scene, status: Status, here: str) -> str:
    kinds = ("ours" if status.author == scene.brand else "", "here" if status.id == here else "")
    edited = ", edited" if status.edited_at else ""
    at = f"{status.created_at:%Y-%m-%d %H:%M:%S} UTC{edited}"
    says = escape(status.text).replace("\n", "<br>")
    below = "".join(_branch(scene, answer, here) for answer in scene.answers.get(status.id, ()))
    return (
        f'<article class="{" ".join(kinds).strip()}" id="s{status.id}"><b>{escape(status.author.name)}</b> '
        f"<small>@{escape(status.author.handle)}, {at}</small><p>{says}</p>{below}</article>"
    )


def _frame(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>heedful\'s simulated platform</title>'
        f"<style>{_STYLE}</style><p><small>This platform, its people and what they say are made up: it is "
        f'<a href="/">the example</a> that comes with heedful.</small></p>{body}</html>'
    )
