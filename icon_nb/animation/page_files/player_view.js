// One panel: a run's points on a canvas, its title, caption, tooltip and pinned card.

const MARGIN = 16, LEVELS = 5, REACH = { mouse: 10, pen: 14, touch: 22 };
// Where the eye of a 3-d view stands, as in the animation: the third axis points up.
const START = { azimuth: (35 * Math.PI) / 180, elevation: (20 * Math.PI) / 180 };

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name === "class") node.className = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["page", "plate", "ink", "muted", "line", "edge", "faint", "accent", "p", "q"].map((k) => [k, style.getPropertyValue(`--${k}`).trim()]));
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

class Panel {
  constructor(run, place, player) {
    Object.assign(this, { run, place, player, hover: -1, pointers: new Map() });
    this.space = new Float32Array(run.stride);
    this.x = new Float32Array(run.n);
    this.y = new Float32Array(run.n);
    this.depth = new Float32Array(run.n);
    this.order = Uint32Array.from({ length: run.n }, (_, i) => i);
    this.members = this.player.groups[run.group].names.map((_, label) => this.order.filter((i) => run.labels[i] === label));
    this.mixed = run.held_out !== null && new Set(run.held_out).size > 1;
    this.build();
    this.resetView();
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  build() {
    const { run, place } = this;
    this.canvas = element("canvas", { class: "points", role: "img", tabindex: "0", "data-run": place });
    this.ink = this.canvas.getContext("2d");
    this.tip = element("div", { class: "tip", hidden: "" });
    this.card = element("div", { class: "card", hidden: "" });
    this.zoomBar = element("div", { class: "zoom" }, ...[["+", "Zoom in", 1.4], ["\u2212", "Zoom out", 1 / 1.4], ["\u21ba", "Reset the view", 0]].map(
      ([text, label, factor]) => {
        const button = element("button", { type: "button", text, "aria-label": label, title: label });
        button.addEventListener("click", () => (factor ? this.zoomAt(this.width / 2, this.height / 2, factor) : this.resetView()));
        return button;
      }));
    this.held = element("div", { class: "held" });
    this.stage = element("div", { class: "stage" }, this.canvas, this.held, this.card, this.tip);
    this.now = element("span", { class: "now" });
    this.heading = element("header", {}, element("h2", { text: run.title }), this.zoomBar, this.now);
    this.node = element("figure", { class: "panel" }, this.heading, this.stage, this.caption());
  }

  // Alone, a panel has room for the whole caption; beside others it says what is its own, the rest stands below all of them.
  caption() {
    const { runs, caption, own } = this.player;
    return element("figcaption", { text: runs.length === 1 ? caption : own[this.place] });
  }

  // All spheres are seen by one camera.
  resetView() {
    this.view = this.view || (this.run.sphere ? this.player.camera : {});
    Object.assign(this.view, { zoom: 1, panX: 0, panY: 0, yaw: START.azimuth, pitch: START.elevation });
    this.player.invalidate();
  }

  resize() {
    const box = this.stage.getBoundingClientRect();
    this.ratio = Math.min(window.devicePixelRatio || 1, 3);
    this.width = this.stage.clientWidth;
    this.height = this.stage.clientHeight;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    this.base = this.fitScale();
    this.repaint();
  }

  // Sizes and colours changed: draw the discs again.
  repaint() {
    const { run } = this;
    this.theme = this.player.colours;
    const radius = clamp(0.16 * Math.sqrt((this.width * this.height) / run.n), 1.9, 5);
    this.radii = run.dim === 3 ? Array.from({ length: LEVELS }, (_, k) => radius * (0.7 + (0.65 * k) / (LEVELS - 1))) : [radius];
    const group = this.player.groups[run.group], plain = group.names.length ? this.theme.muted : this.theme.accent;
    const colours = [...group.colours, plain], markers = [...group.markers, "o", ...group.others, group.others[0]];
    this.marks = new Marks(run.sides.length ? [...colours, ...colours] : colours, markers, this.radii, this.ratio, this.theme.plate, this.canvas.width);
    this.raster = new Raster(this.canvas.width, this.canvas.height, this.theme.plate);
    this.player.invalidate();
  }

  // --- from box units to the screen -------------------------------------------------------------------------------------

  frameView() {
    const { view, width, height } = this;
    this.scale = this.base * view.zoom;
    this.originX = width / 2 + view.panX;
    this.originY = height / 2 + view.panY;
    this.turn = turnOf(view.yaw, view.pitch);
  }

  // Pixels a box unit at zoom 1: every frame fits, and in 3-d no turn takes a point out of sight.
  fitScale() {
    const { run } = this, wide = this.width / 2 - MARGIN, high = this.height / 2 - MARGIN;
    if (run.dim === 2) return Math.min(wide / run.extent[0], high / run.extent[1]);
    const points = (0.92 * Math.min(wide, high)) / run.radius;
    if (run.sphere) return points;
    Object.assign(this, { scale: 1, originX: 0, originY: 0, turn: turnOf(START.azimuth, START.elevation) });
    const corners = boxEdges(run.extent).flat().map((corner) => this.project(...corner));
    return Math.min(points, ...corners.map(([x, y]) => Math.min(wide / Math.abs(x), high / Math.abs(y))));
  }

  // Returns [x, y, depth] in CSS pixels; depth grows towards the reader, -1..1.
  project(x, y, z) {
    if (this.run.dim === 2) return [this.originX + x * this.scale, this.originY - y * this.scale, 0];
    const [cosYaw, sinYaw, cosPitch, sinPitch] = this.turn, far = 5 * this.run.radius;
    const side = y * cosYaw - x * sinYaw, out = x * cosYaw + y * sinYaw;
    const up = z * cosPitch - out * sinPitch, near = out * cosPitch + z * sinPitch;
    const size = (this.scale * far) / (far - near);
    return [this.originX + side * size, this.originY - up * size, near / this.run.radius];
  }

  placeAll(epoch) {
    const { run, space } = this, n = run.n, solid = run.dim === 3;
    blend(run, epoch, space);
    this.frameView();
    if (!solid) return this.placeFlat(n);
    for (let i = 0; i < n; i++) [this.x[i], this.y[i], this.depth[i]] = this.project(space[i], space[n + i], space[2 * n + i]);
    this.sortByDepth(n);
  }

  // The farthest first, to one part in a thousand.
  sortByDepth(n) {
    const slot = (i) => Math.round((clamp(this.depth[i], -1, 1) + 1) * 500), ends = new Uint32Array(1002);
    for (let i = 0; i < n; i++) ends[slot(i) + 1]++;
    for (let k = 1; k < ends.length; k++) ends[k] += ends[k - 1];
    for (let i = 0; i < n; i++) this.order[ends[slot(i)]++] = i;
  }

  placeFlat(n) {
    for (let i = 0; i < n; i++) {
      this.x[i] = this.originX + this.space[i] * this.scale;
      this.y[i] = this.originY - this.space[n + i] * this.scale;
    }
  }

  // --- drawing ----------------------------------------------------------------------------------------------------------

  draw(epoch) {
    if (!this.width || !this.raster) return;
    this.placeAll(epoch);
    this.raster.clear();
    if (this.run.dim === 3) this.drawFrame();
    this.drawEdges();
    this.drawPoints();
    this.ink.putImageData(this.raster.image, 0, 0);
    this.ink.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    if (this.player.named) this.drawNames();
    this.drawMarks(epoch);
    if (this.hover >= 0) this.placeTip();
    this.report();
  }

  drawPoints() {
    const { run, raster, marks, ratio } = this, { hidden, names } = this.player.groups[run.group], only = this.player.emphasis;
    const stressed = only && only.group === run.group ? only.label : null;
    for (const i of this.order) {
      const label = run.labels[i];
      if (hidden.has(label)) continue;
      const level = Math.round(((clamp(this.depth[i], -1, 1) + 1) / 2) * (marks.levels - 1));
      const kind = level + (this.mixed && run.held_out[i] ? marks.levels : 0);
      const strength = stressed === null || stressed === label ? 256 : 30;
      const row = (label < 0 ? names.length : label) + (this.isSecond(i) ? names.length + 1 : 0);
      raster.stamp(marks, this.x[i] * ratio, this.y[i] * ratio, row, kind, strength);
    }
  }

  // Whether a point is of the second modality: those stand behind the others.
  isSecond(i) {
    return this.run.sides.length > 0 && i >= this.run.n / 2;
  }

  // A line between every two points that are joined and can be seen, or only those of the pinned point.
  drawEdges() {
    const { edges, labels } = this.run, { hidden } = this.player.groups[this.run.group], pinned = this.player.pinnedIn(this.run);
    const at = (i) => [this.x[i] * this.ratio, this.y[i] * this.ratio];
    for (let k = 0; k < edges.length; k += 2) {
      const [i, j] = [edges[k], edges[k + 1]], wanted = this.player.joined || i === pinned || j === pinned;
      if (wanted && !hidden.has(labels[i]) && !hidden.has(labels[j])) this.raster.line(...at(i), ...at(j), this.theme.edge);
    }
  }

  // The box, or for embeddings of unit length the sphere, that the points live in: it shows which way the view is turned.
  drawFrame() {
    for (const line of this.run.sphere ? greatCircles(this.run.sphere) : boxEdges(this.run.extent)) {
      const spots = line.map((spot) => this.project(...spot).map((value) => value * this.ratio));
      for (let k = 1; k < spots.length; k++) this.raster.line(spots[k - 1][0], spots[k - 1][1], spots[k][0], spots[k][1], this.theme.line);
    }
  }

  // The name of every class, in the middle of its points.
  drawNames() {
    const { names, hidden } = this.player.groups[this.run.group], { ink } = this;
    Object.assign(ink, { font: `600 13px ${getComputedStyle(document.body).fontFamily}`, textAlign: "center", textBaseline: "middle", lineJoin: "round" });
    names.forEach((name, label) => {
      const members = this.members[label];
      if (!members.length || hidden.has(label)) return;
      const at = [name, median(this.x, members), median(this.y, members)];
      Object.assign(ink, { strokeStyle: this.theme.plate, lineWidth: 4, fillStyle: this.theme.ink });
      ink.strokeText(...at);
      ink.fillText(...at);
    });
  }

  // The strongest neighbours of a point under p or q at an epoch: [point, probability].
  neighbours(kind, i, epoch) {
    const { links, n } = this.run, told = links && links[kind];
    if (!told) return [];
    const frame = told.points.length > n * links.k ? bracket(this.run, epoch).from : 0, start = (frame * n + i) * links.k;
    return Array.from({ length: links.k }, (_, k) => [told.points[start + k], told.weights[start + k] / 65535]).filter(([, share]) => share > 0);
  }

  // Lines to the neighbours under p (solid) and under q (dashed), as wide as the probability.
  drawLinks(i, epoch) {
    for (const [kind, dash] of [["p", []], ["q", [5, 4]]]) {
      const found = this.neighbours(kind, i, epoch), most = Math.max(...found.map(([, share]) => share));
      for (const [j, share] of found) {
        this.strokePath([[this.x[i], this.y[i]], [this.x[j], this.y[j]]], this.theme[kind], 1 + 3 * (share / most), dash);
      }
    }
  }

  // Where p pulls a point and where q pushes it: against the gradient, half a box unit at most.
  drawForces(i, epoch) {
    const { run, space } = this, { from } = bracket(run, epoch), many = run.epochs.length;
    if (!run.forces) return;
    for (const [part, kind] of [[0, "p"], [1, "q"]]) {
      const start = ((part * many + from) * run.n + i) * run.dim;
      const end = [0, 1, 2].map((axis) => (axis < run.dim ? space[axis * run.n + i] - run.forces[start + axis] / 254 : 0));
      const [x, y] = this.project(...end), dx = (this.x[i] - x) * 0.3, dy = (this.y[i] - y) * 0.3;
      const head = [1, -1].map((turn) => [x + 0.8 * dx - 0.6 * turn * dy, y + 0.8 * dy + 0.6 * turn * dx]);
      this.strokePath([[this.x[i], this.y[i]], [x, y]], this.theme[kind], 3, []);
      this.strokePath([head[0], [x, y], head[1]], this.theme[kind], 3, []);
    }
  }

  drawMarks(epoch) {
    const pinned = this.player.pinnedIn(this.run), hover = this.player.hoverIn(this.run);
    if (pinned >= 0) this.drawPath(pinned, epoch);
    if (pinned >= 0) this.drawLinks(pinned, epoch);
    if (pinned >= 0) this.drawForces(pinned, epoch);
    if (pinned >= 0) this.drawRing(pinned, 2.5);
    if (hover >= 0 && hover !== pinned) this.drawRing(hover, 1.5);
  }

  drawRing(i, width) {
    const { ink } = this, radius = this.radii[this.radii.length - 1] + 4;
    for (const [colour, extra] of [[this.theme.plate, 2], [this.theme.ink, 0]]) {
      ink.beginPath();
      ink.arc(this.x[i], this.y[i], radius, 0, TAU);
      ink.lineWidth = width + extra;
      ink.strokeStyle = colour;
      ink.stroke();
    }
  }

  // Where the point has been (solid) and where it will go (dotted), one small dot for every recorded frame.
  drawPath(i, epoch) {
    const { ink, run } = this, spots = run.epochs.map((_, t) => this.spotAt(i, t)), now = bracket(run, epoch).from;
    const here = [this.x[i], this.y[i]];
    this.strokePath([...spots.slice(0, now + 1), here], this.theme.plate, 4, []);
    this.strokePath([here, ...spots.slice(now + 1)], this.theme.muted, 1.2, [2, 3]);
    this.strokePath([...spots.slice(0, now + 1), here], this.theme.ink, 1.8, []);
    if (spots.length > 60) return;
    ink.fillStyle = this.theme.ink;
    for (const [x, y] of spots.slice(0, now + 1)) ink.fillRect(x - 1.5, y - 1.5, 3, 3);
  }

  strokePath(spots, colour, width, dash) {
    const { ink } = this;
    ink.beginPath();
    spots.forEach(([x, y], k) => (k ? ink.lineTo(x, y) : ink.moveTo(x, y)));
    Object.assign(ink, { strokeStyle: colour, lineWidth: width, lineJoin: "round" });
    ink.setLineDash(dash);
    ink.stroke();
    ink.setLineDash([]);
  }

  spotAt(i, t) {
    const { run } = this, start = t * run.stride + i, unit = 2 / run.levels;
    const spot = [0, 1, 2].map((axis) => (axis < run.dim ? run.values[start + axis * run.n] * unit - 1 : 0));
    return this.project(...spot);
  }

  // --- what a reader, or a test, can see --------------------------------------------------------------------------------

  report() {
    const round = (value) => String(Math.round(value * 1e4) / 1e4);
    const { view } = this;
    const seen = { scale: this.scale, originX: this.originX, originY: this.originY, zoom: view.zoom, yaw: view.yaw, pitch: view.pitch };
    for (const [name, value] of Object.entries(seen)) {
      const text = round(value);
      if (this.canvas.dataset[name] !== text) this.canvas.dataset[name] = text;
    }
    const steady = view.zoom === 1 && !view.panX && !view.panY;
    this.canvas.style.touchAction = steady ? "pan-y pinch-zoom" : "none";
  }

  about(i) {
    const { run } = this, group = this.player.groups[run.group];
    const lines = [run.names[i] || `point ${run.index ? run.index[i] : i}`];
    if (run.sides.length) lines.push(run.sides[Number(this.isSecond(i))]);
    if (run.held_out) lines.push(run.held_out[i] ? "held out" : "trained on");
    const name = run.labels[i] < 0 ? "no class" : group.names[run.labels[i]];
    return { name: group.names.length ? name : lines.shift(), lines };
  }

  fill(box, i) {
    const { name, lines } = this.about(i);
    const words = element("div", { class: "about" }, element("b", { text: name }), ...lines.map((text) => element("span", { text })));
    const picture = this.picture(i);
    box.replaceChildren(...(picture ? [picture] : []), words);
    box.hidden = false;
  }

  picture(i, side = 56) {
    const sheet = this.player.sheets[this.run.sheet];
    if (!sheet || !sheet.image) return null;
    const { cell_w: w, cell_h: h, columns } = sheet, scale = Math.max(0.5, Math.floor((2 * side) / Math.max(w, h)) / 2);
    const canvas = element("canvas", { width: w * scale, height: h * scale, "aria-hidden": "true" });
    const ink = canvas.getContext("2d");
    ink.imageSmoothingEnabled = false;
    ink.drawImage(sheet.image, (i % columns) * w, Math.floor(i / columns) * h, w, h, 0, 0, w * scale, h * scale);
    return canvas;
  }

  showTip() {
    const i = this.hover;
    this.tip.hidden = i < 0;
    if (i < 0) return;
    this.fill(this.tip, i);
    this.placeTip();
  }

  // Beside its point, also while the point moves, and never out of the picture.
  placeTip() {
    const i = this.hover;
    const { offsetWidth: w, offsetHeight: h } = this.tip, gap = 14;
    const right = this.x[i] + gap + w <= this.width - 4;
    const left = right ? this.x[i] + gap : Math.max(4, this.x[i] - gap - w);
    const top = clamp(this.y[i] - h / 2, 4, Math.max(4, this.height - h - 4));
    this.tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  showCard() {
    const i = this.player.pinnedIn(this.run);
    this.card.hidden = i < 0;
    if (i < 0) return;
    this.fill(this.card, i);
    this.card.append(...["p", "q"].map((kind) => this.neighbourList(kind, i)).filter(Boolean));
    const close = element("button", { type: "button", text: "\u00d7", "aria-label": "Let the point go", title: "Let the point go (Esc)" });
    close.addEventListener("click", () => this.player.pin(null, -1));
    this.card.append(close);
  }

  // The same neighbours as pictures, or by name, with their probabilities.
  neighbourList(kind, i) {
    const found = this.neighbours(kind, i, this.player.epoch);
    if (!found.length) return null;
    const each = found.map(([j, share]) => {
      const name = this.run.names[j] || this.about(j).name, percent = `${Number((100 * share).toPrecision(2))} %`;
      return element("span", { title: `${name}, ${percent}` }, this.picture(j, 22) || name, element("i", { text: percent }));
    });
    return element("div", { class: `near ${kind}`, "aria-label": `strongest under ${kind}` }, element("b", { text: kind }), ...each);
  }

  // --- pointers ---------------------------------------------------------------------------------------------------------

  nearest(x, y, reach) {
    const hidden = this.player.groups[this.run.group].hidden;
    let best = -1, least = reach * reach;
    for (const i of this.order) {
      const dx = this.x[i] - x, dy = this.y[i] - y, distance = dx * dx + dy * dy;
      if (distance <= least && !hidden.has(this.run.labels[i])) [best, least] = [i, distance];
    }
    return best;
  }

  spot(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  listen() {
    const on = (name, act, options) => this.canvas.addEventListener(name, act, options);
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", (event) => this.giveBack(event));
    on("pointerleave", (event) => event.pointerType === "mouse" && this.player.setHover(this, -1));
    on("dblclick", () => this.resetView());
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
  }

  press(event) {
    this.canvas.setPointerCapture(event.pointerId);
    if (!this.pointers.size) this.untouched = { ...this.view };
    this.pointers.set(event.pointerId, { ...this.spot(event), travelled: 0 });
  }

  move(event) {
    const now = this.spot(event), last = this.pointers.get(event.pointerId);
    if (!last) return this.player.setHover(this, this.nearest(now.x, now.y, REACH[event.pointerType] || 10));
    const dx = now.x - last.x, dy = now.y - last.y, travelled = last.travelled + Math.hypot(dx, dy);
    if (this.pointers.size === 2) this.pinch(event.pointerId, now);
    else if (travelled > 4) this.drag(dx, dy, event.shiftKey || event.buttons === 2);
    this.pointers.set(event.pointerId, { ...now, travelled });
  }

  drag(dx, dy, slide) {
    this.canvas.classList.add("dragging");
    this.player.setHover(this, -1);
    const { view } = this;
    if (this.run.dim === 3 && !slide) {
      view.yaw -= dx * 0.01;
      view.pitch = clamp(view.pitch + dy * 0.01, -Math.PI / 2, Math.PI / 2);
    } else {
      view.panX += dx;
      view.panY += dy;
    }
    this.player.invalidate();
  }

  pinch(moving, now) {
    const other = [...this.pointers].find(([id]) => id !== moving)[1], before = this.pointers.get(moving);
    const ratio = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    this.zoomAt((now.x + other.x) / 2, (now.y + other.y) / 2, ratio);
    this.view.panX += (now.x - before.x) / 2;
    this.view.panY += (now.y - before.y) / 2;
  }

  release(event) {
    const press = this.pointers.get(event.pointerId);
    const alone = this.pointers.size === 1;
    this.forget(event);
    if (!press || !alone || press.travelled > 4 || event.button > 0) return;
    const { x, y } = this.spot(event), touched = this.nearest(x, y, REACH[event.pointerType] || 10);
    if (event.pointerType !== "mouse") this.player.setHover(this, -1);
    this.player.pin(this, touched);
  }

  // The browser scrolls instead: what the fingers did to the picture before that is taken back, or it could not be scrolled past again.
  giveBack(event) {
    Object.assign(this.view, this.untouched);
    this.forget(event);
    this.player.invalidate();
  }

  forget(event) {
    this.pointers.delete(event.pointerId);
    this.canvas.classList.remove("dragging");
  }

  // A plain wheel scrolls the notebook; with Ctrl or Cmd (and so by pinching a trackpad) it zooms.
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { x, y } = this.spot(event);
    this.zoomAt(x, y, Math.exp(-event.deltaY * 0.004));
  }

  zoomAt(x, y, factor) {
    const { view } = this, zoom = clamp(view.zoom * factor, 0.5, 40), real = zoom / view.zoom;
    view.panX = x - this.width / 2 - (x - this.width / 2 - view.panX) * real;
    view.panY = y - this.height / 2 - (y - this.height / 2 - view.panY) * real;
    view.zoom = zoom;
    this.player.invalidate();
  }
}

function median(values, members) {
  const own = new Float32Array(members.length);
  for (let k = 0; k < own.length; k++) own[k] = values[members[k]];
  return own.sort()[own.length >> 1];
}

function turnOf(azimuth, elevation) {
  return [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
}

function greatCircles({ centre, radius }) {
  const steps = Array.from({ length: 65 }, (_, k) => (k / 64) * TAU);
  const at = (a, b, angle) => centre.map((c, axis) => c + radius * (axis === a ? Math.cos(angle) : axis === b ? Math.sin(angle) : 0));
  return [[0, 1], [0, 2], [1, 2]].map(([a, b]) => steps.map((angle) => at(a, b, angle)));
}

function boxEdges([ex, ey, ez]) {
  const corner = (bits) => [bits & 1 ? ex : -ex, bits & 2 ? ey : -ey, bits & 4 ? ez : -ez];
  const pairs = [];
  for (let bits = 0; bits < 8; bits++) for (const axis of [1, 2, 4]) if (!(bits & axis)) pairs.push([bits, bits | axis]);
  return pairs.map(([a, b]) => [corner(a), corner(b)]);
}
