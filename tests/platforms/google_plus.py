"""Google Takeout: writes the world as the archive that it would hand out, whole and anew after each change.

There is no server: the platform ended in 2019. What it wrote is modelled on archives of that year: file names that say
nothing reliable, an index page, other products beside it, and all the parts of a post in one file.
"""

import json
import os
import shutil
import zipfile
from html import escape
from typing import Any

from tests.platforms.base import BRAND, Entry, FakePlatform, Fault

NO_HTTP = "an archive is not read over HTTP"
STREAM = "Takeout/Google+ Stream/Posts"
FORMS = {"zip of JSON": "json", "zip of pages": "html", "folder": "json", "parts in another language": "both"}


class Fake(FakePlatform):
    """One account's archive; `page_size` is how many rows the connector takes at once."""

    variants = tuple(FORMS)
    exempt_faults = dict.fromkeys(Fault, NO_HTTP)
    cursors_never_expire = "positions are places in a file, which no server forgets"

    _kept: dict[str | None, list[Entry]] | None = None  # what is below each post, the oldest first

    def start(self) -> None:
        self._n_written = 0
        self.changed()

    def stop(self) -> None:
        """Nothing runs."""

    def source_settings(self) -> dict[str, Any]:
        return {"path": str(self.folder / "takeout"), "rows_per_page": self.page_size} | (
            {"path": str(self.folder / "takeout" / "takeout-001.zip")} if self.variant.startswith("zip") else {}
        )

    def native_id(self, key: str) -> str:
        entry = self.world[key]
        if entry.post is None:
            return post_id(entry)
        # Two posts never share a second here, nor one person's comments on a post: see google_plus_reading.
        return comment_id(post_id(self.world[entry.post]), entry, self._nth(entry))

    def expected(self) -> set[str]:
        posts = {entry.key for entry in self.world.posts}
        kept = [entry for entry in self.world.comments if entry.post in posts]
        return {self.native_id(entry.key) for entry in [*self.world.posts, *kept]}

    def _nth(self, entry: Entry) -> int:
        alike = [
            one.key
            for one in self._below(entry.post)
            if one.by == entry.by and int(one.created_at.timestamp()) == int(entry.created_at.timestamp())
        ]
        return alike.index(entry.key) if entry.key in alike else 0

    def _below(self, post: str | None) -> list[Entry]:
        if self._kept is None:
            self._kept = {}
            for entry in sorted(self.world.comments, key=lambda entry: (entry.created_at, entry.number)):
                self._kept.setdefault(entry.post, []).append(entry)
        return self._kept.get(post, [])

    def changed(self) -> None:
        self._kept = None
        if not hasattr(self, "_n_written"):
            return
        self._n_written += 1
        folder = self.folder / "takeout"
        if self.variant == "folder":
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        for number, files in enumerate(self._parts(), 1):
            if self.variant == "folder":
                self._unpack(files)
            else:
                self._pack(f"takeout-{number:03}.zip", files)

    def _pack(self, name: str, files: dict[str, str]) -> None:
        # As a download does it: complete under its name, or not there.
        path = self.folder / f"{name}.part"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for inner, text in files.items():
                archive.writestr(inner, text)
        os.utime(path, (self._n_written, self._n_written))
        path.rename(self.folder / "takeout" / name)

    def _unpack(self, files: dict[str, str]) -> None:
        for inner, text in files.items():
            path = self.folder / "takeout" / inner
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            os.utime(path, (self._n_written, self._n_written))

    def _parts(self) -> list[dict[str, str]]:
        form = FORMS[self.variant]
        if form != "both":
            return [self._files(STREAM, [form])]
        # Two archives in two forms, in German, the pages the older part.
        return [self._files("Takeout/Google+ Stream/Beiträge", [one]) for one in ("html", "json")]

    def _files(self, folder: str, forms: list[str]) -> dict[str, str]:
        files = {
            "Takeout/archive_browser.html": '<html><body><div class="main-content">Your archive</div></body></html>',
            "Takeout/Profile/Profile.json": json.dumps({"name": {"givenName": "Acme"}}),
            "Takeout/Google+ Stream/Photos/oven.jpg.json": json.dumps({"title": "oven.jpg", "description": ""}),
        }
        for post in self.world.posts:
            title = f"{post.created_at:%Y%m%d} - {''.join(c if c.isalnum() else ' ' for c in post.text)[:39]}"
            again = f"({post.number})"
            if "json" in forms:
                files[f"{folder}/{title}{again}.json"] = json.dumps(self.post(post))
            if "html" in forms:
                files[f"{folder}/{title}{again}.html"] = self.page(post)
        return files

    def post(self, entry: Entry) -> dict[str, Any]:
        """A post as Takeout writes it in JSON."""
        told: dict[str, Any] = {
            "url": address(entry),
            "creationTime": stamp(entry.created_at),
            "author": person(entry.by),
            "content": html(entry.text),
            "comments": [self.comment(entry, one) for one in self._below(entry.key)],
            "resourceName": f"users/{user_id(BRAND)}/posts/Ugj{entry.number:08}",
            "plusOnes": [{"plusOner": person("lee")}],
            "postAcl": {
                "isPublic": True,
                "visibleToStandardAcl": {"circles": [{"type": "CIRCLE_TYPE_PUBLIC"}]},
            },
        }
        return told | ({"updateTime": stamp(entry.edited_at)} if entry.edited_at else {})

    def comment(self, post: Entry, entry: Entry) -> dict[str, Any]:
        """A comment of it."""
        told = {
            "creationTime": stamp(entry.created_at),
            "author": person(entry.by),
            "content": html(entry.text),
            "postUrl": address(post),
            "resourceName": f"users/{user_id(BRAND)}/posts/Ugj{post.number:08}/comments/Ugj{post.number:08}-"
            f"{int(entry.created_at.timestamp())}{entry.number:06}",
        }
        return told | ({"updateTime": stamp(entry.edited_at)} if entry.edited_at else {})

    def page(self, entry: Entry) -> str:
        """A post as a page of the HTML form."""
        updated = f"<span> - Updated: {stamp(entry.edited_at)}</span>" if entry.edited_at else ""
        comments = "".join(
            f'<div class="comment"><a target="_blank" href="{profile(one.by)}" class="author">{escape(one.by)}</a>'
            f'<span class="time"> - {stamp(one.created_at)}</span>'
            f'<div class="comment-content">{html(one.text)}</div></div>'
            for one in self._below(entry.key)
        )
        shared = "Geteilt mit: Öffentlich" if self.variant.startswith("parts") else "Shared with: Public"
        return (
            f'<html><head><meta charset="utf-8"><title>{escape(entry.text[:39])}</title></head><body>'
            f'<div style="margin-bottom:1em;"><div><img class="author-photo" src="https://lh3.example/p.jpg" alt="x">'
            f'<a href="{profile(entry.by)}" target="_blank" class="author">{escape(entry.by)}</a> - '
            f'<a target="_blank" href="{address(entry)}">{stamp(entry.created_at)}</a>{updated}</div>'
            f'<div class="main-content">{html(entry.text)}</div></div>'
            f'<div class="visibility">{shared}</div>'
            f'<div class="post-activity"><div class="plus-oners">+1\'d by: <a href="{profile("lee")}">lee</a></div>'
            f'</div><div class="comments">{comments}</div></body></html>'
        )


def post_id(entry: Entry) -> str:
    return f"EJuk{entry.number:07}"


def comment_id(post: str, entry: Entry, nth: int) -> str:
    from hashlib import blake2b

    who = blake2b(user_id(entry.by).encode(), digest_size=4).hexdigest()
    return f"{post}/{int(entry.created_at.timestamp())}-{who}" + (f"-{nth + 1}" if nth else "")


def user_id(name: str) -> str:
    """21 digits, as every account had them."""
    return f"1{int.from_bytes(name.encode(), 'big') % 10**20:020}"


def profile(name: str) -> str:
    return f"https://plus.google.com/{user_id(name)}"


def person(name: str) -> dict[str, str]:
    return {
        "displayName": name,
        "profilePageUrl": profile(name),
        "avatarImageUrl": "https://lh3.example/photo.jpg",
        "resourceName": f"users/{user_id(name)}",
    }


def address(entry: Entry) -> str:
    return f"{profile(BRAND)}/posts/{post_id(entry)}"


def stamp(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}+0000"


def html(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")
