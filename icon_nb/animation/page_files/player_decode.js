// The recorded frames: base64 -> 16-bit numbers (frames, axes, points).

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

async function inflate(packed) {
  const stream = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// The neighbours of every point: k 16-bit numbers of points a row, and k probabilities in steps of 1/65,535.
async function unpack(packed) {
  if (!packed) return null;
  const bytes = await inflate(packed), count = bytes.byteLength / 4;
  return { points: new Uint16Array(bytes, 0, count), weights: new Uint16Array(bytes, 2 * count, count) };
}

// Each number is told as what it is off the straight line through the two frames before it: sign in the lowest bit, modulo 2^16.
async function unbend(packed, stride) {
  const bytes = new Uint8Array(await inflate(packed)), count = bytes.length / 2, values = new Uint16Array(count);
  for (let k = 0; k < count; k++) {
    const told = bytes[k] | (bytes[count + k] << 8), before = k < stride ? 0 : values[k - stride];
    values[k] = ((told >>> 1) ^ -(told & 1)) + before + (k < 2 * stride ? 0 : before - values[k - 2 * stride]);
  }
  return values;
}

async function readRun(raw) {
  const stride = raw.dim * raw.n, values = await unbend(raw.coordinates, stride);
  const links = raw.links && { k: raw.links.k, p: await unpack(raw.links.p), q: await unpack(raw.links.q) };
  const forces = raw.forces && new Int8Array(await inflate(raw.forces));
  const labels = raw.labels ? Int16Array.from(raw.labels) : new Int16Array(raw.n).fill(-1);
  const edges = raw.edges ? new Uint32Array(await inflate(raw.edges)) : new Uint32Array(0);
  return { ...raw, values, stride, labels, links, forces, edges };
}

// Which two recorded frames stand around an epoch, and how far between: before the first and after the last a run holds still.
function bracket(run, epoch) {
  const last = run.epochs.length - 1;
  if (epoch >= run.epochs[last]) return { from: last, to: last, mix: 0 };
  let from = 0;
  while (from < last && run.epochs[from + 1] <= epoch) from++;
  const span = run.epochs[from + 1] - run.epochs[from];
  return { from, to: from + 1, mix: Math.max(0, (epoch - run.epochs[from]) / span) };
}

// Coordinates of all points in box units, -1..1 along the longest side; axis a of point i is at [a * n + i].
function blend(run, epoch, out) {
  const { from, to, mix } = bracket(run, epoch);
  const a = from * run.stride, b = to * run.stride, unit = 2 / run.levels;
  for (let k = 0; k < run.stride; k++) {
    const start = run.values[a + k];
    out[k] = (start + (run.values[b + k] - start) * mix) * unit - 1;
  }
  return out;
}

function loadImage(source) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = source;
  });
}
