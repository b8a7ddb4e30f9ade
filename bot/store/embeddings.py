"""Embeddings: vectors that were computed once, by the text they stand for."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from bot.store.columns import chunks
from bot.store.failure_modes import FLOAT32
from bot.store.transaction import writing

Vector = npt.NDArray[np.float32]

_KEEP = sa.text("""
    INSERT INTO embeddings (tenant, model, text_hash, vector) VALUES (:tenant, :model, :text_hash, :vector)
    ON CONFLICT (tenant, model, text_hash) DO UPDATE SET vector = excluded.vector
""")
_FIND = sa.text("""
    SELECT text_hash, vector FROM embeddings
    WHERE tenant = :tenant AND model = :model AND text_hash IN :text_hashes
""").bindparams(sa.bindparam("text_hashes", expanding=True))
_DROP = sa.text("DELETE FROM embeddings WHERE tenant = :tenant AND model = :model AND text_hash = :text_hash")
_COUNT = sa.text("SELECT count(*) FROM embeddings WHERE tenant = :tenant AND model = :model")
_HASHES = sa.text("SELECT text_hash FROM embeddings WHERE tenant = :tenant AND model = :model ORDER BY text_hash")


class EmbeddingCache(MutableMapping[str, Vector]):
    """Vectors of one model for one tenant, shape (n_features,), by text.

    Only hashes of the texts are kept, so iterating yields hashes. `update` writes in one transaction and `get_many`
    reads in one query; item by item is one commit each, or one query for what this object has not seen yet.
    """

    def __init__(self, engine: sa.Engine, *, tenant: str, model: str) -> None:
        self._engine = engine
        self._scope = {"tenant": tenant, "model": model}
        self._seen: dict[str, Vector] = {}

    def get_many(self, texts: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of those texts that have one."""
        unseen = {text_hash(text): text for text in texts if text not in self._seen}
        with self._engine.connect() as connection:
            for chunk in chunks(unseen):
                for key, vector in connection.execute(_FIND, {**self._scope, "text_hashes": chunk}):
                    self._seen[unseen[key]] = np.frombuffer(vector, FLOAT32).astype(np.float32)
        return {text: self._seen[text] for text in texts if text in self._seen}

    def update(  # type: ignore[override]  # without keywords: a text is not one
        self, other: Mapping[str, Vector] | Iterable[tuple[str, Vector]], /
    ) -> None:
        """Keep many vectors at once."""
        vectors = {text: np.asarray(vector, np.float32) for text, vector in dict(other).items()}
        rows = [
            {**self._scope, "text_hash": text_hash(text), "vector": vector.astype(FLOAT32).tobytes()}
            for text, vector in vectors.items()
        ]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(_KEEP, rows)
        self._seen.update(vectors)

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
