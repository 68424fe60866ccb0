// Rows as points: colour by a column, hover to see one, lasso to see what some have in common.

import {ask, latest, load} from "../api.js";
import {button, choice, fault, fill, h, head, into, labelled, number, percent, shown, table, words, gallery} from "../parts.js";
import {play, stop} from "../sound.js";

let drawing = null;
/** Load what draws, once. */
const drawn = () => drawing ??= new Promise((done, failed) => {
  document.head.append(h("script", {src: "/drawing/map.js", onload: done,
    onerror: () => failed(new Error("the map's drawing code did not load"))}));
});

export async function show(root, page) {
  const subject = page.state.subject;
  const says = h("div", {}), told = h("div", {}), swatches = h("div", {class: "swatches"});
  const canvas = h("canvas", {tabindex: 0, role: "application", "aria-label": `Map of ${subject.rows} points: arrows move, plus and minus zoom, 0 shows all`});
  const hover = h("div", {class: "hover", hidden: true});
  const board = h("div", {class: "board"}, canvas, hover);
  const names = subject.columns.map((column) => column.name);
  const start = names.includes("label") ? "label" : names.at(-1);
  let map = null, dim = 2, gone = false, playing = -1;

  const colours = choice([["", "nothing"], ...names.map((name) => [name, words(name)])], start, paint);
  const lasso = button("Lasso", () => mode(lasso.getAttribute("aria-pressed") !== "true"), {class: "plain", "aria-pressed": "false"});
  const dims = choice([[2, "2-D"], [3, "3-D"]], 2, (value) => { dim = Number(value); place(); });
  const reset = button("Show all", () => { map?.select([]); map?.reset(); fill(told, hint()); }, {class: "plain"});
  fill(root, head("Map", "Rows that the code holds to be alike lie near each other. Distances far apart mean little."),
    h("div", {class: "bar-of"}, labelled("Colour by", colours), labelled("Dimensions", dims), lasso, reset), says, board, swatches, told);

  function mode(on) {
    lasso.setAttribute("aria-pressed", String(on));
    map?.mode(on ? "lasso" : "pan");
  }

  async function place() {
    try {
      await drawn();
      says.replaceChildren(h("p", {class: "busy", role: "status"}, "Placing the rows"));
      const bytes = await load(`map/places?dim=${dim}`);
      if (gone) return;
      map?.destroy();
      map = globalThis.IsthmusMap.create(canvas, {places: new Float32Array(bytes), dim});
      globalThis.isthmusMap = map;
      map.onHover(hovered);
      map.onSelect(chose);
      mode(false);
      fill(says);
      await paint(colours.value);
    } catch (error) {
      fill(says, fault(error.message));
    }
  }

  async function paint(column) {
    if (!map) return;
    if (!column) {
      map.colour(new Uint8Array([47, 122, 184, 255]), new Uint8Array(subject.rows));
      map.hide(null);
      return fill(swatches);
    }
    try {
      const read = await ask(`map/colours?column=${encodeURIComponent(column)}`);
      if (gone) return;
      if (read.kind === "groups") groups(read);
      else scale(read);
    } catch (error) {
      fill(swatches, fault(error.message));
    }
  }

  function groups(read) {
    const which = unpacked(read.values);
    map.colour(new Uint8Array(read.colours.flatMap((each) => [...rgb(each), 255])), which);
    map.hide(null);
    const off = new Set();
    fill(swatches, read.names.map((name, i) => {
      const one = button([colour(read.colours[i]), words(name)], () => {
        if (!off.delete(i)) off.add(i);
        one.setAttribute("aria-pressed", String(!off.has(i)));
        map.hide(off.size ? Uint8Array.from(which, (each) => Number(off.has(each))) : null);
      }, {class: "plain", "aria-pressed": "true", title: "show or hide"});
      return one;
    }));
  }

  function scale(read) {
    const values = new Float32Array(unpacked(read.values).buffer);
    const stops = read.colours.map(rgb);
    const shades = new Uint8Array(4 * values.length);
    values.forEach((value, i) => {
      const at = Number.isFinite(value) ? Math.min(1, Math.max(0, (value - read.low) / (read.high - read.low))) : null;
      shades.set(at === null ? [152, 163, 176, 255] : [...between(stops, at), 255], 4 * i);
    });
    map.colour(shades);
    map.hide(null);
    const ramp = h("canvas", {class: "ramp", width: 128, height: 1, role: "img", "aria-label": "scale of colours"});
    const pen = ramp.getContext("2d");
    for (let i = 0; i < 128; i++) {
      pen.fillStyle = `rgb(${between(stops, i / 127).join(",")})`;
      pen.fillRect(i, 0, 1, 1);
    }
    fill(swatches, h("span", {}, number(read.low)), ramp, h("span", {}, read.names.length ? `${number(read.high)} (marks at ${read.names.join(", ")})` : number(read.high)));
  }

  const look = latest(async ([row, x, y]) => {
    if (row < 0) { hover.hidden = true; playing = -1; stop(); return; }
    const one = await ask(`rows/${row}`);
    if (one.cells) {
      const names = [colours.value, ...Object.keys(one.cells)].filter((name, i, all) => name in one.cells && all.indexOf(name) === i);
      one.cells = Object.fromEntries(names.slice(0, 8).map((name) => [name, one.cells[name]]));
    }
    if (one.sound && row !== playing) play(one.sound);
    playing = row;
    fill(hover, h("b", {}, `row ${row}`), shown(one));
    hover.hidden = false;
    hover.style.setProperty("--x", `${x > board.clientWidth / 2 ? x - hover.offsetWidth - 14 : x + 14}px`);
    hover.style.setProperty("--y", `${Math.max(4, Math.min(y, board.clientHeight - hover.offsetHeight - 4))}px`);
  });
  const hovered = (row, x, y) => look([row, x, y]).catch(() => { hover.hidden = true; });

  async function chose(rows) {
    map.select(rows);
    if (!rows.length) return fill(told, hint());
    await into(told, async () => selection(await ask("map/selection", {rows: [...rows]})));
  }

  function selection(chosen) {
    const columns = Object.keys(chosen.rows[0]?.cells ?? {});
    return [h("h3", {}, `${chosen.count.toLocaleString("en")} of ${chosen.of.toLocaleString("en")} ${subject.sounds ? "sounds" : subject.kind === "pictures" ? "pictures" : "rows"} chosen`),
      chosen.apart.length ? [h("p", {class: "small"}, "What sets them apart from the rest:"),
        h("ul", {class: "apart"}, chosen.apart.map((each) => h("li", {}, h("b", {}, words(each.phrase)),
          each.inside === undefined || each.inside === null ? null : ` ${percent(each.inside)} of them, ${percent(each.outside)} of the others`)))] : null,
      chosen.rows[0]?.picture ? gallery(chosen.rows) : table(chosen.rows, columns,
        {caption: "Rows chosen", lead: [["row", (row) => row.row]]}),
      chosen.count > chosen.rows.length && h("p", {class: "small"}, `The first ${chosen.rows.length} are shown.`)];
  }

  const hint = () => h("p", {class: "small"}, "Draw around points with ", h("kbd", {}, "Shift"),
    " and the mouse, or with Lasso on; click one to choose it. ", h("kbd", {}, "+"), " ", h("kbd", {}, "-"), " and arrows move the map.");

  fill(told, hint());
  const seen = new ResizeObserver(() => map?.resize());
  seen.observe(board);
  await place();
  return () => { gone = true; seen.disconnect(); map?.destroy(); };
}

const unpacked = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function between(stops, share) {
  const at = share * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return stops[i].map((value, j) => Math.round(value + (at - i) * (stops[i + 1][j] - value)));
}

function colour(hex) {
  const dot = h("span", {class: "swatch"});
  dot.style.setProperty("--colour", hex);
  return dot;
}
