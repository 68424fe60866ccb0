// The page around a map: colours and their legend, what a point tells, rows that are marked.

const about = JSON.parse(document.getElementById("about").textContent);
const byId = (name) => document.getElementById(name);
const canvas = byId("map"), kept = new Map(), count = about.rows;
const TOLD = 14; // cells a point tells of at most
let map = null, column = -1, levels = null, marked = null, muted = new Set(), asked = 0;

async function unpacked(name) {
  if (!kept.has(name)) {
    kept.set(name, (async () => {
      const packed = Uint8Array.from(atob(byId(name).textContent), (letter) => letter.charCodeAt(0));
      const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
      return new Uint8Array(await new Response(stream).arrayBuffer());
    })());
  }
  return kept.get(name);
}

async function cellsOf(row) {
  if (!about.columns.length) return [];
  const part = `cells-${Math.floor(row / about.part)}`;
  if (!kept.has(`${part} read`)) kept.set(`${part} read`, unpacked(part).then((bytes) => JSON.parse(new TextDecoder().decode(bytes))));
  const cells = await kept.get(`${part} read`);
  return cells.map((each) => each[row % about.part]);
}

function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

const bytesOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

// A colour for each of 256 levels: 255 is missing.
function scaled() {
  const stops = about.scale.map(bytesOf), rgba = new Uint8Array(1024).fill(255);
  for (let level = 0; level < 255; level += 1) {
    const at = level / 254 * (stops.length - 1), low = Math.min(Math.floor(at), stops.length - 2);
    for (let k = 0; k < 3; k += 1) rgba[4 * level + k] = stops[low][k] + (at - low) * (stops[low + 1][k] - stops[low][k]);
  }
  rgba.set(bytesOf(about.none), 1020);
  return rgba;
}

async function paint(number) {
  column = number;
  muted = new Set();
  map.hide(null);
  if (column < 0) {
    map.colour(Uint8Array.of(...bytesOf(about.one), 255), new Uint8Array(count));
    byId("legend").replaceChildren();
    return;
  }
  levels = await unpacked(`column-${column}`);
  if (column !== number) return;
  const { groups, colours } = about.columns[column];
  map.colour(groups ? Uint8Array.from(colours.flatMap((hex) => [...bytesOf(hex), 255])) : scaled(), levels);
  byId("legend").replaceChildren(...(groups ? named(groups, colours) : bar(about.columns[column].ticks)));
}

function named(groups, colours) {
  const counts = new Uint32Array(groups.length);
  for (const level of levels) counts[level] += 1;
  return groups.map((name, j) => {
    const dot = element("i");
    dot.style.background = colours[j];
    const button = element("button", { type: "button", "aria-pressed": "true", title: `${name}: show or hide; alt-click shows it alone` },
      dot, element("span", {}, name), element("small", {}, counts[j].toLocaleString("en")));
    button.addEventListener("click", (event) => toggle(j, groups.length, event.altKey));
    return button;
  });
}

function toggle(j, groups, alone) {
  if (alone) muted = new Set([...Array(groups).keys()].filter((k) => k !== j));
  else if (!muted.delete(j)) muted.add(j);
  map.hide(levels.map((level) => (muted.has(level) ? 1 : 0)));
  [...byId("legend").children].forEach((button, k) => button.setAttribute("aria-pressed", String(!muted.has(k))));
}

function bar(ticks) {
  const strip = element("div", { class: "bar" });
  strip.style.background = `linear-gradient(to right, ${about.scale.join(", ")})`;
  let free = -1; // from where on there is room for another name, at some 4 % a letter
  const names = ticks.flatMap(([at, name]) => {
    const half = 0.02 * name.length, left = Math.max(0, Math.min(at - half, 1 - 2 * half));
    if (left < free) return [];
    free = left + 2 * half + 0.03;
    const tick = element("span", {}, name);
    tick.style.left = `${100 * left}%`;
    return [tick];
  });
  return [element("b", {}, about.columns[column].name), strip, element("div", { class: "ticks" }, ...names)];
}

async function shown(row) {
  const { height, width, channels } = about.picture, bytes = await unpacked("pictures"), size = height * width;
  const pixels = new ImageData(width, height), from = row * size * channels;
  for (let j = 0; j < size; j += 1) {
    for (let k = 0; k < 3; k += 1) pixels.data[4 * j + k] = bytes[from + j * channels + Math.min(k, channels - 1)];
    pixels.data[4 * j + 3] = 255;
  }
  const picture = element("canvas", { width, height });
  picture.getContext("2d").putImageData(pixels, 0, 0);
  return picture;
}

async function tell(row, x, y) {
  const told = byId("told"), mine = asked += 1;
  if (row < 0) {
    told.hidden = true;
    return;
  }
  const cells = await cellsOf(row), picture = about.picture ? [await shown(row)] : [];
  if (mine !== asked) return;
  const order = [...about.columns.keys()].sort((a, b) => (b === column) - (a === column) || a - b).slice(0, TOLD);
  const pairs = order.flatMap((j) => [element("dt", {}, about.columns[j].name), element("dd", {}, cells[j] || "–")]);
  told.replaceChildren(...picture, element("b", {}, `row ${row}`), element("dl", {}, ...pairs));
  told.hidden = false;
  const { width, height } = told.getBoundingClientRect();
  told.style.left = `${x + 18 + width > canvas.clientWidth ? Math.max(0, x - 18 - width) : x + 18}px`;
  told.style.top = `${Math.max(0, Math.min(y - 12, canvas.clientHeight - height))}px`;
}

function mark(rows) {
  marked = rows.length ? rows : null;
  say();
}

function say() {
  const whole = `${count.toLocaleString("en")} points`;
  byId("count").textContent = marked ? `${marked.length.toLocaleString("en")} of ${whole} marked` : whole +
    (about.leftOut ? `; ${about.leftOut} columns are not carried by this page` : "");
}

function keep(blob, name) {
  const link = element("a", { download: name });
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

async function keepRows() {
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
  const axes = ["map0", "map1", "map2"].slice(0, about.dim), places = new Float32Array((await unpacked("places")).buffer);
  const lines = [["row", ...axes, ...about.columns.map((each) => each.name)].map(quoted).join(",")];
  for (const row of marked || Array(count).keys()) {
    const at = axes.map((_, j) => String(places[row * about.dim + j]));
    lines.push([String(row), ...at, ...(await cellsOf(row))].map(quoted).join(","));
  }
  keep(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }), "rows.csv");
}

function lasso(on) {
  map.mode(on ? "lasso" : "pan");
  byId("lasso").setAttribute("aria-pressed", String(on));
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
  if (event.key === "l" || event.key === "L") lasso(map.mode() !== "lasso");
  else if (event.key === "Escape" && event.target !== canvas) { map.select([]); mark([]); }
}

async function start() {
  if (typeof DecompressionStream === "undefined") throw new Error("This page needs a browser of 2023 or newer.");
  const bytes = await unpacked("places");
  map = globalThis.IsthmusMap.create(canvas, { places: new Float32Array(bytes.buffer), dim: about.dim });
  const pick = byId("colour");
  about.columns.forEach((each, j) => pick.append(element("option", { value: String(j) }, each.name)));
  pick.append(element("option", { value: "-1" }, "none"));
  pick.value = about.labelled ? "0" : "-1";
  pick.parentElement.hidden = !about.columns.length;
  pick.addEventListener("change", () => paint(Number(pick.value)));
  map.onHover(tell);
  map.onSelect(mark);
  byId("lasso").addEventListener("click", () => lasso(map.mode() !== "lasso"));
  byId("reset").addEventListener("click", () => map.reset());
  byId("picture").addEventListener("click", () => canvas.toBlob((blob) => keep(blob, "map.png")));
  byId("rows").addEventListener("click", keepRows);
  addEventListener("keydown", pressed);
  new ResizeObserver(() => map.resize()).observe(canvas);
  say();
  lasso(false);
  await paint(Number(pick.value));
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  document.querySelector("main").replaceChildren(element("p", {}, error.message));
});
