"""What the command line says about itself, its configuration and its store, and how the whole process behaves."""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from tests.cli.shop import ANGRY, Shop

HEEDFUL = (sys.executable, "-c", "from monitor.cli import main; main()")


def wait_for(path: Path, words: str) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if words in (text := path.read_text(encoding="utf-8")):
            return text
        time.sleep(0.05)
    raise AssertionError(f"{words!r} never came: {path.read_text(encoding='utf-8')}")


def test_the_backlog_loads_neither_pydantic_nor_http_nor_logging_that_it_does_not_need(shop: Shop) -> None:
    heavy = ("pydantic", "httpx", "structlog", "rich", "alembic", "apscheduler", "holidays", "selectolax", "re2")
    says = f"import sys; print([name for name in {heavy!r} if name in sys.modules])"
    code = f"import atexit; atexit.register(lambda: exec({says!r}, {{}})); from monitor.cli import main; main()"
    env = {**os.environ, "HEEDFUL_CONFIG": str(shop.config)}
    for arguments in (["backlog"], ["backlog", "--json"], ["alerts"], ["--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]", arguments


def test_run_tells_of_what_happens_and_ends_cleanly_on_ctrl_c(shop: Shop, tmp_path: Path) -> None:
    shop.config.write_text(
        shop.config.read_text().replace(
            "[sources.letters]", '[daemon]\nhealth_port = 0\ntick = "100ms"\n[sources.letters]\nevery = "1s"'
        )
    )
    out, err = tmp_path / "out", tmp_path / "err"
    env = {**os.environ, "HEEDFUL_CONFIG": str(shop.config), "PYTHONUNBUFFERED": "1"}
    with out.open("w") as stdout, err.open("w") as stderr:
        daemon = subprocess.Popen([*HEEDFUL, "run"], env=env, stdout=stdout, stderr=stderr)
        try:
            wait_for(err, "source.polled")
            shop.say(("lou", timedelta(0), ANGRY))
            assert "UNACCEPTABLE" in wait_for(out, "UNACCEPTABLE")
            shop.config.write_text("[broken")
            daemon.send_signal(signal.SIGHUP)
            wait_for(err, "config.refused")
            daemon.send_signal(signal.SIGINT)
            assert daemon.wait(30) == 0
        finally:
            daemon.kill()
    events = [json.loads(line) for line in err.read_text().splitlines()]
    assert events[-1]["event"] == "daemon.stopped"
    assert "UNACCEPTABLE" not in err.read_text()


def test_run_without_sources_says_what_to_do(shop: Shop) -> None:
    shop.config.write_text('[database]\nurl = "sqlite:///shop.db"\n')
    assert "names no sources" in shop.run("run", code=2).stderr


def test_whoever_stops_reading_gets_no_traceback(shop: Shop) -> None:
    env = {**os.environ, "HEEDFUL_CONFIG": str(shop.config)}
    with subprocess.Popen([*HEEDFUL, "connectors", "mastodon"], env=env, text=True, stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_a_store_that_is_not_there_or_not_set_up_says_what_to_do(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for command in ("backlog", "alerts", "status", "sources"):
        assert "`heedful run` makes it" in shop.run(command, code=2).stderr
    assert not (tmp_path / "shop.db").exists()
    (tmp_path / "shop.db").touch()
    assert "run: heedful db upgrade" in shop.run("backlog", code=1).stderr
    assert "heedful db upgrade" in shop.run("status", code=3).stdout
    assert "this version wants" in shop.run("db", "status", code=3).stdout
    assert "Upgraded from nothing" in shop.run("db", "upgrade").stdout
    assert "Up to date at" in shop.run("db", "upgrade").stdout
    (whole,) = shop.lines("db", "status")
    assert whole["revision"] == whole["wanted"]
    assert "Nobody waits." in shop.run("backlog").stdout


def test_a_database_that_does_not_answer_is_told_without_its_password(shop: Shop) -> None:
    shop.config.write_text('[database]\nurl = "postgresql://heedful:hunter22@127.0.0.1:1/heedful"\n')
    told = shop.run("backlog", code=1).stderr
    assert "the database does not answer" in told
    assert "hunter22" not in told
    shown = shop.run("db", "status", code=1)
    assert "hunter22" not in shown.output


def test_a_configuration_that_cannot_be_used_is_refused_with_everything_that_is_wrong(shop: Shop) -> None:
    shop.config.write_text('[daemon]\ntick = "soon"\n[chanels]\n')
    for arguments in (["check"], ["run"], ["rules", "list"]):
        told = shop.run(*arguments, code=2).stderr
        assert 'did you mean "channels"' in told
        assert "daemon.tick" in told
    assert "there is no such file" in shop.run("--config", "nowhere.toml", "backlog", code=2).stderr


def test_check_says_of_each_part_whether_it_would_work_and_changes_nothing(shop: Shop) -> None:
    shop.say(("kim", timedelta(seconds=1), "Do you open on Sunday?"))
    shown = shop.run("check", code=3)
    assert "the brand cafe has no source" in shown.stdout
    assert "1 comment on its first page" in shown.stdout
    assert shop.lines("sources") == []
    config = shop.config.read_text().replace("[brands.cafe]", "")
    shop.config.write_text(config)
    assert "Everything is well." in shop.run("check").stderr
    shop.config.write_text(config.replace(str(shop.drop), str(shop.drop / "nowhere")))
    found = {one["name"]: one for one in shop.lines("check", code=3)}
    assert not found["letters"]["is_well"]
    assert found["console"]["is_well"]
    assert shop.run("check", "--offline").stdout == ""


def test_check_of_the_shipped_configuration_says_what_is_still_missing(shop: Shop) -> None:
    shown = shop.run("check", "--offline", HEEDFUL_CONFIG="", HOME=str(shop.directory), XDG_CONFIG_HOME="", code=3)
    assert "add [brands.<name>]" in shown.stdout
    assert "add [sources.<name>]" in shown.stdout


def test_connectors_lists_abilities_and_every_setting(shop: Shop) -> None:
    described = {one["name"]: one for one in shop.lines("connectors")}
    assert {"mastodon", "file", "slack", "console"} <= set(described)
    assert described["mastodon"]["reads"]
    assert set(described["file"]["abilities"]) == {"replies", "late_replies", "edits", "deletions", "own_posts"}
    shown = shop.run("connectors", "slack").stdout
    assert "url_env or url_file (needed)" in shown
    silent = [(one["name"], s["name"]) for one in described.values() for s in one["settings"] if not s["about"]]
    assert silent == []
    assert "mastodon" in shop.run("connectors").stdout
    assert 'did you mean "mastodon"' in shop.run("connectors", "mastodn", code=2).stderr


def test_config_says_which_file_is_used(shop: Shop) -> None:
    assert shop.run("config", "path").stdout.strip() == str(shop.config)
    assert json.loads(shop.run("config", "schema").stdout)["title"] == "heedful.toml"


def test_the_same_commands_work_on_both_databases(tmp_path: Path, database_url: str) -> None:
    shop = Shop(tmp_path)
    shop.config.write_text(shop.config.read_text().replace("sqlite:///shop.db", database_url))
    shop.say(("kim", timedelta(hours=5), "Do you open on Sunday?"))
    shop.run("poll", "--here")
    assert [line["author_name"] for line in shop.lines("backlog", "--text", "sunday")] == ["Kim"]
    thread = shop.lines("backlog")[0]["id"]
    shop.run("thread", "assign", thread)
    assert "With jane" in shop.run("thread", "show", thread[:6]).stdout
    assert len(shop.run("export", "comments").stdout.splitlines()) == 1
    assert shop.run("rules", "replay").stdout.endswith("1 of 1 thread would have been flagged.\n")
    assert "1 of 1 well" in shop.run("status").stdout
