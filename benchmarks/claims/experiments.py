"""The claims: one row each, in the order of the notebooks."""

from __future__ import annotations

from collections.abc import Mapping

from . import lessons, measures
from .claim import Claim


def over(setting: str, *values) -> dict[str, dict]:
    """One level per value of a setting."""
    return {f"{value:g}" if isinstance(value, float) else str(value): {setting: value} for value in values}


def wide(*dimensions: int) -> dict[str, dict]:
    """One level per size of the embedding."""
    return {f"{d} dimensions": {"embedding_dim": d} for d in dimensions}


ON_DIGITS = {"dataset": "digits", "backbone": "mlp"}
ON_MOVING = {"dataset": "moving_digits", "backbone": "smallcnn", "embedding_dim": 32, "batch_size": 64, "epochs": 8}
SAME_Q = {"distance": "cosine", "temperature": 0.5}
FULL_BATCHES = {"60 epochs": {"epochs": 60}, "300 epochs": {"epochs": 300}}
"""Of a map of free points, whose epoch is a single step."""
EPOCHS = {"10 epochs": {"epochs": 10}, "60 epochs": {"epochs": 60}}
DISTORTED = {"as they are": {"augment": "none"}, "distorted": {"augment": "affine", "augment_strength": 1.0}}
PIXELS_OR_VIEWS = {"neighbours of the pixels": {"method": "sne"}, "the other view": {"method": "simclr"}}
CLUSTERING = {"epochs": 12, "learning_rate": 0.02, "batch_size": 256, "embedding_dim": 10, "dataset": "digits"}
DEBIASED = {"method": "debiased_infonce_clustering", "n_neighbors": 3, "walk_length": 2, "walk": "uniform"}
PAIRS = {"supervisory": "positive_pairs", "n_views": 2, "augment": "affine", "augment_strength": 0.3}
HEAVY = {"learned": "student_t", "distance": "sqeuclidean"}

CLAIMS: Mapping[str, Claim] = {claim.name: claim for claim in (
    Claim(
        "p_or_augmentation", "On digits: is it p, or what the network is shown, that makes it blind to a shift?",
        {"p": PIXELS_OR_VIEWS, "inputs": DISTORTED, "size": wide(3, 128), "epochs": EPOCHS},
        measures.robustness, {**ON_DIGITS, **SAME_Q}, across="inputs",
    ),
    Claim(
        "p_on_moving_digits", "On digits that move: which p, with and without distortion, finds the classes?",
        {"p": PIXELS_OR_VIEWS, "inputs": DISTORTED, "size": wide(3, 128), "epochs": EPOCHS},
        measures.accuracy, {**ON_MOVING, **SAME_Q}, across="inputs",
    ),
    Claim(
        "coarse_labels", "Trained on two classes, what is left of the ten digits?",
        {"method": over("method", "simclr", "supcon"), "size": wide(3, 128), "epochs": EPOCHS},
        measures.ten_from_two, {**ON_DIGITS, **SAME_Q}, across="epochs",
    ),
    Claim(
        "temperature", "What does the temperature do to SimCLR?",
        {"size": wide(3, 128), "epochs": EPOCHS, "temperature": over("temperature", 0.02, 0.1, 0.5, 5.0)},
        measures.sphere, {**ON_MOVING, "method": "simclr"},
    ),
    Claim(
        "tails", "How heavy should the tail of a map's kernel be, at which dimension and after how many steps?",
        {"size": wide(2, 3, 128), "kernel": {"Gaussian": {"learned": "gaussian"}, **{
            f"Student-t, df {df:g}": {"learned": "student_t", "df": df} for df in (5.0, 1.0, 0.5, 0.2)}}, "epochs": FULL_BATCHES},
        measures.fit_of_a_map,
        {"supervisory": "gaussian", "backbone": "table", "dataset": "digits", "n_samples": 400,
         "init": "pca", "optimizer": "sgd", "learning_rate": 50.0}, across="epochs",
    ),
    Claim(
        "distance_or_tail", "Is it the heavy tail that helps SimCLR in few dimensions, or the Euclidean distance?",
        {"q": {"Gaussian, cosine": {"learned": "gaussian", "distance": "cosine"},
               "Gaussian, Euclidean": {"learned": "gaussian", "distance": "sqeuclidean"},
               "Student-t, Euclidean": {"learned": "student_t", "distance": "sqeuclidean", "df": 1.0}},
         "size": wide(2, 3, 128), "epochs": EPOCHS},
        measures.accuracy_alone, {**ON_DIGITS, **PAIRS, "temperature": 0.5, "learning_rate": 0.001, "batch_size": 128},
        across="epochs",
    ),
    Claim(
        "clumps_in_noise", "Who makes the clumps in a map of pure noise: the kernel, or the perplexity?",
        {"size": wide(2, 3), "kernel": {"Gaussian": {"learned": "gaussian"}, "Student-t": {"learned": "student_t"}},
         "perplexity": over("perplexity", 4.0, 10.0, 30.0), "epochs": FULL_BATCHES},
        measures.clumps_in_noise,
        {"supervisory": "gaussian", "backbone": "table", "init": "pca", "optimizer": "sgd", "learning_rate": 20.0},
        across="epochs",
    ),
    Claim(
        "divergences", "Which divergence spreads SimCLR's points over the sphere, and is it Adam that helps js?",
        {"divergence": over("divergence", "kl", "rkl", "js"), "size": wide(3, 128),
         "epochs": EPOCHS, "optimizer": {"Adam": {"optimizer": "adam"}, "SGD": {"optimizer": "sgd", "learning_rate": 0.1}}},
        measures.cap, {**ON_DIGITS, "method": "simclr", "alpha": 0.01},
    ),
    Claim(
        "methods_on_moving", "Six methods, one network, on digits that the pixels do not separate",
        {"method": over("method", "sne", "tsne_conditional", "simclr", "tsimclr", "supcon", "cross_entropy")},
        measures.usual, ON_MOVING,
    ),
    Claim(
        "methods_by_size", "Does the order of the six methods depend on the dimension and on the length of training?",
        {"method": over("method", "sne", "tsne_conditional", "simclr", "tsimclr", "supcon", "cross_entropy"),
         "size": wide(3, 128), "epochs": EPOCHS},
        measures.accuracy_alone, ON_MOVING, across="epochs",
    ),
    Claim(
        "rank_of_heavy_tails", "Why does t-SimCLR use fewer dimensions: its kernel, its distance, or its rate?",
        {"q": {"Gaussian, cosine": {"learned": "gaussian", "distance": "cosine"}, "Gaussian, Euclidean": {"learned": "gaussian",
               "distance": "sqeuclidean"}, "Student-t, df 1": {**HEAVY, "df": 1.0}, "Student-t, df 32": {**HEAVY, "df": 32.0}},
         "rate": {"rate 0.001": {"learning_rate": 0.001}, "rate 0.003": {"learning_rate": 0.003}}, "epochs": EPOCHS},
        measures.rank,
        {**ON_DIGITS, **PAIRS, "embedding_dim": 128, "temperature": 0.5, "batch_size": 128}, across="rate",
    ),
    Claim(
        "limits", "Do the two limits of the temperature collapse, and does it depend on the dimension?",
        {"method": over("method", "vicreg", "simclr", "triplet"), "size": wide(3, 128), "epochs": EPOCHS},
        measures.rank, ON_DIGITS, across="size",
    ),
    Claim(
        "debiasing", "Which way of clustering digits is best, and what does alpha add?",
        {"way": {
            "k-means on the pixels": {},
            "views, random start": {**CLUSTERING, "method": "infonce_clustering", "init": "random"},
            "views": {**CLUSTERING, "method": "infonce_clustering"},
            "views, neighbours": {**CLUSTERING, **DEBIASED, "alpha": 0.0},
            "views, neighbours, alpha": {**CLUSTERING, **DEBIASED, "alpha": 0.4, "alpha_on": "both"},
            "neighbours alone": {**CLUSTERING, "method": "pmi", "n_neighbors": 5, "init": "kmeans++"},
        }, "epochs": {"12 epochs": {"epochs": 12}, "60 epochs": {"epochs": 60}}},
        measures.clusters_or_pixels, {}, across="epochs",
    ),
    Claim(
        "pairs", "How does the temperature of CLIP change what a picture finds?",
        {"temperature": {**over("temperature", 0.05, 0.1, 1.0), "to infinity": {"method": "average_margin_clip"}},
         "size": wide(3, 128), "epochs": EPOCHS},
        measures.retrieval, {"method": "clip"}, across="epochs",
    ),
    *map(lessons.claim_of, lessons.LESSONS))}  # fmt: skip
