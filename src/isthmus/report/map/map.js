// A map of points on a canvas: WebGL2, no dependency, nothing that a strict content security policy forbids.
//
//   const map = IsthmusMap.create(canvas, { places: Float32Array, dim: 2 });
//   map.colour(rgba)            a Uint8Array of four bytes a point
//   map.colour(rgba, category)  four bytes a category, and the category of each point
//   map.hide(mask)              1 hides a point; null shows all
//   map.onHover((row, x, y) => ...)   row is -1 where there is none; x and y in CSS pixels of the canvas
//   map.onSelect((rows) => ...)       rows is a Uint32Array: a lasso's, a point's that was clicked on, or none
//   map.onView(() => ...)             the view has changed: ask `place` again
//   map.place(row)              where a point is, in CSS pixels
//   map.select(rows), map.mode("pan" | "lasso"), map.reset(), map.resize(), map.size(factor)
//   map.frames(), map.whole()   frames drawn so far, and whether the last of them shows every point
//   map.destroy()
//
// Points are added up in a buffer of floats, in no order that matters, and each pixel is shaded by how many there are:
// what is crowded is dense rather than whatever was drawn last. They lie in the graphics card in random order. Where it
// is slow, a frame draws as many as it has time for, and those that follow add the others, as long as nothing moves.

const EYE = 4; // how far the eye is from the middle, in units of half the map's width
const REACH = 10; // CSS pixels between the pointer and a point it is on
const FAR = 2e4; // most magnified
const FEWEST = 10000; // points of a frame
const COARSEST = 0.25; // pixels drawn for one of the screen, while the view moves
const RESTING = 150; // milliseconds without a move after which all pixels are drawn
const NONE = new Uint32Array(0);

function create(canvas, { places, dim = 2 }) {
  if (dim !== 2 && dim !== 3) throw new Error(`IsthmusMap: dim is ${dim}; give 2 or 3`);
  const count = Math.floor(places.length / dim);
  const { at, lost } = centred(places, dim, count);
  const order = shuffled(count);
  const hidden = lost.slice(), chosen = new Uint8Array(count), flags = new Uint8Array(count);
  const paint = new Uint8Array(4 * count), mixed = new Float32Array(3 * count), byHand = adder();
  const heard = { hover: [], select: [], view: [] };
  const view = { width: 1, height: 1, turn: new Float32Array(9), middle: new Float32Array(3), zoom: 1, yaw: 0, pitch: 0 };
  let gpu = null, drawn = 0, frames = 0, asked = 0, since = 0, last = 0, own = 0, moved = true, grow = 1;
  // Points a frame has time for, and milliseconds it may take: while the view moves, and while the rest is added.
  const moving = { points: 250000, due: 23, spent: 0, frames: 0 }, still = { points: 250000, due: 50, spent: 0, frames: 0 };
  let pace = still, slow = false, fine = 1, coarse = 1, rest = 0; // pixels drawn for one of the screen: now, and while the view moves
  let grid = null, depth = null, dense = null, many = 0, mode = "pan", over = -1, lasso = null, gone = false;

  // ---- the view -------------------------------------------------------------------------------------------------
  function turned() {
    const [a, b] = dim === 3 ? [view.yaw, view.pitch] : [0, 0];
    const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    view.turn.set([ca, sa * sb, -sa * cb, 0, cb, sb, sa, -ca * sb, ca * cb]); // column after column
    view.unit = view.zoom * Math.min(view.width, view.height) * (dim === 3 ? 0.36 : 0.47);
    view.eye = dim === 3 ? EYE : 0;
  }

  // Where a place of the map is on the canvas, and how far behind the middle.
  function project(x, y, z, into) {
    const t = view.turn, m = view.middle;
    const [a, b, c] = [x - m[0], y - m[1], z - m[2]];
    const back = t[2] * a + t[5] * b + t[8] * c;
    const near = dim === 3 ? EYE / Math.max(EYE + back, 0.01) : 1;
    into[0] = view.width / 2 + (t[0] * a + t[3] * b + t[6] * c) * view.unit * near;
    into[1] = view.height / 2 - (t[1] * a + t[4] * b + t[7] * c) * view.unit * near;
    into[2] = back;
    return into;
  }

  // Moves what is seen by CSS pixels.
  function shift(x, y) {
    const t = view.turn, [right, up] = [x / view.unit, -y / view.unit];
    for (let j = 0; j < 3; j += 1) view.middle[j] -= t[3 * j] * right + t[3 * j + 1] * up;
    changed();
  }

  function zoom(factor, x = view.width / 2, y = view.height / 2) {
    const before = view.zoom;
    view.zoom = Math.max(0.2, Math.min(FAR, before * factor));
    const rest = before / view.zoom - 1;
    turned();
    shift((x - view.width / 2) * rest * (view.zoom / before), (y - view.height / 2) * rest * (view.zoom / before));
  }

  function rotate(x, y) {
    view.yaw -= x;
    view.pitch = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, view.pitch - y));
    changed();
  }

  function changed() {
    turned();
    moved = true;
    if (dim === 3) grid = null;
    for (const tell of heard.view) tell();
    ask();
  }

  // ---- drawing --------------------------------------------------------------------------------------------------
  function ask() {
    if (asked || gone) return;
    since = performance.now();
    asked = requestAnimationFrame(frame);
  }

  function sizes() {
    const base = Math.max(1.6, Math.min(7, 7 * (2000 / Math.max(count, 1)) ** 0.25));
    const css = Math.min(16, base * grow * Math.max(1, view.zoom) ** 0.3);
    view.size = css * (canvas.width / view.width);
    view.chosen = many > 0;
    if (dense === null) dense = crowding(gridNow());
    return Math.max(1, dense * 0.8 * css * css / (view.unit * view.unit));
  }

  function frame() {
    asked = 0;
    if (gone || gpu.gl.isContextLost()) return;
    const now = performance.now();
    if (drawn > 0) keepUp(own + now - Math.max(last, since)); // what the frame before took, and kept this one waiting
    pace = moved ? moving : still;
    if (moved) drawn = 0;
    if (drawn === 0) sharpen(moved ? coarse : 1); // only here, for a canvas of another size is empty until it is drawn on
    moved = false;
    const peak = sizes(), until = Math.min(count, Math.ceil(drawn + pace.points));
    if (drawn < until || drawn === 0) add(drawn, until);
    drawn = until;
    gpu.show(Math.max(drawn, 1) / Math.max(count, 1), peak);
    above();
    frames += 1;
    clearTimeout(rest);
    last = performance.now();
    own = last - now;
    if (drawn < count) ask();
    else if (fine < 1) rest = setTimeout(() => { if (!moved) { drawn = 0; ask(); } }, RESTING);
  }

  function add(first, last) {
    if (!slow) gpu.add(first, last, view);
    else gpu.put(byHand.add(first, last, view, { at: mixed, paint, flags }, canvas.width, canvas.height));
  }

  // As many points as there is time for. What is slow may be no graphics card at all: then the processor adds the
  // points up, and fewer pixels are drawn while the view moves. Frames come in bursts, the card being a few behind, so
  // what counts is the mean of four, or of fewer if they are slow.
  function keepUp(took) {
    pace.spent += took;
    pace.frames += 1;
    if (pace.frames < 4 && pace.spent < 4 * pace.due) return;
    const share = pace.due * pace.frames / pace.spent;
    pace.spent = pace.frames = 0;
    if (share < 0.5 && !slow && gpu.exact) { slow = true; coarse = 0.6; }
    else if (share < 0.9 && slow && pace === moving && coarse > COARSEST) coarse = Math.max(COARSEST, coarse * Math.max(0.6, share));
    else if (share < 0.9 && (!slow || own > 0.15 * pace.due)) pace.points = Math.max(FEWEST, pace.points * Math.max(0.3, share));
    else if (share > 1.1) pace.points = Math.min(Math.max(count, FEWEST), 1.25 * pace.points);
  }

  function sharpen(to) {
    const ratio = to * Math.min(globalThis.devicePixelRatio || 1, 2);
    const wide = Math.max(1, Math.round(view.width * ratio)), high = Math.max(1, Math.round(view.height * ratio));
    fine = to;
    if (canvas.width === wide && canvas.height === high) return;
    Object.assign(canvas, { width: wide, height: high });
    gpu.resize(wide, high);
  }

  // What lies over the points: a box around three dimensions, the lasso, a ring around the point under the pointer.
  function above() {
    const { gl } = gpu, { width, height } = view, stroke = (line, kind, ink) => gpu.stroke(line, kind, ink, width, height);
    if (dim === 3) {
      const corner = (j) => [...project(j & 1 ? 1 : -1, j & 2 ? 1 : -1, j & 4 ? 1 : -1, [])].slice(0, 2);
      const edges = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((j) => [1, 2, 4].filter((k) => !(j & k)).flatMap((k) => [corner(j), corner(j | k)]));
      stroke(edges, gl.LINES, [0.5, 0.5, 0.5, 0.35]);
    }
    if (lasso && lasso.length > 1) {
      stroke(lasso, gl.TRIANGLE_FAN, [0.5, 0.5, 0.5, 0.12]);
      stroke(lasso, gl.LINE_LOOP, [0.45, 0.45, 0.45, 1]);
    }
    if (over >= 0) {
      const [x, y] = project(at[3 * over], at[3 * over + 1], at[3 * over + 2], []);
      const radius = Math.max(5, view.size * width / canvas.width / 2 + 3);
      for (const [more, grey] of [[0, 0], [1, 1]]) {
        stroke(Array.from({ length: 32 }, (_, j) => [x + (radius + more) * Math.cos(j * Math.PI / 16),
          y + (radius + more) * Math.sin(j * Math.PI / 16)]), gl.LINE_LOOP, [grey, grey, grey, 0.9]);
      }
    }
  }

  // ---- which point ----------------------------------------------------------------------------------------------
  function gridNow() {
    if (grid) return grid;
    const x = new Float32Array(count), y = new Float32Array(count), into = [0, 0, 0];
    if (dim === 3) depth = new Float32Array(count);
    for (let row = 0; row < count; row += 1) {
      if (dim === 2) { x[row] = at[3 * row]; y[row] = at[3 * row + 1]; continue; }
      project(at[3 * row], at[3 * row + 1], at[3 * row + 2], into);
      x[row] = (into[0] - view.width / 2) / view.unit; y[row] = (into[1] - view.height / 2) / view.unit; depth[row] = into[2];
    }
    grid = gridOf(x, y, count, hidden);
    return grid;
  }

  // From CSS pixels to the grid's places.
  function toGrid(x, y) {
    const right = (x - view.width / 2) / view.unit, down = (y - view.height / 2) / view.unit;
    return dim === 2 ? [view.middle[0] + right, view.middle[1] - down] : [right, down];
  }

  function rowAt(x, y) {
    const [a, b] = toGrid(x, y);
    return count ? nearest(gridNow(), a, b, REACH / view.unit, (row) => (dim === 3 ? depth[row] / 3 : 0)) : -1;
  }

  function hover(row, x, y) {
    const same = row === over;
    over = row;
    canvas.style.cursor = mode === "lasso" ? "crosshair" : row >= 0 ? "pointer" : "grab";
    if (!same) ask();
    if (!same || row >= 0) for (const tell of heard.hover) tell(row, x, y);
  }

  function mark(rows) {
    chosen.fill(0);
    for (const row of rows) if (row < count && !lost[row]) chosen[row] = 1;
    many = rows.length;
    flag();
  }

  function chose(rows) {
    mark(rows);
    for (const tell of heard.select) tell(rows);
  }

  function within(polygon) {
    const inside = insideOf(polygon.map(([x, y]) => toGrid(x, y))), { x, y } = gridNow(), rows = [];
    for (let row = 0; row < count; row += 1) if (!hidden[row] && inside(x[row], y[row])) rows.push(row);
    return Uint32Array.from(rows);
  }

  function flag() {
    for (let j = 0; j < count; j += 1) flags[j] = hidden[order[j]] + 2 * chosen[order[j]];
    gpu.fill(2, flags);
    moved = true;
    ask();
  }

  // ---- the graphics card ----------------------------------------------------------------------------------------
  function build() {
    gpu = painter(canvas, count);
    for (let j = 0; j < count; j += 1) {
      for (let k = 0; k < 3; k += 1) mixed[3 * j + k] = at[3 * order[j] + k];
    }
    gpu.fill(0, mixed);
    gpu.fill(1, paint);
    flag();
    gpu.resize(canvas.width, canvas.height);
    fit();
  }

  function fit() {
    Object.assign(view, { width: canvas.clientWidth || canvas.width, height: canvas.clientHeight || canvas.height });
    changed();
  }

  function reset() {
    Object.assign(view, { zoom: 1, yaw: 0.6, pitch: -0.45 });
    view.middle.fill(0);
    changed();
  }

  const api = {
    colour(rgba, category = null) {
      for (let j = 0; j < count; j += 1) {
        const from = 4 * (category ? category[order[j]] : order[j]);
        for (let k = 0; k < 4; k += 1) paint[4 * j + k] = rgba[from + k];
      }
      gpu.fill(1, paint);
      moved = true;
      ask();
    },
    hide(mask) {
      for (let row = 0; row < count; row += 1) hidden[row] = lost[row] || (mask && mask[row] ? 1 : 0);
      grid = null;
      if (over >= 0 && hidden[over]) hover(-1, 0, 0);
      flag();
    },
    onHover(tell) { heard.hover.push(tell); },
    onSelect(tell) { heard.select.push(tell); },
    onView(tell) { heard.view.push(tell); },
    place: (row) => project(at[3 * row], at[3 * row + 1], at[3 * row + 2], []).slice(0, 2),
    select: mark,
    mode(name) {
      if (name === "pan" || name === "lasso") mode = name;
      hover(-1, 0, 0);
      return mode;
    },
    size(factor) { grow = factor; moved = true; ask(); },
    reset, resize: () => fit(), frames: () => frames, whole: () => drawn >= count && !moved && fine === 1,
    destroy() {
      gone = true;
      clearTimeout(rest);
      cancelAnimationFrame(asked);
      unlisten();
      gpu.gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };

  const unlisten = listen(canvas, {
    dim, view, shift, zoom, rotate, reset, rowAt, hover, chose, within, build, ask,
    at: (row) => at.subarray(3 * row, 3 * row + 3), changed,
    lassoing: () => mode === "lasso", draw(line) { lasso = line; ask(); },
  });
  paint.fill(255);
  for (let j = 0; j < count; j += 1) paint.set([31, 111, 178], 4 * j);
  build();
  reset();
  hover(-1, 0, 0);
  return api;
}

globalThis.IsthmusMap = { create };
