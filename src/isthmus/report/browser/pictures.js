// Pictures drawn here: histograms as SVG, patches on canvases.

function drawn(tag, attributes, ...inside) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

// Counts as bars of logarithmic height; `ticks` are [place in bins, words].
function histogram(counts, ticks, words) {
  const wide = 480, high = 110, under = 22;
  const most = Math.log1p(Math.max(...counts, 1));
  const step = wide / counts.length;
  const bars = counts.map((count, j) => {
    const height = high * Math.log1p(count) / most;
    return drawn("rect", { class: "bar", x: j * step + 0.5, y: high - height, width: Math.max(step - 1, 0.5), height },
      drawn("title", {}, count.toLocaleString("en")));
  });
  const names = ticks.map(([at, text]) => {
    const x = at * step;
    const anchor = x < 20 ? "start" : x > wide - 20 ? "end" : "middle";
    return drawn("text", { x, y: high + 15, "text-anchor": anchor }, text);
  });
  return drawn("svg", { viewBox: `0 0 ${wide} ${high + under}`, role: "img", "aria-label": words },
    drawn("line", { class: "axis", x1: 0, x2: wide, y1: high + 0.5, y2: high + 0.5 }), ...bars, ...names);
}

// Bytes in Base64, row after row, grey or red, green and blue.
function patch(data, name) {
  const { height, width, channels } = about.patch;
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const canvas = element("canvas", { width, height, class: name, role: "img", "aria-label": "a patch" });
  const pixels = new ImageData(width, height);
  for (let j = 0; j < width * height; j += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      pixels.data[4 * j + channel] = bytes[j * channels + Math.min(channel, channels - 1)];
    }
    pixels.data[4 * j + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
