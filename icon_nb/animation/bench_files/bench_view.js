"use strict";
/* Drawing: the points, one row of p and q, and the curves. Nothing here changes the training. */

const COLOUR = {};

/** The colours of the page as the style sheet has them now, light or dark. */
function readColours(classColours) {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["page", "ink", "muted", "line", "faint", "p", "q"]) COLOUR[name] = style.getPropertyValue(`--${name}`).trim();
  COLOUR.classes = classColours;
}

const classColour = (c) => COLOUR.classes[c % COLOUR.classes.length];

/** A canvas as sharp as the screen; returns its pen and its size in CSS pixels. */
function penOf(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), { clientWidth: width, clientHeight: height } = canvas;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

/** Where the points stand on the canvas. The scale follows the points slowly, so that nothing jumps. */
class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.turn = 0.5; this.tilt = 0.35;
    this.reset();
  }

  reset() {
    this.centre = [0, 0]; this.half = 0; this.xy = new Float64Array(0);
  }

  /** Two coordinates for each of the embeddings: as they are, turned where there are three, between the corners for clusters. */
  flatten(z, d, clustered, xy) {
    const n = z.length / d, [ct, st, cp, sp] = [Math.cos(this.turn), Math.sin(this.turn), Math.cos(this.tilt), Math.sin(this.tilt)];
    for (let i = 0; i < n; i++) {
      let x = z[i * d], y = d > 1 ? z[i * d + 1] : 0;
      if (clustered) [x, y] = this.corner(z, i, d);
      else if (d === 3) {
        const depth = z[i * d + 2], across = ct * x + st * depth, into = -st * x + ct * depth;
        [x, y] = [across, cp * y - sp * into];
      }
      xy[2 * i] = x; xy[2 * i + 1] = y;
    }
    return xy;
  }

  /** The mean of the corners of a polygon, one a cluster, weighed by the probabilities of the clusters. */
  corner(z, i, d) {
    let top = -Infinity, total = 0, x = 0, y = 0;
    for (let c = 0; c < d; c++) top = Math.max(top, z[i * d + c]);
    for (let c = 0; c < d; c++) {
      const weight = Math.exp(z[i * d + c] - top), angle = (2 * Math.PI * c) / d + Math.PI / 2;
      total += weight; x += weight * Math.cos(angle); y += weight * Math.sin(angle);
    }
    return [x / total, y / total];
  }

  /** Follow the points with the frame. */
  follow(xy, fixed) {
    let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let k = 0; k < xy.length; k += 2) {
      left = Math.min(left, xy[k]); right = Math.max(right, xy[k]);
      low = Math.min(low, xy[k + 1]); high = Math.max(high, xy[k + 1]);
    }
    if (fixed) [left, right, low, high] = [-1, 1, -1, 1];
    const first = this.half === 0, pace = first || fixed ? 1 : 0.15, [x, y] = [(left + right) / 2, (low + high) / 2];
    this.centre = [this.centre[0] + pace * (x - this.centre[0]), this.centre[1] + pace * (y - this.centre[1])];
    const half = Math.max(right - this.centre[0], this.centre[0] - left, high - this.centre[1], this.centre[1] - low, 1e-9);
    this.half = Math.max(half, this.half + pace * (half - this.half)); // grows at once, shrinks slowly
  }

  screen(width, height) {
    const scale = (Math.min(width, height) / 2 - 16) / this.half;
    return { scale, x: (v) => width / 2 + (v - this.centre[0]) * scale, y: (v) => height / 2 - (v - this.centre[1]) * scale };
  }

  /** @param shown { trainer, row, chosen, forces } */
  draw({ trainer, row, chosen, forces }) {
    const { pen, width, height } = penOf(this.canvas), { seen, d, data, s, prototypes } = trainer, { n } = data;
    const clustered = s.q === "clusters";
    if (this.xy.length !== 2 * n) this.xy = new Float64Array(2 * n);
    this.flatten(seen, d, clustered, this.xy);
    this.follow(this.xy, clustered || s.distance === "cosine");
    const others = prototypes ? this.flatten(this.prototypesOf(trainer), d, false, new Float64Array((2 * prototypes.length) / d)) : null;
    const to = (this.to = this.screen(width, height));
    if (clustered) drawCorners(pen, to, d);
    if (s.distance === "cosine" && d <= 3 && !clustered) ring(pen, to.x(0), to.y(0), to.scale, COLOUR.line);
    if (data.graph) drawEdges(pen, to, this.xy, data);
    if (row) this.drawLines(pen, to, row, chosen, trainer);
    drawDots(pen, to, this.xy, data, n > 300 ? 3.2 : 4.5);
    if (others) drawStars(pen, to, others, data);
    if (forces && trainer.points && !clustered) this.drawForces(pen, to, trainer);
    if (chosen !== null && chosen < n) ring(pen, to.x(this.xy[2 * chosen]), to.y(this.xy[2 * chosen + 1]), 8, COLOUR.ink, 2);
    pen.fillStyle = COLOUR.muted; pen.font = "11px system-ui, sans-serif"; pen.textAlign = "left";
    if (!clustered) pen.fillText(`width of the view: ${shortNumber(width / to.scale)}`, 8, height - 8);
  }

  /** The prototypes as they are; their directions alone, made long enough to be seen, where the distance is of directions or an
   *  inner product. */
  prototypesOf({ prototypes, d, s }) {
    if (s.distance === "sqeuclidean") return prototypes;
    const m = prototypes.length / d, unit = new Float64Array(prototypes.length), length = new Float64Array(m);
    directions(prototypes, m, d, unit, length);
    if (s.distance === "cosine") return unit;
    const longest = Math.max(...length);
    return unit.map((value, k) => value * 0.85 * this.half * (length[Math.floor(k / d)] / longest));
  }

  /** Lines from the chosen point to the twenty that p names most, and q: the heavier, the darker. */
  drawLines(pen, to, { p, q, m, places }, i, trainer) {
    const { d, s, prototypes } = trainer, where = prototypes ? this.prototypesOf(trainer) : places;
    const xy = this.flatten(where, d, s.q === "clusters", new Float64Array(2 * m));
    for (const [values, colour, shift] of [[p, COLOUR.p, -1.5], [q, COLOUR.q, 1.5]]) {
      const heaviest = Array.from({ length: m }, (_, j) => j).sort((a, b) => values[b] - values[a]).slice(0, 20), most = values[heaviest[0]];
      pen.strokeStyle = colour;
      for (const j of heaviest) {
        if (values[j] < 0.03 * most) break;
        pen.globalAlpha = 0.15 + 0.85 * (values[j] / most);
        pen.lineWidth = 0.7 + 1.8 * (values[j] / most);
        pen.beginPath();
        pen.moveTo(to.x(this.xy[2 * i]) + shift, to.y(this.xy[2 * i + 1]) + shift);
        pen.lineTo(to.x(xy[2 * j]) + shift, to.y(xy[2 * j + 1]) + shift);
        pen.stroke();
        if (2 * j >= this.xy.length) ring(pen, to.x(xy[2 * j]), to.y(xy[2 * j + 1]), 5, colour); // another view
      }
    }
    pen.globalAlpha = 1;
  }

  /** Arrows along minus the gradient: blue where p pulls, orange where q pushes. The longest is 40 pixels. */
  drawForces(pen, to, { work, d, data }) {
    const n = data.n, one = new Float64Array(2 * n), zero = this.flatten(new Float64Array(d), d, false, new Float64Array(2));
    let most = 1e-300;
    for (const force of [work.pull, work.push]) for (let i = 0; i < n; i++) most = Math.max(most, Math.hypot(...force.subarray(i * d, (i + 1) * d)));
    for (const [force, colour] of [[work.pull, COLOUR.p], [work.push, COLOUR.q]]) {
      this.flatten(force, d, false, one);
      pen.strokeStyle = colour; pen.lineWidth = 1.2; pen.beginPath();
      for (let i = 0; i < n; i++) {
        const [x, y] = [to.x(this.xy[2 * i]), to.y(this.xy[2 * i + 1])], k = 40 / most;
        pen.moveTo(x, y);
        pen.lineTo(x - k * (one[2 * i] - zero[0]), y + k * (one[2 * i + 1] - zero[1]));
      }
      pen.stroke();
    }
  }

  /** The point nearest to a place on the canvas, or null. */
  pointAt(x, y) {
    let best = null, least = 18 ** 2;
    if (!this.to) return null;
    for (let i = 0; i < this.xy.length / 2; i++) {
      const square = (this.to.x(this.xy[2 * i]) - x) ** 2 + (this.to.y(this.xy[2 * i + 1]) - y) ** 2;
      if (square < least) [least, best] = [square, i];
    }
    return best;
  }
}

function ring(pen, x, y, radius, colour, width = 1) {
  pen.strokeStyle = colour; pen.lineWidth = width;
  pen.beginPath(); pen.arc(x, y, radius, 0, 2 * Math.PI); pen.stroke();
}

function drawDots(pen, to, xy, { n, y, names }, radius) {
  for (let c = 0; c < names.length; c++) {
    pen.fillStyle = classColour(c);
    pen.beginPath();
    for (let i = 0; i < n; i++) {
      if (y[i] !== c) continue;
      const [a, b] = [to.x(xy[2 * i]), to.y(xy[2 * i + 1])];
      pen.moveTo(a + radius, b);
      pen.arc(a, b, radius, 0, 2 * Math.PI);
    }
    pen.fill();
  }
}

/** The prototypes of the classes, as squares with their names. */
function drawStars(pen, to, xy, { names }) {
  pen.font = "600 12px system-ui, sans-serif"; pen.textAlign = "center"; pen.textBaseline = "middle";
  names.forEach((name, c) => {
    const [x, y] = [to.x(xy[2 * c]), to.y(xy[2 * c + 1])], half = Math.max(9, pen.measureText(name).width / 2 + 4);
    pen.fillStyle = COLOUR.page; pen.fillRect(x - half, y - 9, 2 * half, 18);
    pen.strokeStyle = classColour(c); pen.lineWidth = 2.5; pen.strokeRect(x - half, y - 9, 2 * half, 18);
    pen.fillStyle = COLOUR.ink; pen.fillText(name, x, y + 1);
  });
  pen.textBaseline = "alphabetic";
}

function drawCorners(pen, to, d) {
  pen.strokeStyle = COLOUR.line; pen.beginPath();
  for (let c = 0; c <= d; c++) {
    const angle = (2 * Math.PI * c) / d + Math.PI / 2;
    pen.lineTo(to.x(Math.cos(angle)), to.y(Math.sin(angle)));
  }
  pen.stroke();
}

function drawEdges(pen, to, xy, { graph, n }) {
  pen.strokeStyle = COLOUR.line; pen.lineWidth = 1; pen.beginPath();
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      if (!graph[i * n + j]) continue;
      pen.moveTo(to.x(xy[2 * i]), to.y(xy[2 * i + 1])); pen.lineTo(to.x(xy[2 * j]), to.y(xy[2 * j + 1]));
    }
  }
  pen.stroke();
}

/** Bars of the candidates with the most weight: p upwards, q downwards, the class of each between them. */
function drawBars(canvas, row, data) {
  const { pen, width, height } = penOf(canvas), middle = height / 2;
  pen.strokeStyle = COLOUR.line; pen.strokeRect(0.5, 0.5, width - 1, height - 1);
  if (!row) return [];
  const { p, q, m } = row, count = Math.min(m, Math.floor((width - 12) / 11));
  const order = Array.from({ length: m }, (_, j) => j).sort((a, b) => p[b] - p[a] || q[b] - q[a]);
  const shown = order.slice(0, count).sort((a, b) => p[b] + q[b] - p[a] - q[a]);
  const most = (values) => Math.max(...shown.map((j) => values[j]), 1e-300), tall = middle - 22, [mostP, mostQ] = [most(p), most(q)];
  shown.forEach((j, k) => {
    const x = 6 + k * 11, c = row.classes ? j : data.y[j % data.n];
    pen.fillStyle = COLOUR.p; pen.fillRect(x, middle - 4 - (tall * p[j]) / mostP, 9, (tall * p[j]) / mostP);
    pen.fillStyle = COLOUR.q; pen.fillRect(x, middle + 4, 9, (tall * q[j]) / mostQ);
    pen.fillStyle = classColour(c); pen.fillRect(x, middle - 3, 9, 6);
  });
  pen.fillStyle = COLOUR.muted; pen.font = "11px system-ui, sans-serif"; pen.textAlign = "right";
  pen.fillText(`p, the longest bar is ${shortNumber(mostP)}`, width - 6, 13);
  pen.fillText(`q, the longest bar is ${shortNumber(mostQ)}`, width - 6, height - 6);
  return shown;
}

/** Values over steps that never grow beyond their room: when it is full, every second one goes. */
class History {
  constructor(lines, room = 1200) {
    Object.assign(this, { lines, room, values: Array.from({ length: lines }, () => new Float64Array(room)), steps: new Float64Array(room) });
    this.clear();
  }

  clear() { this.count = 0; this.every = 1; this.seen = 0; }

  add(step, ...values) {
    if (this.seen++ % this.every) return;
    if (this.count === this.room) {
      for (const each of [this.steps, ...this.values]) for (let k = 0; k < this.room / 2; k++) each[k] = each[2 * k];
      this.count = this.room / 2; this.every *= 2;
    }
    this.steps[this.count] = step;
    values.forEach((value, line) => { this.values[line][this.count] = value; });
    this.count += 1;
  }

  /** Curves with the smallest and the largest value beside them. */
  draw(canvas, colours, range) {
    const { pen, width, height } = penOf(canvas), right = width - 44;
    pen.strokeStyle = COLOUR.line; pen.lineWidth = 1; pen.strokeRect(0.5, 0.5, right, height - 1);
    if (!this.count) return;
    let [low, high] = range ?? [Infinity, -Infinity];
    if (!range) for (const line of this.values) for (let k = 0; k < this.count; k++) { low = Math.min(low, line[k]); high = Math.max(high, line[k]); }
    const last = Math.max(this.steps[this.count - 1], 1), span = high - low || 1;
    this.values.forEach((line, which) => {
      pen.strokeStyle = COLOUR[colours[which]]; pen.lineWidth = 1.6; pen.beginPath();
      for (let k = 0; k < this.count; k++) pen.lineTo(1 + (this.steps[k] / last) * (right - 2), height - 5 - ((line[k] - low) / span) * (height - 10));
      pen.stroke();
    });
    pen.fillStyle = COLOUR.muted; pen.font = "11px system-ui, sans-serif"; pen.textAlign = "left";
    pen.fillText(shortNumber(high), right + 4, 11); pen.fillText(shortNumber(low), right + 4, height - 3);
  }
}
