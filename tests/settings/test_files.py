from pathlib import Path

import pytest

from monitor.errors import ConfigError
from monitor.files import find_config, placed_database_url, shipped
from monitor.glance import BrandGlance, glance
from tests.settings.places import ENVIRON, WHOLE, load


def test_the_configuration_named_comes_first_then_the_variable_then_here_then_home_then_the_shipped(
    tmp_path: Path,
) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    own = home / ".config" / "heedful" / "heedful.toml"
    environ = {"HOME": str(home)}
    here.mkdir()
    assert find_config(None, environ, here) in (shipped("config", "heedful.toml"), Path("/etc/heedful/heedful.toml"))
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_config(None, environ, here) == own
    (here / "heedful.toml").touch()
    assert find_config(None, environ, here) == here / "heedful.toml"
    named = tmp_path / "named.toml"
    named.touch()
    assert find_config(None, {**environ, "HEEDFUL_CONFIG": str(named)}, here) == named
    assert find_config(str(own), {**environ, "HEEDFUL_CONFIG": str(named)}, here) == own


def test_a_configuration_that_is_named_and_not_there_is_refused_with_who_named_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="HEEDFUL_CONFIG names it"):
        find_config(None, {"HEEDFUL_CONFIG": str(tmp_path / "no.toml")}, tmp_path)
    with pytest.raises(ConfigError, match="--config names it"):
        find_config(str(tmp_path / "no.toml"), {}, tmp_path)


@pytest.mark.parametrize(
    ("url", "placed"),
    [
        ("sqlite:///heedful.db", "sqlite:////conf/heedful.db"),
        ("sqlite:///data/heedful.db", "sqlite:////conf/data/heedful.db"),
        ("sqlite:////var/lib/heedful.db", "sqlite:////var/lib/heedful.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql:///heedful", "postgresql:///heedful"),
    ],
)
def test_only_relative_sqlite_files_are_moved_beside_the_configuration(url: str, placed: str) -> None:
    assert placed_database_url(url, Path("/conf")) == placed


def test_a_glance_sees_what_the_whole_settings_see(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://heedful:pw@db.example/heedful\n")
    (tmp_path / "url").chmod(0o600)
    environ = {**ENVIRON, "DB": "sqlite:///other.db"}
    for database in ("", 'url = "sqlite:///here.db"', 'url_env = "DB"', 'url_file = "url"'):
        settings = load(tmp_path, f"{WHOLE}\n[database]\n{database}\n", environ)
        seen = glance(settings.file, environ)
        assert seen.database_url == settings.database.url
        assert seen.brands == {"shop": BrandGlance("The Corner Shop", "Europe/London")}
        assert seen.sources == {name: source.brand for name, source in settings.sources.items()}
        assert seen.timezone("shop") == "Europe/London"
        assert seen.timezone("gone") == "UTC"
        assert "pw" not in repr(seen)


def test_a_glance_refuses_a_database_that_it_cannot_find_out(tmp_path: Path) -> None:
    path = tmp_path / "heedful.toml"
    path.write_text('[database]\nurl_env = "NOT_SET"\n')
    with pytest.raises(ConfigError, match=r"database\.url_env: the environment variable NOT_SET is not set"):
        glance(path, {})
    path.write_text('[database]\nurl_file = "nowhere"\n')
    with pytest.raises(ConfigError, match=r"database\.url_file"):
        glance(path, {})
