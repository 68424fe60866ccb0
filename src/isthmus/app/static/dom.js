// Elements made in one call each; nothing is ever parsed as HTML, so data can be shown as they are.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "g", "path", "line", "rect", "circle", "text", "title", "polyline"]);

/** Make an element: `h("button", {onclick, class: "plain", disabled: false}, "Fit")`. */
export function h(tag, properties = {}, ...inside) {
  const drawn = DRAWN.has(tag);
  const element = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" && !drawn && tag !== "option" && tag !== "progress") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...inside.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** Put other things into an element. */
export function fill(element, ...inside) {
  element.replaceChildren(...inside.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

/** Write a number as people read it: few digits, thousands apart. */
export function number(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return Math.abs(value) >= 10000 ? value.toLocaleString("en") : String(value);
  const size = Math.abs(value);
  if (size >= 10000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(size >= 1000 ? 4 : digits)));
}

/** Write a share as per cent. */
export function percent(share) {
  const value = 100 * share;
  return `${value >= 99.95 || value === 0 ? Math.round(value) : value.toFixed(value < 10 ? 1 : 0)} %`;
}

/** Write a count of bytes. */
export function bytes(count) {
  if (count === null || count === undefined) return "";
  for (const [size, unit] of [[2 ** 30, "GB"], [2 ** 20, "MB"], [2 ** 10, "kB"]]) {
    if (count >= size) return `${(count / size).toFixed(1)} ${unit}`;
  }
  return `${count} bytes`;
}

/** Write a cell of a table. */
export function cell(value) {
  if (value === null || value === undefined) return "missing";
  return typeof value === "number" ? number(value, 5) : String(value);
}

/** Words with their underscores as spaces: names of columns and values break at spaces alone. */
export const words = (name) => String(name).replaceAll("_", " ");
