"use strict";
/* The words of the page: formulas, what a control does, and what is to be known about a choice. */

const P_FORMULAS = {
  gaussian: "p(j|i) ∝ exp(−|xᵢ − xⱼ|² / 2σᵢ²), each σᵢ set by the perplexity",
  gaussian_joint: "P(i,j) = (p(j|i) + p(i|j)) / 2n, one distribution over all pairs",
  gaussian_fixed: "p(j|i) ∝ exp(−|xᵢ − xⱼ|² / τₚ), one scale for all points",
  student_t: "p(j|i) ∝ 1 / (1 + |xᵢ − xⱼ|² / τₚ)",
  identity: "p(j|i) = 1 for j = i: only the point itself",
  graph: "p(j|i) = wᵢⱼ / Σₖ wᵢₖ, the weights of the edges",
  graph_gibbs: "p(j|i) ∝ exp(wᵢⱼ / dⱼ τₚ), dⱼ the degree of j",
  knn: "p(j|i) = 1/k for the k nearest in the data",
  positive_pairs: "p(j|i) = 1 for the other view of the same sample",
  same_class: "p(j|i) = 1/(K − 1) for the others of the same class",
  label: "p(c|i) = 1 for the class of i; each class has a prototype",
};

const Q_FORMULAS = {
  gaussian: "q(j|i) ∝ exp(−dᵢⱼ / τ)",
  gaussian_wide: "τ → ∞: Σⱼ p dᵢⱼ − mean dᵢₖ, near on average, far on average",
  gaussian_narrow: "τ → 0: Σⱼ p dᵢⱼ − min dᵢₖ, only the nearest counts",
  student_t: "q(j|i) ∝ (1 + dᵢⱼ / ντ) ^ −(ν + 1)/2",
  student_t_joint: "Q(i,j) ∝ (1 + dᵢⱼ / ντ) ^ −(ν + 1)/2, over all pairs",
  student_t_narrow: "q(j|i) ∝ dᵢⱼ ^ −(ν + 1)/2, the scale gone to zero",
  clusters: "q(j|i) = Σ_c φᵢc φⱼc / Σₖ φₖc, walk to a cluster and back",
};

const CHOICES = {
  divergence: { kl: "KL(p ‖ q)", rkl: "KL(q ‖ p), reverse", js: "Jensen-Shannon", jeffreys: "both KL added", nerv: "both KL, weighed",
    tv: "total variation", hellinger: "squared Hellinger", chi2: "chi-squared", renyi: "Rényi", any_neighbor: "any neighbour will do",
    each_neighbor: "each neighbour by itself" },
  distance: { sqeuclidean: "squared Euclidean", cosine: "cosine: directions only", neg_dot: "minus the inner product" },
  backbone: { table: "free points, no network", linear: "linear map", mlp: "network, two hidden layers" },
  alpha_on: { p: "p", q: "q", both: "p and q" },
};

const HELP = {
  p: "p comes from the data. It says who should be near whom, and stays as it is while the points move.",
  q: "q comes from the points that you see. It says who is near whom now.",
  divergence: "How the difference between p and q is measured. KL punishes a q that misses a neighbour of p. Reverse KL punishes a q that sees a neighbour where p has none.",
  distance: "What near means in the embedding. Cosine looks at directions only, so the points lie on a circle or a sphere.",
  kl_weight: "How much of it is KL, which punishes missed neighbours; the rest is reverse KL, which punishes false ones.",
  renyi_order: "At 1 it is KL. Larger orders punish the worst miss more.",
  temperature: "The scale that divides the distance in q. Small: only the nearest points count. Large: all points count alike.",
  df: "Degrees of freedom of the Student-t. Small: heavy tails, so far points can stay far. Large: it becomes a Gaussian, and t-SNE becomes SNE.",
  perplexity: "How many neighbours each point has under p, roughly.",
  n_neighbors: "How many nearest points in the data count as neighbours under p.",
  p_temperature: "The scale that divides the distance in p. Small: p sees only the nearest points.",
  margin: "How much farther than the neighbours all other points have to be.",
  alpha: "Mix with the uniform distribution: (1 − α) p + α/n. It says that no point is quite certain to be no neighbour.",
  alpha_on: "Which side is mixed.",
  batch_size: "How many samples one step sees. p and q live on them alone. All points are drawn all the same.",
  learning_rate: "How far one step moves the points, or the weights of the network.",
  data: "What is embedded. With your own points, draw on the white field.",
  backbone: "What makes the points. Free points move one by one. A network sees the data and moves them all together.",
  embedding_dim: "How many numbers describe a point. Three dimensions are drawn as a solid: drag to turn it.",
};

/** Sliders: what is written, the range, and whether a step multiplies. */
const SLIDERS = {
  kl_weight: { label: "weight of KL", low: 0, high: 1, step: 0.05 },
  renyi_order: { label: "order", low: 0.05, high: 20, log: true },
  temperature: { label: "temperature τ", low: 0.01, high: 100, log: true },
  df: { label: "degrees of freedom ν", low: 0.1, high: 100, log: true },
  perplexity: { label: "perplexity", low: 2, high: 100, step: 1 },
  n_neighbors: { label: "neighbours k", low: 1, high: 60, step: 1 },
  p_temperature: { label: "scale of p, τₚ", low: 0.001, high: 100, log: true },
  margin: { label: "margin", low: 0, high: 2, step: 0.05 },
  alpha: { label: "mixing α", low: 0, high: 0.9, step: 0.01 },
  batch_size: { label: "samples in a batch", low: 4, high: 500, log: true, whole: true },
  learning_rate: { label: "learning rate", low: 0.0001, high: 10, log: true },
};

const MISSING = { cross_modal: "It needs a second modality for every sample, such as a caption. In Python: icon.run(icon.Config(method='clip'))." };

const shortNumber = (value) => (Math.abs(value) >= 1e4 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(+value.toPrecision(3)));
