"""heedful import of an archive: the connector is named, and what it reads never alerts, as a source neither."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.cli.shop import ANGRY, Shop


def _archive(path: Path, *, at: str = "2013-06-23 13:00:01+0000", is_public: bool = True) -> Path:
    def person(number: int, name: str) -> dict[str, str]:
        return {"displayName": name, "profilePageUrl": f"https://plus.google.com/{number}"}

    post: dict[str, Any] = {
        "url": "https://plus.google.com/100/posts/EJukQAAfFrV",
        "creationTime": at,
        "author": person(100, "Acme"),
        "content": "Fresh <b>rye</b> today",
        "postAcl": {"isPublic": is_public},
        "comments": [{"creationTime": at, "author": person(200, "Rob"), "content": ANGRY}],
    }
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("Takeout/Google+ Stream/Posts/a.json", json.dumps(post))
        out.writestr("Takeout/Google+ Stream/Posts/b.json", json.dumps(post)[:-9])
    return path


def test_an_archive_is_imported_as_history_and_its_words_are_found(shop: Shop, tmp_path: Path) -> None:
    named = ("import", str(_archive(tmp_path / "takeout.zip")), "--connector", "google_plus", "--brand", "shop")
    shown = shop.run(*named, code=3).stdout
    assert "2 comments taken in" in shown
    assert "Posts/b.json: not JSON" in shown
    assert "0 comments taken in, 0 changed, 2 known" in shop.run(*named, code=3).stdout
    assert shop.lines("alerts") == []
    (line,) = shop.lines("backlog", "--text", "unacceptable")
    assert (line["platform"], line["author_name"]) == ("google_plus", "Rob")


def test_what_an_archive_keeps_back_is_said(shop: Shop, tmp_path: Path) -> None:
    path = _archive(tmp_path / "takeout.zip", is_public=False)
    named = ("import", str(path), "--connector", "google_plus", "--brand", "shop")
    assert "1 post was not public and left out" in shop.run(*named, code=3).stdout
    shown = shop.run(*named, "--option", "with_private=true", code=3).stdout
    assert "2 comments taken in" in shown


def test_an_archive_as_a_source_never_alerts_even_where_its_dates_are_forged(shop: Shop, tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(days=400)
    path = _archive(tmp_path / "takeout.zip", at=f"{soon:%Y-%m-%d %H:%M:%S}+0000")
    source = f'[sources.old]\nbrand = "shop"\nconnector = "google_plus"\npath = "{path}"\n[channels.console]'
    shop.config.write_text(shop.config.read_text().replace("[channels.console]", source))
    shop.run("poll", "old", "--here")
    comments = [json.loads(line) for line in shop.run("export", "comments").stdout.splitlines()]
    assert [comment["is_history"] for comment in comments] == [True, True]
    assert shop.lines("alerts") == []
    named = ("import", str(path), "--connector", "google_plus", "--brand", "shop")
    assert "0 comments taken in, 0 changed, 2 known" in shop.run(*named, code=3).stdout


def test_a_connector_that_reads_no_path_cannot_import_and_a_mistyped_one_names_the_nearest(
    shop: Shop, tmp_path: Path
) -> None:
    path = _archive(tmp_path / "takeout.zip")
    told = shop.run("import", str(path), "--connector", "mastodon", "--brand", "shop", code=2).stderr
    assert "reads no file or folder" in told
    told = shop.run("import", str(path), "--connector", "google_pluss", "--brand", "shop", code=2).stderr
    assert 'did you mean "google_plus"' in told
    refused = shop.run(
        "import", str(path), "--connector", "google_plus", "--brand", "shop", "--column", "text=x", code=2
    )
    assert "columns" in refused.stderr
