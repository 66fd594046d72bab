"""The search index: keeping it in step, asking it, making it anew.

Owns the table `search`. A message is in the index while it is finished; its row id is the
message's, so the newest come first at no cost. The index may hold too much (what it finds is
looked at again in `messages`) but never too little: it changes in the transaction of the text.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, func, select, text
from sqlalchemy.dialects.sqlite import insert as insert_or

from worker.contract.types import Hit
from worker.storage import folding, rules
from worker.storage.sqlite import reminders
from worker.storage.sqlite.chats import chat_seq
from worker.storage.sqlite.schema import SEARCH_DDL, chats, facts, messages, owners

Entry = tuple[int, str]
"""A message's row id and its text."""

_BATCH = 1000
_FACT = "search"

_ADD = text("INSERT INTO search (rowid, grams) VALUES (:seq, :grams)")
_FORGET = text("INSERT INTO search (search, rowid, grams) VALUES ('delete', :seq, :grams)")
_MERGE = text("INSERT INTO search (search, rank) VALUES ('merge', :pages)")
_OWNER = select(
    select(owners.c.seq).where(owners.c.name == bindparam("owner")).scalar_subquery(),
    select(func.count() > 1).select_from(owners).scalar_subquery(),
)
_OWNER_OF = select(chats.c.owner).where(chats.c.seq == bindparam("chat"))
_FIND = text(
    "SELECT found.seq, messages.id, messages.role, messages.created, messages.text, "
    "messages.state, chats.id AS chat, chats.title, chats.deleted "
    "FROM (SELECT rowid AS seq FROM search WHERE search MATCH :wanted AND rowid < :below "
    "ORDER BY rowid DESC LIMIT :many) AS found "
    "LEFT JOIN messages ON messages.seq = found.seq AND messages.owner = :owner "
    "LEFT JOIN chats ON chats.seq = messages.chat "
    "ORDER BY found.seq DESC"
).columns(
    messages.c.seq,
    messages.c.id,
    messages.c.role,
    messages.c.created,
    messages.c.text,
    messages.c.state,
    chats.c.id.label("chat"),
    chats.c.title,
    chats.c.deleted,
)


def add(db: Connection, chat: int, entries: Iterable[Entry]) -> None:
    """Make finished messages of one chat findable."""
    _change(db, "add", chat, entries)


def forget(db: Connection, chat: int, entries: Iterable[Entry]) -> None:
    """Take messages of one chat out; their texts have to be those that were added."""
    _change(db, "forget", chat, entries)


def find(db: Connection, owner: str, query: str, chat: str | None, limit: int) -> tuple[Hit, ...]:
    """See `Storage.search`."""
    wanted = folding.terms(query)
    where = () if chat is None else (folding.scope(chat_seq(db, owner, chat)),)
    number, others = db.execute(_OWNER, {"owner": owner}).one()
    if not wanted or number is None:
        return ()
    if chat is None and others:
        where = (folding.scope(number, owner=True),)
    expression = " ".join(f'"{gram}"' for gram in (*where, *folding.asked(wanted)))
    hits: list[Hit] = []
    limit = rules.within(limit, rules.MOST_HITS)
    below, many = 1 << 62, limit + limit // 8 + 8
    while len(hits) < limit:
        rows = db.execute(
            _FIND, {"wanted": expression, "below": below, "many": many, "owner": number}
        ).all()
        for row in rows:
            if row.id is None or row.deleted is not None or row.state == "streaming":
                continue
            folded = folding.fold(row.text)
            if folding.holds(folded, wanted):
                cut = folding.excerpt(row.text, folded, wanted[0])
                hits.append(Hit(row.chat, row.title, row.id, row.role, row.created, *cut))
                if len(hits) == limit:
                    break
        if len(rows) < many:
            break
        below, many = rows[-1].seq, min(many * 4, 4000)
    return tuple(hits)


def is_current(db: Connection) -> bool:
    """Whether the index was made by the rules that are used now."""
    return db.scalar(select(facts.c.value).where(facts.c.name == _FACT)) == folding.VERSION


def mark_current(db: Connection) -> None:
    """Note that the index holds every finished message by the rules that are used now."""
    values = {"name": _FACT, "value": folding.VERSION}
    statement = insert_or(facts).values(values)
    db.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def rebuild(db: Connection) -> None:
    """Throw the index away and make it from the texts; make reminders searchable by its rules."""
    db.execute(text("DROP TABLE IF EXISTS search"))
    db.execute(text(SEARCH_DDL))
    last = -(1 << 62)
    while True:
        rows = db.execute(
            select(messages.c.seq, messages.c.owner, messages.c.chat, messages.c.text)
            .where(messages.c.seq > last, messages.c.state != "streaming")
            .order_by(messages.c.seq)
            .limit(_BATCH)
        ).all()
        if not rows:
            break
        db.execute(_ADD, [_entry(*row) for row in rows])
        last = rows[-1].seq
    reminders.refold(db)
    mark_current(db)


def merge(db: Connection, pages: int = 500) -> None:
    """Join some of the index's parts, so that asking stays quick."""
    db.execute(_MERGE, {"pages": pages})


def _change(db: Connection, what: str, chat: int, entries: Iterable[Entry]) -> None:
    filled = [(seq, words) for seq, words in entries if words]
    if not filled:
        return
    owner = db.scalar(_OWNER_OF, {"chat": chat})
    assert owner is not None  # the caller has the chat's row id
    values = [_entry(seq, owner, chat, words) for seq, words in filled]
    db.execute(_ADD if what == "add" else _FORGET, values)


def _entry(seq: int, owner: int, chat: int, words: str) -> dict[str, object]:
    grams: Sequence[str] = [
        folding.scope(owner, owner=True),
        folding.scope(chat),
        *folding.grams(words),
    ]
    return {"seq": seq, "grams": " ".join(grams)}
