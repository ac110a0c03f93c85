"""Every method of the table with its defaults: loss and its own quality before and after, distance to its oracle, seconds.

    python -m benchmarks.table                    # all methods, as `make table` runs it
    python -m benchmarks.table simclr kmeans      # some of them
    python -m benchmarks.table --clustering       # clustering compared over 5 seeds
    python -m benchmarks.table --tsne             # t-SNE of all digits beside scikit-learn's exact method

The quality of a method is what it is for: retrieval of the other view or modality, kNN accuracy of its neighbourhoods, accuracy
of its classes, clusters or words on held-out samples where there are any, variance explained. The distance to the oracle is the
largest |loss - double loop| of tests/oracles over three random embeddings in float64.
"""

from __future__ import annotations

import argparse
import json
import time

import torch

import icon_nb as icon
from icon_nb import objective as objectives
from icon_nb.data import Dataset, load
from icon_nb.data.augment import build_augment, default_augment
from icon_nb.evaluation.scores import clustering_accuracy, knn_accuracy
from icon_nb.methods import METHODS
from icon_nb.methods.resolve import fit_to_data
from icon_nb.objective.distances import DISTANCES
from icon_nb.training.batches import around, generator
from icon_nb.training.trainer import Trainer
from tests.oracles import test_oracle_double_loops as loops

from .harness import RESULTS, environment

CLUSTERINGS = ("kmeans", "infonce_clustering", "debiased_infonce_clustering")


def held_out(trainer: Trainer):
    """Inputs and labels to measure on: those that were not trained on, where there are any."""
    data = trainer.dataset
    if trainer.config.backbone == "table" or data.x_test is None:
        return (torch.arange(len(data)) if trainer.config.backbone == "table" else data.x), data.y
    return data.x_test, data.y_test


def knn(trainer: Trainer) -> float:
    x, y = held_out(trainer)
    return knn_accuracy(trainer.embed(x), y)


def clusters(trainer: Trainer) -> float:
    x, y = held_out(trainer)
    return clustering_accuracy(trainer.embed(x).argmax(1), y)


def recall(trainer: Trainer, one: torch.Tensor, other: torch.Tensor) -> float:
    """Share of rows of ``one`` whose partner is the nearest row of ``other``, by the distance of the method, both ways."""
    scores = -DISTANCES[trainer.config.distance](one, other)
    partner = torch.arange(len(scores))
    return ((scores.argmax(1) == partner).float().mean() + (scores.argmax(0) == partner).float().mean()).item() / 2


@torch.no_grad()
def views(trainer: Trainer) -> float:
    """Retrieval of the other augmented view among all held-out samples."""
    x, _ = held_out(trainer)
    augment = build_augment(trainer.config.augment, trainer.dataset, trainer.config.augment_strength)
    one, other = (augment(x, generator("cpu", "benchmark", k)) for k in (1, 2))
    return recall(trainer, trainer.model.backbone(one), trainer.model.backbone(other))


@torch.no_grad()
def modalities(trainer: Trainer) -> float:
    """Retrieval of the other modality among all held-out samples; within the ten nearest would be far easier."""
    data, other = trainer.dataset, trainer.reader.other
    return recall(trainer, trainer.model.backbone(data.inputs(data.x_test)), trainer.model.other(other.inputs(other.x_test)))


@torch.no_grad()
def classes(trainer: Trainer) -> float:
    """Accuracy of the nearest class on held-out samples: a margin is for training only."""
    x, y = held_out(trainer)
    z = trainer.model.backbone(trainer.dataset.inputs(x))
    d = DISTANCES[trainer.config.distance](z, trainer.model.prototypes)
    return (d.argmin(1) == y).float().mean().item()


@torch.no_grad()
def words(trainer: Trainer) -> float:
    """Accuracy of the hidden word on held-out text, every place hidden once."""
    x = trainer.dataset.x_test
    hits = []
    for place in range(x.shape[1]):
        shown = around(x, torch.full((len(x), 1), place))
        log_q = trainer.objective.learned(trainer.model.backbone(shown), trainer.model.prototypes)
        hits.append(log_q.argmax(1) == x[:, place])
    return torch.cat(hits).float().mean().item()


def most_frequent_word(trainer: Trainer) -> float:
    """Word accuracy of always saying the word that the training text has most often."""
    return (trainer.dataset.x_test == trainer.dataset.x.flatten().bincount().argmax()).float().mean().item()


def variance(trainer: Trainer) -> float:
    """Variance explained on the training data, as a share of the most that two orthonormal directions can."""
    data = trainer.dataset
    x = data.inputs(data.x).flatten(1)
    best = torch.linalg.eigvalsh(torch.cov(x.T, correction=0))[-trainer.config.embedding_dim :].sum()
    return (trainer.embed(data.x).var(0, correction=0).sum() / best).item()


MEASURES = {
    "views": ("view retrieval", views),
    "modality": ("pair retrieval", modalities),
    "classes": ("held-out accuracy", classes),
    "tokens": ("word accuracy", words),
    "clusters": ("cluster accuracy", clusters),
    "knn": ("kNN accuracy", knn),
}
BASELINES = {"mlm": ("most frequent word", most_frequent_word)}
"""What the measure of a method is without any learning, where an untrained network says too little."""

OWN = {"pca": ("variance explained", variance)}


def measure_of(method):
    """Name and function of the quality that a method is for."""
    if method.name in OWN:
        return OWN[method.name]
    if method.learned == "clusters":
        return MEASURES["clusters"]
    if method.p.candidates in MEASURES:
        return MEASURES[method.p.candidates]
    return MEASURES["views" if "views" in method.p.needs else "knn"]


def trainer_for(name: str, **settings) -> Trainer:
    """A trainer of the method with its defaults, on the data that a run would take."""
    config = icon.Config(method=name, quiet=True, **settings).resolve()
    dataset: Dataset = load(config.dataset, seed=config.seed, whole=config.backbone == "table")
    return Trainer(fit_to_data(config, len(dataset), default_augment(dataset)), dataset)


def run_method(name: str) -> dict:
    """Train one method with its defaults and measure it before and after."""
    title, measure = measure_of(METHODS[name])
    trainer = trainer_for(name)
    before = measure(trainer)
    losses = [trainer.initial().loss]
    start = time.perf_counter()
    while trainer.epoch < trainer.config.epochs:
        losses.append(trainer.run_epoch().loss)
    seconds = time.perf_counter() - start
    quality = {"measure": title, "before": before, "after": measure(trainer)}
    if name in BASELINES:
        quality["baseline"] = {words: of(trainer) for words, of in [BASELINES[name]]}
    return {"method": name, "data": trainer.dataset.name, "loss": [losses[0], losses[-1]], **quality, "seconds": seconds}


def oracle_distances() -> dict[str, float]:
    """Largest |loss - double loop| of every method over three random embeddings."""
    return {name: max(distance(method, seed) for seed in range(3)) for name, method in METHODS.items()}


def distance(method, seed: int) -> float:
    given = {key: value for key, value in loops.SMALL.items() if key in method.p.settings}
    config = icon.Config(method=method.name, **given).resolve()
    objective = objectives.build_objective(config)
    target = objective.target(loops.batch_for(method))
    blocks = loops.blocks_of(method, *loops.embeddings_for(method, seed))
    loop = loops.definition(config, method, target.p, target.measure, blocks, target.weights)
    return abs(objective.loss(target, blocks).item() - float(loop))


def compare_clusterings(dataset: str, seeds=range(5), **settings) -> dict[str, list[float]]:
    """Held-out cluster accuracy of scikit-learn's k-means and of three methods, over seeds."""
    from sklearn.cluster import KMeans

    found: dict[str, list[float]] = {"scikit-learn k-means": []}
    for seed in seeds:
        data = load(dataset, settings.get("data_dir"), settings.get("n_samples"), seed)
        x, x_test = data.flat(data.x).numpy(), data.flat(data.x_test).numpy()
        fitted = KMeans(data.n_classes, n_init=10, random_state=seed).fit(x)
        found["scikit-learn k-means"].append(clustering_accuracy(fitted.predict(x_test), data.y_test))
        for name in CLUSTERINGS:
            config = icon.Config(method=name, dataset=dataset, seed=seed, quiet=True).resolve()
            trainer = Trainer(fit_to_data(config, len(data), default_augment(data)), data)
            while trainer.epoch < trainer.config.epochs:
                trainer.run_epoch()
            found.setdefault(name, []).append(clusters(trainer))
    return found


def compare_tsne() -> dict:
    """KL divergence and seconds of t-SNE on all digits, ours and scikit-learn's exact method, from the same start."""
    from sklearn.manifold import TSNE

    trainer = trainer_for("tsne")
    start = trainer.embed(torch.arange(len(trainer.dataset))).numpy()
    clock, cpu = time.perf_counter(), time.process_time()
    while trainer.epoch < trainer.config.epochs:
        loss = trainer.run_epoch().loss
    ours = {"kl": loss, "seconds": time.perf_counter() - clock, "cpu_seconds": time.process_time() - cpu}
    x = trainer.dataset.flat(trainer.dataset.x).numpy()
    clock, cpu = time.perf_counter(), time.process_time()
    fitted = TSNE(method="exact", init=start, perplexity=trainer.config.perplexity, random_state=0).fit(x)
    theirs = {"kl": fitted.kl_divergence_, "seconds": time.perf_counter() - clock, "cpu_seconds": time.process_time() - cpu}
    return {"ours": ours, "scikit-learn exact": theirs, "iterations": [trainer.config.epochs, fitted.n_iter_ + 1]}


def show_tsne(found: dict) -> None:
    ours, theirs = found["ours"], found["scikit-learn exact"]
    print("\nt-SNE of 1,797 digits, perplexity 30, same start")
    for name, each in (("ours", ours), ("scikit-learn exact", theirs)):
        print(f"  {name:20} KL {each['kl']:.4f}  {each['seconds']:6.1f} s  ({each['cpu_seconds']:.1f} s of processor)")
    print(f"  KL ratio {ours['kl'] / theirs['kl']:.3f}, time ratio {theirs['seconds'] / ours['seconds']:.1f}")


def show(row: dict) -> str:
    loss = "{:9.4f} -> {:9.4f}".format(*row["loss"])
    quality = f"{row['measure']:18} {row['before']:.3f} -> {row['after']:.3f}"
    beside = "".join(f"  ({words}: {value:.3f})" for words, value in row.get("baseline", {}).items())
    line = f"{row['method']:28} {row['data']:15} loss {loss}  {quality}  oracle {row['oracle']:.0e}  {row['seconds']:6.1f} s"
    return line + beside


def show_clusterings(dataset: str, found: dict[str, list[float]]) -> None:
    print(f"\ncluster accuracy on {dataset}, mean (min to max) over {len(next(iter(found.values())))} seeds")
    for name, scores in sorted(found.items(), key=lambda item: -sum(item[1])):
        print(f"  {name:30} {sum(scores) / len(scores):.3f} ({min(scores):.3f} to {max(scores):.3f})", flush=True)


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="*", choices=[[], *METHODS], help="only these")
    parser.add_argument("--clustering", action="store_true", help="only compare clusterings over 5 seeds")
    parser.add_argument("--tsne", action="store_true", help="only compare t-SNE with scikit-learn's exact method")
    parser.add_argument("--data_dir", help="folder with Fashion-MNIST; without it only digits are compared")
    options = parser.parse_args(argv)
    report: dict = {"environment": environment()}
    whole = not (options.methods or options.clustering or options.tsne)
    if options.methods or whole:
        report["methods"] = measure_methods(options.methods or METHODS)
    if options.clustering or whole:
        report["clustering"] = measure_clusterings(options.data_dir)
    if options.tsne or whole:
        report["tsne"] = compare_tsne()
        show_tsne(report["tsne"])
    if whole:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "table.json").write_text(json.dumps(report, indent=1) + "\n")


def run(quick: bool = False) -> None:
    """Every method, or a few."""
    main(["simclr", "kmeans", "clip"] if quick else [])


def measure_methods(names) -> list[dict]:
    """One row per method, printed as it is done."""
    oracle, rows = oracle_distances(), []
    for name in names:
        rows.append({**run_method(name), "oracle": oracle[name]})
        print(show(rows[-1]), flush=True)
    return rows


def measure_clusterings(data_dir: str | None) -> dict:
    """Clusterings of digits, and of 2,000 pictures of Fashion-MNIST where its files are."""
    sets = {"digits": {}, **({"fashion_mnist": {"data_dir": data_dir, "n_samples": 2000}} if data_dir else {})}
    found = {}
    for dataset, settings in sets.items():
        found[dataset] = compare_clusterings(dataset, **settings)
        show_clusterings(dataset, found[dataset])
    return found


if __name__ == "__main__":
    main()
