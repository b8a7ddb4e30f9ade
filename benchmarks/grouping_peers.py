"""The peers of grouping: BERTopic, Drain3, HDBSCAN and k-means, on the same descriptions and embeddings.

BERTopic and Drain3 are installed into an environment of their own below the work folder, beside the libraries that this
one has; where that is not possible they are left out, with a line saying so. Run as a script, this module is what that
environment executes: inputs as .npz, labels as JSON.
"""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
SMALLEST = 5  # failures of a group
PACKAGES = ("bertopic", "drain3")
INSTALL_TIMEOUT_S = 900.0
RUN_TIMEOUT_S = 900.0


def environment(work: Path) -> Path | None:
    """Return the interpreter that has BERTopic and Drain3; None, with a line that says why, where there is none."""
    folder = work / "venv-grouping"
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            (site,) = (folder / "lib").glob("python*/site-packages")
            (site / "ours.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
        install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES]
        subprocess.run(install, check=True, timeout=INSTALL_TIMEOUT_S, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"without BERTopic and Drain3, which cannot be installed: {error}")
        return None
    return python


def peers(
    texts: Sequence[str], vectors: Vectors, *, k: int, seeds: Sequence[int], python: Path | None, work: Path
) -> dict[str, list[list[int]]]:
    """Return the labels that each peer gives, one list for each seed; a peer that has no seed is run once."""
    from sklearn.cluster import HDBSCAN, KMeans  # noqa: PLC0415  # the peers' own environment does not need it

    found: dict[str, list[list[int]]] = {
        f"k-means, k={k}": [
            KMeans(n_clusters=k, n_init=10, random_state=seed).fit_predict(vectors).tolist() for seed in seeds
        ],
    }
    if len(vectors) > SMALLEST:
        clusterer = HDBSCAN(min_cluster_size=SMALLEST, copy=True)
        found["HDBSCAN"] = [clusterer.fit_predict(vectors).tolist()]
    return found | (_elsewhere(texts, vectors, seeds=seeds, python=python, work=work) if python else {})


def _elsewhere(
    texts: Sequence[str], vectors: Vectors, *, seeds: Sequence[int], python: Path, work: Path
) -> dict[str, list[list[int]]]:
    given, told = work / "peers-in.npz", work / "peers-out.json"
    np.savez(given, texts=np.array(texts), X=vectors, seeds=np.array(seeds))
    command = [str(python), str(Path(__file__).resolve()), str(given), str(told)]
    try:
        subprocess.run(command, check=True, timeout=RUN_TIMEOUT_S, capture_output=True)
    except subprocess.SubprocessError as error:
        print(f"BERTopic and Drain3 did not end well: {error}")
        return {}
    found: dict[str, list[list[int]]] = json.loads(told.read_text())
    return found


def _bertopic(texts: list[str], vectors: Vectors, seed: int) -> list[int]:
    from bertopic import BERTopic  # type: ignore[import-not-found]  # noqa: PLC0415  # only in the peers' environment
    from umap import UMAP  # type: ignore[import-not-found]  # noqa: PLC0415

    reducer = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed)
    topics, _ = BERTopic(umap_model=reducer, min_topic_size=SMALLEST).fit_transform(texts, vectors)
    return [int(topic) for topic in topics]


def _drain(texts: list[str]) -> list[int]:
    from drain3 import TemplateMiner  # type: ignore[import-not-found]  # noqa: PLC0415  # only in the peers' environment

    miner = TemplateMiner()
    return [int(miner.add_log_message(text or "-")["cluster_id"]) for text in texts]


def _main(given: str, told: str) -> None:
    data: Any = np.load(given)
    texts, vectors = [str(text) for text in data["texts"]], data["X"]
    found = {"Drain3": [_drain(texts)]}
    try:
        found["BERTopic"] = [_bertopic(texts, vectors, int(seed)) for seed in data["seeds"]]
    except (ValueError, TypeError) as error:  # too few different texts for its dimensions
        print(f"BERTopic: {error}", file=sys.stderr)
    Path(told).write_text(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
