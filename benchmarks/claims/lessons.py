"""What each recipe teaches: a sentence, and the inequality between its configs that must hold at every seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from icon_nb.methods.recipes import RECIPES, recipe

from . import measures
from .claim import Claim

Values = Mapping[str, Mapping[str, float]]
"""Config -> measure -> the value at one seed."""


@dataclass(frozen=True)
class Lesson:
    """A sentence about a recipe, and whether it holds for the values of one seed."""

    says: str
    holds: Callable[[Values], bool]


def knn(values: Values, *configs: str) -> list[float]:
    """The kNN accuracies of these configs, of all when none is named."""
    return [values[config]["kNN accuracy"] for config in configs or values]


def gain(values: Values, config: str) -> float:
    """What training adds to the kNN accuracy."""
    return values[config]["kNN accuracy"] - values[config]["kNN accuracy untrained"]


def rising(numbers: list[float], by: float = 0.0) -> bool:
    """Whether every number is larger than the one before by more than so much."""
    return all(after > before + by for before, after in zip(numbers, numbers[1:]))


LESSONS: Mapping[str, Lesson] = {
    "simclr_vs_sne": Lesson(
        "with the same distorted inputs, views of a digit find the classes, and neighbours of the pixels do not",
        lambda v: gain(v, "simclr") > 0.2 and gain(v, "sne") < -0.1,
    ),
    "backbone_comparison": Lesson(
        "only the convolutional network learns what does not depend on the place",
        lambda v: v["smallcnn"]["kNN accuracy"] > max(knn(v, "linear", "mlp")) + 0.3,
    ),
    "supervised_vs_unsupervised": Lesson(
        "labels in p give the better classes, with fewer dimensions used",
        lambda v: rising(knn(v, "simclr", "supcon"), by=0.01)
        and v["supcon"]["effective rank"] < v["simclr"]["effective rank"] - 5,
    ),
    "temperature_sweep": Lesson(
        "the larger the temperature, the fewer dimensions are used; the largest is the worst for kNN",
        lambda v: rising([v[tau]["effective rank"] for tau in ("1.0", "0.5", "0.2", "0.1")]) and min(knn(v)) == knn(v, "1.0")[0],
    ),
    "kernel_comparison": Lesson(
        "the heavier the tail, the better q fits p; the heaviest sets the classes farthest apart",
        lambda v: rising([v[kernel]["loss"] for kernel in reversed(v)])
        and v["student_t 1.0"]["separability"] > v["gaussian"]["separability"] + 0.05
        and min(knn(v, "student_t 5.0", "student_t 1.0")) > knn(v, "gaussian")[0] + 0.02,
    ),
    "full_comparison": Lesson(
        "SupCon, which was told the classes, has the best kNN accuracy and keeps the fewest neighbours of the pixels",
        lambda v: knn(v, "supcon")[0] == max(knn(v)) and min(v, key=lambda m: v[m]["neighbours kept"]) == "supcon",
    ),
    "divergence_comparison": Lesson(
        "in three dimensions reverse KL gathers the points in a cap and is far behind the other two",
        lambda v: max(knn(v, "rkl")) < min(knn(v, "kl", "js")) - 0.1 and v["rkl"]["uniformity"] > v["kl"]["uniformity"] + 0.5,
    ),
    "debiasing": Lesson(
        "alpha lowers the loss by more than a nat and moves the kNN accuracy by less than three points",
        lambda v: rising([v[a]["loss"] for a in reversed(v)]) and max(knn(v)) - min(knn(v)) < 0.03,
    ),
    "dimension_sweep": Lesson(
        "two dimensions are too few; beyond eight, little is gained",
        lambda v: rising(knn(v, "2", "8"), by=0.2) and abs(knn(v, "128")[0] - knn(v, "8")[0]) < 0.08,
    ),
    "augmentation_ablation": Lesson(
        "what the views share is what is learned: views that move the digit teach more than two equal views, at a higher loss",
        lambda v: min(knn(v, "affine", "crop", "crop+affine")) > knn(v, "none")[0] + 0.1
        and v["none"]["loss"] < min(v[name]["loss"] for name in ("affine", "crop", "crop+affine")),
    ),
    "batch_size_sweep": Lesson(
        "from 32 to 256 the loss rises by two nats, because q has more candidates, and the kNN accuracy hardly moves",
        lambda v: rising([v[size]["loss"] for size in v], by=0.5) and max(knn(v)) - min(knn(v)) < 0.03,
    ),
}


def claim_of(name: str) -> Claim:
    """The experiment that shows whether the lesson of a recipe holds."""
    levels = {}
    for varies, config in zip(RECIPES[name].varies, recipe(name)):
        levels[" ".join(str(value) for value in varies.values())] = config.resolve().explicit()
    return Claim(f"recipe_{name}", RECIPES[name].question, {"config": levels}, measures.usual, {})


def by_seed(figures: Mapping) -> list[dict[str, dict[str, float]]]:
    """The values of every seed."""
    return [
        {row["levels"]["config"]: {name: each[k] for name, each in row["values"].items()} for row in figures["rows"]}
        for k in range(len(figures["seeds"]))
    ]
