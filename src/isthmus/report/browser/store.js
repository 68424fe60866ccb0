// What the page carries: gzipped JSON in Base64, unpacked when it is looked at.

const about = JSON.parse(document.getElementById("about").textContent);
const kept = new Map();

async function bytesOf(id) {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function unpacked(id) {
  if (!kept.has(id)) {
    kept.set(id, bytesOf(id).then((bytes) => JSON.parse(new TextDecoder().decode(bytes))));
  }
  return kept.get(id);
}

async function featureOf(number) {
  const part = await unpacked(`part-${Math.floor(number / about.part)}`);
  return part[number % about.part];
}

function element(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...inside.filter((each) => each !== null && each !== undefined));
  return made;
}

function share(value) {
  if (value === 0) return "never";
  const percent = 100 * value;
  return `${percent >= 10 ? percent.toFixed(0) : percent >= 0.1 ? percent.toFixed(1) : percent.toPrecision(1)} %`;
}

function short(value) {
  if (value === null || value === undefined) return "";
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function facts(pairs) {
  return element("dl", { class: "facts" }, ...pairs.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}
