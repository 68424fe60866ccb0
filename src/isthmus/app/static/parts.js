// What several panels are made of: tables of rows, lists of cells, forms of columns, plots.

import {bytes, cell, fill, h, number, percent, words} from "./dom.js";
import {play} from "./sound.js";

/** Endings and types of files that can be chosen. */
export const PICTURES = "image/png,image/jpeg,image/bmp,image/webp", SOUNDS = ".wav,.flac,.ogg,.aiff,.aif,.mp3";

/** Tell whether a file is a sound, by its ending. */
export const isSound = (file) => SOUNDS.split(",").some((ending) => file.name.toLowerCase().endsWith(ending));

/** Show one line of what is wrong. */
export const fault = (says) => h("p", {class: "fault", role: "alert"}, says);

/** Show that there is nothing, and what to do. */
export const empty = (says, ...more) => h("div", {class: "empty"}, h("p", {}, says), more);

/** Show that something is being made. */
export const busy = (says = "Working") => h("p", {class: "busy", role: "status"}, says);

/** Put into `place` what `work` gives, busy meanwhile, its fault instead if it fails; gives whether it went well. */
export async function into(place, work, says) {
  fill(place, busy(says));
  try {
    fill(place, await work());
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    fill(place, fault(error.message));
    return false;
  }
}

/** Make a heading with a line that says what the panel is for. */
export const head = (title, says) => h("div", {class: "head"}, h("h2", {}, title), h("p", {}, says));

/** Make a button. */
export const button = (text, onclick, more = {}) => h("button", {type: "button", onclick, ...more}, text);

/** Make a labelled control. */
let labels = 0;
export function labelled(text, control, hint) {
  const id = control.id || `control-${++labels}`;
  control.id = id;
  const about = hint ? h("small", {id: `${id}-hint`}, hint) : null;
  if (about) control.setAttribute("aria-describedby", about.id);
  return h("div", {class: "labelled"}, h("label", {for: id}, text), control, about);
}

/** Make a box in which files are chosen, or on which they are dropped; `taken` is given them. */
export function dropBox(text, hint, taken, more = {}, ...inside) {
  const input = h("input", {type: "file", onchange: () => taken([...input.files]), ...more});
  const box = h("div", {class: "drop",
    ondragover: (event) => { event.preventDefault(); box.classList.add("over"); },
    ondragleave: () => box.classList.remove("over"),
    ondrop: (event) => { event.preventDefault(); box.classList.remove("over"); taken([...event.dataTransfer.files]); },
  }, labelled(text, input, hint), inside);
  return box;
}

/** Make a list to choose from: pairs of value and text, or values. */
export function choice(options, chosen, onchange) {
  const made = options.map((each) => {
    const [value, text] = Array.isArray(each) ? each : [each, words(each)];
    return h("option", {value, selected: String(value) === String(chosen ?? "")}, text);
  });
  return h("select", {onchange: onchange && ((event) => onchange(event.target.value))}, made);
}

/** Show rows as a table that scrolls in its own box. `marked(row, column)` may give a class and a hint. */
export function table(rows, columns, {caption, lead = [], marked, chosen} = {}) {
  const top = [...lead.map(([name]) => name), ...columns];
  const body = rows.map((row) => {
    const cells = [
      ...lead.map(([, show]) => h("td", {class: "lead"}, show(row))),
      ...columns.map((column) => {
        const value = row.cells[column];
        const mark = marked?.(row, column);
        const kind = typeof value === "number" ? "number" : value === null || value === undefined ? "absent" : "";
        return h("td", {class: `${kind} ${mark?.class ?? ""}`.trim() || null, title: mark?.hint},
          words(cell(value)), mark?.mark && h("span", {class: "unseen"}, ` ${mark.mark}`));
      }),
    ];
    return h("tr", chosen ? {class: "choosable", onclick: () => chosen(row)} : {}, cells);
  });
  return h("div", {class: "scroll", role: "region", tabindex: 0, "aria-label": caption},
    h("table", {}, h("caption", {class: "unseen"}, caption),
      h("thead", {}, h("tr", {}, top.map((name) => h("th", {scope: "col"}, words(name))))), h("tbody", {}, body)));
}

/** Show one row as a list of its cells, or one picture; `before` marks what differs from it. */
export function shown(row, before) {
  if (row.picture) return heard(row, picture(row.picture, caption(row)));
  const list = h("dl", {class: "cells"}, Object.keys(row.cells).map((name) => h("div", {}, h("dt", {}, words(name)), h("dd"))));
  tell(list, row, before);
  return list;
}

/** Show another row in the place of one: of cells, only those that differ from what stands there are drawn anew. */
export function showInstead(place, row, before) {
  const list = place.querySelector(":scope > dl.cells");
  if (row.picture || !list || list.children.length !== Object.keys(row.cells).length) fill(place, shown(row, before));
  else tell(list, row, before);
}

function tell(list, row, before) {
  Object.entries(row.cells).forEach(([name, value], i) => {
    const box = list.children[i], now = words(cell(value)), was = before ? cell(before.cells?.[name]) : null;
    const differs = before && was !== cell(value);
    if (box.lastChild.textContent !== now) box.lastChild.textContent = now;
    box.classList.toggle("differs", Boolean(differs));
    box.title = differs ? `was ${was}` : "";
  });
}

/** Show a picture, its pixels sharp. */
export const picture = (address, text = "picture") =>
  h("figure", {class: "picture"}, h("img", {src: address, alt: text}), text && h("figcaption", {}, text));

/** Put a button below what has a sound. */
const heard = (row, element) => row.sound
  ? h("div", {class: "heard"}, element, button("Listen", () => play(row.sound), {class: "plain", "aria-label": `Listen to ${caption(row)}`})) : element;

/** Say which picture it is. */
export const caption = (row) => [row.name ?? (row.row === null || row.row === undefined ? "" : `picture ${row.row}`),
  row.label === null || row.label === undefined ? "" : `label ${row.label}`].filter(Boolean).join(", ") || "decoded";

/** Show pictures side by side. */
export const gallery = (rows, text, onclick) => h("div", {class: "gallery"}, rows.map((row) => {
  const figure = picture(row.picture, text ? text(row) : caption(row));
  return heard(row, onclick ? h("button", {type: "button", class: "plain", onclick: () => onclick(row)}, figure) : figure);
}));

/** Make a form with one control for each column; `read()` gives what is asked for, `conditions` as ranges and choices. */
export function form(columns, {conditions = false, changed = () => {}} = {}) {
  const fields = columns.filter((column) => column.values || column.low !== undefined || column.kind !== "text");
  const readers = new Map();
  const places = new Map();
  const made = fields.map((column) => {
    const told = h("output", {class: "told"});
    places.set(column.name, told);
    const [control, read] = conditions ? condition(column, changed) : value(column, changed);
    readers.set(column.name, read);
    const box = h("div", {class: "field", "data-name": column.name.toLowerCase()}, control, told);
    return box;
  });
  const search = h("input", {type: "search", placeholder: `Find among ${fields.length} columns`,
    "aria-label": "Find a column", oninput: () => {
      const sought = search.value.toLowerCase();
      for (const box of made) box.hidden = !box.dataset.name.includes(sought) && !box.dataset.name.replaceAll("_", " ").includes(sought);
    }});
  const element = h("div", {class: "form"}, fields.length > 8 ? search : null, h("div", {class: "fields"}, made));
  const read = () => {
    const asked = {};
    for (const [name, reader] of readers) {
      const one = reader();
      if (one !== undefined) asked[name] = one;
    }
    return asked;
  };
  const clear = () => {
    for (const control of element.querySelectorAll(".fields input, .fields select")) control.value = "";
    changed();
  };
  const set = (cells) => {
    for (const box of made) {
      const column = fields[made.indexOf(box)];
      const control = box.querySelector("input, select");
      if (column.name in cells) control.value = cells[column.name] ?? "";
    }
    changed();
  };
  return {element, read, clear, set, told: places};
}

function value(column, changed) {
  const control = column.values
    ? choice([["", ""], ...column.values.map((each) => [String(each), words(each)])], "", changed)
    : h("input", {type: column.low === undefined || typeof column.low !== "number" ? "text" : "number", step: "any",
      placeholder: range(column), oninput: changed});
  return [labelled(words(column.name), control), () => typed(column, control.value)];
}

function condition(column, changed) {
  if (column.values) {
    const control = choice([["", "any"], ...column.values.map((each) => [String(each), words(each)])], "", changed);
    return [labelled(words(column.name), control), () => typed(column, control.value)];
  }
  const kind = typeof column.low === "number" ? "number" : "text";
  const low = h("input", {type: kind, step: "any", placeholder: number(column.low, 5), oninput: changed,
    "aria-label": `${words(column.name)} at least`});
  const high = h("input", {type: kind, step: "any", placeholder: number(column.high, 5), oninput: changed,
    "aria-label": `${words(column.name)} at most`});
  const both = h("fieldset", {}, h("legend", {}, words(column.name)), h("div", {class: "ends"}, low, h("span", {}, "to"), high));
  return [both, () => {
    const ends = {};
    if (low.value !== "") ends.low = typed(column, low.value);
    if (high.value !== "") ends.high = typed(column, high.value);
    return Object.keys(ends).length ? ends : undefined;
  }];
}

function typed(column, text) {
  if (text === "") return undefined;
  if (column.values) return column.values.find((each) => String(each) === text);
  return typeof column.low === "number" && Number.isFinite(Number(text)) ? Number(text) : text;
}

const range = (column) => column.low === undefined ? "" : `${number(column.low, 5)} to ${number(column.high, 5)}`;

/** Draw lines through points: `series` of {name, class, points: [[x, y], ...]}. */
export function plot(series, {x = "", y = "", width = 560, height = 220, title = "", log = false} = {}) {
  const all = series.flatMap((each) => each.points).filter((point) => point.every(Number.isFinite));
  if (!all.length) return h("p", {class: "muted"}, "Nothing to draw yet.");
  const [left, right, top, bottom] = [56, 12, 12, 40];
  const scale = log ? Math.log10 : (value) => value;
  const ends = (values) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  };
  const [x0, x1] = ends(all.map((point) => scale(point[0])));
  const [y0, y1] = ends(all.map((point) => point[1]));
  const across = (value) => left + (scale(value) - x0) / (x1 - x0) * (width - left - right);
  const up = (value) => height - bottom - (value - y0) / (y1 - y0) * (height - top - bottom);
  const ticks = [0, 0.5, 1].map((share) => y0 + share * (y1 - y0));
  const foot = [0, 0.5, 1].map((share) => x0 + share * (x1 - x0)).map((value) => log ? 10 ** value : value);
  return h("figure", {class: "plot"},
    h("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title || `${y} by ${x}`},
      ticks.map((value) => [h("line", {class: "grid", x1: left, x2: width - right, y1: up(value), y2: up(value)}),
        h("text", {x: left - 6, y: up(value) + 4, "text-anchor": "end"}, number(value))]),
      foot.map((value, i) => h("text", {x: across(value), y: height - bottom + 16,
        "text-anchor": ["start", "middle", "end"][i]}, number(value))),
      h("text", {x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle"}, x),
      series.map((each) => [
        h("polyline", {class: `line ${each.class}`, points: each.points.map(([a, b]) => `${across(a)},${up(b)}`).join(" ")}),
        each.dots && each.points.map(([a, b]) => h("circle", {class: `dot ${each.class}`, cx: across(a), cy: up(b), r: 4})),
      ])),
    h("figcaption", {}, y, series.length > 1 && h("span", {class: "legend"},
      series.map((each) => h("span", {class: `key ${each.class}`}, each.name)))));
}

/** Draw a histogram, of which values above `mark` stand out. */
export function histogram({counts, low, high}, {label = "", width = 560, height = 120} = {}) {
  const most = Math.max(...counts, 1);
  const wide = width / counts.length;
  const tall = (count) => count ? Math.max(2, Math.log1p(count) / Math.log1p(most) * (height - 24)) : 0;
  return h("figure", {class: "plot"}, h("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label},
    counts.map((count, i) => h("rect", {class: "bar", x: i * wide + 0.5, y: height - 20 - tall(count), width: wide - 1,
      height: tall(count)}, h("title", {}, `${number(low + i * (high - low) / counts.length)}: ${count}`))),
    h("text", {x: 0, y: height - 4}, number(low)), h("text", {x: width, y: height - 4, "text-anchor": "end"}, number(high))),
  h("figcaption", {}, label));
}

/** Make a slider with its number beside it. */
export function slider(text, {low, high, value, step, hint, show = number}, moved) {
  const told = h("output", {}, show(value));
  const control = h("input", {type: "range", min: low, max: high, step: step ?? (high - low) / 200, value,
    oninput: () => {
      told.textContent = show(Number(control.value));
      moved(Number(control.value));
    }});
  const box = labelled(text, control, hint);
  box.classList.add("slider");
  box.append(told);
  return {element: box, set: (to) => { control.value = to; told.textContent = show(to); }, get: () => Number(control.value)};
}

/** Show two pictures, one over the other, with a handle that moves the border. */
export function beforeAfter(before, after, names = ["before", "after"]) {
  const over = h("img", {src: after, alt: names[1]});
  const box = h("div", {class: "pair"}, h("img", {src: before, alt: names[0]}), over,
    h("span", {class: "side left"}, names[0]), h("span", {class: "side right"}, names[1]));
  const set = (share) => box.style.setProperty("--share", `${share}%`);
  set(50);
  const handle = h("input", {type: "range", min: 0, max: 100, step: 0.5, value: 50,
    "aria-label": `Border between ${names[0]} and ${names[1]}`, oninput: () => set(handle.value)});
  box.append(handle);
  return box;
}

/** Save a blob under a name. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

export {bytes, cell, fill, h, number, percent, words};
