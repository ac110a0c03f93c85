"""The gap atlas: every p, q and divergence that make sense together, trained small and scored, a row each, named or not."""

from __future__ import annotations

import json
import platform
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing, suppress
from itertools import combinations, product

import numpy as np
import torch
from tqdm import tqdm

from .. import __version__
from ..animation.projection import fit_projection
from ..errors import ConfigError, IconError, SaveError, demand, nearest
from ..evaluation.probing import as_points
from ..evaluation.scores import neighbour_overlap
from ..evaluation.trajectory import Trajectory, choose_points
from ..files import place, write_whole
from ..methods import axes
from ..methods.catalogue import DATASETS, SCORES, published
from ..methods.config import SETTINGS, Config
from ..methods.periodic import KEY, REACHED, Atlas, name_of
from ..objective.distances import metric_of
from .run import run
from .sweep import as_they_end
from .table import Spread

EVERYDAY = ("digits", "moving_digits", "fashion_small", "photo_digits")  # the data that most cells are trained on
SPECIAL = {
    "pairs": ("digit_captions", "digit_halves"),
    "companion": ("digit_captions",),
    "logits": ("taught_digits",),
    "graph": ("karate_club",),
    "tokens": ("tiny_text",),
}
"""Where p needs what those do not have."""
MOMENTS, MOVED = 5, 60  # after how many epochs, and for how many points, a row keeps where they were
WHOLE = ("karate_club", "tiny_text")  # small data that are taken as they are, with the network and the epochs of the method


def atlas(
    *,
    supervisory: str | Iterable[str] | None = None,
    learned: str | Iterable[str] | None = None,
    divergence: str | Iterable[str] | None = None,
    dataset: str | Iterable[str] | None = None,
    seeds: Iterable[int] = range(5),
    n_samples: int = 300,
    epochs: int = 10,
    save_to=None,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: bool = True,
) -> Atlas:
    """Train every pair of a p and a q that makes sense, under every divergence, on several data sets, and score each.

    Parameters
    ----------
    supervisory, learned, divergence, dataset : str or several, optional
        Restrict the atlas to these.
    seeds : iterable of int
        One run for each; a row holds their mean and standard deviation, and how far they agree.
    n_samples, epochs : int
        The size of each run. The graph and the text, which are small, are taken whole, with the epochs of their method.
    save_to : path, optional
        A ``.jsonl`` file that takes each row as it is finished. The same call again, also after a kill, measures what is missing;
        a ConfigError where the file holds an atlas of another size.
    workers, executor, progress
        As in :func:`icon_nb.run_configs`; the line on stderr counts the rows.

    Notes
    -----
    All cells of a data set share its network, the ``mlp`` unless another suits the data, into 32 dimensions, or onto 10 clusters.
    Scores are on at most 500 points, held out where the data have some.

    Examples
    --------
    >>> atlas(supervisory="knn", learned="gaussian", dataset="digits", divergence="kl", seeds=[0], epochs=1, progress=False)
    Atlas(1 rows: 1 cells, 0 of them without a name; 1 seeds, 300 samples, 1 epochs)
    """
    demand(workers is None or executor is None, f"workers={workers!r}: give workers or an executor")
    restrict = {"supervisory": supervisory, "learned": learned, "divergence": divergence, "dataset": dataset}
    restrict = {name: [each] if isinstance(each, str) else list(each) for name, each in restrict.items() if each is not None}
    size, wanted = {"n_samples": n_samples, "epochs": epochs, "seeds": list(seeds)}, jobs(restrict)
    versions = {"icon_nb": __version__, "torch": torch.__version__, "python": platform.python_version()}
    path = save_to and place(save_to)
    found = Atlas.read(path) if path and path.exists() else Atlas({**size, **versions})
    for name, value in size.items():
        there = found.about[name]
        demand(there == value, f"{path} holds an atlas with {name}={there}: give the same, or choose another file")
    flags = {**restrict, "n_samples": [n_samples], "epochs": [epochs], "seeds": size["seeds"]}  # which measure the same
    command = " ".join(["icon-nb atlas", *(f"--{name} {','.join(map(str, values))}" for name, values in flags.items())])
    about, known = {**found.about, "command": command}, {tuple(row[name] for name in KEY): row for row in found.rows}
    missing = [job for job in wanted if job not in known]
    if path and missing:  # a line that a kill cut short goes
        write_whole(path, Atlas(about, found.rows).to_jsonl().encode())
    for row in tqdm(_measured(missing, size, workers, executor), total=len(missing), unit="cell", disable=not progress):
        known[tuple(row[name] for name in KEY)] = row
        if path:
            try:
                with path.open("a", encoding="utf-8") as file:  # the rows before it stay as they are, whatever happens
                    file.write(f"{json.dumps(row)}\n")
            except OSError as error:
                raise SaveError(f"could not write {path}: {error.strerror}; free some space, and the same call goes on") from None
    return Atlas(about, tuple(known[job] for job in wanted))


def jobs(restrict: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """The keys of the rows to measure, data set by data set: every allowed combination."""
    known = {**axes.SLOTS, "divergence": [*SETTINGS["divergence"].choices, "limit"], "dataset": DATASETS}
    for name, values in restrict.items():
        for value in values:
            demand(value in known[name], f"{name}={value!r} is not known; {nearest(value, known[name])}")
    chosen = {name: [value for value in known[name] if value in restrict.get(name, (value,))] for name in KEY}
    found = []
    for p, q, divergence, data in sorted(product(*chosen.values()), key=lambda job: chosen["dataset"].index(job[3])):
        serves = next((SPECIAL[need] for need in axes.SUPERVISORY[p].needs if need in SPECIAL), EVERYDAY)
        if data in serves and axes.LEARNED[q].limit == (divergence == "limit"):
            with suppress(ConfigError):  # these do not go together
                config_of(p, q, divergence, data)
                found.append((p, q, divergence, data))
    return found


def config_of(p: str, q: str, divergence: str, dataset: str, n_samples: int = 300, epochs: int = 10, seed: int = 0) -> Config:
    """One run of a cell: the pair's own settings, on the network of the data set."""
    settings = {} if divergence == "limit" else {"divergence": divergence}
    if dataset not in WHOLE:
        network = {"backbone": published(dataset).suits.get("backbone", "mlp"), "embedding_dim": 10 if q == "clusters" else 32}
        settings |= {"n_samples": n_samples, "epochs": epochs, "record_every": max(1, epochs // MOMENTS), **network}
        settings |= {"distance": "cosine"} if q == "gaussian_wide" else {}  # whose loss has no floor on a network otherwise
    return Config(supervisory=p, learned=q, dataset=dataset, seed=seed, max_points=500, probe=False, quiet=True, **settings)


def _measured(missing: Sequence[tuple], size: Mapping, workers: int | None, executor: Executor | None) -> Iterator[dict]:
    threads = torch.get_num_threads()
    if workers is None and executor is None:
        yield from (measure(job, size, threads) for job in missing)
    else:
        with closing(as_they_end({job: (measure, job, size, threads) for job in missing}, workers, executor)) as ended:
            yield from (future.result() for _, future in ended)


def measure(job: tuple[str, ...], size: Mapping, threads: int) -> dict[str, object]:
    """One row: the runs of a cell over the seeds, scored."""
    torch.set_num_threads(threads)
    results, error = [], None
    for seed in size["seeds"]:
        try:
            results.append(run(config_of(*job, size["n_samples"], size["epochs"], seed)))
        except IconError as failed:
            error = str(failed)
    values = {name: [each.scores[name] for each in results] for name in REACHED if name in SCORES}
    values["seconds"] = [each.provenance["seconds"] for each in results]
    rounded = lambda value: round(value, 4) if np.isfinite(value) else None  # noqa: E731
    row = {**dict(zip(KEY, job)), "method": name_of(*job[:2]), "runs": len(results), "stability": rounded(agreement(results))}
    for name, each in values.items():
        row |= {name: rounded(Spread.of(each).mean), f"{name}_sd": rounded(Spread.of(each).deviation)}
    if results and job[2] in ("kl", "limit"):
        row["moves"] = moves(results[0].trajectory)
    return row if error is None else {**row, "error": error}


def moves(trajectory: Trajectory) -> list:
    """Some points of a run as a page draws them: the number of frames, and bytes in base64, their classes before their places."""
    keep = choose_points(trajectory.n_points, MOVED, 0)
    xy = fit_projection(trajectory, "pca" if trajectory.dim > 1 else "raw").coordinates(trajectory)[:, keep]  # (frames, n, 2)
    xy = (xy - xy.min((0, 1))) / (np.ptp(xy, axis=(0, 1)).max() or 1.0)
    classes = np.zeros(len(keep), int) if trajectory.labels is None else trajectory.labels[keep]
    return [len(xy), b64encode(bytes([*(classes % 256), *np.rint(xy * 255).astype(int).ravel()])).decode()]


def agreement(results: Sequence, k: int = 10) -> float:
    """The share of the k nearest neighbours of a point that two runs share, in [0, 1]: a mean over their pairs, or NaN."""
    shared = []
    for one, other in combinations(results, 2):
        _, *positions = np.intersect1d(one.trajectory.index, other.trajectory.index, return_indices=True)
        if len(positions[0]) >= 2 * k:
            z = (as_points(r.embeddings[keep], metric_of(r.config.distance)) for r, keep in zip((one, other), positions))
            shared.append(neighbour_overlap(*z, k))
    return float(np.mean(shared)) if shared else float("nan")
