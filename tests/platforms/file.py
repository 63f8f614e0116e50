"""Another program that drops what happens as JSON Lines or CSV into a folder: a new row for each change."""

import csv
import io
import json
from typing import Any

from tests.platforms.base import BRAND, Entry, FakePlatform, Fault

COLUMNS = ["id", "what", "said", "who", "when", "edited", "answers", "under", "title", "customer"]
NO_HTTP = "a file is not read over HTTP"


class Fake(FakePlatform):
    """Writes day files into a folder; each change of the world is one more line at the end of the newest."""

    variants = ("jsonl", "csv", "one file")
    exempt_faults = dict.fromkeys(Fault, NO_HTTP)
    cursors_never_expire = "positions are byte offsets of files, which no server forgets"

    def start(self) -> None:
        self._written: dict[str, Entry] = {}
        (self.folder / "drop").mkdir()
        self.changed()

    def stop(self) -> None:
        """Nothing runs."""

    def source_settings(self) -> dict[str, Any]:
        ending = "csv" if self.variant == "csv" else "jsonl"
        return {
            "path": str(self.folder / "drop" / f"all.{ending}" if self.variant == "one file" else self.folder / "drop"),
            "columns": {
                "native_id": "id",
                "kind": "what",
                "text": "said",
                "author_native_id": "who",
                "created_at": "when",
                "edited_at": "edited",
                "parent_native_id": "answers",
                "subject_native_id": "under",
                "subject_title": "title",
            },
            "inbound_column": "customer",
            "rows_per_page": self.page_size,
        }

    def native_id(self, key: str) -> str:
        return f"row-{self.world[key].number}"

    def expected(self) -> set[str]:
        return {self.native_id(entry.key) for entry in self.world.entries}

    def changed(self) -> None:
        if not hasattr(self, "_written"):
            return
        ending = "csv" if self.variant == "csv" else "jsonl"
        name = "all" if self.variant == "one file" else f"{self.world.now:%Y-%m-%d-%H}"
        path = self.folder / "drop" / f"{name}.{ending}"
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            if is_new and ending == "csv":
                csv.writer(file).writerow(COLUMNS)
            for entry in self.world.entries:
                if self._written.get(entry.key) != entry:
                    file.write(self._line(entry, ending))
                    self._written[entry.key] = entry

    def _line(self, entry: Entry, ending: str) -> str:
        post = self.world[entry.post] if entry.post else None
        values = [
            self.native_id(entry.key),
            "post" if entry.is_post else "comment",
            entry.text,
            entry.by,
            entry.created_at.isoformat(),
            entry.edited_at.isoformat() if entry.edited_at else "",
            self.native_id(entry.reply_to) if entry.reply_to else "",
            self.native_id(post.key) if post else "",
            post.text if post else "",
            "no" if entry.by == BRAND else "yes",
        ]
        if ending == "jsonl":
            return json.dumps(dict(zip(COLUMNS, values, strict=True))) + "\n"
        out = io.StringIO()
        csv.writer(out).writerow(values)
        return out.getvalue()
