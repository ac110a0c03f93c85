"""How often the diagnosis is right: runs made to fail in known ways, and healthy runs, each with a verdict that was fixed before.

The limits in ``icon_nb/evaluation/diagnosis.toml`` were tuned on the seeds in ``TUNED``; the figures are counted on the seeds in
``HELD_OUT``, and on further settings (``new=True``) that were never looked at while tuning. ``python -m benchmarks.diagnosis``.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

import icon_nb as icon
from benchmarks.harness import report
from icon_nb.data import load
from icon_nb.data.augment import build_augment
from icon_nb.errors import TrainingError
from icon_nb.evaluation.diagnosis import FAILURES, VERDICTS, Diagnosis, diagnose
from icon_nb.training.backbones import build_backbone

TUNED, HELD_OUT = (0, 1, 2, 3, 4), (8, 9)
FAILED = frozenset(FAILURES)
FINE = frozenset(VERDICTS) - FAILED
SHORT = frozenset({"still learning"})
STUCK = frozenset({"plateau"})
NOT_HEALTHY = frozenset(VERDICTS) - {"healthy"}


@dataclass(frozen=True)
class Case:
    """A run, why it goes as it does, and the verdicts that are right for it."""

    cause: str
    expected: frozenset[str]
    settings: dict = field(default_factory=dict)
    new: bool = False

    @property
    def name(self) -> str:
        return " ".join(str(value) if name == "method" else f"{name}={value}" for name, value in self.settings.items())


def cases(cause: str, expected, *settings: dict, new: bool = False) -> list[Case]:
    """One case for each of the settings."""
    return [Case(cause, frozenset(expected), each, new) for each in settings]


METHODS = ("simclr", "supcon", "cross_entropy", "sne", "tsne", "tsne_conditional")
NETWORKS = METHODS[:3]
MAPS = METHODS[3:]
RATE_TOO_HIGH = (
    {"method": "simclr", "learning_rate": 1.0},
    {"method": "simclr", "learning_rate": 100.0},
    {"method": "simclr", "learning_rate": 0.1},
    {"method": "supcon", "learning_rate": 100.0},
    {"method": "cross_entropy", "learning_rate": 1.0},
    {"method": "cross_entropy", "optimizer": "sgd", "learning_rate": 10.0},
    {"method": "simclr", "optimizer": "sgd", "learning_rate": 10.0},
    *({"method": method, "learning_rate": 100.0} for method in MAPS),
    *({"method": method, "backbone": "mlp", "learning_rate": 0.1} for method in ("sne", "tsne")),
)
PROVOKED = [
    *cases("learning rate far too high", FAILED, *RATE_TOO_HIGH),
    *cases("temperature far too low", FAILED, *({"method": m, "temperature": 1e-4} for m in ("simclr", "supcon"))),
    *cases("temperature far too high", NOT_HEALTHY, *({"method": m, "temperature": 100.0} for m in NETWORKS)),
    *cases("no negatives", {"collapsed"}, {"negatives": False}, {"negatives": False, "learning_rate": 0.01}),
    *cases("weight decay far too high", {"collapsed"}, *({"method": "cross_entropy", "weight_decay": w} for w in (1.0, 10.0))),
    *cases(
        "weight decay that adam cycles with",
        {"oscillating"},
        {"method": "supcon", "weight_decay": 10.0},
        *({"method": m, "optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 10.0} for m in ("supcon", "simclr")),
        {"method": "supcon", "optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 20.0},
    ),
    *cases("one epoch", SHORT, *({"method": method, "epochs": 1} for method in NETWORKS)),
    *cases("learning rate far too low", STUCK, *({"method": m, "learning_rate": 1e-8} for m in NETWORKS)),
    *cases("learning rate far too low", STUCK, *({"method": m, "learning_rate": 1e-6} for m in MAPS)),
    *cases(
        "many epochs more than needed", STUCK, {"method": "sne", "embedding_dim": 16}, {"method": "cross_entropy", "epochs": 60}
    ),
]
NEW_PROVOKED = [
    *cases(
        "learning rate far too high",
        FAILED,
        {"method": "simclr", "learning_rate": 10.0},
        {"method": "supcon", "learning_rate": 30.0},
        {"method": "cross_entropy", "learning_rate": 0.3},
        {"method": "cross_entropy", "backbone": "simplecnn", "learning_rate": 1.0, "n_samples": 400},
        {"method": "simclr", "backbone": "simplecnn", "learning_rate": 1.0, "n_samples": 400},
        {"method": "tsne", "learning_rate": 1e5, "embedding_dim": 3},
        {"method": "sne", "learning_rate": 3000.0},
        new=True,
    ),
    *cases("temperature far too low", FAILED, {"method": "simclr", "temperature": 0.0003, "batch_size": 64}, new=True),
    *cases("temperature far too high", NOT_HEALTHY, {"method": "simclr", "temperature": 1000.0, "embedding_dim": 32}, new=True),
    *cases("no negatives", {"collapsed"}, {"negatives": False, "learning_rate": 0.003, "embedding_dim": 16}, new=True),
    *cases("weight decay far too high", {"collapsed"}, {"method": "cross_entropy", "weight_decay": 5.0, "epochs": 15}, new=True),
    *cases(
        "one epoch",
        SHORT,
        {"method": "simclr", "epochs": 1, "batch_size": 32},
        {"method": "sne", "backbone": "mlp", "epochs": 1},
        new=True,
    ),
    *cases("learning rate far too low", STUCK, {"method": "simclr", "optimizer": "sgd", "learning_rate": 1e-9}, new=True),
    *cases("many epochs more than needed", STUCK, {"method": "tsne", "embedding_dim": 10}, new=True),
]
HEALTHY = [
    *cases("defaults", FINE, *({"method": method} for method in METHODS)),
    *cases("as a network", FINE, *({"method": method, "backbone": "mlp"} for method in MAPS)),
    *cases("three times the epochs", FINE, *({"method": method, "epochs": 30} for method in NETWORKS)),
    *cases("other width", FINE, *({"method": m, "embedding_dim": d} for m in NETWORKS for d in (3, 16, 512))),
    *cases("other temperature", FINE, *({"method": m, "temperature": t} for m in NETWORKS[:2] for t in (0.1, 0.2, 1.0))),
    *cases("sgd", FINE, *({"method": m, "optimizer": "sgd", "learning_rate": 0.1} for m in NETWORKS)),
]
NEW_HEALTHY = [
    *cases("other divergence", FINE, *({"method": m, "divergence": "js"} for m in NETWORKS), new=True),
    *cases("other backbone", FINE, *({"method": m, "backbone": "simplecnn", "epochs": 5} for m in NETWORKS), new=True),
    *cases("other batch", FINE, *({"method": m, "batch_size": 256, "learning_rate": 2e-3} for m in NETWORKS), new=True),
    *cases("few data", FINE, *({"method": m, "n_samples": 500, "epochs": 20} for m in NETWORKS), new=True),
    *cases("other perplexity", FINE, *({"method": m, "perplexity": 10.0, "embedding_dim": 3} for m in MAPS), new=True),
]


def verdict(case: Case, seed: int) -> Diagnosis:
    """Train the run of a case and diagnose it."""
    settings = dict(case.settings)
    if not settings.pop("negatives", True):
        return diagnose(without_negatives(seed, **settings))
    try:
        return icon.run(icon.Config(**settings, seed=seed, quiet=True)).diagnosis
    except TrainingError as error:
        return error.results.diagnosis


def without_negatives(seed: int, learning_rate: float = 1e-3, embedding_dim: int = 128, epochs: int = 10):
    """A loop of one's own, recorded: two views of each image are pulled together, and nothing pushes."""
    torch.manual_seed(seed)
    data = load("digits")
    backbone = build_backbone("mlp", data.shape, embedding_dim)
    optimizer = torch.optim.Adam(backbone.parameters(), learning_rate)
    recorder = icon.Recorder(data.y_test)
    recorder.record(backbone(data.inputs(data.x_test)))
    for epoch in range(epochs):
        losses = [pull(backbone, optimizer, data, index, epoch) for index in torch.randperm(len(data)).split(128)]
        recorder.record(backbone(data.inputs(data.x_test)), loss=sum(losses) / len(losses))
    return recorder.trajectory


def pull(backbone, optimizer, data, index, epoch: int) -> float:
    """One step that draws two views of each image together; the loss."""
    augment, random = build_augment("crop+affine", data, 1.0), torch.Generator().manual_seed(1000 * epoch + int(index[0]))
    a, b = (torch.nn.functional.normalize(backbone(augment(data.x[index], random))) for _ in "ab")
    loss = 2 - 2 * (a * b).sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def runs(quick: bool, seeds) -> Iterator[tuple[Case, bool, int, Diagnosis]]:
    """(case, provoked, seed, diagnosis) of every run; ``quick`` takes one seed and every fifth case."""
    step, seeds = (5, seeds[:1]) if quick else (1, seeds)
    for provoked, table in ((True, PROVOKED + NEW_PROVOKED), (False, HEALTHY + NEW_HEALTHY)):
        for case in table[::step]:
            for seed in seeds:
                yield case, provoked, seed, verdict(case, seed)


def count(found: list) -> dict:
    """Right verdicts, false alarms and misses."""
    provoked = [(case, d.verdict) for case, bad, _, d in found if bad]
    healthy = [(case, d.verdict) for case, bad, _, d in found if not bad]
    wrong = [1 for case, said in provoked if said not in case.expected]
    return {
        "provoked_runs": len(provoked),
        "misses": len(wrong),
        "healthy_runs": len(healthy),
        "false_alarms": sum(said in FAILED for _, said in healthy),
        "misses_new_settings": sum(said not in case.expected for case, said in provoked if case.new),
        "provoked_new_settings": sum(case.new for case, _ in provoked),
        "false_alarms_new_settings": sum(said in FAILED for case, said in healthy if case.new),
        "healthy_new_settings": sum(case.new for case, _ in healthy),
    }


def table(found: list) -> str:
    """What was said of the runs of each cause."""
    rows = {}
    for case, provoked, _, diagnosis in found:
        rows.setdefault((not provoked, case.cause, case.expected), Counter())[diagnosis.verdict] += 1
    lines = [f"{'cause':<36}" + "".join(f"{name.split()[0]:>13}" for name in VERDICTS) + "   right"]
    for (fine, cause, expected), counts in sorted(rows.items(), key=lambda row: row[0][:2]):
        cells = "".join(f"{counts[name] or '.':>13}" for name in VERDICTS)
        right = sum(counts[name] for name in expected)
        lines.append(f"{'healthy: ' * fine + cause:<36}{cells}   {right} of {counts.total()}")
    return "\n".join(lines)


def run(quick: bool = False, seeds: tuple[int, ...] = HELD_OUT) -> dict:
    """Train and diagnose every run, print the table and what went wrong, and return the counts."""
    found = []
    for each in runs(quick, seeds):
        found.append(each)
        case, provoked, seed, diagnosis = each
        if diagnosis.verdict not in case.expected:
            print(f"{'miss' if provoked else 'false alarm'}: {case.name} seed={seed}: {diagnosis}", flush=True)
    print(table(found))
    figures = count(found)
    report("diagnosis", figures)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, every fifth case")
    parser.add_argument("--tuned", action="store_true", help="the seeds the limits were tuned on")
    options = parser.parse_args()
    run(options.quick, TUNED if options.tuned else HELD_OUT)
