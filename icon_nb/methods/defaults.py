"""Defaults, papers and formulas that several methods share. Loads no torch."""

from __future__ import annotations

from .cell import Paper

PLANE = {"backbone": "table", "embedding_dim": 2, "distance": "sqeuclidean", "temperature": 1.0}
FROM_PCA = {"init": "pca"}
GRAPH = {**PLANE, "dataset": "karate_club"}
PICTURES = {"dataset": "moving_digits", "augment": "auto"}
VIEWS = {**PICTURES, "distance": "cosine", "temperature": 0.5, "n_views": 2}
CLASSES = PICTURES
LABELLED = {**VIEWS, "temperature": 0.1}
CAPTIONS = {
    "dataset": "digit_captions", "backbone": "mlp", "distance": "cosine", "temperature": 0.1, "embedding_dim": 64, "epochs": 20,
}  # fmt: skip
COMPANIONS = {**CAPTIONS, "augment": "auto"}
HEAD = {"backbone": "linear", "embedding_dim": 10, "batch_size": 256, "epochs": 30, "learning_rate": 1e-2}
MEMBERS = {"backbone": "table", "embedding_dim": 10}
MEMBERS_STEP = {"optimizer": "adam", "learning_rate": 0.1, "epochs": 150, "record_every": 5}

KL = r"\frac1n \sum_i D_{KL}(p_i \Vert q_i)"
SNE = Paper("Hinton & Roweis", 2002, "Stochastic Neighbor Embedding")
TSNE = Paper("van der Maaten & Hinton", 2008, "Visualizing Data using t-SNE")
CLIP = Paper("Radford et al.", 2021, "Learning Transferable Visual Models From Natural Language Supervision", "2103.00020")
SUPCON = Paper("Khosla et al.", 2020, "Supervised Contrastive Learning", "2004.11362")
FACENET = Paper("Schroff et al.", 2015, "FaceNet: A Unified Embedding for Face Recognition and Clustering", "1503.03832")
BEYOND = Paper(
    "Shone et al.", 2025, "Beyond I-Con: Exploring New Dimension of Distance Measures in Representation Learning", "2509.04734"
)  # fmt: skip
WIDE = r"\frac1n \sum_i \sum_j p_{ij} d_{ij} - \frac{1}{n^2} \sum_{ij} d_{ij}"
NARROW = r"\frac1n \sum_i \big[ \sum_j p_{ij} d_{ij} - \min_k (d_{ik} - \mu 1[p_{ik} = 0]) \big]"
GAP = "the figure leaves this cell open; it is composed from its row and its column"
SEEDED = "it starts at the seeds of k-means++ that `kmeans` starts at; from a random map it ends 5 to 8 points lower on digits"
IN_BATCH = (
    "Neighbours are those within the batch, where the paper takes them from all samples: so does a batch_size of all samples, or "
    "backbone='table'"
)
FLAT = (
    ". A heavy-tailed p is nearly flat where inputs have many dimensions: on digits it spreads over 1,600 of 1,797 at any scale, "
    "so the map stays close to the principal components"
)
