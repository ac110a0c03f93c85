// Small charts of the recorded metrics, one line per run, with a cursor at the shown epoch.

const DASHES = [[], [6, 4], [2, 3], [9, 3, 2, 3]];
const PAD = { left: 44, right: 6, top: 8, bottom: 18 };

const words = (name) => name.replaceAll("_", " ");

function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "\u2013";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

// How a run's line looks, here and beside its title.
function lineStyle(place, colours) {
  return { dash: DASHES[place % DASHES.length], colour: place % 2 ? colours.muted : colours.ink };
}

class Chart {
  constructor(name, names, player) {
    Object.assign(this, { name, player });
    this.choice = element("select", { "aria-label": "Metric of this chart" }, ...names.map((key) => new Option(words(key), key)));
    this.choice.value = name;
    this.value = element("span", { class: "value" });
    this.canvas = element("canvas", { role: "img" });
    this.ink = this.canvas.getContext("2d");
    this.node = element("section", { class: "chart" }, element("header", {}, this.choice, this.value), this.canvas);
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  listen() {
    this.choice.addEventListener("change", () => {
      this.name = this.choice.value;
      this.player.refresh();
    });
    const seek = (event) => {
      const box = this.canvas.getBoundingClientRect();
      this.player.seekEpoch(this.epochAt(event.clientX - box.left));
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      seek(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && seek(event));
  }

  resize() {
    this.ratio = Math.min(window.devicePixelRatio || 1, 3);
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(this.height * this.ratio);
    this.player.invalidate();
  }

  // Whether each run has an axis of its own: its values are not comparable with those of the others.
  get apart() {
    return this.player.runs.length > 1 && this.player.ownScales.includes(this.name);
  }

  range(runs = this.player.runs) {
    const lines = runs.flatMap((run) => Object.values(run.baselines[this.name] || {}));
    const all = [...runs.flatMap((run) => run.metrics[this.name] || []), ...lines].filter(Number.isFinite);
    if (!all.length) return [0, 1];
    const low = Math.min(...all), high = Math.max(...all);
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  }

  toX(epoch) {
    const { steps } = this.player, first = steps[0], span = steps[steps.length - 1] - first || 1;
    return PAD.left + ((epoch - first) / span) * (this.width - PAD.left - PAD.right);
  }

  epochAt(x) {
    const { steps } = this.player, first = steps[0], span = steps[steps.length - 1] - first;
    return first + (clamp(x - PAD.left, 0, this.width) / Math.max(1, this.width - PAD.left - PAD.right)) * span;
  }

  draw(epoch) {
    if (!this.width) return;
    const { ink } = this, { colours } = this.player, [low, high] = this.range();
    const scale = ([least, most]) => (value) => PAD.top + (1 - (value - least) / (most - least)) * (this.height - PAD.top - PAD.bottom);
    ink.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ink.clearRect(0, 0, this.width, this.height);
    this.drawGround(colours, this.apart ? "least" : short(low), this.apart ? "most" : short(high));
    if (!this.apart) this.drawBaselines(scale([low, high]));
    this.player.runs.forEach((run, place) => {
      const toY = scale(this.apart ? this.range([run]) : [low, high]);
      this.drawLine(run, lineStyle(place, colours), toY, epoch);
    });
    this.drawCursor(colours, epoch);
    this.tell(epoch);
  }

  drawGround(colours, low, high) {
    const { ink, width, height } = this, { steps } = this.player, floor = height - PAD.bottom;
    Object.assign(ink, { font: `11px ${getComputedStyle(document.body).fontFamily}`, fillStyle: colours.muted, strokeStyle: colours.line, lineWidth: 1 });
    ink.setLineDash([]);
    for (const y of [PAD.top, floor]) {
      ink.beginPath();
      ink.moveTo(PAD.left - 4, Math.round(y) + 0.5);
      ink.lineTo(width, Math.round(y) + 0.5);
      ink.stroke();
    }
    const say = (text, x, y, side, room) => {
      ink.textAlign = side;
      ink.fillText(text, x, y, room);
    };
    say(String(steps[0]), PAD.left, height - 4, "left");
    say(String(steps[steps.length - 1]), width - PAD.right, height - 4, "right");
    say("epoch", (PAD.left + width - PAD.right) / 2, height - 4, "center");
    say(high, PAD.left - 8, PAD.top + 4, "right", PAD.left - 8);
    say(low, PAD.left - 8, floor + 3, "right", PAD.left - 8);
  }

  drawLine(run, { dash, colour }, toY, epoch) {
    const values = run.metrics[this.name], { ink } = this;
    if (!values) return;
    ink.beginPath();
    let open = false;
    values.forEach((value, t) => {
      if (Number.isFinite(value)) ink[open ? "lineTo" : "moveTo"](this.toX(run.epochs[t]), toY(value));
      open = Number.isFinite(value);
    });
    Object.assign(ink, { strokeStyle: colour, lineWidth: 1.6, lineJoin: "round" });
    ink.setLineDash(dash);
    ink.stroke();
    ink.setLineDash([]);
    const { from } = bracket(run, epoch);
    if (Number.isFinite(values[from])) drawMark(ink, this.toX(run.epochs[from]), toY(values[from]), 3.2, { colour, edge: this.player.colours.page });
  }

  // What training has to beat, told once for all runs; the words are stacked from the lowest line up, so that none covers another.
  drawBaselines(toY) {
    const { ink } = this, { muted } = this.player.colours;
    const told = this.player.runs.flatMap((run) => Object.entries(run.baselines[this.name] || {}));
    const lines = new Map(told.map(([name, value]) => [`${name} ${short(value)}`, value]));
    let last = null;
    for (const [words, value] of [...lines].sort((one, other) => one[1] - other[1])) {
      const y = Math.round(toY(value)) + 0.5, above = last === null ? y - 3 : Math.min(y - 3, last - 12);
      last = above > PAD.top + 9 ? above : (last ?? y) + 12;
      Object.assign(ink, { strokeStyle: muted, fillStyle: muted, lineWidth: 1, textAlign: "right" });
      ink.setLineDash([5, 3]);
      ink.beginPath();
      ink.moveTo(PAD.left, y);
      ink.lineTo(this.width - PAD.right, y);
      ink.stroke();
      ink.fillText(words, this.width - PAD.right - 4, last);
      ink.setLineDash([]);
    }
  }

  drawCursor(colours, epoch) {
    const { ink } = this, x = Math.round(this.toX(epoch)) + 0.5;
    ink.beginPath();
    ink.moveTo(x, PAD.top);
    ink.lineTo(x, this.height - PAD.bottom);
    Object.assign(ink, { strokeStyle: colours.accent, lineWidth: 1 });
    ink.stroke();
  }

  tell(epoch) {
    const { runs } = this.player, said = runs.map((run) => valueAt(run, this.name, epoch));
    const text = runs.length === 1 ? said[0] : "";
    write(this.value, text);
    const label = `${words(this.name)} at the shown epoch: ${said.join(", ")}`;
    if (this.canvas.getAttribute("aria-label") !== label) this.canvas.setAttribute("aria-label", label);
  }
}

// The value recorded at the last frame that was reached, never one between two frames.
function valueAt(run, name, epoch) {
  const values = run.metrics[name];
  return values ? short(values[bracket(run, epoch).from]) : "\u2013";
}
