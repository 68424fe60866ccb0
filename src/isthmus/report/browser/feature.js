// One feature's page.

function bar(name, words, from, to, less, wide) {
  const fill = element("i", { class: less ? "less" : null });
  fill.style.left = `${100 * from}%`;
  fill.style.width = `${100 * (to - from)}%`;
  return element("div", { class: wide ? "share-bar wide" : "share-bar" }, element("span", { title: name, dir: "auto" }, name),
    element("div", { class: "track" }, fill), element("b", {}, words));
}

function words(title, pairs) {
  const items = pairs.map(([piece, value]) => element("li", {}, element("bdi", {}, visible(piece)), element("small", {}, short(value))));
  return element("div", {}, element("h3", {}, title), element("ul", { class: "words" }, ...items));
}

function effect(feature) {
  if (about.kind === "rows" && feature.moves.length) {
    const most = Math.max(...feature.moves.map(([, size]) => Math.abs(size)));
    return [element("h3", {}, "What it moves"),
      element("p", { class: "muted" }, about.moves),
      ...feature.moves.map(([name, size, text]) => bar(name, text, 0, Math.abs(size) / most, size < 0, true))];
  }
  if (about.kind === "patches") {
    return [element("h3", {}, "The atom"), patch(feature.atom, "atom"), element("p", { class: "muted" }, about.moves)];
  }
  if (!feature.up || !feature.up.length) return [];
  return [element("div", { class: "two" }, words("Makes likelier next", feature.up),
    words("Makes less likely", feature.down)),
  element("p", { class: "muted" }, about.moves)];
}

function near(feature) {
  if (!feature.near.length) return [];
  return [element("h3", {}, "Nearest features"), element("ul", { class: "near" }, ...feature.near.map(([j, cosine]) =>
    element("li", {}, element("small", {}, cosine.toFixed(2)),
      element("span", { dir: "auto" }, element("a", { href: `#${j}` }, `${j}  ${index.label[j]}`)))))];
}

function where(feature) {
  if (!feature.where || !feature.where.length) return [];
  const most = Math.max(...feature.where.map(([, density]) => density));
  return [element("h3", {}, "Where it fires"),
    ...feature.where.map(([name, density]) => bar(name, share(density), 0, density / most, false))];
}

function strengths(feature) {
  const { first, counts } = feature.histogram;
  const steps = about.octave;
  const ticks = counts.length < 2 ? [] : [0, Math.floor(counts.length / 2), counts.length].map((at) =>
    [at, short(2 ** ((first + at) / steps))]);
  return histogram(counts, ticks, "how strongly it fires, from weak to strong; heights are logarithms of counts");
}

async function showFeature(number) {
  const feature = await featureOf(number);
  const density = index.density[number];
  const inside = [
    element("a", { id: "back", href: "#" }, "← all features"),
    element("div", { class: "top" }, element("h2", { dir: "auto" }, index.label[number]),
      element("span", { class: "n" }, `feature ${number}`)),
  ];
  if (feature.told) inside.push(element("p", { class: "muted" }, feature.told));
  if (!feature.examples.length) {
    inside.push(element("p", {}, `This feature fires on none of the ${about.unit} read.`));
  } else {
    inside.push(
      facts([[`of ${about.unit}`, share(density)], ["times", feature.count.toLocaleString("en")],
        ["strongest", short(feature.peak)]]),
      element("div", { class: "two" }, element("div", {}, element("h3", {}, "How strongly it fires"), strengths(feature),
        element("p", { class: "muted" }, "Weak to strong; heights are logarithms of counts.")),
      element("div", {}, ...where(feature))),
    );
  }
  const middle = [...effect(feature), ...near(feature)];
  const tops = await examplesOf(feature.examples, feature);
  const drawnOnes = await examplesOf(feature.drawn, feature);
  if (about.kind === "tokens") inside.push(...effect(feature));
  else inside.push(...middle);
  if (tops.length && feature.examples.length) inside.push(element("h3", {}, "Where it fires most"), ...tops);
  if (feature.drawn.length) inside.push(element("h3", {}, "Drawn from all its firings, strong to weak"), ...drawnOnes);
  if (about.kind === "tokens") inside.push(...near(feature));
  return inside;
}
