// The list of features: sorted, searched, and only the rows in sight are drawn.

const HEIGHT = 42;
const side = {
  rows: document.getElementById("rows"),
  list: document.getElementById("list"),
  search: document.getElementById("search"),
  order: document.getElementById("order"),
  found: document.getElementById("found"),
};
let index = null;
let shown = [];
let chosen = null;

const alphabet = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const ORDERS = {
  often: (a, b) => index.density[b] - index.density[a] || a - b,
  rare: (a, b) => (index.density[a] || 2) - (index.density[b] || 2) || a - b,
  strong: (a, b) => index.peak[b] - index.peak[a] || a - b,
  clear: (a, b) => index.clear[b] - index.clear[a] || index.density[b] - index.density[a] || a - b,
  label: (a, b) => alphabet.compare(index.label[a], index.label[b]) || a - b,
  number: (a, b) => a - b,
};

function select() {
  const wanted = side.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...index.label.keys()];
  shown = all.filter((j) => wanted.every((word) => index.searched[j].includes(word) || String(j) === word));
  shown.sort(ORDERS[side.order.value]);
  side.found.textContent = `${shown.length.toLocaleString("en")} of ${all.length.toLocaleString("en")} features`;
  side.rows.style.height = `${shown.length * HEIGHT}px`;
  side.list.scrollTop = 0;
  draw();
}

function draw() {
  const first = Math.max(0, Math.floor(side.list.scrollTop / HEIGHT) - 8);
  const last = Math.min(shown.length, first + Math.ceil(side.list.clientHeight / HEIGHT) + 16);
  side.rows.replaceChildren(...shown.slice(first, last).map((j, place) => {
    const row = element("a", { class: "row", href: `#${j}`, "aria-current": j === chosen ? "true" : null },
      element("span", { class: "n" }, String(j)),
      element("span", { title: index.label[j], dir: "auto" }, index.label[j]),
      element("span", { class: "share" }, share(index.density[j])));
    row.style.top = `${(first + place) * HEIGHT}px`;
    return row;
  }));
}

function reveal(number) {
  chosen = number;
  const place = shown.indexOf(number);
  const top = place * HEIGHT;
  const { scrollTop, clientHeight } = side.list;
  if (place >= 0 && (top < scrollTop || top + HEIGHT > scrollTop + clientHeight)) {
    side.list.scrollTop = top - clientHeight / 2;
  }
  draw();
}

function step(by) {
  if (!shown.length) return;
  const place = shown.indexOf(chosen);
  const next = place < 0 ? 0 : Math.min(shown.length - 1, Math.max(0, place + by));
  location.hash = String(shown[next]);
}
