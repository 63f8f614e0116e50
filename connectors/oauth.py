"""What a platform's OAuth needs to be told: the addresses and scopes that `heedful auth` works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OAuth:
    """One platform's authorization code flow, and its device flow where it has one.

    `refresh_days` is how long a refresh token lives where the platform says so; `token_lives` in seconds where its
    answer does not tell. `scopes` are what reading needs, nothing else. In the parameters "{token}" stands for the
    access token and "{secret}" for the client's.
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    scope_separator: str = " "
    device_url: str = ""
    uses_pkce: bool = True
    client_auth: str = "client_secret_post"  # or client_secret_basic, none
    authorize_params: Mapping[str, str] = field(default_factory=dict)
    refresh_params: Mapping[str, str] = field(default_factory=dict)
    refresh_url: str = ""  # where it is another than token_url
    refresh_days: int | None = None
    token_lives: int | None = None
    exchange_url: str = ""  # where the first token is exchanged, by GET, for one that lives longer
    exchange_params: Mapping[str, str] = field(default_factory=dict)
    renews_by_get: bool = False  # with nothing but `refresh_params`
    speaks_json: bool = False  # tokens are asked for in JSON, and come in `data`, beside a `code` that is 0
    client_name: str = "client_id"  # what the address to agree at calls us by
    code_name: str = "code"  # what the redirect and the token endpoint call the code
    kept: tuple[str, ...] = ()  # what else of the answer the connector asks its access for, by `fact`
