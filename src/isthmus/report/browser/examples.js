// Examples of a feature: tokens shaded, rows of a table, or patches.

function visible(piece) {
  return piece.replace(/\n/g, "↵").replace(/\t/g, "→").replace(/ /g, "·");
}

async function passage(example, strongest) {
  const [tokens, pieces] = await Promise.all([unpacked("tokens"), unpacked("pieces")]);
  const { at, length, peak, levels } = example;
  const level = new Map();
  for (let j = 0; j < levels.length; j += 2) level.set(levels[j], levels[j + 1]);
  const inside = [];
  for (let j = 0; j < length; j += 1) {
    const text = pieces[tokens[at + j]].replace(/\n/g, "↵").replace(/\t/g, "→");
    if (!level.has(j)) {
      inside.push(text);
      continue;
    }
    const value = strongest * level.get(j) / 255;
    const token = element("span", { class: j === peak ? "hot peak" : "hot", title: value.toPrecision(3) }, text);
    token.style.setProperty("--level", (0.1 + 0.75 * level.get(j) / 255).toFixed(2));
    inside.push(token);
  }
  const words = element("div", { class: "text", dir: "auto" }, ...inside);
  const from = example.source ? element("div", { class: "from" }, example.source) : null;
  return element("div", { class: "example" }, element("div", { class: "value" }, short(example.value)),
    element("div", {}, words, from));
}

async function cells(examples, moves) {
  const rows = await unpacked("cells");
  // A category's move is named "column value"; what is moved comes first.
  const place = (name) => moves.findIndex(([moved]) => moved === name || moved.startsWith(`${name} `));
  const first = (j) => (place(about.columns[j]) < 0 ? moves.length : place(about.columns[j]));
  const order = [...about.columns.keys()].sort((a, b) => first(a) - first(b) || a - b);
  const columns = order.map((j) => about.columns[j]);
  const classes = (k) => `${about.numeric[order[k]] ? "number " : ""}${place(columns[k]) < 0 ? "" : "moved"}`.trim() || null;
  const head = element("tr", {}, element("th", { class: "number" }, "row"), element("th", { class: "number" }, "value"),
    ...columns.map((name, j) => element("th", { class: classes(j) }, name)));
  const body = examples.map((example) => element("tr", {},
    element("td", { class: "number" }, String(example.row)), element("td", { class: "number" }, short(example.value)),
    ...order.map((j, k) => element("td", { class: classes(k) }, rows[example.at][j]))));
  return element("div", { class: "scroll", tabindex: "0" },
    element("table", {}, element("thead", {}, head), element("tbody", {}, ...body)));
}

function patches(examples) {
  return element("div", { class: "patches" }, ...examples.map((example) =>
    element("figure", {}, patch(example.patch),
      element("figcaption", {}, `${short(example.value)} ${example.source}`))));
}

async function examplesOf(examples, feature) {
  if (about.kind === "tokens") {
    return Promise.all(examples.map((example) => passage(example, feature.peak)));
  }
  if (about.kind === "rows") return [await cells(examples, feature.moves)];
  return [patches(examples)];
}
