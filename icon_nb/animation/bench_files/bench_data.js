"use strict";
/* The data, and random numbers. Samples are rows: `x` is what p compares (pixels on the 0..1 scale, features as they came),
   `inputs` is the same with mean 0 and deviation 1, which is what a network sees. */

/** Numbers in 0..1 that are the same for the same seed (mulberry32). */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A normally distributed number (Box & Muller 1958). */
const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function bytesOf(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
  return bytes;
}

/** The samples of all data sets of the page as bytes, in the place of the packed text. */
async function unpackAll(data) {
  for (const part of Object.values(data).flatMap(({ table, network }) => [table, network ?? []]).flat()) {
    const stream = new Blob([bytesOf(part.x)]).stream().pipeThrough(new DecompressionStream("deflate"));
    part.x = new Uint8Array(await new Response(stream).arrayBuffer());
  }
}

/** A data set of the page, as it is trained on. */
function unpack(given) {
  const bytes = given.x, raw = given.pixels ? bytes : new Float32Array(bytes.buffer), features = raw.length / given.n;
  const x = Float64Array.from(raw, (value) => (given.pixels ? value / 255 : value));
  const of = (values, k) => values[given.pixels ? Math.floor(k / (features / values.length)) : k]; // one a channel, or one a feature
  const inputs = x.map((value, at) => (value - of(given.mean, at % features)) / of(given.std, at % features));
  const graph = given.graph && Float64Array.from(given.graph.flat());
  const { n, shape, pixels, names, augment } = given;
  return { n, features, shape, pixels, names, augment, x, inputs, graph, y: Int32Array.from(given.y) };
}

/** Points in the plane that somebody drew, [x, y, class] each, as a data set. */
function fromPoints(points) {
  const n = points.length, x = Float64Array.from(points.flatMap(([a, b]) => [a, b])), inputs = x.slice();
  for (const k of [0, 1]) {
    let mean = 0, square = 0;
    for (let i = 0; i < n; i++) mean += x[2 * i + k] / n;
    for (let i = 0; i < n; i++) square += (x[2 * i + k] - mean) ** 2 / n;
    for (let i = 0; i < n; i++) inputs[2 * i + k] = (x[2 * i + k] - mean) / (Math.sqrt(square) || 1);
  }
  const classes = [...new Set(points.map((point) => point[2]))].sort(), names = classes.map((c) => String(c + 1));
  const y = Int32Array.from(points, (point) => classes.indexOf(point[2])); // 0, 1, 2 ... without gaps, as the package names them
  return { n, features: 2, shape: [2], pixels: false, names, augment: [{ part: "noise", std: 0.3 }], x, inputs, graph: null, y };
}

/** Two half circles with some noise, as a start for somebody who draws. */
function firstPoints(seed) {
  const random = randomNumbers(seed), points = [];
  for (let k = 0; k < 60; k++) {
    const c = k % 3, angle = (2 * Math.PI * c) / 3 + 0.5;
    const at = (value) => Math.round(1000 * (value + 0.09 * normal(random))) / 1000;
    points.push([at(0.5 + 0.28 * Math.cos(angle)), at(0.5 + 0.28 * Math.sin(angle)), c]);
  }
  return points;
}

/* ---- views: another version of the same sample ---------------------------------------------------------------------------- */

const MATRIX = new Float64Array(6), PART = new Float64Array(6);

/** Write a new view of sample i into out, from place `at` on. */
function augmentInto(data, i, random, out, at) {
  const { features, inputs } = data, noise = data.augment.find(({ part }) => part === "noise");
  if (data.pixels) return resampleInto(data, i, random, out, at);
  for (let k = 0; k < features; k++) out[at + k] = inputs[i * features + k] + (noise ? noise.std * normal(random) : 0);
}

/** Every pixel of the new picture is read from a place of the old one, between its pixels; outside it is black. */
function resampleInto(data, i, random, out, at) {
  const [channels, h, w] = data.shape, m = MATRIX, { inputs, x, features } = data;
  m.set([1, 0, 0, 0, 1, 0]);
  for (const part of data.augment) {
    if (part.part === "affine") affine(part, h, w, random); else crop(part, h, w, random);
    const [a, b, c, d, e, f] = m, q = PART; // m becomes m times the part's matrix
    m[0] = a * q[0] + b * q[3]; m[1] = a * q[1] + b * q[4]; m[2] = a * q[2] + b * q[5] + c;
    m[3] = d * q[0] + e * q[3]; m[4] = d * q[1] + e * q[4]; m[5] = d * q[2] + e * q[5] + f;
  }
  for (let channel = 0; channel < channels; channel++) {
    const from = i * features + channel * h * w;
    const [scale, black] = lineThrough(x, inputs, from, h * w); // inputs = scale * x + black
    for (let row = 0; row < h; row++) {
      for (let column = 0; column < w; column++) {
        const px = column - (w - 1) / 2, py = row - (h - 1) / 2;
        const sx = m[0] * px + m[1] * py + m[2] + (w - 1) / 2, sy = m[3] * px + m[4] * py + m[5] + (h - 1) / 2;
        out[at + channel * h * w + row * w + column] = scale * between(x, from, h, w, sx, sy) + black;
      }
    }
  }
}

/** The scale and the shift of a channel's normalisation, from the lightest and the darkest pixel. */
function lineThrough(x, inputs, from, count) {
  let low = from, high = from;
  for (let k = from; k < from + count; k++) { if (x[k] < x[low]) low = k; if (x[k] > x[high]) high = k; }
  const scale = x[high] > x[low] ? (inputs[high] - inputs[low]) / (x[high] - x[low]) : 0;
  return [scale, inputs[low] - scale * x[low]];
}

function between(x, from, h, w, sx, sy) {
  const left = Math.floor(sx), top = Math.floor(sy), fx = sx - left, fy = sy - top;
  let value = 0;
  for (let dy = 0; dy < 2; dy++) {
    for (let dx = 0; dx < 2; dx++) {
      const column = left + dx, row = top + dy;
      if (column < 0 || row < 0 || column >= w || row >= h) continue;
      value += (dx ? fx : 1 - fx) * (dy ? fy : 1 - fy) * x[from + row * w + column];
    }
  }
  return value;
}

const uniform = (random, low, high) => low + (high - low) * random();

/** Where a turned, moved, sized and sheared picture is read from: into PART. */
function affine({ degrees, translate, scale, shear }, h, w, random) {
  const angle = (uniform(random, -degrees, degrees) * Math.PI) / 180, tan = Math.tan((uniform(random, -shear, shear) * Math.PI) / 180);
  const dx = Math.round(uniform(random, -1, 1) * translate * w), dy = Math.round(uniform(random, -1, 1) * translate * h);
  const size = uniform(random, ...scale), cos = Math.cos(angle), sin = Math.sin(angle);
  const a = (cos - tan * sin) / size, b = (sin + tan * cos) / size, c = -sin / size, d = cos / size;
  PART.set([a, b, -(a * dx + b * dy), c, d, -(c * dx + d * dy)]);
}

/** Where a box that fills the whole picture is read from: into PART. */
function crop({ scale, ratio }, h, w, random) {
  let height = h, width = w;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = h * w * uniform(random, ...scale), shape = Math.exp(uniform(random, Math.log(ratio[0]), Math.log(ratio[1])));
    const [tall, broad] = [Math.round(Math.sqrt(area / shape)), Math.round(Math.sqrt(area * shape))];
    if (tall < 1 || broad < 1 || tall > h || broad > w) continue;
    [height, width] = [tall, broad];
    break;
  }
  const top = Math.floor(random() * (h - height + 1)), left = Math.floor(random() * (w - width + 1));
  PART.set([width / w, 0, left + (width - w) / 2, 0, height / h, top + (height - h) / 2]);
}
