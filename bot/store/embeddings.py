"""Embeddings: vectors that were computed once, by the text they stand for."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from bot.store.columns import chunks
from bot.store.failure_modes import FLOAT32
from bot.store.transaction import writing
from webhooks.searched import microseconds

# How exactly it is known when a vector was last asked for: not every reading is a write.
USE_NOTED = timedelta(days=1)

Vector = npt.NDArray[np.float32]

_KEEP = sa.text("""
    INSERT INTO embeddings (tenant, model, text_hash, vector, used_at)
    VALUES (:tenant, :model, :text_hash, :vector, :now)
    ON CONFLICT (tenant, model, text_hash) DO UPDATE SET vector = excluded.vector, used_at = excluded.used_at
""")
_FIND = sa.text("""
    SELECT text_hash, vector, used_at FROM embeddings
    WHERE tenant = :tenant AND model = :model AND text_hash IN :text_hashes
""").bindparams(sa.bindparam("text_hashes", expanding=True))
_NOTE_USE = sa.text("""
    UPDATE embeddings SET used_at = :now WHERE tenant = :tenant AND model = :model AND text_hash = :text_hash
""")


class EmbeddingCache:
    """Vectors of one model for one tenant, shape (n_features,), by text. Only hashes of the texts are kept."""

    def __init__(self, engine: sa.Engine, *, tenant: str, model: str, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._scope = {"tenant": tenant, "model": model}

    def get_many(self, texts: Iterable[str]) -> dict[str, Vector]:
        """Return the vectors of those texts that have one."""
        text_of = {text_hash(text): text for text in texts}
        noted = microseconds(self._now() - USE_NOTED)
        found: dict[str, Vector] = {}
        news = []
        with self._engine.connect() as connection:
            for chunk in chunks(text_of):
                for key, vector, used_at in connection.execute(_FIND, {**self._scope, "text_hashes": chunk}):
                    found[text_of[key]] = np.frombuffer(vector, FLOAT32).astype(np.float32)
                    news += [key] if used_at < noted else []
        self._write(_NOTE_USE, [{"text_hash": key} for key in news])
        return found

    def update(self, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors, in one transaction."""
        rows = [
            {"text_hash": text_hash(text), "vector": np.asarray(vector, np.float32).astype(FLOAT32).tobytes()}
            for text, vector in vectors.items()
        ]
        self._write(_KEEP, rows)

    def _write(self, statement: sa.TextClause, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            now = microseconds(self._now())
            with writing(self._engine) as connection:
                connection.execute(statement, [{**self._scope, "now": now, **row} for row in rows])


def text_hash(text: str) -> str:
    """Return what a text is found by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
