"""What the audit chain, which nothing is ever taken out of, keeps of a statement: its words, not the values in it.

A number in a WHERE may be a person's. Every literal becomes `?`, comments are left out, and so is a name that stands in
quotes (MySQL's users write values so), holds a long number or is no plain one. Keyed digests (HMAC, SHA-256) of the
literals tell whoever has the key, and nobody else, whether a value that they name was asked for. The key is `audit` in
the home's `postgres/secret.json`, not in the database nor in a backup of it; once it is deleted, nobody can tell any
more.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any, Final

from sqlglot import tokenize
from sqlglot.errors import SqlglotError

from warehouse.cluster import Places, secret
from warehouse.settings import settings

LITERALS: Final = 100
"""Digests of so many literals are kept of one statement; how many it has is always kept."""
_PLAIN: Final = re.compile(r'[a-z_][a-z0-9_$]*(\s+[a-z_]+)*|[^\w\s\'"$]+', re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d{6}")


def kept_of(query: str) -> dict[str, Any]:
    """For an audit entry: `query` with `?` for its literals, their digests in order, and the digest of the whole text.

    Without `query` for what cannot be read as SQL: the digest is all that is kept.
    """
    key = _key()
    whole = {"digest": _digest(key, query)}
    try:
        tokens = tokenize(query, read="postgres")
    except SqlglotError:
        return whole
    words, literals = [], []
    for token in tokens:
        text = query[token.start : token.end + 1]
        if _PLAIN.fullmatch(text) and not _NUMBER.search(text):
            words.append(text)
        else:
            words.append("?")
            literals.append(token.text)
    return {
        "query": " ".join(words),
        "literals": [_digest(key, literal) for literal in literals[:LITERALS]],
        "literal_count": len(literals),
        **whole,
    }


def digest(value: str) -> str:
    """The digest under which `kept_of` keeps a literal of this value, in this hub."""
    return _digest(_key(), value)


def _key() -> bytes:
    places = Places(settings().home / "postgres")
    places.create()
    return secret(places, "audit").encode()


def _digest(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
