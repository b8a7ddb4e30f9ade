"""Embeddings: vectors that were computed once, by the text they stand for."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
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
_DROP = sa.text("DELETE FROM embeddings WHERE tenant = :tenant AND model = :model AND text_hash = :text_hash")
_COUNT = sa.text("SELECT count(*) FROM embeddings WHERE tenant = :tenant AND model = :model")
_HASHES = sa.text("SELECT text_hash FROM embeddings WHERE tenant = :tenant AND model = :model ORDER BY text_hash")


class EmbeddingCache(MutableMapping[str, Vector]):
    """Vectors of one model for one tenant, shape (n_features,), by text.

    Only hashes of the texts are kept, so iterating yields hashes. `update` writes in one transaction and `get_many`
    reads in one query; item by item is one commit each, or one query for what this object has not seen yet.
    """

    def __init__(self, engine: sa.Engine, *, tenant: str, model: str, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._scope = {"tenant": tenant, "model": model}
        self._seen: dict[str, Vector] = {}

    def get_many(self, texts: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of those texts that have one."""
        unseen = {text_hash(text): text for text in texts if text not in self._seen}
        noted = microseconds(self._now() - USE_NOTED)
        news = []
        with self._engine.connect() as connection:
            for chunk in chunks(unseen):
                for key, vector, used_at in connection.execute(_FIND, {**self._scope, "text_hashes": chunk}):
                    self._seen[unseen[key]] = np.frombuffer(vector, FLOAT32).astype(np.float32)
                    news += [key] if used_at < noted else []
        self._write(_NOTE_USE, [{"text_hash": key} for key in news])
        return {text: self._seen[text] for text in texts if text in self._seen}

    def update(  # type: ignore[override]  # without keywords: a text is not one
        self, other: Mapping[str, Vector] | Iterable[tuple[str, Vector]], /
    ) -> None:
        """Keep many vectors at once."""
        vectors = {text: np.asarray(vector, np.float32) for text, vector in dict(other).items()}
        rows = [
            {"text_hash": text_hash(text), "vector": vector.astype(FLOAT32).tobytes()}
            for text, vector in vectors.items()
        ]
        self._write(_KEEP, rows)
        self._seen.update(vectors)

    def _write(self, statement: sa.TextClause, rows: Sequence[Mapping[str, object]]) -> None:
        if rows:
            now = microseconds(self._now())
            with writing(self._engine) as connection:
                connection.execute(statement, [{**self._scope, "now": now, **row} for row in rows])

    def __getitem__(self, text: str) -> Vector:
        return self.get_many([text])[text]

    def __setitem__(self, text: str, vector: Vector) -> None:
        self.update({text: vector})

    def __delitem__(self, text: str) -> None:
        self._seen.pop(text, None)
        with writing(self._engine) as connection:
            if not connection.execute(_DROP, {**self._scope, "text_hash": text_hash(text)}).rowcount:
                raise KeyError(text)

    def __iter__(self) -> Iterator[str]:
        with self._engine.connect() as connection:
            return iter(list(connection.scalars(_HASHES, self._scope)))

    def __len__(self) -> int:
        with self._engine.connect() as connection:
            return int(connection.scalar(_COUNT, self._scope) or 0)


def text_hash(text: str) -> str:
    """Return what a text is found by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
