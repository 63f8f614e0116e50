"""The tables, in SQLAlchemy Core. Alembic's migrations build them; a test holds the two together.

Every instant is a BIGINT of microseconds since 1970 UTC on both databases (docs/decisions). Brand stands first
in the key of each large table, so that a distributed Postgres can shard by it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

metadata = MetaData()


def _instant(name: str, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _queue_columns() -> tuple[Column[int], Column[int]]:
    """`due_at` (NULL: never) and the fencing number that each claim and each `mark_due` increments."""
    return _instant("due_at"), Column("claim_no", BigInteger, nullable=False, server_default=text("0"))


accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    _instant("held_until"),
    Column("hold_reason", Text, nullable=False, server_default=""),
)

sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("brand", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("cursor", Text, nullable=False, server_default="null"),
    Column("own_author_ids", Text, nullable=False, server_default="[]"),
    _instant("added_at", nullable=False),
    _instant("next_poll_at", nullable=False),
    _instant("claimed_until"),
    Column("poll_requested", Boolean, nullable=False, server_default=text("false")),
    _instant("last_read_at"),  # the last complete read: a page without `more`
    Column("n_failures", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text, nullable=False, server_default=""),
    _instant("failing_since"),
    _instant("closed_at"),
    Column("closed_reason", Text, nullable=False, server_default=""),
    *_queue_columns(),
    Index(
        "sources_due", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")
    ),
)

comments = Table(
    "comments",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    Column("parent_id", BigInteger),
    Column("subject_id", BigInteger),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("author_key", Text, nullable=False),
    Column("details", Text, nullable=False),  # JSON: the fields of Comment and Author that no query looks at
    Column("content_hash", BigInteger, nullable=False),
    _instant("created_at", nullable=False),
    _instant("seen_at", nullable=False),
    _instant("text_changed_at"),
    _instant("deleted_at"),
    Column("is_history", Boolean, nullable=False),
    Column("signals", Text, nullable=False),
    Column("signals_version", Text, nullable=False),
    Column("stirs", Boolean, nullable=False, server_default=text("false")),  # counts for rules about one post
    _instant("refreshed_at"),  # when the platform gave it to us last, where its rules of storage ask for that
    _instant("forget_at"),  # when the next part of it must go
    Column("remains", Text, nullable=False, server_default=""),  # JSON: what is left of it; "" is all
    PrimaryKeyConstraint("brand", "id"),
    Index(
        "comments_forget",
        "forget_at",
        sqlite_where=text("forget_at IS NOT NULL"),
        postgresql_where=text("forget_at IS NOT NULL"),
    ),
    Index("comments_thread", "brand", "thread_id"),
    Index("comments_author", "brand", "author_key"),
    Index(
        "comments_subject",
        "brand",
        "subject_id",
        "created_at",
        sqlite_where=text("stirs"),
        postgresql_where=text("stirs"),
    ),
    Index(
        "comments_posts",
        "brand",
        "source_id",
        "created_at",
        sqlite_where=text("kind = 'post'"),
        postgresql_where=text("kind = 'post'"),
    ),
)

links = Table(  # in posts of ours
    "links",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    _instant("created_at", nullable=False),
    _instant("checked_at"),
    Column("is_dead", Boolean),  # NULL: not opened yet, or it cannot be told
    Column("says", Text, nullable=False, server_default=""),
    Column("n_failures", Integer, nullable=False, server_default=text("0")),
    *_queue_columns(),
    PrimaryKeyConstraint("brand", "id"),
    Index("links_thread", "brand", "thread_id"),
    Index("links_due", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")),
)

revisions = Table(
    "revisions",
    metadata,
    Column("brand", Text, nullable=False),
    Column("comment_id", BigInteger, nullable=False),
    _instant("replaced_at", nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("brand", "comment_id", "replaced_at"),
    Index("revisions_replaced", "brand", "replaced_at", "comment_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("brand", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    _instant("received_at", nullable=False),
    Column("error", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index("quarantine_source", "source_id", "received_at"),
)

threads = Table(
    "threads",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("platform", Text, nullable=False),
    Column("subject_id", BigInteger),
    Column("title", Text, nullable=False, server_default=""),  # of the post it hangs under
    Column("author_name", Text, nullable=False, server_default=""),  # of the oldest open comment, else the root's
    Column("excerpt", Text, nullable=False, server_default=""),  # its first words
    Column("permalink", Text, nullable=False, server_default=""),
    Column("n_comments", Integer, nullable=False, server_default=text("0")),
    _instant("last_at"),
    _instant("awaiting_since"),
    Column("rank", SmallInteger, nullable=False, server_default=text("50")),
    Column("severity", Text, nullable=False, server_default=""),
    Column("standing", Text, nullable=False, server_default=""),
    Column("assignee", Text, nullable=False, server_default=""),
    _instant("closed_at"),
    Column("closed_by", Text, nullable=False, server_default=""),
    _instant("snoozed_until"),
    _instant("check_at"),  # when its comments are next looked at again (NULL: no more)
    *_queue_columns(),
    PrimaryKeyConstraint("brand", "id"),
    Index(
        "threads_backlog",
        "brand",
        "rank",
        "awaiting_since",
        "id",
        sqlite_where=text("awaiting_since IS NOT NULL"),
        postgresql_where=text("awaiting_since IS NOT NULL"),
    ),
    Index(
        "threads_due", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")
    ),
    Index(
        "threads_post",
        "brand",
        "subject_id",
        sqlite_where=text("awaiting_since IS NOT NULL AND subject_id IS NOT NULL"),
        postgresql_where=text("awaiting_since IS NOT NULL AND subject_id IS NOT NULL"),
    ),
    Index(
        "threads_check",
        "source_id",
        "check_at",
        sqlite_where=text("check_at IS NOT NULL"),
        postgresql_where=text("check_at IS NOT NULL"),
    ),
)

acts = Table(  # what people did, for the record
    "acts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("brand", Text, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    _instant("at", nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Index("acts_thread", "brand", "thread_id", "at"),
)

flags = Table(
    "flags",
    metadata,
    Column("brand", Text, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("reasons", Text, nullable=False),  # JSON
    Column("evidence", Text, nullable=False),  # JSON: comment ids
    Column("is_history", Boolean, nullable=False),
    Column("playbook", Text, nullable=False, server_default=""),
    Column("route", Text, nullable=False, server_default=""),
    _instant("raised_at", nullable=False),
    _instant("cleared_at"),
    Column("alert_id", BigInteger),
    PrimaryKeyConstraint("brand", "thread_id", "rule"),
    Index(
        "flags_alert",
        "brand",
        "alert_id",
        sqlite_where=text("alert_id IS NOT NULL"),
        postgresql_where=text("alert_id IS NOT NULL"),
    ),
)

alerts = Table(
    "alerts",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("rule", Text, nullable=False),
    Column("group_key", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    _instant("opened_at", nullable=False),
    Column("told", Text, nullable=False, server_default="[]"),  # JSON: fingerprints in the last notice
    Column("told_severity", Text, nullable=False, server_default=""),
    _instant("last_told_at"),
    Column("n_told", Integer, nullable=False, server_default=text("0")),
    _instant("snoozed_until"),
    Column("acknowledged_by", Text, nullable=False, server_default=""),
    _instant("acknowledged_at"),
    _instant("resolved_at"),
    Column("playbook", Text, nullable=False, server_default=""),
    Column("route", Text, nullable=False, server_default=""),
    Column("platform", Text, nullable=False, server_default=""),
    Column("source_id", Text, nullable=False, server_default=""),  # while all its members are of one source
    Column("says", Text, nullable=False, server_default=""),  # of an operator's alert: what is wrong
    Column("n_repeats", Integer, nullable=False, server_default=text("0")),
    _instant("unowned_since"),
    Column("step", Integer, nullable=False, server_default=text("0")),
    Column("n_reopened", Integer, nullable=False, server_default=text("0")),
    Column("why", Text, nullable=False, server_default=""),  # nothing more is told at present
    Column("shown", Text, nullable=False, server_default=""),  # a digest of what messages kept current show
    *_queue_columns(),
    PrimaryKeyConstraint("brand", "id"),
    Index(
        "alerts_open",
        "brand",
        "group_key",
        unique=True,
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index(
        "alerts_past",  # what may open again
        "brand",
        "group_key",
        "resolved_at",
        sqlite_where=text("resolved_at IS NOT NULL"),
        postgresql_where=text("resolved_at IS NOT NULL"),
    ),
    Index(
        "alerts_crises",
        "brand",
        sqlite_where=text("severity = 'crisis' AND resolved_at IS NULL"),
        postgresql_where=text("severity = 'crisis' AND resolved_at IS NULL"),
    ),
    Index("alerts_due", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")),
)

notices = Table(
    "notices",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("alert_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    _instant("created_at", nullable=False),
    Column("payload", Text, nullable=False),  # JSON of model.Notice
    PrimaryKeyConstraint("brand", "id"),
    Index("notices_alert", "brand", "alert_id"),
)

quotes = Table(  # which notices tell of a thread in the words of those who wrote there
    "quotes",
    metadata,
    Column("brand", Text, nullable=False),
    Column("notice_id", BigInteger, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    Column("source_id", Text, nullable=False),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("brand", "notice_id", "thread_id"),
    Index("quotes_thread", "brand", "thread_id", "notice_id"),
    Index("quotes_source", "source_id", "created_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("notice_id", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("status", Text, nullable=False),  # pending, sent, abandoned, overtaken
    _instant("created_at", nullable=False),
    Column("n_attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text, nullable=False, server_default=""),
    _instant("sent_at"),
    Column("person", Text, nullable=False, server_default=""),
    Column("is_edit", Boolean, nullable=False, server_default=text("false")),
    Column("message_ref", Text, nullable=False, server_default=""),  # what the target calls the message
    *_queue_columns(),
    PrimaryKeyConstraint("brand", "id"),
    Index("deliveries_notice", "brand", "notice_id"),
    Index("deliveries_told", "channel", "created_at"),  # for budgets
    Index(
        "deliveries_line",  # the outbox of each channel, in order
        "channel",
        "created_at",
        "id",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "deliveries_due", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")
    ),
)

held = Table(  # notices that wait for a person's or a room's hours or budget, to be told in one digest
    "held",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("notice_id", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("person", Text, nullable=False, server_default=""),
    _instant("held_at", nullable=False),
    Column("why", Text, nullable=False),
    _instant("released_at"),
    PrimaryKeyConstraint("brand", "id"),
    Index("held_notice", "brand", "notice_id"),
    Index(
        "held_waiting",
        "brand",
        "channel",
        "person",
        sqlite_where=text("released_at IS NULL"),
        postgresql_where=text("released_at IS NULL"),
    ),
)

digests = Table(  # what is told by the clock: what was held, the morning's backlog, the week
    "digests",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", Text, nullable=False),  # its kind, and for whom
    _instant("last_told_at"),
    *_queue_columns(),
    PrimaryKeyConstraint("brand", "id"),
    Index(
        "digests_due", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")
    ),
)

rotas = Table(  # calendars of who is on call, as last fetched
    "rotas",
    metadata,
    Column("id", Text, primary_key=True),
    _instant("fetched_at"),
    Column("calendar", Text, nullable=False, server_default=""),
    Column("last_error", Text, nullable=False, server_default=""),
)

chat_calls = Table(  # what was said to us in chat, so that nothing is done twice
    "chat_calls",
    metadata,
    Column("id", Text, primary_key=True),
    _instant("seen_at", nullable=False),
    Index("chat_calls_seen", "seen_at"),
)

steps = Table(  # of a playbook, as far as people have taken them on for an alert
    "steps",
    metadata,
    Column("brand", Text, nullable=False),
    Column("alert_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    Column("who", Text, nullable=False),
    _instant("taken_at", nullable=False),
    _instant("done_at"),
    PrimaryKeyConstraint("brand", "alert_id", "number"),
)

channels = Table(
    "channels",
    metadata,
    Column("id", Text, primary_key=True),
    _instant("held_until"),
    Column("hold_reason", Text, nullable=False, server_default=""),
    _instant("held_since"),
    _instant("free_at"),  # the target's own pause between two messages
)

silences = Table(
    "silences",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("brand", Text, nullable=False),
    _instant("starts_at", nullable=False),
    _instant("ends_at", nullable=False),
    Column("created_by", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("rule", Text, nullable=False, server_default=""),
    Column("platform", Text, nullable=False, server_default=""),
    Column("source_id", Text, nullable=False, server_default=""),
    Column("severity", Text, nullable=False, server_default=""),
)

corrections = Table(  # what people said about flags; no text is copied
    "corrections",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("thread_id", BigInteger, nullable=False),
    Column("comment_id", BigInteger, nullable=False),  # that the flag rested on
    Column("rule", Text, nullable=False),
    Column("signal", Text, nullable=False, server_default=""),  # that the rule asked for, if it asked for one
    Column("value", Double),  # as measured at the time
    Column("version", Text, nullable=False, server_default=""),  # of the signal
    Column("is_wrong", Boolean, nullable=False),
    Column("who", Text, nullable=False),
    _instant("at", nullable=False),
    PrimaryKeyConstraint("brand", "id"),
    Index("corrections_thread", "brand", "thread_id"),
)

calibrations = Table(  # of a brand, from its own corrections
    "calibrations",
    metadata,
    Column("brand", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("slope", Double, nullable=False),
    Column("offset", Double, nullable=False),
    Column("n", Integer, nullable=False),
    Column("version", Text, nullable=False),  # of the signal that it was fitted to
    _instant("at", nullable=False),
    PrimaryKeyConstraint("brand", "signal"),
)

second_opinions = Table(  # of another model, about comments that ours is not sure of
    "second_opinions",
    metadata,
    Column("brand", Text, nullable=False),
    Column("id", BigInteger, nullable=False),  # of the comment
    Column("thread_id", BigInteger, nullable=False),
    Column("text_hash", BigInteger, nullable=False),
    Column("signals", Text, nullable=False),  # JSON: the names of those asked about
    _instant("created_at", nullable=False),
    Column("model", Text, nullable=False, server_default=""),  # which has answered
    Column("answer", Text, nullable=False, server_default="{}"),  # JSON: a number for each signal
    Column("n_failures", Integer, nullable=False, server_default=text("0")),
    *_queue_columns(),
    PrimaryKeyConstraint("brand", "id"),
    Index("second_opinions_thread", "brand", "thread_id"),
    Index(
        "second_opinions_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

budgets = Table(  # of requests that may be made in a day, by all hosts together
    "budgets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("spent", Integer, nullable=False),
)

spendings = Table(  # what reading has cost: each account's in its budget's window, each source's in each hour
    "spendings",
    metadata,
    Column("account", Text, nullable=False),
    Column("source_id", Text, nullable=False),  # "": all of the account
    _instant("starts_at", nullable=False),
    _instant("ends_at", nullable=False),
    Column("spent", Double, nullable=False),
    Column("n_polls", Integer, nullable=False),  # reads that came to the end
    Column("n_new", Integer, nullable=False),
    Column("dearest", Double, nullable=False, server_default=text("0")),  # the most that one turn cost
    PrimaryKeyConstraint("account", "source_id", "starts_at"),
    Index("spendings_ended", "ends_at"),
)

credentials = Table(  # what platforms have granted to our accounts
    "credentials",
    metadata,
    Column("account", Text, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("sealed", Text, nullable=False),  # JSON of the tokens, encrypted with a key that is not in here
    _instant("expires_at"),  # the access token; NULL: it does not
    _instant("refresh_expires_at"),
    Column("scopes", Text, nullable=False, server_default="[]"),
    _instant("granted_at"),
    _instant("refreshed_at"),
    _instant("refreshing_until"),  # somebody renews it
    Column("refresh_no", BigInteger, nullable=False, server_default=text("0")),
    Column("is_renewable", Boolean, nullable=False, server_default=text("false")),
    Column("warned_days", Integer),  # that were left when people were last warned of its end
)

hints = Table(  # what platforms named to us and no list shows, until it is read by its id
    "hints",
    metadata,
    Column("source_id", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("subject_native_id", Text),
    Column("root_native_id", Text),
    _instant("noted_at", nullable=False),
    Column("n_tries", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("source_id", "native_id"),
)

settings_seen = Table(  # which rules and signals the stored verdicts were made with
    "settings_seen",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
