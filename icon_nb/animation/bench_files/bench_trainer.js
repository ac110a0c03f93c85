"use strict";
/* The training loop: batch, embed, p, q, D, step. What the page shows is read from here. */

const SPREAD = { table: 1e-2, pca: 1e-4 }; // deviation of fresh points; of the first principal component

/** What cannot be changed while it trains: another value of one of these is another model. */
const shapeOf = (s) => [s.backbone, s.embedding_dim, s.hidden_dim, s.init, s.q === "clusters", s.p === "label", s.n_views].join();

class Trainer {
  /** @param data a data set  @param s settings, see bench_math.js  @param seed of everything random */
  constructor(data, s, seed) {
    this.data = data;
    this.random = randomNumbers(seed);
    this.steps = 0;
    this.d = s.embedding_dim;
    this.shape = shapeOf(s);
    const { n, features } = data, { d } = this;
    if (s.backbone === "table") {
      this.points = s.init === "pca" ? principalComponents(data, d, this.random) : this.normals(n * d, SPREAD.table);
      this.memory = optimizerMemory(n * d);
    } else {
      const hidden = s.backbone === "mlp" ? [s.hidden_dim, s.hidden_dim] : [];
      this.network = new Network([features, ...hidden, d], Math.max(n, (s.batch_size ?? n) * s.n_views, n * (s.n_views > 1 ? 2 : 1)), this.random);
      this.memory = optimizerMemory(this.network.weights.length);
    }
    if (s.p === "label") {
      this.prototypes = this.normals(data.names.length * d, 1 / Math.sqrt(d));
      this.prototypeMemory = optimizerMemory(data.names.length * d);
    }
    this.seen = new Float64Array(n * d); // the embedding of every sample, as the distance sees it
    this.change(s);
    this.orthonormalise();
    this.look();
  }

  normals(count, spread) {
    return Float64Array.from({ length: count }, () => spread * normal(this.random));
  }

  /** Go on with other settings; false where they need another model. */
  change(s) {
    if (shapeOf(s) !== this.shape) return false;
    const { n, features } = this.data, views = s.n_views ?? 1;
    const size = Math.min(n, s.batch_size ?? n), rows = size * views;
    const form = [rows, s.p === "label", s.p === "gaussian_joint"].join();
    if (form !== this.form) {
      this.form = form;
      const m = s.p === "label" ? this.data.names.length : rows;
      this.work = workspace(rows, m, this.d, { own: s.p === "label" ? null : 0, joint: s.p === "gaussian_joint" });
      this.batch = { features, x: new Float64Array(rows * features), y: new Int32Array(rows), index: new Int32Array(rows), graph: null };
      if (this.data.graph) this.batch.graph = new Float64Array(rows * rows);
      this.gradient = new Float64Array(rows * this.d);
      this.z = this.network ? this.network.a.at(-1).subarray(0, rows * this.d) : this.points;
      this.order = Int32Array.from({ length: n }, (_, i) => i);
      this.at = n; // behind the end: the first step shuffles
    }
    Object.assign(this, { s, size, views });
    this.stale = this.fullStale = true; // p is made again before it is used
    this.orthonormalise();
    return true;
  }

  /** The linear map is kept orthonormal where the wide limit would let it grow. */
  orthonormalise() {
    if (this.s.backbone === "linear" && this.s.q === "gaussian_wide") orthonormalise(this.network);
  }

  /** One step: the loss before it. Afterwards `attraction` and `repulsion` are the sums of the lengths of the forces. */
  step() {
    const { s, work, network, prototypes, z } = this, rows = work.n;
    const moved = this.draw();
    if (network) network.forward(rows); // into z
    if (this.stale || (moved && SUPERVISORY_NEEDS.has(s.p))) supervisory(s, this.batch, work);
    this.stale = false;
    const loss = objective(s, work, z, prototypes ?? z);
    if (!Number.isFinite(loss)) throw new Error(`The loss became ${loss}. Lower the learning rate or raise the temperature, then restart.`);
    for (let k = 0; k < rows * this.d; k++) this.gradient[k] = work.pull[k] + work.push[k];
    const move = OPTIMIZERS[s.optimizer];
    if (network) move(network.weights, network.backward(this.gradient, rows), this.memory, s, rows);
    else move(this.points, this.gradient, this.memory, s, rows);
    if (prototypes) this.movePrototypes(move);
    this.orthonormalise();
    this.steps += 1;
    this.attraction = lengths(work.pull, rows, this.d);
    this.repulsion = lengths(work.push, rows, this.d);
    return loss;
  }

  movePrototypes(move) {
    const { work, prototypes } = this;
    for (let k = 0; k < prototypes.length; k++) work.pullC[k] += work.pushC[k];
    move(prototypes, work.pullC, this.prototypeMemory, this.s, work.m);
  }

  /** Fill the batch, and the input of the network; false where it is the same as before. */
  draw() {
    const { data, size, views, batch, order, network, s } = this, { n, features } = data;
    const whole = size === n && (s.augment ?? "none") === "none";
    if (whole && !this.stale) return false;
    if (this.at + size > n) {
      this.at = 0;
      if (!whole) for (let i = n - 1; i > 0; i--) swap(order, i, Math.floor(this.random() * (i + 1)));
      else order.forEach((_, i) => { order[i] = i; });
    }
    for (let row = 0; row < size * views; row++) {
      const i = order[this.at + (row % size)];
      batch.index[row] = i; batch.y[row] = data.y[i];
      for (let k = 0; k < features; k++) batch.x[row * features + k] = data.x[i * features + k];
      if (!network) continue;
      if ((s.augment ?? "none") !== "none") augmentInto(data, i, this.random, network.a[0], row * features);
      else for (let k = 0; k < features; k++) network.a[0][row * features + k] = data.inputs[i * features + k];
    }
    if (batch.graph) {
      const rows = size * views;
      for (let a = 0; a < rows; a++) for (let b = 0; b < rows; b++) batch.graph[a * rows + b] = data.graph[batch.index[a] * n + batch.index[b]];
    }
    this.at += size;
    return true;
  }

  /** The embedding of every sample, without augmentation, as the distance sees it: (n, d). */
  look() {
    const { data, seen, d, s, network } = this;
    if (network) {
      network.a[0].set(data.inputs);
      const z = network.forward(data.n);
      for (let k = 0; k < seen.length; k++) seen[k] = z[k];
      this.stale ||= this.size === data.n && (s.augment ?? "none") === "none"; // the input was written over
    } else seen.set(this.points);
    if (s.distance === "cosine") directions(seen, data.n, d, seen, (this.length ??= new Float64Array(data.n)));
    return seen;
  }

  /** Row i of p and of q over the samples that are shown, or over the classes. For two views the candidates are the samples and,
   *  behind them, another view of each: its place is in `places`. */
  row(i) {
    const { data, s, d } = this, { n } = data, paired = s.p === "positive_pairs", label = s.p === "label";
    const candidates = label ? this.prototypes : paired ? this.bothViews() : this.seen, m = candidates.length / d;
    if (!this.one || this.one.m !== m) this.one = workspace(1, m, d, { own: 0 });
    const { one } = this;
    one.own = label ? null : i;
    const p = paired ? one.p.fill(0) : this.fullRow(i, m, one.p);
    if (paired) { p[n + i] = 1; mixRow(s, one, p); }
    if (!this.anchor || this.anchor.length !== d) this.anchor = new Float64Array(d);
    this.anchor.set(this.seen.subarray(i * d, (i + 1) * d));
    one.weighed = s.p === "graph_gibbs";
    one.logMeasure.fill(0);
    if (one.weighed) one.logMeasure.set(this.full.logMeasure);
    learned(s, one, this.anchor, candidates);
    const q = LIMITS.includes(s.q) ? limitRow(s, one) : one.logQ.map(Math.exp);
    return { p, q, m, places: candidates };
  }

  /** Row i of p over all samples. */
  fullRow(i, m, out) {
    const { data, s } = this, { n } = data;
    if (this.points && !this.stale) { this.full = this.work; this.fullStale = false; } // every batch is all of them
    else if (!this.full || this.full.m !== m || this.full.joint !== (s.p === "gaussian_joint")) {
      this.full = workspace(n, m, this.d, { own: s.p === "label" ? null : 0, joint: s.p === "gaussian_joint" });
      this.fullStale = true;
    }
    if (this.fullStale) supervisory(s, { ...data, index: this.order.map((_, k) => k) }, this.full);
    this.fullStale = false;
    let total = 0;
    for (let j = 0; j < m; j++) total += out[j] = this.full.p[i * m + j];
    for (let j = 0; j < m; j++) out[j] /= total; // one distribution over all pairs is shown row by row
    return out;
  }

  bothViews() {
    const { data, network, d } = this, { n, features } = data, random = randomNumbers(1);
    this.pair ??= new Float64Array(2 * n * d);
    for (let i = 0; i < n; i++) augmentInto(data, i, random, network.a[0], i * features);
    this.pair.set(network.forward(n).subarray(0, n * d), n * d);
    if (this.s.distance === "cosine") directions(this.pair, 2 * n, d, this.pair, (this.lengths ??= new Float64Array(2 * n)));
    this.pair.set(this.seen);
    this.stale ||= this.size === n;
    return this.pair;
  }

  /** Share of right votes of the five nearest. */
  accuracy() {
    return knnAccuracy(this.seen, this.data.n, this.d, this.data.y);
  }
}

const SUPERVISORY_NEEDS = new Set(Object.keys(SUPERVISORY).filter((name) => !["identity", "positive_pairs"].includes(name)));

function swap(order, i, j) {
  const kept = order[i];
  order[i] = order[j];
  order[j] = kept;
}

/** Sum of the lengths of n vectors. */
function lengths(force, n, d) {
  let total = 0;
  for (let i = 0; i < n; i++) {
    let square = 0;
    for (let k = 0; k < d; k++) square += force[i * d + k] ** 2;
    total += Math.sqrt(square);
  }
  return total;
}

function mixRow(s, one, p) {
  if (!(s.alpha > 0) || s.alpha_on === "q") return;
  const columns = one.m - (s.self_q ? 0 : 1);
  for (let j = 0; j < one.m; j++) p[j] = (1 - s.alpha) * p[j] + (excluded(one, s, 0, j) ? 0 : s.alpha / columns);
}

/** What q becomes at the ends of the temperature: the same for all, or all of it on the nearest. */
function limitRow(s, one) {
  const q = one.q.fill(0);
  let nearest = -1;
  for (let j = 0; j < one.m; j++) {
    if (excluded(one, s, 0, j)) continue;
    if (s.q === "gaussian_wide") q[j] = 1 / (one.m - (s.self_q || one.own === null ? 0 : 1));
    else if (nearest < 0 || one.distance[j] < one.distance[nearest]) nearest = j;
  }
  if (nearest >= 0) q[nearest] = 1;
  return q;
}

/** The samples along the directions in which they spread most, small: where free points start. Power iteration, one direction
 *  after the other; the largest entry of each is made positive. */
function principalComponents({ x, n, features }, d, random) {
  const centred = x.slice(), z = new Float64Array(n * d), axis = new Float64Array(features), next = new Float64Array(features);
  for (let k = 0; k < features; k++) {
    let mean = 0;
    for (let i = 0; i < n; i++) mean += x[i * features + k] / n;
    for (let i = 0; i < n; i++) centred[i * features + k] -= mean;
  }
  let first = 0;
  for (let c = 0; c < Math.min(d, features); c++) {
    for (let k = 0; k < features; k++) axis[k] = normal(random);
    for (let turn = 0; turn < 100; turn++) {
      next.fill(0);
      for (let i = 0; i < n; i++) {
        let along = 0;
        for (let k = 0; k < features; k++) along += centred[i * features + k] * axis[k];
        for (let k = 0; k < features; k++) next[k] += along * centred[i * features + k];
      }
      const length = Math.hypot(...next) || 1;
      for (let k = 0; k < features; k++) axis[k] = next[k] / length;
    }
    let largest = 0, square = 0;
    for (let i = 0; i < n; i++) {
      let along = 0;
      for (let k = 0; k < features; k++) along += centred[i * features + k] * axis[k];
      for (let k = 0; k < features; k++) centred[i * features + k] -= along * axis[k]; // the next direction has nothing of this one
      z[i * d + c] = along;
      square += along * along;
      if (Math.abs(along) > Math.abs(z[largest * d + c])) largest = i;
    }
    if (c === 0) first = Math.sqrt(square / n);
    const scale = (SPREAD.pca / (first || 1)) * (z[largest * d + c] < 0 ? -1 : 1);
    for (let i = 0; i < n; i++) z[i * d + c] *= scale;
  }
  return z;
}
