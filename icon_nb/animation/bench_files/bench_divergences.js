"use strict";
/* D( p || q ), the same as icon_nb.objective.divergences: some are sums over entries, some look at a whole row. */

const slope = { byLogQ: 0 }; // dD / dlog q of the entry that was looked at last

/** Divergences, entry by entry: each returns its part of D, and leaves the derivative in slope.byLogQ. */
const BY_ENTRY = {
  kl(p, logP, q, logQ) { // sum p (log p - log q)
    slope.byLogQ = -p;
    return p > 0 ? p * (logP - logQ) : 0;
  },
  rkl(p, logP, q, logQ) { // sum q (log q - log p)
    slope.byLogQ = q * (logQ - logP + 1);
    return q * (logQ - logP);
  },
  js(p, logP, q, logQ) { // 1/2 sum p (log p - log m) + 1/2 sum q (log q - log m),  m = (p + q) / 2
    const logM = Math.log((p + q) / 2);
    slope.byLogQ = q > 0 ? (q * (logQ - logM)) / 2 : 0;
    return (p > 0 ? (p * (logP - logM)) / 2 : 0) + slope.byLogQ;
  },
  jeffreys(p, logP, q, logQ) { // sum (p - q) (log p - log q)
    slope.byLogQ = q * (logQ - logP + 1) - p;
    return (p - q) * (logP - logQ);
  },
  nerv(p, logP, q, logQ, s) { // w sum p (log p - log q) + (1 - w) sum q (log q - log p)
    const w = s.kl_weight;
    slope.byLogQ = (1 - w) * q * (logQ - logP + 1) - w * p;
    return (w * p - (1 - w) * q) * (logP - logQ);
  },
  tv(p, logP, q) { // 1/2 sum |p - q|
    slope.byLogQ = (Math.sign(q - p) * q) / 2;
    return Math.abs(p - q) / 2;
  },
  hellinger(p, logP, q) { // 1/2 sum (sqrt p - sqrt q)^2
    const gap = Math.sqrt(q) - Math.sqrt(p);
    slope.byLogQ = (gap * Math.sqrt(q)) / 2;
    return (gap * gap) / 2;
  },
  chi2(p, logP, q, logQ) { // sum (p - q)^2 / q
    const misses = p > 0 ? p * Math.exp(logP - logQ) : 0; // p^2 / q
    slope.byLogQ = q - misses;
    return misses - 2 * p + q;
  },
};

/** Divergences of a whole row at once: each returns D of row i, and leaves the derivatives by log q in w.g. */
const BY_ROW = {
  renyi(s, w, i) { // log sum p^a q^(1-a) / (a - 1)
    const { m, p, logP, logQ, g } = w, a = s.renyi_order;
    const score = (at) => (p[at] > 0 ? a * logP[at] + (1 - a) * logQ[at] : -Infinity);
    if (Math.abs(a - 1) < 1e-9) return kullback(w, i);
    const log = logSumOver(i * m, m, score);
    for (let at = i * m; at < (i + 1) * m; at++) g[at] = -Math.exp(score(at) - log);
    return log / (a - 1);
  },
  any_neighbor(s, w, i) { // -log of all q on neighbours
    const { m, p, logQ, g } = w, score = (at) => (p[at] > 0 ? logQ[at] : -Infinity), log = logSumOver(i * m, m, score);
    for (let at = i * m; at < (i + 1) * m; at++) g[at] = -Math.exp(score(at) - log);
    return -log;
  },
  each_neighbor(s, w, i) { // sum p log((q + all q on strangers) / q)
    const { m, p, logQ, g } = w, score = (at) => (p[at] > 0 ? -Infinity : logQ[at]), log = logSumOver(i * m, m, score);
    let loss = 0, pull = 0; // pull: what all neighbours do to the strangers
    for (let at = i * m; at < (i + 1) * m; at++) {
      if (p[at] === 0) continue;
      const stranger = 1 / (1 + Math.exp(logQ[at] - log));
      loss -= p[at] * Math.log(1 - stranger);
      g[at] = -p[at] * stranger;
      pull += p[at] * stranger;
    }
    for (let at = i * m; at < (i + 1) * m; at++) if (p[at] === 0) g[at] = pull * Math.exp(logQ[at] - log);
    return loss;
  },
};

/** KL of row i; w.g gets its derivatives by log q. */
function kullback({ m, p, logP, logQ, g }, i) {
  let loss = 0;
  for (let at = i * m; at < (i + 1) * m; at++) {
    g[at] = -p[at];
    if (p[at] > 0) loss += p[at] * (logP[at] - logQ[at]);
  }
  return loss;
}

/** log sum exp of score(at) over m places from the first. */
function logSumOver(first, m, score) {
  let top = -Infinity, total = 0;
  for (let at = first; at < first + m; at++) top = Math.max(top, score(at));
  if (top === -Infinity) return top;
  for (let at = first; at < first + m; at++) total += Math.exp(score(at) - top);
  return top + Math.log(total);
}

const DIVERGENCES = { BY_ENTRY, BY_ROW, slope };
if (typeof module !== "undefined") module.exports = DIVERGENCES; // so that node can run this file too
