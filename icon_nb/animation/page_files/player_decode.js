// Reading the recorded frames: base64 -> zlib -> byte planes -> (frames, axes, points) of 16-bit numbers.

function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
  return bytes;
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Low bytes come first, then high bytes: neighbours in the stream are alike, which packs better.
function joinPlanes(planes) {
  const count = planes.length / 2;
  const values = new Uint16Array(count);
  for (let k = 0; k < count; k++) values[k] = planes[k] | (planes[count + k] << 8);
  return values;
}

// A frame may be stored as its difference from the one before, modulo 65536.
function undoDelta(values, stride) {
  for (let k = stride; k < values.length; k++) values[k] += values[k - stride];
  return values;
}

async function readRun(raw) {
  const values = joinPlanes(await inflate(bytesOf(raw.coordinates)));
  const stride = raw.dim * raw.n;
  const run = { ...raw, values: raw.delta ? undoDelta(values, stride) : values, stride };
  run.labels = raw.labels ? Int16Array.from(raw.labels) : new Int16Array(raw.n).fill(-1);
  return run;
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
