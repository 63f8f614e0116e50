"""heedful check says what each chat must be told, and what keeps people from being heard there."""

from monitor.core.signatures import unguessable
from tests.cli.shop import CONFIG as SHOP
from tests.cli.shop import Shop
from tests.web.chats import GROUPME_SECRET, config

WEB = '[web]\nport = 8484\npublic_url = "https://heedful.shop.example/"\n'


WALL = '[sources.wall]\nbrand = "shop"\nconnector = "tests.web.wall:Wall"\nevery = "30s"\n'
CONSOLE = '[channels.console]\nkind = "console"\n'


def write(shop: Shop, web: str, chats: str) -> None:
    base = SHOP.format(drop=shop.drop).replace(CONSOLE, "")
    shop.config.write_text(base + web + chats.partition("[[routes]]")[0].replace(WALL, ""))


def test_check_names_what_each_chat_must_be_told(shop: Shop) -> None:
    write(shop, WEB, config())
    found = {one["name"]: one["says"] for one in shop.lines("check", code=3) if one["what"] == "chat"}
    there = "https://heedful.shop.example/chat"
    assert sorted(found) == ["discord", "groupme", "mattermost", "slack", "telegram"]
    assert f"{there}/slack: under Interactivity, and as the URL of a slash command" in found["slack"]
    assert f"{there}/groupme/{unguessable(GROUPME_SECRET, 'groupme')} " in found["groupme"]
    assert f'"url": "{there}/telegram", "secret_token": "<callback_secret>"' in found["telegram"]
    assert f"Interactions Endpoint URL must be {there}/discord" in found["discord"]
    assert f"slash command /heedful must be told {there}/mattermost" in found["mattermost"]
    shown = shop.run("check", code=3).stdout
    for secret in (GROUPME_SECRET, "t3legram-webhook_secret", "mattermostcommandtoken01ab", "AAtokenOfABot"):
        assert secret not in shown


def test_check_says_what_keeps_people_from_being_heard(shop: Shop) -> None:
    write(shop, "", config())
    says = [one["says"] for one in shop.lines("check", "--offline", code=3) if one["what"] == "config"]
    assert "the channel slack could be answered in its chat, and nothing listens: give [web] a port" in says
    lonely = config().replace('telegram = "77", ', "").replace("/chat/mattermost", "/chat/other")
    write(shop, "[web]\nport = 8484\n", lonely)
    found = shop.lines("check", "--offline", code=3)
    says = [one["says"] for one in found if one["what"] == "config"]
    assert any("the channel telegram is listened to, and nobody may answer" in one for one in says)
    assert any("channels.mattermost.callback_url must end with /chat/mattermost" in one for one in says)
    assert [one["is_well"] for one in found if one["what"] == "chat"] == [False] * 5
    assert "the chat cannot reach it" in shop.run("check", "--offline", code=3).stdout
