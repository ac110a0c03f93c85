// Points are put on the picture pixel by pixel from marks drawn once: about ten times faster than one canvas call a point.
// Colours are 32-bit numbers as they lie in an ImageData on every machine a browser runs on: alpha, blue, green, red.

const TAU = Math.PI * 2;

// Corners of the markers that are not circles, for radius 1; the names are those of the still pictures.
const regular = (count, start) => Array.from({ length: count }, (_, k) => [Math.cos(start + (k * TAU) / count), Math.sin(start + (k * TAU) / count)]);
const cross = (turn) => [[1, .36], [.36, .36], [.36, 1], [-.36, 1], [-.36, .36], [-1, .36], [-1, -.36], [-.36, -.36], [-.36, -1], [.36, -1], [.36, -.36], [1, -.36]]
  .map(([x, y]) => [x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)]);
const SHAPES = {
  "^": regular(3, -TAU / 4), v: regular(3, TAU / 4), "<": regular(3, TAU / 2), ">": regular(3, 0), s: regular(4, TAU / 8), D: regular(4, 0),
  p: regular(5, -TAU / 4), P: cross(0), X: cross(TAU / 8),
};
const GROWN = { s: 1.12, D: 1.12, P: 0.95, X: 0.95 };

function outline(ink, x, y, radius, marker) {
  const corners = SHAPES[marker], size = radius * (GROWN[marker] || 1.22);
  ink.beginPath();
  if (corners) corners.forEach(([a, b], k) => ink[k ? "lineTo" : "moveTo"](x + a * size, y + b * size));
  else ink.arc(x, y, radius, 0, TAU);
  ink.closePath();
}

function drawMark(ink, x, y, radius, { colour, edge, hollow = false, marker = "o", ratio = 1 }) {
  outline(ink, x, y, radius, marker);
  Object.assign(ink, { fillStyle: edge, strokeStyle: edge, lineWidth: 1.4 * ratio, lineJoin: "round" });
  ink.fill();
  ink.stroke();
  outline(ink, x, y, hollow ? radius * 0.8 : radius, marker);
  Object.assign(ink, { fillStyle: colour, strokeStyle: colour, lineWidth: Math.max(1.3 * ratio, radius * 0.4) });
  hollow ? ink.stroke() : ink.fill();
}

// All marks of a panel: a row per class; in a row every size, full and hollow (held-out points), at a few places within a pixel,
// so that slow points glide instead of jumping from pixel to pixel. Of each mark the pixels that are not empty are kept, for a
// picture of this width: first those that cover what is under them, then those that let it through.
class Marks {
  constructor(colours, markers, radii, ratio, edge, width) {
    this.parts = ratio < 1.5 ? 4 : ratio < 2.5 ? 2 : 1;
    this.cell = Math.ceil((radii[radii.length - 1] * 1.25 + 1.5) * 2 * ratio) + 1;
    this.levels = radii.length;
    this.columns = radii.length * 2 * this.parts ** 2;
    const sheet = element("canvas", { width: this.columns * this.cell, height: colours.length * this.cell });
    this.ink = sheet.getContext("2d", { willReadFrequently: true });
    colours.forEach((colour, row) => this.drawRow(row, radii, { colour, marker: markers[row], ratio, edge: edgeOf(colour, edge) }));
    this.keep(new Uint32Array(this.ink.getImageData(0, 0, sheet.width, sheet.height).data.buffer), sheet.width, colours.length, width);
  }

  drawRow(row, radii, look) {
    const { parts, cell } = this, middle = (cell - 1) / 2;
    for (let kind = 0; kind < radii.length * 2; kind++) {
      for (let part = 0; part < parts * parts; part++) {
        const x = (kind * parts * parts + part) * cell + middle + ((part % parts) + 0.5) / parts;
        const y = row * cell + middle + (Math.floor(part / parts) + 0.5) / parts;
        drawMark(this.ink, x, y, radii[kind % radii.length] * look.ratio, { ...look, hollow: kind >= radii.length });
      }
    }
  }

  // Of mark m: starts[m] to soft[m] covers, from there to starts[m + 1] does not; of each pixel its place and its colour.
  keep(pixels, stride, rows, width) {
    const { cell, columns } = this, starts = [0], soft = [], places = [], colours = [];
    for (let mark = 0; mark < rows * columns; mark++) {
      const corner = Math.floor(mark / columns) * cell * stride + (mark % columns) * cell;
      for (const covers of [true, false]) {
        for (let k = 0; k < cell * cell; k++) {
          const dx = k % cell, dy = (k - dx) / cell, colour = pixels[corner + dy * stride + dx], alpha = colour >>> 24;
          if (alpha === 0 || (alpha === 255) !== covers) continue;
          places.push(dy * width + dx);
          colours.push(colour);
        }
        (covers ? soft : starts).push(places.length);
      }
    }
    Object.assign(this, { starts: Uint32Array.from(starts), soft: Uint32Array.from(soft), places: Uint32Array.from(places), colours: Uint32Array.from(colours) });
  }
}

class Raster {
  constructor(width, height, background) {
    Object.assign(this, { width, height });
    this.image = new ImageData(Math.max(1, width), Math.max(1, height));
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.background = packed(background);
  }

  clear() {
    this.pixels.fill(this.background);
  }

  // One mark with its centre at (x, y) in device pixels; strength 0..256 fades it.
  stamp(marks, x, y, row, kind, strength) {
    const { cell, parts, starts, places, colours } = marks, { pixels, width } = this;
    const left = x - (cell - 1) / 2, top = y - (cell - 1) / 2, x0 = Math.floor(left), y0 = Math.floor(top);
    const part = Math.floor((top - y0) * parts) * parts + Math.floor((left - x0) * parts);
    const mark = row * marks.columns + kind * parts * parts + part, corner = y0 * width + x0, end = starts[mark + 1];
    if (x0 < 0 || y0 < 0 || x0 + cell > width || y0 + cell > this.height) return this.stampPartly(marks, mark, x0, y0, strength);
    let k = starts[mark];
    if (strength === 256) for (const soft = marks.soft[mark]; k < soft; k++) pixels[corner + places[k]] = colours[k];
    for (; k < end; k++) this.mix(corner + places[k], colours[k], strength);
  }

  // The same at the edge of the picture, or past it.
  stampPartly(marks, mark, x0, y0, strength) {
    for (let k = marks.starts[mark]; k < marks.starts[mark + 1]; k++) {
      const dx = marks.places[k] % this.width, x = x0 + dx, y = y0 + (marks.places[k] - dx) / this.width;
      this.dot(x, y, marks.colours[k], strength);
    }
  }

  // Red and blue at once, then green; 256 parts are opaque.
  mix(at, colour, strength) {
    const alpha = ((colour >>> 24) * strength) >>> 8, share = alpha + (alpha >>> 7), rest = 256 - share, under = this.pixels[at];
    const outer = (Math.imul(colour & 0xff00ff, share) + Math.imul(under & 0xff00ff, rest)) >>> 8;
    const green = (Math.imul((colour >>> 8) & 0xff, share) + Math.imul((under >>> 8) & 0xff, rest)) & 0xff00;
    this.pixels[at] = 0xff000000 | (outer & 0xff00ff) | green;
  }

  // A smooth line one device pixel wide: each step along the longer side is shared by the two nearest pixels.
  line(x0, y0, x1, y1, colour) {
    const long = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)), steep = Math.abs(y1 - y0) > Math.abs(x1 - x0), ink = packed(colour);
    const start = steep ? y0 : x0, ahead = (steep ? y1 : x1) >= start, side = steep ? this.height : this.width;
    const first = Math.max(0, Math.floor(ahead ? -start : start - side)), last = Math.min(long, ahead ? side - start : start);
    for (let k = first; k <= last; k++) {
      const x = x0 + ((x1 - x0) * k) / (long || 1), y = y0 + ((y1 - y0) * k) / (long || 1);
      const across = steep ? x : y, near = Math.floor(across), share = across - near, along = Math.round(steep ? y : x);
      for (const [place, weight] of [[near, 1 - share], [near + 1, share]]) this.dot(steep ? place : along, steep ? along : place, ink, weight * 256);
    }
  }

  dot(x, y, ink, strength) {
    if (x >= 0 && y >= 0 && x < this.width && y < this.height) this.mix(y * this.width + x, ink, strength);
  }
}

// "#rrggbb" as a pixel.
function packed(colour) {
  const value = parseInt(colour.slice(1), 16);
  return (0xff000000 | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

// The outline of a colour: that of the ground where the two are far enough apart, otherwise its own shade that is (3:1).
function edgeOf(colour, plate) {
  const channels = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  const light = (rgb) => rgb.map((v) => (v / 255 <= 0.04045 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = light(channels(plate)), aim = ground > 0.5 ? 0 : 255;
  const apart = (rgb) => (Math.max(light(rgb), ground) + 0.05) / (Math.min(light(rgb), ground) + 0.05) >= 3;
  if (apart(channels(colour))) return plate;
  for (let mix = 0.1; ; mix += 0.1) {
    const shade = channels(colour).map((v) => Math.round(v + (aim - v) * mix));
    if (apart(shade)) return `#${shade.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
  }
}
