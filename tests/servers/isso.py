"""A real Isso server, and the people who comment, answer, edit and delete there."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.servers.programs import Program, free_port, installed

_CONFIG = """[general]
dbpath = @FOLDER@/comments.db
host = @URL@/
notify = stdout
latest-enabled = @LATEST@
[moderation]
enabled = @MODERATED@
[server]
listen = @URL@/
[guard]
enabled = false
"""


@dataclass
class Posted:
    """A comment, with the cookie by which its author may change it."""

    id: int
    page: str
    cookies: dict[str, str] = field(repr=False)
    hash: str = ""


class RealIsso:
    """One fresh server; `is_moderated`: comments wait for approval."""

    def __init__(self, folder: Path, is_moderated: bool = False, has_latest: bool = True) -> None:
        self._bin = installed("isso") / "bin"
        self._folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        config = _CONFIG.replace("@FOLDER@", str(folder)).replace("@URL@", self.url)
        config = config.replace("@MODERATED@", str(is_moderated)).replace("@LATEST@", str(has_latest))
        (folder / "isso.cfg").write_text(config)

    def __enter__(self) -> Self:
        self._program = Program([str(self._bin / "isso"), "-c", "isso.cfg", "run"], self._folder)
        self._program.wait_until_it_answers(f"{self.url}/config")
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()

    def comment(self, page: str, text: str, by: str = "Kim", parent: Posted | None = None, email: str = "") -> Posted:
        """Comment on a page, or answer a comment."""
        email = email or f"{by.split()[0].casefold()}@mail.example"
        told: dict[str, Any] = {"text": text, "author": by, "email": email, "title": "A page"}
        if parent is not None:
            told |= {"parent": parent.id}
        answer = self._ask("POST", "/new", {"uri": page}, told)
        posted = answer.json()
        return Posted(posted["id"], page, dict(answer.cookies), posted["hash"])

    def edit(self, posted: Posted, text: str, by: str = "Kim") -> None:
        """Change a comment as its author; this changes the cookie too."""
        answer = self._ask("PUT", f"/id/{posted.id}", {}, {"text": text, "author": by}, posted.cookies)
        posted.cookies = dict(answer.cookies)

    def delete(self, posted: Posted) -> None:
        """Delete a comment as its author."""
        self._ask("DELETE", f"/id/{posted.id}", {}, None, posted.cookies)

    def moderate(self, posted: Posted, action: str, **fields: str) -> None:
        """activate, edit or delete a comment, by the signed link that the server sends to its owner."""
        says = re.compile(rf"/id/{posted.id}/(?:delete|activate)/(\S+)")
        end = time.monotonic() + 60
        while not (found := says.search(self._program.log.read_text())) and time.monotonic() < end:
            time.sleep(0.05)
        assert found, f"no link for comment {posted.id} in the server's log"
        self._ask("POST", f"/id/{posted.id}/{action}/{found[1]}", {}, fields or None)

    def _ask(
        self, method: str, path: str, params: dict[str, str], told: Any = None, cookies: dict[str, str] | None = None
    ) -> httpx.Response:
        with httpx.Client(base_url=self.url, cookies=cookies, timeout=30) as client:
            answer = client.request(method, path, params=params, json=told)
        assert answer.is_success, answer.text
        return answer
