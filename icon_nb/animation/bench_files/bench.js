"use strict";
/* The page: controls, what is shown when, and the loop that trains while one looks. */

const at = (id) => document.getElementById(id);
const known = JSON.parse(at("contents").textContent);
const state = new State(known), view = new View(at("points"));
const histories = { loss: new History(1), force: new History(2), knn: new History(1) };
let trainer = null, playing = false, hovered = null, pinned = null, lastLoss = NaN, accuracy = NaN, frames = 0, drawnRow = null;
const rate = { since: 0, steps: 0, frames: 0 };

const option = (value, text) => new Option(text, value);

/* ---- training ---- */

/** Make a model where the settings need another one; otherwise go on with the points that are there. */
function follow(restart = false) {
  showBlocked();
  if (state.why) return;
  if (state.samples.n < 3) return say("Draw at least three points on the field.", true);
  const same = trainer && !restart && trainer.data === state.samples;
  try {
    if (!same || !trainer.change(state.plain)) {
      trainer = new Trainer(state.samples, state.plain, SEED);
      for (const history of Object.values(histories)) history.clear();
      view.reset();
      [hovered, lastLoss] = [null, NaN];
      if (pinned !== null && pinned >= state.samples.n) pin(null);
    }
    say(warning());
  } catch (error) { fail(error); }
  measure();
  show();
  remember();
}

/** What somebody should know before the points run away. */
function warning() {
  const { q, settings: s } = state;
  if (q === "gaussian_wide" && s.distance !== "cosine" && s.backbone !== "linear") return "This limit has no minimum here: the points drift apart for ever. Cosine distance or a linear map keeps them.";
  if (q === "gaussian_narrow") return "Only the nearest point counts here. Where all points fall into one place, take a smaller batch.";
  return "";
}

function train(count) {
  try {
    for (let k = 0; k < count; k++) {
      lastLoss = trainer.step();
      histories.loss.add(trainer.steps, lastLoss);
      histories.force.add(trainer.steps, trainer.attraction, trainer.repulsion);
    }
    trainer.look();
  } catch (error) { fail(error); }
}

function measure() {
  if (!trainer || state.why) return;
  accuracy = trainer.accuracy();
  histories.knn.add(trainer.steps, accuracy);
}

function fail(error) {
  play(false);
  say(error.message, true);
}

function say(text, problem = false) {
  at("status").textContent = text;
  at("status").classList.toggle("problem", problem);
}

function frame(now) {
  if (playing && !state.why) {
    const count = Number(at("speed").value);
    train(count);
    rate.steps += count; rate.frames += 1;
    if (frames++ % 10 === 0) measure();
    if (now - rate.since > 500) clockIn(now);
    show();
  }
  requestAnimationFrame(frame);
}

function clockIn(now) {
  const seconds = (now - rate.since) / 1000;
  if (rate.since) {
    at("bench").dataset.steps = (rate.steps / seconds).toFixed(1);
    at("bench").dataset.frames = (rate.frames / seconds).toFixed(1);
    at("at-speed").textContent = shortNumber(Math.round(rate.steps / seconds));
    at("python").value = state.toPython(trainer.steps);
  }
  [rate.since, rate.steps, rate.frames] = [now, 0, 0];
}

function play(on) {
  playing = on;
  rate.since = 0; rate.steps = 0; rate.frames = 0;
  at("play").textContent = on ? "Pause" : "Play";
  at("bench").dataset.playing = on;
  if (!on) at("at-speed").textContent = "–";
}

/* ---- what is seen ---- */

function show() {
  if (!trainer || state.why) return;
  const chosen = pinned ?? hovered;
  try { drawnRow = chosen !== null && chosen < trainer.data.n ? trainer.row(chosen) : null; } catch (error) { drawnRow = null; }
  if (drawnRow) drawnRow.classes = state.p === "label";
  view.draw({ trainer, row: drawnRow, chosen, forces: at("forces").checked });
  const bars = drawBars(at("bars"), drawnRow, trainer.data);
  histories.loss.draw(at("loss"), ["p"]);
  histories.force.draw(at("force"), ["p", "q"]);
  histories.knn.draw(at("knn"), ["ink"], [0, 1]);
  at("at-step").textContent = trainer.steps;
  at("at-loss").textContent = Number.isNaN(lastLoss) ? "–" : lastLoss.toFixed(4);
  at("at-knn").textContent = accuracy.toFixed(3);
  if (frames % 15 === 0 || !playing) tell(chosen, bars);
}

/** The same as the pictures, in words. */
function tell(chosen, bars) {
  const { data, steps } = trainer, pair = state.pair.title ?? "this pair";
  at("points").setAttribute("aria-label", `The embedding of ${data.n} points after ${steps} steps of ${pair}. Loss ${shortNumber(lastLoss)}, kNN accuracy ${shortNumber(accuracy)}. Left and right choose a point.`);
  at("loss").setAttribute("aria-label", `Loss over ${steps} steps, now ${shortNumber(lastLoss)}`);
  at("force").setAttribute("aria-label", `Attraction ${shortNumber(trainer.attraction ?? 0)}, repulsion ${shortNumber(trainer.repulsion ?? 0)}`);
  at("knn").setAttribute("aria-label", `kNN accuracy ${shortNumber(accuracy)}`);
  thumb(drawnRow ? chosen : null);
  if (!drawnRow) return;
  const { p, q, m, classes } = drawnRow, self = Number(!classes && !state.plain.self_q), name = (j) => (classes ? `class ${data.names[j]}` : `${j >= data.n ? "another view of " : ""}point ${j % data.n} (${data.names[data.y[j % data.n]]})`);
  const near = bars.slice(0, 4).map((j) => `${name(j)}: p ${shortNumber(p[j])}, q ${shortNumber(q[j])}`).join("; ");
  const words = `Point ${chosen}, class ${data.names[data.y[chosen]]}, among ${m - self} candidates. ${sentence(near)}`;
  at("row-text").textContent = words;
  at("bars").setAttribute("aria-label", words);
}

/** The picture of the chosen sample, where samples are pictures. */
function thumb(i) {
  const { data } = trainer, canvas = at("thumb");
  canvas.hidden = i === null || !data.pixels;
  if (canvas.hidden) return;
  const [channels, h, w] = data.shape, image = new ImageData(w, h);
  for (let k = 0; k < h * w; k++) for (let c = 0; c < 4; c++) image.data[4 * k + c] = c === 3 ? 255 : 255 * data.x[i * data.features + (channels > 1 ? c * h * w : 0) + k];
  [canvas.width, canvas.height] = [w, h];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Names of the classes beside their colours. */
function legend() {
  at("legend").replaceChildren(...state.samples.names.map((name, c) => {
    const item = document.createElement("li"), mark = document.createElement("i");
    mark.style.background = classColour(c);
    item.append(mark, name);
    return item;
  }));
}

/** Why the pair cannot be, and what could stand in its place. */
function showBlocked() {
  const box = at("blocked");
  box.hidden = !state.why;
  if (!state.why) return;
  const text = document.createElement("p"), choices = document.createElement("div");
  text.textContent = `This pair cannot be trained. ${inWords(state.why)}`;
  for (const [slot, names] of [["q", known.q], ["p", known.p]]) {
    for (const name of Object.keys(names)) {
      const [p, q] = slot === "q" ? [state.p, name] : [name, state.q];
      if (known.pairs[`${p} ${q}`].why) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${slot}: ${names[name].title}`;
      button.addEventListener("click", () => { state.choose(p, q); renew(); at(slot).focus(); });
      choices.append(button);
    }
  }
  const offer = document.createElement("p");
  offer.textContent = "Keep one of the two, and take one of these for the other:";
  box.replaceChildren(text, offer, choices);
  say("This pair cannot be trained. The reason stands in the picture.", true);
}

/* ---- controls ---- */

const sliders = {};

function makeSlider(name, box) {
  const { label, low, high, log, step, whole } = SLIDERS[name], holder = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "range", id: name }), output = Object.assign(document.createElement("output"), { htmlFor: name });
  Object.assign(input, log ? { min: Math.log10(low), max: Math.log10(high), step: 0.02 } : { min: low, max: high, step });
  holder.className = "slider";
  holder.htmlFor = name;
  holder.append(label, output, input);
  box.append(holder);
  input.addEventListener("input", () => {
    const value = log ? Number((10 ** input.value).toPrecision(3)) : Number(input.value);
    changed(name, whole ? Math.round(value) : value);
  });
  sliders[name] = { holder, input, output, log };
}

function changed(name, value) {
  state.set(name, value);
  if (name === "backbone") return renew();
  fill();
  follow();
}

/** Everything anew: another pair or other data. */
function renew(restart = false) {
  fill();
  follow(restart);
  if (!state.why) markCell();
}

function choices(select, names, refused) {
  const kept = select.value;
  select.replaceChildren(...Object.entries(names).map(([value, text]) => {
    const why = refused?.(value), made = option(value, why ? `${text} (not with this pair)` : text);
    made.disabled = Boolean(why);
    return made;
  }));
  select.value = kept;
}

/** Bring every control to the state. */
function fill() {
  at("p").value = state.p; at("q").value = state.q; at("data").value = state.data;
  at("p-formula").textContent = P_FORMULAS[state.p]; at("q-formula").textContent = Q_FORMULAS[state.q];
  at("name").textContent = state.pair.title ?? (state.why ? "not possible" : `${known.p[state.p].title} p, ${known.q[state.q].title} q`);
  at("gap").hidden = !state.pair.gap;
  const s = state.settings;
  for (const name of ["divergence", "distance", "backbone"]) {
    at(name).parentElement.hidden = !state.takes(name);
    if (!state.why) choices(at(name), CHOICES[name], (value) => state.refused(name, value));
    if (!state.why) explain(name);
    if (state.takes(name)) at(name).value = s[name];
  }
  for (const [name, { holder, input, output, log }] of Object.entries(sliders)) {
    holder.hidden = !state.takes(name);
    if (holder.hidden) continue;
    if (name === "perplexity" || name === "n_neighbors") input.max = Math.min(SLIDERS[name].high, state.seen - 1);
    if (name === "batch_size") input.max = Math.log10(state.samples.n);
    input.value = log ? Math.log10(s[name]) : s[name];
    output.textContent = shortNumber(s[name]);
    input.setAttribute("aria-valuetext", shortNumber(s[name]));
  }
  at("mix").hidden = !state.takes("alpha_on");
  choices(at("alpha_on"), CHOICES.alpha_on, (value) => (state.why ? null : state.refused("alpha_on", value)));
  at("alpha_on").value = s.alpha_on;
  const clustered = state.q === "clusters", dims = clustered ? [2, 3, 4, 5, 6, 7, 8, 9, 10] : [2, 3];
  choices(at("embedding_dim"), Object.fromEntries(dims.map((dim) => [dim, String(dim)])));
  at("dim-word").textContent = clustered ? "clusters" : "dimensions";
  at("embedding_dim").value = s.embedding_dim;
  at("forces").disabled = s.backbone !== "table" || clustered;
  at("forces").title = at("forces").disabled ? "Arrows are drawn for free points only." : "";
  legend();
  at("pin").max = state.samples.n - 1;
  at("drawing").hidden = state.samples.features !== 2;
  at("pens").hidden = state.data !== "drawn";
  if (!at("drawing").hidden) drawPad();
  if (!state.why) at("python").value = state.toPython(trainer?.steps ?? 0);
}

function makeControls() {
  const titles = (names) => Object.fromEntries(Object.entries(names).map(([name, { title }]) => [name, title]));
  choices(at("p"), titles(known.p)); choices(at("q"), titles(known.q));
  choices(at("data"), { ...titles(known.data), drawn: "your own points" });
  for (const name of Object.keys(SLIDERS)) makeSlider(name, ["learning_rate", "batch_size"].includes(name) ? at("rate") : at("sliders"));
  const mix = document.createElement("label"), select = document.createElement("select");
  mix.id = "mix"; select.id = "alpha_on";
  mix.append("α mixes ", select);
  at("sliders").append(mix);
  for (const id of ["p", "q"]) at(id).addEventListener("change", () => { state.choose(at("p").value, at("q").value); renew(); });
  for (const id of ["divergence", "distance", "backbone", "alpha_on"]) at(id).addEventListener("change", () => changed(id, at(id).value));
  at("embedding_dim").addEventListener("change", () => changed("embedding_dim", Number(at("embedding_dim").value)));
  at("data").addEventListener("change", () => { const said = state.show(at("data").value); renew(); if (said) say(said); });
  at("play").addEventListener("click", () => play(!playing));
  at("step").addEventListener("click", () => { play(false); if (!state.why) { train(1); measure(); show(); fill(); } });
  at("restart").addEventListener("click", () => { renew(true); say("Started again."); });
  at("forces").addEventListener("change", show);
  at("pin").addEventListener("input", () => pin(at("pin").value === "" ? null : Number(at("pin").value)));
  at("controls").addEventListener("submit", (event) => event.preventDefault());
  for (const [id, text] of Object.entries(HELP)) if (at(id)) at(id).dataset.help = text;
  for (const each of document.querySelectorAll("[data-help]")) describe(each);
}

/** Add to the help of a menu why some of it cannot be chosen now. */
function explain(name) {
  if (!state.takes(name)) return;
  const reasons = new Set(Object.keys(CHOICES[name]).map((value) => state.refused(name, value)).filter(Boolean).map(inWords));
  const text = [HELP[name], ...reasons].join(" ");
  at(name).dataset.help = text;
  if (at(`help-${name}`)) at(`help-${name}`).textContent = text;
}

/** The help of a control: for a screen reader beside it, for all others below, when it is pointed at or has the focus. */
function describe(control) {
  const words = Object.assign(document.createElement("span"), { className: "read", id: `help-${control.id}`, textContent: control.dataset.help });
  at("bench").append(words);
  control.setAttribute("aria-describedby", words.id);
  if (!control.title) control.title = control.dataset.help;
  for (const event of ["focus", "pointerenter"]) control.addEventListener(event, () => { at("help").textContent = control.dataset.help; });
}

/* ---- the picture: pointing, turning ---- */

function pin(point) {
  pinned = point !== null && point >= 0 && point < state.samples.n ? Math.floor(point) : null;
  if (document.activeElement !== at("pin")) at("pin").value = pinned ?? "";
  show();
}

function makePicture() {
  const canvas = at("points");
  let from = null, moved = false;
  canvas.addEventListener("pointerdown", (event) => { from = [event.offsetX, event.offsetY]; moved = false; });
  canvas.addEventListener("pointermove", (event) => {
    if (from && trainer?.d === 3 && state.q !== "clusters") {
      view.turn += (event.offsetX - from[0]) / 120; view.tilt += (event.offsetY - from[1]) / 120;
      moved ||= Math.hypot(event.offsetX - from[0], event.offsetY - from[1]) > 2;
      from = [event.offsetX, event.offsetY];
    } else hovered = view.pointAt(event.offsetX, event.offsetY);
    if (!playing) show();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && !moved) { const point = view.pointAt(event.offsetX, event.offsetY); pin(point === pinned ? null : point); }
    from = null;
  });
  canvas.addEventListener("pointerleave", () => { hovered = null; from = null; if (!playing) show(); });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], turn = { ArrowUp: 0.15, ArrowDown: -0.15 }[event.key], { n } = state.samples;
    if (event.key === "Escape") pin(null);
    else if (step) pin(pinned === null ? 0 : (pinned + step + n) % n);
    else if (turn && trainer?.d === 3) { view.turn += turn; show(); } else return;
    event.preventDefault();
  });
  window.addEventListener("resize", show);
  followTheme(() => { readColours(known.colours); show(); drawPad(); });
}

/* ---- your own points ---- */

function drawPad() {
  const { pen, width } = penOf(at("pad")), { samples } = state, { x, y, n } = samples;
  const own = state.data === "drawn";
  let [low, span] = [[0, 0], 1];
  if (!own) {
    const range = [0, 1].map((k) => { let [a, b] = [Infinity, -Infinity]; for (let i = 0; i < n; i++) { a = Math.min(a, x[2 * i + k]); b = Math.max(b, x[2 * i + k]); } return [a, b]; });
    span = Math.max(range[0][1] - range[0][0], range[1][1] - range[1][0]) * 1.06;
    low = range.map(([a, b]) => (a + b - span) / 2);
  }
  for (let i = 0; i < n; i++) {
    pen.fillStyle = classColour(y[i]);
    pen.beginPath(); pen.arc(((x[2 * i] - low[0]) / span) * width, width - ((x[2 * i + 1] - low[1]) / span) * width, 2.5, 0, 7); pen.fill();
  }
  at("pad").setAttribute("aria-label", own ? `Your points, ${n} of them. Draw with the mouse or a finger, or use the button below.` : `The data: ${n} points in the plane`);
}

function makePad() {
  let drawing = false, last = null;
  const put = (event) => {
    const size = at("pad").clientWidth, place = [event.offsetX / size, 1 - event.offsetY / size].map((v) => Math.round(1000 * Math.min(1, Math.max(0, v))) / 1000);
    if (last && Math.hypot(place[0] - last[0], place[1] - last[1]) < 0.02) return;
    last = place;
    add([[...place, Number(at("pen").value) - 1]]);
  };
  at("pad").addEventListener("pointerdown", (event) => { if (state.data === "drawn") { drawing = true; last = null; at("pad").setPointerCapture(event.pointerId); put(event); } });
  at("pad").addEventListener("pointermove", (event) => { if (drawing) put(event); });
  at("pad").addEventListener("pointerup", () => { if (drawing) { drawing = false; renew(true); } });
  at("add").addEventListener("click", () => {
    const [x, y] = [0.15 + 0.7 * Math.random(), 0.15 + 0.7 * Math.random()], c = Number(at("pen").value) - 1;
    const near = (v) => Math.round(1000 * Math.min(1, Math.max(0, v + 0.05 * normal(Math.random)))) / 1000;
    add(Array.from({ length: 20 }, () => [near(x), near(y), c]));
    renew(true);
  });
  at("clear").addEventListener("click", () => { state.points = []; state.drawn = null; play(false); drawPad(); follow(); });
}

function add(points) {
  state.points = [...state.points, ...points].slice(0, 500);
  state.drawn = null;
  drawPad();
}

/* ---- the table ---- */

function makeTable() {
  const head = document.createElement("tr"), corner = document.createElement("td");
  corner.textContent = "q ↓  p →";
  head.append(corner, ...Object.entries(known.columns).map(([name, title]) => headCell(name, title, "col")));
  const rows = Object.entries(known.rows).map(([row, title]) => {
    const line = document.createElement("tr");
    line.append(headCell(row, title, "row"), ...known.cells.filter((cell) => cell.row === row).map(makeCell));
    return line;
  });
  at("grid").append(head, ...rows);
}

function headCell(name, text, scope) {
  return Object.assign(document.createElement("th"), { textContent: text, scope, id: `${scope}-${name}` });
}

function makeCell(cell) {
  const button = document.createElement("button"), box = document.createElement("td"), pair = cell.pair && known.pairs[cell.pair];
  const named = cell.methods.map(([title]) => title), gap = pair ? pair.gap : named.length > 0 && cell.methods.every((each) => each[2]);
  button.type = "button";
  button.className = !pair ? "none" : gap ? "gap" : pair.title ? "known" : "open";
  button.textContent = pair ? pair.title ?? "·" : named.length ? `× ${named[0]}` : "×";
  button.setAttribute("aria-label", `${known.columns[cell.column]} p, ${known.rows[cell.row]} q: ${pair ? pair.title ?? "no name yet" : named.length ? `${named[0]}, not on this page` : "not possible"}${gap ? ", a gap of the table" : ""}`);
  const others = named.filter((title) => title !== pair?.title);
  const words = cell.why ? inWords(cell.why) : (pair ? (gap ? "A gap: the published table leaves this cell open." : "") : MISSING[cell.column] ?? inWords(reasonOf(cell)));
  cell.text = [words, pair?.note && sentence(pair.note), others.length && `Also in this cell: ${others.join(", ")}.`].filter(Boolean).join(" ");
  button.title = cell.text;
  if (!pair) button.setAttribute("aria-disabled", "true");
  button.addEventListener("click", () => {
    if (pair) { state.choose(...cell.pair.split(" "), null); renew(); }
    at("cell-text").textContent = cell.text || pair.title || "Possible, and nobody has named it yet.";
  });
  cell.button = button;
  box.append(button);
  return box;
}

/** A reason of the package with the titles in the place of the settings. */
const inWords = (why) => sentence(why.replace(/supervisory='(\w+)'/g, (_, name) => `p (${known.p[name]?.title ?? name})`)
  .replace(/learned='(\w+)'/g, (_, name) => `q (${known.q[name]?.title ?? name})`).replace(/divergence='(\w+)'/g, (_, name) => CHOICES.divergence[name]));
const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
const reasonOf = (cell) => Object.entries(known.pairs).find(([pair, { why }]) => why && known.p[pair.split(" ")[0]].family === cell.column && known.q[pair.split(" ")[1]].family === cell.row)?.[1].why;

/** Mark the cell of the pair that is trained. */
function markCell() {
  const [column, row] = [known.p[state.p].family, known.q[state.q].family];
  for (const cell of known.cells) cell.button.setAttribute("aria-pressed", cell.row === row && cell.column === column);
  for (const head of document.querySelectorAll("#grid th")) head.classList.toggle("here", head.id === `col-${column}` || head.id === `row-${row}`);
  const here = known.cells.find((cell) => cell.row === row && cell.column === column);
  at("cell-text").textContent = here?.text ?? "";
}

/* ---- link and Python ---- */

let saving = 0;
function remember() {
  clearTimeout(saving);
  saving = setTimeout(() => { try { history.replaceState(null, "", `#${state.toHash()}`); } catch (error) { at("link").hidden = true; } }, 300);
}

async function copy(text, said) {
  try { await navigator.clipboard.writeText(text); } catch (error) { // a frame may not have the clipboard: then select it
    at("python").value = text; at("python").select();
    said = document.execCommand?.("copy") ? said : "Selected: press Ctrl+C.";
  }
  at("copied").textContent = said;
}

function readLink() {
  const about = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  state.read(about.p ? about : known.start);
}

async function begin() {
  await unpackAll(known.data);
  readColours(known.colours);
  makeControls(); makePicture(); makePad(); makeTable();
  at("copy").addEventListener("click", () => copy(state.toPython(trainer?.steps ?? 0), "Copied."));
  at("link").addEventListener("click", () => copy(`${location.href.split("#")[0]}#${state.toHash()}`, "Copied."));
  window.addEventListener("hashchange", () => { readLink(); renew(true); });
  readLink();
  renew(true);
  play(!matchMedia("(prefers-reduced-motion: reduce)").matches && !state.why);
  window.bench = { math, state, view, follow, renew, get trainer() { return trainer; } }; // for the console
  at("bench").dataset.ready = true;
  requestAnimationFrame(frame);
}

begin();
