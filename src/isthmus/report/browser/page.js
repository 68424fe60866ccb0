// What is in the main part: a feature, or the start; and the keyboard.

const view = document.querySelector("main");

function showStart() {
  const alive = index.density.filter((each) => each > 0);
  const bins = new Array(40).fill(0); // of a fifth of a power of ten, from 10^-8 up to 1
  for (const each of alive) bins[Math.max(0, Math.min(39, Math.floor(5 * (Math.log10(each) + 8))))] += 1;
  const first = Math.max(0, bins.findIndex(Boolean));
  const ticks = [];
  for (let j = Math.ceil(first / 5) * 5; j <= 40; j += 5) ticks.push([j - first, share(10 ** (j / 5 - 8))]);
  const inside = [element("a", { id: "back", href: "#" }, "← all features"), facts(about.facts)];
  for (const text of about.lead) inside.push(element("p", {}, text));
  if (about.start.length) {
    inside.push(element("h3", {}, "Start here"), element("ul", { class: "near" }, ...about.start.map(([j, text]) =>
      element("li", {}, element("small", {}, String(j)), element("span", {}, element("a", { href: `#${j}` },
        index.label[j]), text ? ` ${text}` : "")))));
  }
  inside.push(element("h3", {}, `How many features fire on how many ${about.unit}`),
    histogram(bins.slice(first), ticks, "features by the share of tokens they fire on"),
    element("p", { class: "muted" }, `Heights are logarithms; ${(index.density.length - alive.length).toLocaleString("en")}
      features fired on none of what was read.`.replace(/\s+/g, " ")));
  if (index.atoms) {
    inside.push(element("h3", {}, "All atoms"), element("div", { class: "gallery" }, ...index.atoms.map((data, j) =>
      element("a", { href: `#${j}`, title: index.label[j] }, patch(data, null)))));
  }
  return inside;
}

let turn = 0;
async function route() {
  const mine = turn += 1;
  const number = /^#\d+$/.test(location.hash) ? Number(location.hash.slice(1)) : null;
  const feature = number !== null && number < index.label.length;
  const inside = feature ? await showFeature(number) : showStart();
  if (mine !== turn) return;
  document.body.classList.toggle("open", feature || location.hash === "#about");
  document.title = feature ? `${number}: ${index.label[number]}` : about.title;
  view.replaceChildren(...inside);
  view.scrollTop = 0;
  reveal(feature ? number : null);
}

function pressed(event) {
  const typing = event.target === side.search;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === side.order) return;
  if (event.key === "/" && !typing) side.search.focus();
  else if (event.key === "Escape") {
    if (typing && side.search.value) { side.search.value = ""; select(); } else { side.search.blur(); location.hash = ""; }
  } else if (event.key === "Enter" && typing && shown.length) location.hash = String(shown[0]);
  else if (event.key === "ArrowDown" || (event.key === "ArrowRight" && !typing)) step(1);
  else if (event.key === "ArrowUp" || (event.key === "ArrowLeft" && !typing)) step(-1);
  else return;
  event.preventDefault();
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    view.replaceChildren(element("p", {}, "This page needs a browser of 2023 or newer."));
    return;
  }
  index = await unpacked("index");
  index.searched = index.label.map((label, j) => `${label} ${index.words[j]}`.toLowerCase());
  side.search.addEventListener("input", select);
  side.order.addEventListener("change", select);
  side.list.addEventListener("scroll", draw, { passive: true });
  addEventListener("resize", draw);
  addEventListener("hashchange", route);
  addEventListener("keydown", pressed);
  select();
  await route();
  document.body.dataset.ready = "yes";
}

start();
