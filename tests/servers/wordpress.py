"""A real WordPress on SQLite, served by PHP itself, and the people who comment, answer and moderate there."""

import shutil
import subprocess
import time
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

import httpx

from tests.servers.programs import Program, free_port, installed

_CONFIG = """<?php
define('DB_NAME','wp');define('DB_USER','x');define('DB_PASSWORD','x');define('DB_HOST','x');
define('DB_CHARSET','utf8');define('DB_COLLATE','');
foreach (['AUTH_KEY','SECURE_AUTH_KEY','LOGGED_IN_KEY','NONCE_KEY','AUTH_SALT','SECURE_AUTH_SALT','LOGGED_IN_SALT',
  'NONCE_SALT'] as $key) define($key, 't'.$key);
$table_prefix='wp_';
define('WP_ENVIRONMENT_TYPE','local'); // application passwords over plain http
define('WP_HTTP_BLOCK_EXTERNAL',true); define('DISABLE_WP_CRON',true);
define('WP_HOME','@URL@'); define('WP_SITEURL','@URL@');
if(!defined('ABSPATH')) define('ABSPATH',__DIR__.'/');
require_once ABSPATH.'wp-settings.php';
"""

# The site's zone is not UTC on purpose: WordPress compares `after=` with local dates.
_SET_UP = """<?php
$_SERVER['HTTP_HOST']='127.0.0.1'; $_SERVER['REQUEST_METHOD']='GET'; $_SERVER['REQUEST_URI']='/';
require $argv[1].'/wp-load.php';
update_option('permalink_structure', '@PERMALINKS@'); update_option('comment_previously_approved','0');
update_option('timezone_string','America/New_York');
foreach (get_comments() as $comment) wp_delete_comment($comment->comment_ID, true);
wp_insert_user(['user_login'=>'writer','user_pass'=>'x','user_email'=>'writer@shop.example','role'=>'author']);
foreach (['admin','writer'] as $login)
  echo "\\n", WP_Application_Passwords::create_new_application_password(
    get_user_by('login',$login)->ID, ['name'=>'heedful'])[0];
"""

_NO_WAITING = """<?php
add_filter('comment_flood_filter', '__return_false', 99); // WordPress refuses two comments within 15 s
"""

_ROUTER = """<?php
$path=parse_url($_SERVER['REQUEST_URI'],PHP_URL_PATH); $file=$_SERVER['DOCUMENT_ROOT'].$path;
if($path!=='/'&&is_file($file)) return false;
$_SERVER['SCRIPT_NAME']='/index.php'; require $_SERVER['DOCUMENT_ROOT'].'/index.php';
"""


class RealWordPress:
    """One fresh site; `permalinks` "" gives the plain `?p=1` links, where the API is only at `?rest_route=`."""

    def __init__(self, folder: Path, permalinks: str = "/%postname%/") -> None:
        self._source = installed("wordpress") / "site"
        self._folder, self._permalinks = folder, permalinks
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        site = self._folder / "site"
        shutil.copytree(self._source, site)
        (site / "wp-config.php").write_text(_CONFIG.replace("@URL@", self.url))
        (site / "wp-content/mu-plugins").mkdir()
        (site / "wp-content/mu-plugins/no_waiting.php").write_text(_NO_WAITING)
        (self._folder / "router.php").write_text(_ROUTER)
        set_up = self._folder / "set_up.php"
        set_up.write_text(_SET_UP.replace("@PERMALINKS@", self._permalinks))
        said = subprocess.run(
            ["php", "-d", "display_errors=0", str(set_up), str(site)], capture_output=True, text=True, check=True
        )
        self.password, self.writer_password = said.stdout.split("\n")[-2:]
        host = self.url.removeprefix("http://")
        # one worker process would wait for itself, were it ever to call its own API
        self._program = Program(
            ["php", "-S", host, "-t", str(site), "router.php"], self._folder, {"PHP_CLI_SERVER_WORKERS": "3"}
        )
        self._program.wait_until_it_answers(f"{self.url}/?rest_route=/wp/v2/types/post")
        self._admin = httpx.Client(auth=("admin", self.password), timeout=30)
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()
        self._program.stop()

    def ask(self, method: str, route: str, **fields: Any) -> Any:
        """Do something as the admin over the REST API, e.g. ask("POST", "comments/7", status="hold")."""
        params = {"rest_route": f"/wp/v2/{route}"}
        if method == "GET":
            params |= fields
        answer = self._admin.request(method, self.url, params=params, json=None if method == "GET" else fields)
        assert answer.is_success, answer.text
        return answer.json()

    def publish(self, title: str, content: str = "Text.") -> int:
        """Publish a post; returns its id."""
        post_id: int = self.ask("POST", "posts", title=title, content=content, status="publish")["id"]
        return post_id

    def comment(self, post: int, text: str, by: str = "Kim", parent: int = 0) -> int:
        """Comment as a guest, through the form that the site shows to everyone."""
        form = {
            "comment_post_ID": post,
            "comment_parent": parent,
            "comment": text,
            "author": by,
            "email": f"{sha256(by.encode()).hexdigest()[:8]}@mail.example",
        }
        answer = httpx.post(f"{self.url}/wp-comments-post.php", data=form, timeout=30)
        assert answer.status_code == 302, answer.text
        return int(answer.headers["location"].rpartition("#comment-")[2])

    def answer(self, post: int, parent: int, text: str = "We are sorry.") -> int:
        """Answer as the brand (the admin's own account), in a second in which nothing else happens.

        WordPress tells no more than the second, and whether a comment came before an answer must be told apart.
        """
        _next_second()
        comment_id: int = self.ask("POST", "comments", post=post, content=text, parent=parent)["id"]
        _next_second()
        return comment_id

    def set_status(self, comment: int, status: str) -> None:
        """approved, hold, spam or trash."""
        self.ask("POST", f"comments/{comment}", status=status)

    def delete(self, comment: int) -> None:
        """Delete for good, past the trash."""
        self.ask("DELETE", f"comments/{comment}", force=True)


def _next_second() -> None:
    time.sleep(1.02 - time.time() % 1)
