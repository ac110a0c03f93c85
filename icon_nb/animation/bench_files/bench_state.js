"use strict";
/* The state of the page: which pair, which data, which settings; as a link, and as Python. */

const SEED = 0;
/** Every setting in the order in which it is written. */
const SETTINGS = ["divergence", "kl_weight", "renyi_order", "temperature", "distance", "df", "margin", "perplexity", "p_temperature", "n_neighbors", "alpha", "alpha_on",
  "backbone", "embedding_dim", "hidden_dim", "init", "n_views", "augment", "augment_strength", "batch_size", "learning_rate", "optimizer", "momentum"];
const TEXTS = new Set(["divergence", "distance", "alpha_on", "backbone", "init", "augment", "optimizer"]);

/** Divergences that are infinite where p is zero, that need strangers, and that have a setting, with its default. */
const REVERSE = ["rkl", "jeffreys", "nerv"], SUPPORT = ["any_neighbor", "each_neighbor"];
const OF_DIVERGENCE = { kl_weight: ["nerv", 0.5], renyi_order: ["renyi", 0.5] };

class State {
  /** @param known what the page was given about pairs and data */
  constructor(known) {
    this.known = known;
    this.data = "digits";
    this.points = firstPoints(SEED);
    this.unpacked = new Map();
  }

  get pair() { return this.known.pairs[`${this.p} ${this.q}`]; }

  get why() { return this.pair.why ?? null; }

  /** The samples: free points see all of them, a network those to train on. */
  get samples() {
    if (this.data === "drawn") return (this.drawn ??= fromPoints(this.points));
    const given = this.known.data[this.data], part = this.settings.backbone !== "table" && given.network ? "network" : "table";
    const key = `${this.data} ${part}`;
    if (!this.unpacked.has(key)) this.unpacked.set(key, unpack(given[part]));
    return this.unpacked.get(key);
  }

  /** How many samples p and q see at once. */
  get seen() { return Math.min(this.samples.n, this.settings.batch_size ?? Infinity); }

  /** Take a pair with the settings that it starts with. The backbone stays where it can; null asks for the pair's own. */
  choose(p, q, backbone = this.settings?.backbone) {
    [this.p, this.q] = [p, q];
    if (this.why) return; // the settings stay those of the pair before
    const { starts, backbone: own } = this.pair, kept = typeof starts[backbone] === "object" ? backbone : own;
    this.settings = { ...starts[kept] };
    if (this.settings.alpha_on === undefined) this.settings.alpha_on = "p";
    const graph = this.known.p[p].needs.includes("graph");
    if (graph && this.data !== "karate_club") [this.before, this.data] = [this.data, "karate_club"];
    else if (!graph && this.before) [this.data, this.before] = [this.before, null];
    this.fit();
  }

  /** Lower what so few samples cannot serve, and augment as suits the data. */
  fit() {
    const s = this.settings, { n } = this.samples;
    if (s.batch_size) s.batch_size = Math.min(s.batch_size, n);
    if (s.perplexity) s.perplexity = Math.min(s.perplexity, Math.max(2, Math.floor((this.seen - 1) / 3)));
    if (s.n_neighbors) s.n_neighbors = Math.min(s.n_neighbors, Math.max(1, Math.floor((this.seen - 1) / 3)));
    if (s.augment && s.augment !== "none") {
      const given = this.known.data[this.data] ?? { augment: "noise", augment_strength: 1 };
      [s.augment, s.augment_strength] = [given.augment, given.augment_strength];
    }
    if (this.q === "clusters" && this.samples.names.length < 10 && s.embedding_dim === 10) s.embedding_dim = Math.max(2, this.samples.names.length);
  }

  /** Other data; a p that needs what they have not makes room for k-NN. Returns what was changed beside, in words. */
  show(data) {
    this.data = data;
    this.before = null;
    let said = "";
    if (this.known.p[this.p].needs.includes("graph") && data !== "karate_club") {
      said = "These data have no graph, so p is now the nearest neighbours.";
      this.choose("knn", this.q);
    } else if (!this.why) this.choose(this.p, this.q);
    this.data = data;
    this.fit();
    return said;
  }

  /** What the mathematics takes. */
  get plain() {
    const [self_p, self_q] = this.pair.self, s = { n_views: 1, ...this.settings, p: this.p, q: this.q, self_p, self_q };
    if (!s.alpha) s.alpha = 0;
    return s;
  }

  /** Whether a setting has an effect now. */
  takes(name) { return name === "alpha_on" ? this.settings.alpha > 0 : this.settings[name] !== undefined; }

  /** Why a value of a setting cannot be, or null. */
  refused(name, value) {
    const { divergences, distances, starts } = this.pair;
    if (name === "divergence") return divergences[value] ?? null;
    if (name === "distance") return distances[value] ?? null;
    if (name === "backbone") return typeof starts[value] === "string" ? starts[value] : null;
    if (name === "alpha_on" && value !== "p" && this.known.q[this.q].limit) return "This limit has no q to mix.";
    if (name === "alpha_on" && value === "q" && this.needsAlpha) return "This divergence is infinite where p is zero.";
    return null;
  }

  /** Change one setting, and what it cannot do without. */
  set(name, value) {
    const s = this.settings;
    if (name === "backbone") return this.choose(this.p, this.q, value);
    s[name] = value;
    if (name === "batch_size") this.fit();
    if (name === "distance" && this.q !== "clusters" && s.distance === "cosine" && s.embedding_dim < 2) s.embedding_dim = 2;
    if (name === "divergence") for (const [each, [own, usual]] of Object.entries(OF_DIVERGENCE)) {
      if (own === value) s[each] = usual; else delete s[each];
    }
    if (this.needsAlpha) { // p is mixed a little
      s.alpha = Math.max(s.alpha ?? 0, 0.01);
      if (s.alpha_on === "q") s.alpha_on = "p";
    }
    if (SUPPORT.includes(s.divergence)) s.alpha = 0;
  }

  /** Whether the divergence is infinite unless p is mixed with the uniform distribution. */
  get needsAlpha() {
    const [inP, inQ] = this.pair.self;
    return REVERSE.includes(this.settings.divergence) && !(this.known.p[this.p].positive && inP === inQ);
  }

  /** The link's part behind the #. */
  toHash() {
    const about = new URLSearchParams({ data: this.data, p: this.p, q: this.q }), s = this.settings;
    if (!this.why) {
      about.set("backbone", s.backbone);
      for (const name of SETTINGS) {
        if (this.takes(name) && (name in SLIDERS || name in CHOICES || name === "embedding_dim")) about.set(name, s[name]);
      }
    }
    if (this.data === "drawn") about.set("points", this.points.map(([x, y, c]) => [x * 1000, y * 1000].map((v) => Math.round(v).toString(36).padStart(2, "0")).join("") + c).join(""));
    return about.toString();
  }

  /** Take what a link or the caller says, and pass over what makes no sense. */
  read(given) {
    const about = new Map(Object.entries(given));
    if (about.has("points")) this.points = pointsOf(about.get("points"));
    if (about.get("data") in this.known.data || about.get("data") === "drawn") this.data = about.get("data");
    const p = about.get("p") in this.known.p ? about.get("p") : "gaussian", q = about.get("q") in this.known.q ? about.get("q") : "student_t";
    this.drawn = null;
    if (!this.settings) this.choose("gaussian", "student_t");
    this.choose(p, q, about.get("backbone") ?? null);
    if (this.why) return;
    for (const name of SETTINGS) {
      if (!about.has(name) || name === "backbone" || this.settings[name] === undefined) continue;
      const value = TEXTS.has(name) ? about.get(name) : Number(about.get(name)), slider = SLIDERS[name];
      if (TEXTS.has(name) ? !(value in (CHOICES[name] ?? {})) || this.refused(name, value) : !Number.isFinite(value)) continue;
      if (slider) this.set(name, Math.min(slider.high, Math.max(slider.low, slider.whole ? Math.round(value) : value)));
      else if (name !== "embedding_dim" || (value >= 2 && value <= (this.q === "clusters" ? 10 : 3))) this.set(name, TEXTS.has(name) ? value : Math.round(value));
    }
    this.fit();
  }

  /** The code that does the same in Python. */
  toPython(steps) {
    const lines = ["import icon_nb as icon"], settings = [], { method } = this.pair, s = this.settings, given = this.known.data[this.data];
    if (this.data === "drawn") {
      const { x, y, n } = this.samples, rows = Array.from({ length: n }, (_, i) => `[${shortest(x[2 * i])}, ${shortest(x[2 * i + 1])}]`);
      lines.push("import numpy as np", "", `x = np.array([${rows.join(", ")}], np.float32)`, `y = np.array([${Array.from(y).join(", ")}])`);
      settings.push("dataset=(x, y)");
    } else if (given.dataset) {
      settings.push(`dataset="${given.dataset}"`);
      if (given.n_samples) settings.push(`n_samples=${given.n_samples}`);
    } else {
      lines.push(`from sklearn.datasets import ${given.import}`, "", given.code);
      settings.push("dataset=(x, y)");
    }
    if (method) settings.unshift(`method="${method}"`);
    else settings.unshift(`supervisory="${this.p}"`, `learned="${this.q}"`);
    for (const name of SETTINGS) if (this.takes(name)) settings.push(`${name}=${TEXTS.has(name) ? `"${s[name]}"` : shortest(s[name])}`);
    const batches = s.batch_size ? Math.max(1, Math.floor(this.samples.n / s.batch_size)) : 1;
    if (steps) settings.push(`epochs=${Math.ceil(steps / batches)}`);
    return [...lines, "", "results = icon.run(icon.Config(", ...wrapped(settings), "))", "results.player()", ""].join("\n");
  }
}

const shortest = (value) => String(+Number(value).toPrecision(6));

function wrapped(settings) {
  const lines = [];
  let line = "   ";
  for (const each of settings) {
    if (line.length + each.length > 90) { lines.push(line); line = "   "; }
    line += ` ${each},`;
  }
  return [...lines, line];
}

/** Points as a link writes them: two signs for each coordinate in thousandths, base 36, and one for the class. */
function pointsOf(text) {
  const points = [];
  for (const [, x, y, c] of text.matchAll(/([0-9a-z]{2})([0-9a-z]{2})([0-4])/g)) points.push([parseInt(x, 36) / 1000, parseInt(y, 36) / 1000, Number(c)]);
  return points.length > 2 ? points.slice(0, 500) : firstPoints(SEED);
}
