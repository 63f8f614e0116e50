"""A real Matrix homeserver (Synapse) with one room, and an account that reads what arrived in it."""

import hashlib
import hmac
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from tests.servers.programs import Program, free_port, installed

_SECRET = "test-only"
_CONFIG = """listeners:
  - port: {port}
    bind_addresses: ['127.0.0.1']
    type: http
    tls: false
    resources: [{{names: [client], compress: false}}]
enable_registration: false
registration_shared_secret: {secret}
trusted_key_servers: []
suppress_key_server_warning: true
federation_domain_whitelist: []
url_preview_enabled: false
presence: {{enabled: false}}
rc_message: {{per_second: {per_second}, burst_count: {burst}}}
"""


class RealSynapse:
    """One fresh server. It lets an account send `burst` messages at once, and then so many a second."""

    def __init__(self, folder: Path, per_second: float = 1000, burst: int = 1000) -> None:
        self._python = installed("synapse") / "bin" / "python"
        self._folder, port = folder, free_port()
        self.url = f"http://127.0.0.1:{port}"
        extra = _CONFIG.format(port=port, secret=_SECRET, per_second=per_second, burst=burst)
        (folder / "extra.yaml").write_text(extra)

    def __enter__(self) -> Self:
        server = [str(self._python), "-m", "synapse.app.homeserver", "-c", "hs.yaml"]
        made = ["--server-name", "localhost", "--generate-config", "--report-stats=no"]
        Program([*server, *made, "--data-directory", str(self._folder)], self._folder).wait(60)
        self._program = Program([*server, "-c", "extra.yaml"], self._folder)
        self._program.wait_until_it_answers(f"{self.url}/_matrix/client/versions")
        self.token = self._register("bot")
        self.room_id = self._call("POST", "createRoom", {"name": "alerts"})["room_id"]
        return self

    def __exit__(self, *_: object) -> None:
        self._program.stop()

    def events(self) -> list[dict[str, Any]]:
        """The messages of the room, the oldest first."""
        found = self._call("GET", f"rooms/{quote(self.room_id)}/messages?dir=b&limit=100")["chunk"]
        return [event for event in reversed(found) if event["type"] == "m.room.message"]

    def shown(self, event_id: str) -> dict[str, Any]:
        """What a client shows of an event: what took its place, where the server knows of such."""
        event = self._call("GET", f"rooms/{quote(self.room_id)}/event/{quote(event_id)}")
        changed = event.get("unsigned", {}).get("m.relations", {}).get("m.replace")
        content: dict[str, Any] = changed["content"]["m.new_content"] if changed else event["content"]
        return content

    def thread_of(self, event_id: str) -> list[str]:
        """The events that stand below this one."""
        path = f"{self.url}/_matrix/client/v1/rooms/{quote(self.room_id)}/relations/{quote(event_id)}/m.thread"
        answer = httpx.get(path, headers={"authorization": f"Bearer {self.token}"}, timeout=30)
        return [event["event_id"] for event in answer.raise_for_status().json()["chunk"]]

    def _register(self, name: str) -> str:
        url = f"{self.url}/_synapse/admin/v1/register"
        nonce = httpx.get(url, timeout=30).json()["nonce"]
        text = "\0".join([nonce, name, "a password", "notadmin"])
        mac = hmac.new(_SECRET.encode(), text.encode(), hashlib.sha1).hexdigest()
        told = {"nonce": nonce, "username": name, "password": "a password", "admin": False, "mac": mac}
        token: str = httpx.post(url, json=told, timeout=30).raise_for_status().json()["access_token"]
        return token

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        headers = {"authorization": f"Bearer {self.token}"}
        for _ in range(20):
            url = f"{self.url}/_matrix/client/v3/{path}"
            answer = httpx.request(method, url, json=content, headers=headers, timeout=30)
            if answer.status_code != 429:
                break
            time.sleep(0.5)
        return answer.raise_for_status().json()
