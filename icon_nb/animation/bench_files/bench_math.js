"use strict";
/* The mathematics of I-Con, in one file to be read from top to bottom.

     L(z) = 1/n sum_i D( p_i || q_i )          p_i = p(.|i): who should be near point i
                                               q_i = q(.|i): who is near point i
     1  p(j|i)  from the data                  5  the chain rule: from dL/dlog q back to dL/dz, and to the forces
     2  d(i,j)  distances in the embedding     6  a network that makes the embedding, z = f(x), forward and backward
     3  q(j|i)  a kernel of the distances      7  one step of an optimizer
     4  D       divergences                    8  how many nearest neighbours have the same class

   A matrix of n rows and m columns is one flat array; entry (i, j) stands at i * m + j. All arrays are made once, by
   `workspace`, and every function below writes into them: nothing is allocated while the page trains.

   The settings s have the names of icon.Config: s.p and s.q name the rows of the table, s.temperature is tau, s.df is nu.
   s.self_p and s.self_q say whether a point counts as its own neighbour. */

const divergences = typeof module === "undefined" ? DIVERGENCES : require("./bench_divergences.js"); // a file of their own
const TINY = 2 ** -1022; // the smallest number with all its digits
const LIMITS = ["gaussian_wide", "gaussian_narrow"]; // q without a temperature: they come with a loss of their own

/** Room for n anchors against m candidates in d dimensions. Candidate i + own is anchor i itself; own = null: none is. */
function workspace(n, m, d, { own = 0, joint = false } = {}) {
  const matrix = () => new Float64Array(n * m);
  return {
    n, m, d, own, joint,
    rows: joint ? 1 : n, // a joint distribution is one row over all pairs
    p: matrix(), logP: matrix(), logMeasure: new Float64Array(m),
    distance: matrix(), slope: matrix(), q: matrix(), logQ: matrix(), g: matrix(),
    u: new Float64Array(n * d), v: new Float64Array(m * d), lengthU: new Float64Array(n), lengthV: new Float64Array(m),
    // gradients by the anchors and by the candidates, split into what p pulls and what q pushes
    pull: new Float64Array(n * d), push: new Float64Array(n * d),
    pullC: new Float64Array(m * d), pushC: new Float64Array(m * d),
  };
}

/** Whether column j of row i is the point itself, and does not count. */
const excluded = (w, s, i, j) => !s.self_q && w.own !== null && j === i + w.own;

/* ---- 1  p(j|i) ------------------------------------------------------------------------------------------------------- */

/** Squared Euclidean distances |x_i - x_j|^2 between all rows of x (n, f). */
function squares(x, n, f, out) {
  for (let i = 0; i < n; i++) {
    out[i * n + i] = 0;
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < f; k++) sum += (x[i * f + k] - x[j * f + k]) ** 2;
      out[i * n + j] = out[j * n + i] = sum;
    }
  }
  return out;
}

/** Divide every row by its sum. A row without any neighbour has no p: say so. */
function normaliseRows(p, n, m, cause) {
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (let j = 0; j < m; j++) total += p[i * m + j];
    if (total === 0) throw new Error(`Point ${i} has no neighbour under p: ${cause}.`);
    for (let j = 0; j < m; j++) p[i * m + j] /= total;
  }
}

/** p_ij = e^(-d_ij beta_i) / sum, j != i, with beta_i so that the entropy of row i is log(perplexity): Newton's method on log
 *  beta_i; where a step does not halve the one before it or leaves the bracket, bisection. Distances are shifted and scaled first. */
function perplexityRows(d, n, perplexity, p, logP) {
  if (perplexity > n - 1) throw new Error(`A perplexity of ${perplexity} needs more than ${n} points: lower it.`);
  for (let i = 0, r = 0; i < n; i++, r += n) {
    let near = Infinity, scale = 0;
    for (let j = 0; j < n; j++) if (j !== i) near = Math.min(near, d[r + j]);
    for (let j = 0; j < n; j++) if (j !== i) scale += (d[r + j] - near) / n;
    scale = scale > 0 ? scale : 1;
    let logBeta = 0, low = -Infinity, high = Infinity, total = 1, last = Infinity;
    for (let tries = 0; tries < 200; tries++) {
      const beta = Math.exp(logBeta);
      let first = 0, second = 0;
      total = 0;
      for (let j = 0; j < n; j++) {
        const t = (d[r + j] - near) / scale, weight = j === i ? 0 : Math.exp(-t * beta);
        p[r + j] = weight; total += weight; first += weight * t; second += weight * t * t;
      }
      const mean = first / total, variance = second / total - mean * mean;
      const error = Math.log(total) + beta * mean - Math.log(perplexity); // entropy of the row less what it should be
      if (Math.abs(error) < 1e-10) break;
      if (error > 0) low = logBeta; else high = logBeta;
      const step = Math.max(-8, Math.min(8, error / (beta * beta * Math.max(variance, 1e-30)))), newton = logBeta + step;
      const halfway = low === -Infinity ? logBeta - 8 : high === Infinity ? logBeta + 8 : (low + high) / 2;
      const next = newton > low && newton < high && Math.abs(step) <= Math.abs(last) / 2 ? newton : halfway;
      last = next - logBeta;
      logBeta = Math.min(next, 650); // as steep as it gets: where more points than the perplexity are nearest, they share all of p
    }
    for (let j = 0; j < n; j++) {
      p[r + j] /= total;
      logP[r + j] = j === i ? -Infinity : (-(d[r + j] - near) / scale) * Math.exp(logBeta) - Math.log(total);
    }
  }
}

/** p from scores: log p_ij = score_ij - log sum_k e^(score_ik), without j = i unless it counts. */
function softmaxOfScores(w, s, score) {
  const { n, p, logP } = w;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) logP[i * n + j] = i === j && !s.self_p ? -Infinity : score(i * n + j, j);
  logSoftmaxRows(logP, p, n, n);
}

/** The rows of the table: each fills w.p (n, m), and those made of scores fill w.logP too. */
const SUPERVISORY = {
  gaussian: (s, b, w) => perplexityRows(squares(b.x, w.n, b.features, w.g), w.n, s.perplexity, w.p, w.logP),
  gaussian_joint(s, b, w) { // P_ij = (p_ij + p_ji) / 2n, one distribution over all pairs
    const { n, p, logP } = w;
    SUPERVISORY.gaussian(s, b, w);
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) {
      const at = i * n + j, back = j * n + i, top = Math.max(logP[at], logP[back]);
      p[at] = p[back] = (p[at] + p[back]) / (2 * n);
      logP[at] = logP[back] = top + Math.log1p(Math.exp(Math.min(logP[at], logP[back]) - top)) - Math.log(2 * n);
    }
  },
  gaussian_fixed(s, b, w) { // p_ij ~ e^(-|x_i - x_j|^2 / tau_p)
    const d = squares(b.x, w.n, b.features, w.g);
    softmaxOfScores(w, s, (at) => -d[at] / s.p_temperature);
  },
  student_t(s, b, w) { // p_ij ~ 1 / (1 + |x_i - x_j|^2 / tau_p)
    const d = squares(b.x, w.n, b.features, w.g);
    softmaxOfScores(w, s, (at) => -Math.log1p(d[at] / s.p_temperature));
  },
  identity: (s, b, w) => w.p.forEach((_, at) => { w.p[at] = Math.floor(at / w.m) === at % w.m ? 1 : 0; }),
  knn(s, b, w) { // p_ij = 1/k for the k nearest others
    const { n, p } = w, d = squares(b.x, n, b.features, w.g), k = s.n_neighbors;
    if (k > n - 1) throw new Error(`${k} nearest neighbours need more than ${n} points: lower the number.`);
    p.fill(0);
    for (let i = 0; i < n; i++) {
      nearestOthers(i, n, k, (j) => d[i * n + j]);
      for (let place = 0; place < k; place++) p[i * n + NEAR[place]] = 1 / k;
    }
  },
  graph(s, b, w) { // p_ij = w_ij / sum_k w_ik
    for (let i = 0; i < w.n; i++) for (let j = 0; j < w.n; j++) w.p[i * w.n + j] = i === j ? 0 : b.graph[i * w.n + j];
    normaliseRows(w.p, w.n, w.n, "it has no edge");
  },
  graph_gibbs(s, b, w) { // p_ij ~ e^(w_ij / (degree_j tau_p)), and q weighs every node by its degree
    const { n } = w, degree = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) degree[j] += b.graph[i * n + j];
    for (let j = 0; j < n; j++) w.logMeasure[j] = Math.log(degree[j]);
    softmaxOfScores(w, s, (at, j) => b.graph[at] / (degree[j] * s.p_temperature));
  },
  positive_pairs: (s, b, w) => sameRows(w, b.index, "it has no second view"),
  same_class: (s, b, w) => sameRows(w, b.y, "no other point of its class is here"),
  label: (s, b, w) => w.p.forEach((_, at) => { w.p[at] = b.y[Math.floor(at / w.m)] === at % w.m ? 1 : 0; }),
};

const NEAR = new Int32Array(1024), FAR = new Float64Array(1024); // the nearest others found so far, and their distances

/** The k nearest others of point i, nearest first, in NEAR; returns how many there are. */
function nearestOthers(i, n, k, distanceTo) {
  let found = 0;
  for (let j = 0; j < n; j++) {
    const distance = j === i ? Infinity : distanceTo(j);
    if (j === i || (found === k && distance >= FAR[k - 1])) continue;
    let at = found < k ? found++ : k - 1;
    for (; at > 0 && FAR[at - 1] > distance; at--) { FAR[at] = FAR[at - 1]; NEAR[at] = NEAR[at - 1]; }
    FAR[at] = distance; NEAR[at] = j;
  }
  return found;
}

/** p_ij = 1/k for the k others that have the same number as i: the same sample, or the same class. */
function sameRows(w, number, cause) {
  const { n, p } = w;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) p[i * n + j] = i !== j && number[i] === number[j] ? 1 : 0;
  normaliseRows(p, n, n, cause);
}

/** p of a batch b = { x, features, y, index, graph }: w.p and w.logP. Mixed with the uniform: (1 - alpha) p + alpha / m. */
function supervisory(s, b, w) {
  const { n, m, p, logP } = w, alpha = s.alpha_on === "q" ? 0 : s.alpha || 0;
  w.logMeasure.fill(0);
  w.weighed = s.p === "graph_gibbs";
  logP[0] = NaN; // stays so unless log p comes with p
  SUPERVISORY[s.p](s, b, w);
  if (alpha > 0) {
    const columns = m - (s.self_q || w.own === null ? 0 : 1), share = alpha / (columns * (w.joint ? n : 1));
    for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) p[i * m + j] = (1 - alpha) * p[i * m + j] + (excluded(w, s, i, j) ? 0 : share);
  }
  if (alpha > 0 || Number.isNaN(logP[0])) for (let at = 0; at < n * m; at++) logP[at] = Math.log(p[at]);
}

/* ---- 2  distances in the embedding -------------------------------------------------------------------------------------- */

/** d_ij between anchors z (n, d) and candidates c (m, d); smaller is closer.
 *    sqeuclidean |z_i - c_j|^2      neg_dot -z_i c_j      cosine 1 - u_i v_j, with u = z / |z| and v = c / |c| */
function distances(s, w, z, c) {
  const { n, m, d, u, v, distance } = w, cosine = s.distance === "cosine", among = z === c;
  if (cosine) { directions(z, n, d, u, w.lengthU); directions(c, m, d, v, w.lengthV); }
  const a = cosine ? u : z, b = cosine ? v : c, offset = cosine ? 1 : 0, squared = s.distance === "sqeuclidean";
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < (among ? i + 1 : m); j++) {
      let sum = 0;
      if (squared) for (let k = 0; k < d; k++) { const gap = a[i * d + k] - b[j * d + k]; sum += gap * gap; }
      else for (let k = 0; k < d; k++) sum -= a[i * d + k] * b[j * d + k];
      distance[i * m + j] = sum + offset;
      if (among) distance[j * m + i] = sum + offset; // the same both ways
    }
  }
}

function directions(z, n, d, u, length) {
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += z[i * d + k] ** 2;
    length[i] = Math.max(Math.sqrt(sum), 1e-12);
    for (let k = 0; k < d; k++) u[i * d + k] = z[i * d + k] / length[i];
  }
}

/* ---- 3  q(j|i) ----------------------------------------------------------------------------------------------------------- */

/** log q_ij = score_ij - log sum_k e^(score_ik), in place; q gets the exponentials. The largest score is taken off first, so
 *  that nothing overflows. */
function logSoftmaxRows(logQ, q, rows, columns) {
  for (let r = 0, at = 0; r < rows; r++) {
    const start = at, end = at + columns;
    let top = -Infinity, total = 0;
    for (; at < end; at++) if (logQ[at] > top) top = logQ[at];
    for (at = start; at < end; at++) total += q[at] = Math.exp(logQ[at] - top);
    const shift = top + Math.log(total);
    for (at = start; at < end; at++) { logQ[at] -= shift; q[at] /= total; }
  }
}

/** Kernels: the score s(d) = log kernel of a distance, and its slope ds/dd. */
const KERNELS = {
  gaussian: (s) => ({ score: (d) => -d / s.temperature, slope: () => -1 / s.temperature }),
  student_t: (s) => ({ // (1 + d / (nu tau))^(-(nu + 1) / 2)
    score: (d) => (-(s.df + 1) / 2) * Math.log1p(d / (s.df * s.temperature)),
    slope: (d) => -(s.df + 1) / 2 / (s.df * s.temperature + d),
  }),
  student_t_narrow: (s) => ({ // d^(-(nu + 1) / 2): what is left of it as tau goes to 0
    score: (d) => (-(s.df + 1) / 2) * Math.log(Math.max(d, TINY)),
    slope: (d) => (d > TINY ? -(s.df + 1) / 2 / d : 0),
  }),
};
KERNELS.student_t_joint = KERNELS.student_t;

/** q of embeddings z against candidates c: fills w.logQ and w.q; for a limit only the distances. */
function learned(s, w, z, c) {
  if (s.q === "clusters") return clusters(s, w, z, c);
  distances(s, w, z, c);
  if (LIMITS.includes(s.q)) return;
  const { n, m, distance, slope, logQ } = w, { score, slope: slopeOf } = KERNELS[s.q](s), among = z === c;
  for (let i = 0; i < n; i++) {
    for (let j = 0, at = i * m; j < (among ? i + 1 : m); j++, at++) {
      const out = excluded(w, s, i, j);
      logQ[at] = out ? -Infinity : score(distance[at]);
      slope[at] = out ? 0 : slopeOf(distance[at]);
      if (among) { logQ[j * m + i] = logQ[at]; slope[j * m + i] = slope[at]; } // the same both ways
    }
  }
  if (w.weighed && s.q !== "student_t_joint") for (let at = 0; at < n * m; at++) logQ[at] += w.logMeasure[at % m];
  logSoftmaxRows(logQ, w.q, w.rows, (n * m) / w.rows);
  mixQ(s, w);
}

/** Mixed with the uniform: log( (1 - alpha) q + alpha / m ). */
function mixQ(s, w) {
  if (!(s.alpha > 0) || s.alpha_on === "p") return;
  const { n, m, own, q, logQ } = w, columns = (m - (s.self_q || own === null ? 0 : 1)) * (w.joint ? n : 1);
  for (let at = 0; at < n * m; at++) if (logQ[at] > -Infinity) logQ[at] = Math.log((1 - s.alpha) * q[at] + s.alpha / columns);
}

/** Through clusters: from point i to one of its clusters c, from there to one of the cluster's points j,
 *    q_ij = sum_c phi_ic phi_jc m_j / sum_k phi_kc m_k,   phi = softmax(z) over the clusters. */
function clusters(s, w, z, c) {
  const { n, m, d, u, v, q, logQ } = w; // u: phi of the anchors (n, d). v: shares of the points in each cluster (m, d)
  w.logU ??= new Float64Array(n * d); w.logV ??= new Float64Array(m * d); w.phi ??= new Float64Array(m * d);
  w.logU.set(z); logSoftmaxRows(w.logU, u, n, d);
  w.logV.set(c); logSoftmaxRows(w.logV, w.phi, m, d);
  for (let k = 0; k < d; k++) {
    let top = -Infinity, total = 0;
    for (let j = 0; j < m; j++) { w.logV[j * d + k] += w.logMeasure[j]; top = Math.max(top, w.logV[j * d + k]); }
    for (let j = 0; j < m; j++) total += Math.exp(w.logV[j * d + k] - top);
    for (let j = 0; j < m; j++) v[j * d + k] = Math.exp(w.logV[j * d + k] -= top + Math.log(total));
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += u[i * d + k] * v[j * d + k];
      q[i * m + j] = sum;
      logQ[i * m + j] = sum > 1e-150 ? Math.log(sum) : logSum(w, i, j);
    }
  }
  mixQ(s, w);
}

/** log sum_c e^(log u_ic + log v_jc): where the plain product underflows. */
function logSum(w, i, j) {
  let top = -Infinity, total = 0;
  for (let k = 0; k < w.d; k++) top = Math.max(top, w.logU[i * w.d + k] + w.logV[j * w.d + k]);
  for (let k = 0; k < w.d; k++) total += Math.exp(w.logU[i * w.d + k] + w.logV[j * w.d + k] - top);
  return top + Math.log(total);
}

/* ---- 4  D( p || q ) ------------------------------------------------------------------------------------------------------ */

/** L = mean over the rows of D(p_i || q_i); w.g gets dL / dlog q_ij. */
function divergence(s, w) {
  if (LIMITS.includes(s.q)) return limit(s, w);
  const { n, m, rows, p, logP, q, logQ, g } = w, part = divergences.BY_ENTRY[s.divergence];
  const mixed = s.alpha > 0 && s.alpha_on !== "p"; // then q holds what was mixed, and log q the mixture
  let loss = 0;
  const whole = divergences.BY_ROW[s.divergence];
  if (whole) for (let i = 0; i < (w.joint ? 1 : n); i++) loss += whole(s, w.joint ? { ...w, m: n * m } : w, i);
  for (let at = 0; at < n * m; at++) {
    if (logQ[at] === -Infinity) { // the point itself: no candidate of q. Where p has weight here, D is infinite.
      if (p[at] > 0 && ["kl", "jeffreys", "nerv", "chi2"].includes(s.divergence)) loss = Infinity;
      g[at] = 0;
      continue;
    }
    const qAt = mixed ? Math.exp(logQ[at]) : q[at];
    if (!whole) loss += part(p[at], logP[at], qAt, logQ[at], s);
    g[at] = (whole ? g[at] : divergences.slope.byLogQ) / rows;
    if (mixed) g[at] *= qAt > 0 ? ((1 - s.alpha) * q[at]) / qAt : 0; // from log of the mixture to log of what was mixed
  }
  return loss / rows;
}

/** The two ends of the temperature of a Gaussian q, in the place of D; w.g gets the pull p_ij, w.slope the push, both by d_ij.
 *    wide, tau to infinity:  sum_j p_ij d_ij - 1/m sum_k d_ik         (PCA, VICReg: near on average, far on average)
 *    narrow, tau to 0:       sum_j p_ij d_ij - min_k (d_ik - margin [p_ik = 0])      (triplet: the nearest negative) */
function limit(s, w) {
  const { n, m, p, distance, g, slope } = w, wide = s.q === "gaussian_wide";
  const columns = m - (s.self_q || w.own === null ? 0 : 1);
  let loss = 0;
  for (let i = 0; i < n; i++) {
    let nearest = -1, least = Infinity;
    for (let j = 0, at = i * m; j < m; j++, at++) {
      const out = excluded(w, s, i, j);
      g[at] = out ? 0 : p[at] / n;
      slope[at] = wide && !out ? -1 / columns / n : 0;
      if (!out) loss += g[at] * distance[at] + slope[at] * distance[at];
      const d = distance[at] - (p[at] > 0 ? 0 : s.margin || 0);
      if (!wide && !out && d < least) { least = d; nearest = at; }
    }
    if (!wide) { slope[nearest] = -1 / n; loss -= least / n; }
  }
  return loss;
}

/* ---- 5  the chain rule, and the forces ----------------------------------------------------------------------------------- */

/** From dL/dlog q to dL/dz, in two parts. log q_ij = s_ij - log sum_k e^(s_ik) has a numerator and a normaliser:
 *    dL/ds_ij = g_ij  -  q_ij sum_k g_ik
 *               pull     push                 for KL, g = -p / n: what p pulls together and what q pushes apart
 *  and then dL/dz_i = sum_j (dL/ds_ij + dL/ds_ji) ds/dd dd/dz_i. */
function chain(s, w, z, c) {
  const { n, m, d, q, g, slope, pull, push } = w, among = z === c;
  const pullC = among ? pull : w.pullC, pushC = among ? push : w.pushC;
  pull.fill(0); push.fill(0); pullC.fill(0); pushC.fill(0);
  if (s.q === "clusters") return clustersBack(w);
  const cosine = s.distance === "cosine", a = cosine ? w.u : z, b = cosine ? (among ? w.u : w.v) : c;
  const factor = s.distance === "sqeuclidean" ? 2 : 1, keep = factor - 1, isLimit = LIMITS.includes(s.q);
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (!isLimit && (i === 0 || !w.joint)) total = sum(g, i * m, w.joint ? n * m : (i + 1) * m);
    for (let j = 0, at = i * m; j < m; j++, at++) {
      const near = factor * (isLimit ? g[at] : g[at] * slope[at]);
      const far = factor * (isLimit ? slope[at] : -q[at] * total * slope[at]);
      if (near === 0 && far === 0) continue;
      for (let k = 0, x = i * d, y = j * d; k < d; k++, x++, y++) {
        const byZ = keep * a[x] - b[y], byC = keep * b[y] - a[x]; // dd/dz_i and dd/dc_j: 2(z - c) and 2(c - z), or -c and -z
        pull[x] += near * byZ; pullC[y] += near * byC;
        push[x] += far * byZ; pushC[y] += far * byC;
      }
    }
  }
  if (!cosine) return;
  for (const force of [pull, push]) ontoSphere(force, w.u, w.lengthU, n, d);
  if (!among) for (const force of [pullC, pushC]) ontoSphere(force, w.v, w.lengthV, m, d);
}

function sum(values, from, to) {
  let total = 0;
  for (let at = from; at < to; at++) total += values[at];
  return total;
}

/** From the gradient by the direction u = z / |z| to that by z: what points along u changes nothing, and long z turn slowly. */
function ontoSphere(force, u, length, n, d) {
  for (let i = 0; i < n; i++) {
    let along = 0;
    for (let k = 0; k < d; k++) along += force[i * d + k] * u[i * d + k];
    for (let k = 0; k < d; k++) force[i * d + k] = (force[i * d + k] - along * u[i * d + k]) / length[i];
  }
}

/** The same for clusters: log q_ij = log sum_c u_ic v_jc, v the share of j in cluster c. What reaches the memberships through
 *  u and the numerator of v is the pull; what reaches them through the size of the cluster is the push. */
function clustersBack(w) {
  const { n, d, u, v, q, g, pull, push } = w;
  w.byShare ??= new Float64Array(n * d);
  w.byShare.fill(0);
  for (let i = 0; i < n; i++) {
    for (let j = 0, at = i * n; j < n; j++, at++) {
      const weight = q[at] > 0 ? g[at] / q[at] : 0;
      if (weight === 0) continue;
      for (let k = 0; k < d; k++) {
        const along = weight * u[i * d + k] * v[j * d + k];
        pull[i * d + k] += along;
        w.byShare[j * d + k] += along;
      }
    }
  }
  for (let k = 0; k < d; k++) {
    let total = 0;
    for (let j = 0; j < n; j++) total += w.byShare[j * d + k];
    for (let j = 0; j < n; j++) { pull[j * d + k] += w.byShare[j * d + k]; push[j * d + k] -= v[j * d + k] * total; }
  }
  for (const force of [pull, push]) { // from log phi to the logits z: h - phi sum h
    for (let i = 0; i < n; i++) {
      const total = sum(force, i * d, (i + 1) * d);
      for (let k = 0; k < d; k++) force[i * d + k] -= u[i * d + k] * total;
    }
  }
}

/** The whole objective for a p that is in the workspace: the loss; afterwards pull + push is the gradient. */
function objective(s, w, z, c = z) {
  learned(s, w, z, c);
  const loss = divergence(s, w);
  chain(s, w, z, c);
  return loss;
}

/* ---- 6  a network, z = f(x) ------------------------------------------------------------------------------------------------ */

/** Layers of these sizes with a ReLU between them, [64, 2] a linear map, [64, 64, 64, 2] two hidden layers; room for so many rows.
 *  Layer l: a_l = relu(W_l a_(l-1) + b_l). A layer starts as torch starts it, uniform in +-1/sqrt(inputs). */
class Network {
  constructor(sizes, rows, random) {
    this.sizes = sizes;
    const count = sizes.slice(1).reduce((all, out, l) => all + out * (sizes[l] + 1), 0);
    this.weights = new Float64Array(count);
    this.gradient = new Float64Array(count);
    this.a = sizes.map((size) => new Float64Array(rows * size)); // activations of every layer; a[0] is the input
    this.back = sizes.map((size) => new Float64Array(rows * size)); // dL/da
    this.layers = [];
    let at = 0;
    for (let l = 1; l < sizes.length; l++) {
      const [into, out] = [sizes[l - 1], sizes[l]];
      this.layers.push({ into, out, W: at, b: at + into * out });
      for (const end = at + (into + 1) * out; at < end; at++) this.weights[at] = (2 * random() - 1) / Math.sqrt(into);
    }
  }

  /** Embed the rows in a[0]; returns a view of the last layer, (rows, d). */
  forward(rows) {
    this.layers.forEach(({ into, out, W, b }, l) => {
      const x = this.a[l], y = this.a[l + 1], weights = this.weights, last = l === this.layers.length - 1;
      for (let i = 0; i < rows; i++) {
        for (let o = 0; o < out; o++) {
          let value = weights[b + o];
          for (let k = 0, at = W + o * into, from = i * into; k < into; k++) value += weights[at + k] * x[from + k];
          y[i * out + o] = last || value > 0 ? value : 0;
        }
      }
    });
    return this.a[this.layers.length];
  }

  /** From dL/dz (rows, d) to dL/dW and dL/db: dL/dW = sum_i delta_i a_i^T, and delta goes back through W^T where the ReLU was open. */
  backward(byZ, rows) {
    this.gradient.fill(0);
    this.back[this.layers.length].set(byZ);
    for (let l = this.layers.length - 1; l >= 0; l--) {
      const { into, out, W, b } = this.layers[l], x = this.a[l], y = this.a[l + 1], delta = this.back[l + 1], before = this.back[l];
      const { weights, gradient } = this, last = l === this.layers.length - 1;
      if (l > 0) before.fill(0, 0, rows * into);
      for (let i = 0; i < rows; i++) {
        for (let o = 0; o < out; o++) {
          const by = last || y[i * out + o] > 0 ? delta[i * out + o] : 0;
          if (by === 0) continue;
          gradient[b + o] += by;
          for (let k = 0, at = W + o * into, from = i * into; k < into; k++) gradient[at + k] += by * x[from + k];
          if (l > 0) for (let k = 0, at = W + o * into, from = i * into; k < into; k++) before[from + k] += by * weights[at + k];
        }
      }
    }
    return this.gradient;
  }
}

/** Make the rows of a linear map orthonormal, one after the other (Gram-Schmidt): what keeps the wide limit from growing. */
function orthonormalise(network) {
  const { into, out, W } = network.layers[0], rows = network.weights;
  for (let o = 0; o < out; o++) {
    const at = W + o * into;
    for (let before = W; before < at; before += into) {
      let along = 0;
      for (let k = 0; k < into; k++) along += rows[at + k] * rows[before + k];
      for (let k = 0; k < into; k++) rows[at + k] -= along * rows[before + k];
    }
    const length = Math.sqrt(rows.subarray(at, at + into).reduce((all, value) => all + value * value, 0));
    for (let k = 0; k < into; k++) rows[at + k] /= length;
  }
}

/* ---- 7  one step of an optimizer ----------------------------------------------------------------------------------------- */

/** Moves `values` against `gradient`; `memory` = optimizerMemory(values.length) keeps what it remembers between steps. */
const OPTIMIZERS = {
  /** Momentum with a gain per coordinate that grows while its direction holds: what t-SNE was published with. */
  gains(values, gradient, { velocity, gain }, s, rows) {
    for (let k = 0; k < values.length; k++) {
      gain[k] = Math.max(0.01, velocity[k] * gradient[k] < 0 ? gain[k] + 0.2 : gain[k] * 0.8);
      velocity[k] = s.momentum * velocity[k] - s.learning_rate * rows * gain[k] * gradient[k];
      values[k] += velocity[k];
    }
  },
  sgd(values, gradient, { velocity }, s) {
    for (let k = 0; k < values.length; k++) values[k] -= s.learning_rate * (velocity[k] = s.momentum * velocity[k] + gradient[k]);
  },
  /** Adam (Kingma & Ba 2015): steps of about one size, whatever the size of the gradient. */
  adam(values, gradient, memory, s) {
    const { velocity, square } = memory, t = ++memory.steps;
    for (let k = 0; k < values.length; k++) {
      velocity[k] = 0.9 * velocity[k] + 0.1 * gradient[k];
      square[k] = 0.999 * square[k] + 0.001 * gradient[k] * gradient[k];
      const root = Math.sqrt(square[k]) / Math.sqrt(1 - 0.999 ** t) + 1e-8;
      values[k] -= (s.learning_rate / (1 - 0.9 ** t)) * (velocity[k] / root);
    }
  },
};

const optimizerMemory = (size) => ({
  velocity: new Float64Array(size), square: new Float64Array(size), gain: new Float64Array(size).fill(1), steps: 0,
});

/* ---- 8  nearest neighbours of the same class ------------------------------------------------------------------------------ */

/** Share of the points whose class wins the vote of their k nearest others in z (n, d). A tie goes to the nearer class. */
function knnAccuracy(z, n, d, y, k = 5) {
  let right = 0;
  for (let i = 0; i < n; i++) {
    const found = nearestOthers(i, n, k, (j) => {
      let distance = 0;
      for (let c = 0; c < d; c++) distance += (z[i * d + c] - z[j * d + c]) ** 2;
      return distance;
    });
    let best = -1, most = 0;
    for (let a = 0; a < found; a++) {
      let votes = 0;
      for (let b = 0; b < found; b++) if (y[NEAR[a]] === y[NEAR[b]]) votes++;
      if (votes > most) { most = votes; best = y[NEAR[a]]; }
    }
    if (best === y[i]) right++;
  }
  return right / n;
}

const math = {
  workspace, supervisory, learned, divergence, chain, objective, Network, orthonormalise, OPTIMIZERS, optimizerMemory, knnAccuracy,
  SUPERVISORY, KERNELS, LIMITS,
};
if (typeof module !== "undefined") module.exports = math; // so that node can run this file too
