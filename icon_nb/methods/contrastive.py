"""Networks that bring together what belongs together: views, members of a class, captions. Loads no torch."""

from __future__ import annotations

from .cell import ICON, Method, Paper
from .defaults import BEYOND, CAPTIONS, CLIP, COMPANIONS, FACENET, GAP, IN_BATCH, KL, LABELLED, NARROW, SUPCON, VIEWS, WIDE

CONTRASTIVE = (
    Method(
        "infonce", "InfoNCE, one way", "other_view", "gaussian",
        r"-\frac1n \sum_i \log \frac{e^{\cos(z_i, z'_i)/\tau}}{\sum_k e^{\cos(z_i, z'_k)/\tau}}",
        Paper("van den Oord et al.", 2018, "Representation Learning with Contrastive Predictive Coding", "1807.03748"), VIEWS,
        oracle="info-nce-pytorch",
    ),
    Method(
        "npair", "N-pair", "other_view", "gaussian",
        r"\frac1n \sum_i \log \big( 1 + \sum_{k \ne i} e^{z_i^\top z'_k - z_i^\top z'_i} \big)",
        Paper("Sohn", 2016, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective"),
        {**VIEWS, "distance": "neg_dot", "temperature": 1.0}, oracle="pytorch-metric-learning's NPairsLoss",
        note="the pair are two views, where the paper takes two samples of a class; without its penalty on lengths",
    ),
    Method(
        "simclr", "SimCLR", "positive_pairs", "gaussian",
        r"-\frac{1}{2n} \sum_i \log \frac{e^{\cos(z_i, z_{i^+})/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}",
        Paper("Chen et al.", 2020, "A Simple Framework for Contrastive Learning of Visual Representations", "2002.05709"), VIEWS,
        oracle="lightly, pytorch-metric-learning and tsimcne",
        notebook="02_who_chooses_p",
    ),
    Method(
        "align_uniform", "Alignment and uniformity", "positive_pairs_joint", "gaussian_joint",
        r"t\, E\, d_{ii^+} + \log E_{i \ne j} e^{-t d_{ij}},\ d_{ij} = \lVert u_i - u_j\rVert^2",
        Paper("Wang & Isola", 2020, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the "
        "Hypersphere", "2005.10242"),
        {**VIEWS, "temperature": 0.25}, oracle="the two lines of the paper's code, up to a constant",
        note="t = 1 / (2 temperature), and alignment weighs t times uniformity; other ratios are no cell of the table",
    ),
    Method(
        "hard_negatives", "Hard negatives", "positive_pairs", "gaussian_hard",
        r"-\frac{1}{2n} \sum_i \log \frac{e^{s_{ii^+}}}{e^{s_{ii^+}} + \sum_k w_{ik} e^{s_{ik}}},"
        r"\ w_{ik} \propto e^{\beta s_{ik}}",
        Paper("Robinson et al.", 2021, "Contrastive Learning with Hard Negative Samples", "2010.04592"),
        {**VIEWS, "hardness": 1.0},
        oracle="the published lines with tau_plus = 0", note="s = cos / tau, and the weights have mean one",
    ),
    Method(
        "mil_nce", "MIL-NCE", "positive_pairs", "gaussian",
        r"-\frac1n \sum_i \log \frac{\sum_{j \in P_i} e^{z_i^\top z_j}}{\sum_{k \ne i} e^{z_i^\top z_k}}",
        Paper("Miech et al.", 2020, "End-to-End Learning of Visual Representations from Uncurated Instructional Videos",
        "1912.06430"),
        {**VIEWS, "distance": "neg_dot", "temperature": 1.0, "n_views": 3, "divergence": "any_neighbor"},
        oracle="the lines of the paper",
        note="the positives are further views, where the paper takes sentences that were spoken near the scene",
    ),
    Method(
        "mocov3", "MoCo v3", "momentum_view", "gaussian",
        r"-\frac{1}{2n} \sum_i \log \frac{e^{\cos(z_i, k_{i^+})/\tau}}{\sum_j e^{\cos(z_i, k_j)/\tau}}",
        Paper("Chen et al.", 2021, "An Empirical Study of Training Self-Supervised Vision Transformers", "2104.02057"),
        {**VIEWS, "ema_momentum": 0.99}, oracle="torch's cross_entropy over queries and keys",
        note="the published code adds its two directions and multiplies by 2 tau: a constant factor of 4 tau",
    ),
    Method(
        "triplet", "Triplet loss, hardest negative", "positive_pairs", "gaussian_narrow", NARROW, FACENET,
        {**VIEWS, "margin": 0.5},
        oracle="with sqeuclidean distance, pytorch-metric-learning's TripletMarginLoss on the hardest triplets",
        note="the limit keeps the nearest of all negatives; FaceNet chooses semi-hard ones",
    ),
    Method(
        "tsimclr", "t-SimCLR", "positive_pairs", "student_t",
        r"-\frac{1}{2n} \sum_i \log \frac{(1 + d_{ii^+}/\nu\tau)^{-(\nu+1)/2}}{\sum_{k \ne i} (1 + d_{ik}/\nu\tau)^{-(\nu+1)/2}}",
        Paper("Hu et al.", 2023, "Your Contrastive Learning Is Secretly Doing Stochastic Neighbor Embedding", "2205.14814"),
        {**VIEWS, "distance": "sqeuclidean", "temperature": 0.03, "df": 10.0, "learning_rate": 5e-4}, oracle="tsimcne (float32)",
        note="df = 10 is that of the published code; with df = 1, the kernel of t-SNE, it needs few dimensions: see tsimcne",
        notebook="08_full_comparison",
    ),
    Method(
        "tsimcne", "t-SimCNE", "positive_pairs", "student_t",
        r"-\frac{1}{2n} \sum_i \log \frac{(1 + d_{ii^+})^{-1}}{\sum_{k \ne i} (1 + d_{ik})^{-1}},\ z \in R^2",
        Paper("Böhm et al.", 2023, "Unsupervised Visualization of Image Datasets using Contrastive Learning", "2210.09879"),
        {**VIEWS, "distance": "sqeuclidean", "temperature": 1.0, "df": 1.0, "embedding_dim": 2}, oracle="tsimcne (float32)",
        note="t-SimCLR straight into the plane; the published training first learns in 128 dimensions",
    ),
    Method(
        "vicreg", "VICReg without covariance", "positive_pairs", "gaussian_wide", WIDE,
        Paper("Bardes et al.", 2022, "VICReg: Variance-Invariance-Covariance Regularization", "2105.04906"),
        VIEWS, oracle="with sqeuclidean distance, lightly's invariance loss times d, less twice the variance",
        note="the cohesion-variance limit: only the invariance term is the published one, whose variance term is a hinge",
    ),
    Method(
        "supcon", "SupCon", "same_class", "gaussian",
        r"-\frac1n \sum_i \Big[ \frac{1}{K_i - 1} \sum_{j \ne i, y_j = y_i} \log \frac{e^{\cos(z_i, z_j)/\tau}}"
        r"{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}} + \log(K_i - 1) \Big]", SUPCON, LABELLED,
        oracle="pytorch-metric-learning, up to the constant mean log(K_i - 1)",
        notebook="02_who_chooses_p",
    ),
    Method(
        "supcon_in", "SupCon, the sum inside", "same_class", "gaussian",
        r"-\frac1n \sum_i \log \frac{\sum_{j \in y_i} e^{\cos(z_i, z_j)/\tau}}{\sum_{k \ne i} e^{\cos(z_i, z_k)/\tau}}",
        SUPCON, {**LABELLED, "divergence": "any_neighbor"}, oracle="pytorch-metric-learning's NCALoss of directions",
        note="the L_in of the paper, less its constant mean log(K_i - 1)",
    ),
    Method(
        "supcon_js", "SupCon under Jensen-Shannon", "same_class", "gaussian", r"\frac1n \sum_i JS(p_i, q_i)", BEYOND,
        {**LABELLED, "distance": "sqeuclidean", "temperature": 1.0, "divergence": "js"},
        oracle="the squared distance of scipy",
    ),
    Method(
        "sincere", "SINCERE", "same_class", "gaussian",
        r"-\frac1n \sum_i \frac{1}{K_i - 1} \sum_{j \in y_i} \log \frac{e^{s_{ij}}}{e^{s_{ij}} + \sum_{y_k \ne y_i} e^{s_{ik}}}",
        Paper("Feeney & Hughes", 2023, "SINCERE: Supervised Information Noise-Contrastive Estimation REvisited", "2309.14277"),
        {**LABELLED, "divergence": "each_neighbor"}, oracle="pytorch-metric-learning's NTXentLoss on classes of one size",
    ),
    Method(
        "nca", "NCA, logarithmic form", "same_class", "gaussian",
        r"-\frac1n \sum_i \log \frac{\sum_{j \in y_i} e^{-d_{ij}}}{\sum_{k \ne i} e^{-d_{ik}}},\ z = W x",
        Paper("Goldberger et al.", 2004, "Neighbourhood Components Analysis"),
        {"backbone": "linear", "embedding_dim": 2, "distance": "sqeuclidean", "temperature": 1.0, "divergence": "any_neighbor",
        "epochs": 30}, oracle="pytorch-metric-learning's NCALoss",
        note="the paper's second objective; its first sums the shares themselves, without the logarithm",
    ),
    Method(
        "soft_nearest_neighbor", "Soft nearest neighbours", "same_class", "gaussian",
        r"-\frac1n \sum_i \log \frac{\sum_{j \in y_i} e^{-d_{ij}/\tau}}{\sum_{k \ne i} e^{-d_{ik}/\tau}}",
        Paper("Frosst et al.", 2019, "Analyzing and Improving Representations with the Soft Nearest Neighbor Loss", "1902.01889"),
        {**LABELLED, "distance": "sqeuclidean", "temperature": 1.0, "divergence": "any_neighbor"},
        oracle="pytorch-metric-learning's NCALoss",
    ),
    Method(
        "xsample", "X-Sample contrastive", "companion", "gaussian", KL,
        Paper("Sobal et al.", 2025, "X-Sample Contrastive Loss: Improving Contrastive Learning with Sample Similarity Graphs",
        "2407.18134"),
        {**COMPANIONS, "p_temperature": 0.1}, oracle="torch's cross_entropy with soft targets, up to the entropy of p",
    ),
    Method(
        "lgsimclr", "Language-guided SimCLR", "companion_knn", "gaussian", KL,
        Paper("El Banani et al.", 2023, "Learning Visual Representations via Language-Guided Sampling", "2302.12248"),
        {**COMPANIONS, "n_neighbors": 3}, oracle="torch's cross_entropy averaged over the neighbours, up to log k",
        note="p is uniform over the nearest captions, the expectation of drawing one as the positive. " + IN_BATCH,
    ),
    Method(
        "clip", "CLIP", "cross_modal", "gaussian", r"\frac12 [ D_{KL}(p \Vert q^{1 \to 2}) + D_{KL}(p \Vert q^{2 \to 1}) ]",
        CLIP,
        CAPTIONS, oracle="open_clip's ClipLoss", note="the temperature is a setting here; published, it is learned",
        notebook="11_two_modalities",
    ),
    Method(
        "siglip", "SigLIP", "cross_modal", "sigmoid",
        r"-\frac1n \sum_{ij} \log \sigma\big( (2 \cdot 1[i = j] - 1) (b - (1 - \cos(z_i, z'_j)) / \tau) \big)",
        Paper("Zhai et al.", 2023, "Sigmoid Loss for Language Image Pre-Training", "2303.15343"), {**CAPTIONS, "bias": 0.0},
        oracle="open_clip's SigLipLoss",
        note="temperature and bias are settings here; published they are learned, from the values that are the defaults here",
    ),
    Method(
        "cmc", "CMC", "cross_modal", "gaussian", r"\frac12 [ D_{KL}(p \Vert q^{1 \to 2}) + D_{KL}(p \Vert q^{2 \to 1}) ]",
        Paper("Tian et al.", 2020, "Contrastive Multiview Coding", "1906.05849"), {**CAPTIONS, "dataset": "digit_halves"},
        oracle="open_clip's ClipLoss", note="the form of its loss; the published training used a memory bank",
        notebook="11_two_modalities",
    ),
    Method(
        "dimension_contrastive", "Contrast between dimensions", "dimension", "gaussian",
        r"-\frac1d \sum_k \log \frac{e^{\mathrm{corr}(z_k, z'_k)/\tau}}{\sum_l e^{\mathrm{corr}(z_k, z'_l)/\tau}}", None,
        {**VIEWS, "temperature": 0.1}, gap=True,
        note="every dimension finds itself in the other view; in the spirit of Barlow Twins, whose published loss is another",
    ),
    Method(
        "average_margin_clip", "Average-margin CLIP", "cross_modal", "gaussian_wide", WIDE, ICON, CAPTIONS, gap=True, note=GAP,
        notebook="09_periodic_table",
    ),
    Method(
        "average_margin_supcon", "Average-margin SupCon", "same_class", "gaussian_wide", WIDE, ICON, LABELLED, gap=True,
        note=GAP,
    ),
    Method(
        "triplet_clip", "Triplet CLIP", "cross_modal", "gaussian_narrow", NARROW, ICON,
        {**CAPTIONS, "margin": 0.5, "batch_size": 16}, gap=True,
        note=GAP + ". In a large batch the nearest negative is too near and all ends in one place: small batches learn",
    ),
    Method(
        "triplet_supcon", "Triplet SupCon", "same_class", "gaussian_narrow", NARROW, ICON, {**LABELLED, "margin": 0.5},
        gap=True, note=GAP,
    ),
    Method(
        "t_clip", "t-CLIP", "cross_modal", "student_t", KL, ICON,
        {**CAPTIONS, "distance": "sqeuclidean", "temperature": 1.0, "df": 1.0}, gap=True, note=GAP,
    ),
    Method(
        "t_supcon", "t-SupCon", "same_class", "student_t", KL, ICON,
        {**LABELLED, "distance": "sqeuclidean", "temperature": 1.0, "df": 1.0}, gap=True, note=GAP,
    ),
)  # fmt: skip
