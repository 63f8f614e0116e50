"""The platforms that heedful reads; one file each."""

from importlib import import_module

from connectors.base import Connector
from monitor.errors import NotFound

REGISTRY = {
    "mastodon": "connectors.mastodon:Mastodon",
    "facebook": "connectors.facebook:Facebook",
    "instagram": "connectors.instagram:Instagram",
    "reddit": "connectors.reddit:Reddit",
    "app_store": "connectors.app_store:AppStore",
    "app_store_rss": "connectors.app_store_rss:AppStoreRss",
    "x": "connectors.x:X",
    "threads": "connectors.threads:Threads",
    "wordpress": "connectors.wordpress:WordPress",
    "isso": "connectors.isso:Isso",
    "feeds": "connectors.feeds:Feeds",
    "file": "connectors.file:File",
    "youtube": "connectors.youtube:YouTube",
    "google_play": "connectors.google_play:GooglePlay",
    "google_plus": "connectors.google_plus:GooglePlus",
    "google_business": "connectors.google_business:GoogleBusiness",
    "trustpilot": "connectors.trustpilot:Trustpilot",
    "linkedin": "connectors.linkedin:LinkedIn",
    "yelp": "connectors.yelp:Yelp",
    "tripadvisor": "connectors.tripadvisor:Tripadvisor",
    "tiktok": "connectors.tiktok:TikTok",
}


def load(name: str) -> type[Connector]:
    """The connector class of this name, or at this dotted path ("package.module:Class") of the user's own.

    Raises: NotFound, fit to be shown: there is no such connector or its module cannot be imported.
    """
    path = REGISTRY.get(name, name)
    module, _, attribute = path.partition(":")
    if not attribute:
        raise NotFound(
            f'there is no connector "{name}"; there are {", ".join(REGISTRY)} or your own "package.module:Class"'
        )
    try:
        found: type[Connector] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise NotFound(f'the connector "{name}" cannot be loaded: {error}') from error
    return found
