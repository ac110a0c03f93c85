// The player: one epoch cursor for every run, playback, keyboard, legend. What is shown can be read from data- attributes
// of <main id="player">: ready, epoch (the last recorded one that was reached), position (place among the recorded epochs, with
// a fraction between two), playing, speed, loop, hover and pinned ("panel:point" or empty), hidden (class numbers, by class list),
// run-epochs (each run's own epoch), metrics; and of each canvas: run, scale, origin-x, origin-y, zoom, yaw, pitch (CSS pixels).

const SPEEDS = [0.25, 0.5, 1, 2, 4], PREFERRED = ["loss", "knn_accuracy"];

class Player {
  constructor(page, runs, sheets) {
    this.root = document.getElementById("player");
    this.runs = runs;
    this.sheets = sheets;
    Object.assign(this, { short: page.short, own: page.own, caption: page.caption, note: page.note, ownScales: page.own_scales, camera: {} });
    this.groups = page.groups.map((group) => ({ ...group, hidden: new Set() }));
    this.steps = [...new Set(runs.flatMap((run) => run.epochs))].sort((a, b) => a - b);
    this.last = this.steps.length - 1;
    Object.assign(this, { position: this.last, playing: false, speed: 1, loop: false, pinned: null, hovered: null, emphasis: null });
    this.named = this.groups.every((group) => group.names.length <= 20) && this.groups.some((group) => group.names.length);
    this.joined = runs.some((run) => run.edges.length && !run.sides.length);
    // About eight seconds from end to end at speed 1, but never so fast that epochs blur or so slow that nothing happens.
    this.rate = clamp(this.last / 8, 2, 15);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.colours = theme();
  }

  find(id) {
    return document.getElementById(id);
  }

  start() {
    this.panels = this.runs.map((run, place) => new Panel(run, place, this));
    this.find("panels").append(...this.panels.map((panel) => panel.node));
    if (this.runs.length > 1) this.find("side").before(this.sharedCaption());
    this.buildCharts();
    if (this.note) this.find("charts").append(element("p", { class: "note", text: this.note }));
    this.buildLegends();
    this.buildTransport();
    this.root.classList.add(this.runs.length === 1 ? "one" : "many");
    if (!this.charts.length && !this.groups.some((group) => group.names.length)) this.root.classList.add("bare");
    this.listen();
    this.refresh();
    requestAnimationFrame(() => requestAnimationFrame(() => (this.root.dataset.ready = "true")));
  }

  // --- building ---------------------------------------------------------------------------------------------------------

  // What the panels of several runs have in common, said once; it can be opened for the rest.
  sharedCaption() {
    return element("details", { class: "shared" }, element("summary", { text: this.short || "how the points are laid out" }), this.caption);
  }

  buildCharts() {
    const measured = ({ metrics }) => Object.keys(metrics).filter((name) => metrics[name].some(Number.isFinite));
    const names = [...new Set(this.runs.flatMap(measured))];
    const wanted = [...PREFERRED.filter((name) => names.includes(name)), ...names.filter((name) => !PREFERRED.includes(name))];
    this.charts = wanted.slice(0, 2).map((name) => new Chart(name, names, this));
    this.find("charts").append(...this.charts.map((chart) => chart.node));
    if (this.runs.length > 1 && names.length) this.panels.forEach((panel, place) => panel.heading.prepend(this.stroke(place)));
  }

  // The line this run has in the charts, beside its title.
  stroke(place) {
    const style = lineStyle(place, { ink: "var(--ink)", accent: "var(--accent)", muted: "var(--muted)" });
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [name, value] of Object.entries({ width: 26, height: 8, class: "stroke", "aria-hidden": "true" })) svg.setAttribute(name, value);
    for (const [name, value] of Object.entries({ x1: 0, x2: 26, y1: 4, y2: 4, "stroke-width": 2, "stroke-dasharray": style.dash.join(" ") })) line.setAttribute(name, value);
    line.style.stroke = style.colour;
    svg.append(line);
    return svg;
  }

  buildLegends() {
    const shown = this.groups.map((group, place) => ({ group, place })).filter(({ group }) => group.names.length);
    this.find("legends").append(...shown.map(({ group, place }) => this.legend(group, place, shown.length > 1)));
  }

  legend(group, place, several) {
    const runs = this.runs.filter((run) => run.group === place);
    const heading = several ? `classes of ${runs.map((run) => run.title).join(", ")}` : "classes";
    const all = element("button", { type: "button", text: "show all", hidden: "" });
    all.addEventListener("click", () => this.show(group, []));
    group.all = all;
    group.chips = group.names.map((name, label) => this.chip(group, place, name, label));
    const chips = element("div", { class: "chips", role: "group", "aria-label": heading }, ...group.chips);
    const box = element("section", { class: "legend" }, element("div", { class: "heading" }, element("span", { text: heading }), all), chips);
    if (this.panels.some((panel) => panel.mixed && panel.run.group === place)) box.append(markers());
    for (const { sides } of runs.filter((run) => run.sides.length).slice(0, 1)) box.append(sidesOf(group, sides));
    return box;
  }

  chip(group, place, name, label) {
    const dot = swatch(group.colours[label], group.markers[label]);
    const title = `${name} (Shift-click: only this class)`;
    const chip = element("button", { type: "button", "aria-pressed": "true", title, "data-class": label }, dot, element("span", { text: name }));
    chip.addEventListener("click", (event) => this.toggle(group, label, event.shiftKey));
    const stress = (on) => () => {
      this.emphasis = on && !group.hidden.has(label) ? { group: place, label } : null;
      this.invalidate();
    };
    for (const [name, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) {
      chip.addEventListener(name, stress(on));
    }
    return chip;
  }

  buildTransport() {
    const scrub = this.find("scrub"), speed = this.find("speed");
    scrub.max = this.last;
    speed.append(...SPEEDS.map((value) => new Option(`${value}\u00d7`, value, value === 1, value === 1)));
    scrub.addEventListener("input", () => this.seek(Number(scrub.value)));
    speed.addEventListener("change", () => this.setSpeed(Number(speed.value)));
    this.find("play").addEventListener("click", () => this.toggleplay());
    this.find("loop").addEventListener("click", () => this.setLoop(!this.loop));
    const names = this.find("names");
    names.hidden = !this.named;
    names.addEventListener("click", () => this.setNames(!this.named));
    const edges = this.find("edges");
    edges.hidden = !this.runs.some((run) => run.edges.length);
    edges.addEventListener("click", () => this.setJoined(!this.joined));
    this.setJoined(this.joined);
    const sought = this.find("find");
    sought.hidden = !this.runs.some((run) => run.names.length);
    sought.addEventListener("input", () => this.pinNamed(sought.value.trim().toLowerCase()));
    this.find("epoch-last").textContent = `of ${this.steps[this.last]}`;
    this.root.classList.toggle("single", this.last === 0);
    this.buildHint();
  }

  buildHint() {
    const solid = this.runs.some((run) => run.dim === 3), hint = this.find("hint");
    const key = (name) => element("kbd", { text: name });
    const turn = solid ? "drag to turn (with Shift to move)" : "drag to move";
    hint.append(
      element("span", { class: "keys" }, key("space"), " play, ", key("\u2190"), " ", key("\u2192"), " one epoch, ", key("N"),
        " pin the next point, ", key("W"), key("A"), key("S"), key("D"), solid ? " turn, " : " move, ", key("Ctrl"), " + wheel zoom. "),
      `Click a point to follow it${this.linkWords()}, ${turn}, + and \u2212 zoom. `,
      this.still.matches ? "Steps from one recorded epoch to the next." : "Between two recorded epochs the points move in straight lines.");
  }

  linkWords() {
    const has = (kind) => this.runs.some((run) => run.links && run.links[kind]);
    const kinds = [has("p") ? "p (solid)" : "", has("q") ? "q (dashed)" : ""].filter(Boolean);
    return kinds.length ? ` and see its neighbours under ${kinds.join(" and ")}` : "";
  }

  // --- time -------------------------------------------------------------------------------------------------------------

  // The place among the recorded epochs that is drawn; with reduced motion only recorded ones are.
  get shown() {
    const at = clamp(this.position, 0, this.last);
    return this.still.matches ? Math.floor(at + 1e-9) : at;
  }

  // The same as an epoch, 3.5 for half way from 3 to 4.
  get epoch() {
    const at = this.shown, k = Math.floor(at), next = Math.min(k + 1, this.last);
    return this.steps[k] + (this.steps[next] - this.steps[k]) * (at - k);
  }

  seek(position) {
    this.position = clamp(position, 0, this.last);
    this.refresh();
  }

  seekEpoch(epoch) {
    this.playing = false;
    let best = 0;
    this.steps.forEach((step, k) => (best = Math.abs(step - epoch) < Math.abs(this.steps[best] - epoch) ? k : best));
    this.seek(best);
  }

  step(by) {
    this.playing = false;
    this.seek(Math.round(this.position) + by);
  }

  toggleplay() {
    this.playing = !this.playing && this.last > 0;
    if (this.playing && this.position >= this.last) this.position = 0;
    // At rest only a recorded epoch is shown, never a place between two.
    if (!this.playing) this.position = Math.round(this.position);
    this.before = null;
    this.refresh();
  }

  setSpeed(value) {
    this.speed = value;
    this.find("speed").value = String(value);
    this.refresh();
  }

  setLoop(on) {
    this.loop = on;
    this.find("loop").setAttribute("aria-pressed", String(on));
    this.refresh();
  }

  setNames(on) {
    this.named = on;
    this.find("names").setAttribute("aria-pressed", String(on));
    this.invalidate();
  }

  setJoined(on) {
    this.joined = on;
    this.find("edges").setAttribute("aria-pressed", String(on));
    this.invalidate();
  }

  advance(now) {
    if (!this.playing) return;
    const passed = this.before === null ? 0 : Math.min(0.25, (now - this.before) / 1000);
    this.before = now;
    this.position += passed * this.rate * this.speed;
    if (this.position >= this.last) this.atEnd();
    this.invalidate();
  }

  atEnd() {
    const held = this.rate * this.speed;
    if (this.loop && this.position > this.last + held) this.position = 0;
    else if (!this.loop) [this.position, this.playing] = [this.last, false];
  }

  // --- drawing ----------------------------------------------------------------------------------------------------------

  invalidate() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame((now) => this.frame(now));
  }

  frame(now) {
    this.waiting = false;
    this.advance(now);
    const epoch = this.epoch;
    for (const panel of this.panels) panel.draw(epoch);
    if (this.pinned && Math.floor(this.shown) !== this.told) this.panels.forEach((panel) => panel.showCard());
    this.told = Math.floor(this.shown);
    for (const chart of this.charts) chart.draw(epoch);
    this.tell(epoch);
  }

  refresh() {
    for (const panel of this.panels || []) panel.showCard();
    this.invalidate();
  }

  // --- what the page says -----------------------------------------------------------------------------------------------

  tell(epoch) {
    const at = this.shown, k = Math.floor(at), shown = this.steps[k], text = at > k ? `\u2192 ${this.steps[k + 1]}` : "";
    const scrub = this.find("scrub");
    scrub.value = at;
    scrub.setAttribute("aria-valuetext", `epoch ${shown} of ${this.steps[this.last]}`);
    write(this.find("epoch-now"), String(shown));
    write(this.find("epoch-next"), text);
    this.find("play").setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.panels.forEach((panel) => this.tellPanel(panel, epoch));
    this.publish(shown, at);
  }

  tellPanel(panel, epoch) {
    const { run } = panel, { from } = bracket(run, epoch), ended = run.epochs[run.epochs.length - 1];
    const parts = this.runs.length > 1 ? this.charts.map((chart) => `${words(chart.name)} ${valueAt(run, chart.name, epoch)}`) : [];
    write(panel.now, parts.join(" \u00b7 "));
    write(panel.held, epoch > ended ? `ended: held at epoch ${ended}` : "");
    const label = `${run.title || "Embedding"}: ${run.n} points at epoch ${run.epochs[from]}`;
    if (panel.canvas.getAttribute("aria-label") !== label) panel.canvas.setAttribute("aria-label", label);
  }

  publish(epoch, position) {
    const point = (mark) => (mark ? `${mark.place}:${mark.i}` : "");
    const seen = {
      epoch, position: Math.floor(position * 1000 + 1e-6) / 1000, playing: this.playing, speed: this.speed, loop: this.loop,
      hover: point(this.hovered), pinned: point(this.pinned),
      hidden: this.groups.map((group) => [...group.hidden].sort((a, b) => a - b).join(",")).join(";"),
      runEpochs: this.runs.map((run) => run.epochs[bracket(run, this.epoch).from]).join(","),
      metrics: this.charts.map((chart) => chart.name).join(","),
    };
    for (const [name, value] of Object.entries(seen)) {
      if (this.root.dataset[name] !== String(value)) this.root.dataset[name] = value;
    }
  }

  // --- points and classes -----------------------------------------------------------------------------------------------

  // Runs over the same points share what is hovered and pinned.
  markIn(mark, run) {
    return mark && this.runs[mark.place].points === run.points ? mark.i : -1;
  }

  pinnedIn(run) {
    return this.markIn(this.pinned, run);
  }

  hoverIn(run) {
    return this.markIn(this.hovered, run);
  }

  setHover(panel, i) {
    if (panel.hover === i) return;
    panel.hover = i;
    this.hovered = i < 0 ? null : { place: panel.place, i };
    panel.showTip();
    this.invalidate();
  }

  pin(panel, i) {
    const same = panel && this.pinned && this.pinnedIn(panel.run) === i;
    this.pinned = i < 0 || same ? null : { place: panel.place, i };
    this.refresh();
  }

  // The first point with these words in its name.
  pinNamed(words) {
    const place = (run) => (words ? run.names.findIndex((name) => name.toLowerCase().includes(words)) : -1);
    const panel = this.panels.find(({ run }) => place(run) >= 0);
    this.pinned = panel ? { place: panel.place, i: place(panel.run) } : null;
    this.refresh();
  }

  // The next point that can be seen, by its number.
  pinNext(by) {
    const panel = this.panels[this.pinned ? this.pinned.place : 0], { n, group, labels } = panel.run, { hidden } = this.groups[group];
    let i = this.pinned ? this.pinned.i : by > 0 ? -1 : n;
    do i += by; while (i >= 0 && i < n && hidden.has(labels[i]));
    if (i >= 0 && i < n) this.pin(panel, i);
  }

  toggle(group, label, only) {
    const hidden = new Set(group.hidden);
    if (only) group.names.forEach((_, other) => (other === label ? hidden.delete(other) : hidden.add(other)));
    else hidden.has(label) ? hidden.delete(label) : hidden.add(label);
    this.show(group, hidden);
  }

  show(group, hidden) {
    group.hidden = new Set(hidden);
    group.chips.forEach((chip, label) => chip.setAttribute("aria-pressed", String(!group.hidden.has(label))));
    group.all.hidden = group.hidden.size === 0;
    this.emphasis = null;
    this.dropHidden();
    this.refresh();
  }

  // A point that was just hidden can be neither hovered nor pinned.
  dropHidden() {
    const gone = (mark) => mark && this.groups[this.runs[mark.place].group].hidden.has(this.runs[mark.place].labels[mark.i]);
    if (gone(this.pinned)) this.pinned = null;
    if (gone(this.hovered)) this.setHover(this.panels[this.hovered.place], -1);
  }

  // --- keyboard and surroundings ----------------------------------------------------------------------------------------

  listen() {
    document.addEventListener("keydown", (event) => this.key(event));
    const repaint = () => {
      this.colours = theme();
      this.panels.forEach((panel) => panel.repaint());
      this.frame(performance.now());
    };
    followTheme(repaint);
    this.still.addEventListener("change", () => this.refresh());
  }

  key(event) {
    const at = event.target.tagName;
    if (at === "SELECT" || event.target.type === "search" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (at === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
    const act = this.keys(event.shiftKey ? 10 : 1)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  keys(stride) {
    const zoom = (factor) => () => this.panels.forEach((panel) => (factor ? panel.zoomAt(panel.width / 2, panel.height / 2, factor) : panel.resetView()));
    const slide = (dx, dy) => () => new Set(this.panels.map((panel) => panel.view)).forEach((view) => this.panels.find((panel) => panel.view === view).drag(dx, dy, false));
    const faster = (by) => () => this.setSpeed(SPEEDS[clamp(SPEEDS.indexOf(this.speed) + by, 0, SPEEDS.length - 1)]);
    return {
      " ": () => this.toggleplay(), ArrowRight: () => this.step(stride), ArrowLeft: () => this.step(-stride),
      PageUp: () => this.step(10), PageDown: () => this.step(-10), Home: () => this.step(-Infinity), End: () => this.step(Infinity),
      "]": faster(1), "[": faster(-1), l: () => this.setLoop(!this.loop), t: () => this.setNames(!this.named), e: () => this.setJoined(!this.joined), "+": zoom(1.4), "=": zoom(1.4), "-": zoom(1 / 1.4), 0: zoom(0),
      n: () => this.pinNext(stride > 1 ? -1 : 1), w: slide(0, -15), s: slide(0, 15), a: slide(-15, 0), d: slide(15, 0),
      Escape: () => this.pin(null, -1),
    };
  }
}

// A class's mark as the points have it.
function swatch(colour, marker) {
  const size = 14, ratio = 3, canvas = element("canvas", { width: size * ratio, height: size * ratio, "aria-hidden": "true" });
  drawMark(canvas.getContext("2d"), (size * ratio) / 2, (size * ratio) / 2, 4.6 * ratio, { colour, edge: edgeOf(colour, theme().plate), marker });
  return canvas;
}

// The marks of the two modalities.
function sidesOf(group, sides) {
  const muted = theme().muted, mark = (side) => swatch(muted, (side ? group.others : [group.markers[0] || "o"])[0]);
  return element("p", { class: "markers" }, ...sides.map((text, side) => element("span", {}, mark(side), text)));
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function markers() {
  const kind = (name, text) => element("span", {}, element("i", { class: name, "aria-hidden": "true" }), text);
  return element("p", { class: "markers" }, kind("full", "trained on"), kind("", "held out"));
}

async function main() {
  const page = JSON.parse(document.getElementById("contents").textContent);
  const runs = await Promise.all(page.runs.map(readRun));
  const sheets = await Promise.all(page.sheets.map(async (sheet) => ({ ...sheet, image: await loadImage(sheet.source) })));
  new Player(page, runs, sheets).start();
}

main().catch((error) => {
  const hint = document.getElementById("hint");
  hint.className = "problem";
  hint.textContent = `The page could not be drawn: ${error.message}`;
  console.error(error);
});
