"""heedful check says where platforms must knock, and what keeps them from being heard."""

from pathlib import Path

from tests.cli.shop import Shop
from tests.platforms.base import World
from tests.platforms.graph import TOKEN, VERSION
from tests.platforms.instagram import Fake

PUSH = """
[accounts.gram]
connector = "instagram"
api_url = "{url}"
token = "{token}"
push_secret = "a-secret-of-the-app"
[sources.gram]
brand = "cafe"
account = "gram"
[accounts.tube]
connector = "youtube"
push_secret = "a-secret-of-our-own"
"""
WEB = '[web]\nport = 8484\npublic_url = "https://heedful.shop.example/"\n'


def test_check_names_the_address_that_a_platform_must_be_told(shop: Shop, tmp_path: Path) -> None:
    with Fake(World(), tmp_path) as fake:
        push = PUSH.format(url=f"{fake.url}/{VERSION}", token=TOKEN)
        written = shop.config.read_text()
        shop.config.write_text(written + push + WEB)
        found = {one["name"]: one["says"] for one in shop.lines("check", code=3) if one["what"] == "push"}
        assert found == {
            "gram": "its platform must be told https://heedful.shop.example/push/gram",
            "tube": "the daemon subscribes it by itself",
        }
        shop.config.write_text(written + push + "[web]\nport = 8484\n")
        assert "no platform can reach it" in shop.run("check", code=3).stdout
        shop.config.write_text(written + push)
        assert "has a push_secret, and nothing listens" in shop.run("check", code=3).stdout
