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
"use strict";
(() => {
  const EYE = 4; // how far the eye is from the middle, in units of half the map's width
  const REACH = 10; // CSS pixels between the pointer and a point it is on
  const FAR = 2e4; // most magnified
  const NONE = new Uint32Array(0);

  const POINTS = `#version 300 es
    layout(location = 0) in vec3 place;
    layout(location = 1) in vec4 colour;
    layout(location = 2) in float flags;
    uniform mat3 turn; uniform vec3 middle; uniform vec2 scale; uniform float eye, size, chosen;
    out vec4 shade; out float radius;
    void main() {
      vec3 at = turn * (place - middle);
      float near = eye > 0. ? eye / max(eye + at.z, .01) : 1.;
      bool hidden = mod(flags, 2.) > .5 || near > 16.;
      gl_Position = hidden ? vec4(2., 2., 2., 1.) : vec4(at.xy * scale * near, 0., 1.);
      gl_PointSize = max(size * near, 1.);
      radius = gl_PointSize / 2.;
      float weight = eye > 0. ? near * near * near : 1.;
      vec3 seen = colour.rgb;
      if (chosen > .5) {
        bool dull = flags < 1.5;
        seen = dull ? mix(seen, vec3(.55), .8) : seen;
        weight *= dull ? .12 : 1.;
      }
      shade = vec4(seen, 1.) * weight * colour.a * min(1., size * near * size * near);
    }`;
  const DISC = `#version 300 es
    precision highp float;
    in vec4 shade; in float radius; out vec4 sum;
    void main() {
      float inside = radius < 1.2 ? 1. : clamp(radius + .5 - length(gl_PointCoord - .5) * 2. * radius, 0., 1.);
      if (inside <= 0.) discard;
      sum = shade * inside * UNIT;
    }`;
  const WHOLE = `#version 300 es
    void main() { gl_Position = vec4(gl_VertexID == 1 ? 3. : -1., gl_VertexID == 2 ? 3. : -1., 0., 1.); }`;
  const TONES = `#version 300 es
    precision highp float;
    uniform sampler2D sums; uniform float share, peak; out vec4 seen;
    void main() {
      vec4 sum = texelFetch(sums, ivec2(gl_FragCoord.xy), 0) / UNIT;
      float crowd = sum.a / share;
      float cover = min(1., log(1. + crowd) / log(1. + peak)) * .95;
      seen = sum.a > 0. ? vec4(sum.rgb / sum.a, 1.) * cover : vec4(0.);
    }`;
  const LINES = `#version 300 es
    layout(location = 0) in vec2 place;
    void main() { gl_Position = vec4(place, 0., 1.); }`;
  const INK = `#version 300 es
    precision mediump float;
    uniform vec4 ink; out vec4 seen;
    void main() { seen = vec4(ink.rgb, 1.) * ink.a; }`;

  function program(gl, vertex, fragment, names, unit = "1.") {
    const made = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source.replaceAll("UNIT", unit));
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    }
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`IsthmusMap: ${gl.getProgramInfoLog(made)}`);
    }
    return { made, at: Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(made, name)])) };
  }

  // Places around 0, the longest side from -1 to 1, three numbers a point; those that are not finite become NaN.
  function centred(places, dim, count) {
    const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
    const lost = new Uint8Array(count);
    for (let row = 0; row < count; row += 1) {
      for (let j = 0; j < dim; j += 1) if (!Number.isFinite(places[row * dim + j])) lost[row] = 1;
      for (let j = 0; j < dim && !lost[row]; j += 1) {
        const value = places[row * dim + j];
        if (value < low[j]) low[j] = value;
        if (value > high[j]) high[j] = value;
      }
    }
    let half = 0;
    for (let j = 0; j < dim; j += 1) half = Math.max(half, (high[j] - low[j]) / 2);
    if (!(half > 0 && Number.isFinite(half))) half = 1;
    const at = new Float32Array(3 * count);
    for (let row = 0; row < count; row += 1) {
      if (lost[row]) continue;
      for (let j = 0; j < dim; j += 1) at[3 * row + j] = (places[row * dim + j] - (low[j] + high[j]) / 2) / half;
    }
    return { at, lost };
  }

  // Rows in an order that looks random and is always the same (xorshift and Fisher-Yates).
  function shuffled(count) {
    const order = new Uint32Array(count);
    let state = 2463534242;
    for (let j = 0; j < count; j += 1) {
      state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
      const other = (state >>> 0) % (j + 1);
      order[j] = order[other];
      order[other] = j;
    }
    return order;
  }

  // Points sorted into square cells, to find those near a place without looking at all.
  function gridOf(x, y, count, hidden) {
    const side = Math.max(4, Math.min(1024, Math.ceil(Math.sqrt(count / 2))));
    let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
    for (let row = 0; row < count; row += 1) {
      if (hidden[row]) continue;
      if (x[row] < left) left = x[row];
      if (x[row] > right) right = x[row];
      if (y[row] < top) top = y[row];
      if (y[row] > bottom) bottom = y[row];
    }
    const cell = Math.max(right - left, bottom - top, 1e-9) / side * 1.0001;
    const starts = new Uint32Array(side * side + 1), cells = new Uint32Array(count);
    for (let row = 0; row < count; row += 1) {
      if (hidden[row]) continue;
      cells[row] = Math.floor((y[row] - top) / cell) * side + Math.floor((x[row] - left) / cell);
      starts[cells[row] + 1] += 1;
    }
    for (let j = 0; j < side * side; j += 1) starts[j + 1] += starts[j];
    const rows = new Uint32Array(starts[side * side]), next = starts.slice();
    for (let row = 0; row < count; row += 1) if (!hidden[row]) rows[next[cells[row]]++] = row;
    return { x, y, side, cell, left, top, starts, rows };
  }

  // Most points a square unit, but for the densest twentieth.
  function crowding(grid) {
    const counts = [];
    for (let j = 0; j < grid.side * grid.side; j += 1) {
      if (grid.starts[j + 1] > grid.starts[j]) counts.push(grid.starts[j + 1] - grid.starts[j]);
    }
    counts.sort((a, b) => a - b);
    return counts.length ? counts[Math.floor(0.95 * (counts.length - 1))] / (grid.cell * grid.cell) : 1;
  }

  function nearest(grid, x, y, reach, cost) {
    const clip = (value) => Math.max(0, Math.min(grid.side - 1, Math.floor(value / grid.cell)));
    let found = -1, best = Infinity;
    for (let j = clip(y - reach - grid.top); j <= clip(y + reach - grid.top); j += 1) {
      for (let i = clip(x - reach - grid.left); i <= clip(x + reach - grid.left); i += 1) {
        for (let k = grid.starts[j * grid.side + i]; k < grid.starts[j * grid.side + i + 1]; k += 1) {
          const row = grid.rows[k], far = Math.hypot(grid.x[row] - x, grid.y[row] - y) / reach;
          const price = far > 1 ? Infinity : far + cost(row);
          if (price < best) { best = price; found = row; }
        }
      }
    }
    return found;
  }

  // Whether places are in a polygon, by crossings of a ray.
  function insideOf(polygon) {
    const xs = polygon.map(([x]) => x), ys = polygon.map(([, y]) => y);
    const left = Math.min(...xs), right = Math.max(...xs), top = Math.min(...ys), bottom = Math.max(...ys);
    return (x, y) => {
      if (x < left || x > right || y < top || y > bottom) return false;
      let inside = false;
      for (let j = 0, k = xs.length - 1; j < xs.length; k = j, j += 1) {
        if (ys[j] > y !== ys[k] > y && x < (xs[k] - xs[j]) * (y - ys[j]) / (ys[k] - ys[j]) + xs[j]) inside = !inside;
      }
      return inside;
    };
  }

  // What the graphics card holds and does.
  function painter(canvas, count) {
    const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false, preserveDrawingBuffer: true });
    if (!gl) throw new Error("IsthmusMap: this browser has no WebGL 2");
    const float = gl.getExtension("EXT_color_buffer_float");
    const full = float && gl.getExtension("EXT_float_blend");
    const half = float || gl.getExtension("EXT_color_buffer_half_float");
    const unit = half ? "1." : "(1. / 32.)"; // without floats a pixel holds 32 points, and no more
    const points = program(gl, POINTS, DISC, ["turn", "middle", "scale", "eye", "size", "chosen"], unit);
    const tones = program(gl, WHOLE, TONES, ["sums", "share", "peak"], unit);
    const lines = program(gl, LINES, INK, ["ink"]);
    const shapes = { 0: [3, gl.FLOAT, false, 4], 1: [4, gl.UNSIGNED_BYTE, true, 1], 2: [1, gl.UNSIGNED_BYTE, false, 1] };
    const scene = gl.createVertexArray(), drawing = gl.createVertexArray(), strokes = gl.createBuffer();
    const buffers = [0, 1, 2].map(() => gl.createBuffer());
    const sums = gl.createTexture(), target = gl.createFramebuffer();
    gl.bindVertexArray(scene);
    for (const [at, [parts, type, unitary, bytes]] of Object.entries(shapes)) {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffers[at]);
      gl.bufferData(gl.ARRAY_BUFFER, Math.max(1, count) * parts * bytes, gl.DYNAMIC_DRAW);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, parts, type, unitary, 0, 0);
    }
    gl.bindVertexArray(drawing);
    gl.bindBuffer(gl.ARRAY_BUFFER, strokes);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.enable(gl.BLEND);

    return {
      gl,
      fill(at, values) {
        gl.bindBuffer(gl.ARRAY_BUFFER, buffers[at]);
        gl.bufferSubData(gl.ARRAY_BUFFER, 0, values);
      },
      resize(width, height) {
        const form = full ? gl.RGBA32F : half ? gl.RGBA16F : gl.RGBA8;
        gl.bindTexture(gl.TEXTURE_2D, sums);
        gl.texImage2D(gl.TEXTURE_2D, 0, form, width, height, 0, gl.RGBA,
          full ? gl.FLOAT : half ? gl.HALF_FLOAT : gl.UNSIGNED_BYTE, null);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
        gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
        gl.bindFramebuffer(gl.FRAMEBUFFER, target);
        gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, sums, 0);
      },
      // Adds points `first` to `last` to the sums; from the first on, sums start at nought.
      add(first, last, view) {
        gl.bindFramebuffer(gl.FRAMEBUFFER, target);
        gl.viewport(0, 0, canvas.width, canvas.height);
        gl.clearColor(0, 0, 0, 0);
        if (first === 0) gl.clear(gl.COLOR_BUFFER_BIT);
        gl.blendFunc(gl.ONE, gl.ONE);
        gl.useProgram(points.made);
        gl.uniformMatrix3fv(points.at.turn, false, view.turn);
        gl.uniform3fv(points.at.middle, view.middle);
        gl.uniform2f(points.at.scale, 2 * view.unit / view.width, 2 * view.unit / view.height);
        gl.uniform1f(points.at.eye, view.eye);
        gl.uniform1f(points.at.size, view.size);
        gl.uniform1f(points.at.chosen, view.chosen ? 1 : 0);
        gl.bindVertexArray(scene);
        gl.drawArrays(gl.POINTS, first, last - first);
      },
      show(share, peak) {
        gl.bindFramebuffer(gl.FRAMEBUFFER, null);
        gl.viewport(0, 0, canvas.width, canvas.height);
        gl.blendFunc(gl.ONE, gl.ZERO);
        gl.useProgram(tones.made);
        gl.bindTexture(gl.TEXTURE_2D, sums);
        gl.uniform1f(tones.at.share, share);
        gl.uniform1f(tones.at.peak, peak);
        gl.bindVertexArray(drawing);
        gl.drawArrays(gl.TRIANGLES, 0, 3);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      },
      // Lines through places in CSS pixels, on what is shown.
      stroke(places, kind, ink, width, height) {
        const clip = Float32Array.from(places.flatMap(([x, y]) => [2 * x / width - 1, 1 - 2 * y / height]));
        gl.useProgram(lines.made);
        gl.uniform4fv(lines.at.ink, ink);
        gl.bindVertexArray(drawing);
        gl.bindBuffer(gl.ARRAY_BUFFER, strokes);
        gl.bufferData(gl.ARRAY_BUFFER, clip, gl.STREAM_DRAW);
        gl.drawArrays(kind, 0, places.length);
      },
    };
  }

  function create(canvas, { places, dim = 2 }) {
    if (dim !== 2 && dim !== 3) throw new Error(`IsthmusMap: dim is ${dim}; give 2 or 3`);
    const count = Math.floor(places.length / dim);
    const { at, lost } = centred(places, dim, count);
    const order = shuffled(count);
    const hidden = lost.slice(), chosen = new Uint8Array(count), flags = new Uint8Array(count);
    const paint = new Uint8Array(4 * count);
    const heard = { hover: [], select: [], view: [] };
    const view = { width: 1, height: 1, turn: new Float32Array(9), middle: new Float32Array(3), zoom: 1, yaw: 0, pitch: 0 };
    let gpu = null, budget = 250000, drawn = 0, frames = 0, asked = 0, since = 0, last = 0, moved = true, grow = 1;
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

    function frame(now) {
      asked = 0;
      if (gone || gpu.gl.isContextLost()) return;
      const took = now - Math.max(last, since); // how long the frame before kept this one waiting
      last = now;
      if (drawn > 0) budget = Math.max(20000, Math.min(count, budget * (took > 24 ? Math.max(0.3, 20 / took) : took < 18 ? 1.25 : 1)));
      const peak = sizes();
      if (moved) drawn = 0;
      moved = false;
      const until = Math.min(count, Math.ceil(drawn + budget));
      if (drawn < until || drawn === 0) gpu.add(drawn, until, view);
      drawn = until;
      gpu.show(Math.max(drawn, 1) / Math.max(count, 1), peak);
      above();
      frames += 1;
      if (drawn < count) ask();
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
      const mixed = new Float32Array(3 * count);
      for (let j = 0; j < count; j += 1) {
        for (let k = 0; k < 3; k += 1) mixed[3 * j + k] = at[3 * order[j] + k];
      }
      gpu.fill(0, mixed);
      gpu.fill(1, paint);
      flag();
      fit(true);
    }

    function fit(anew = false) {
      const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
      const width = canvas.clientWidth || canvas.width, height = canvas.clientHeight || canvas.height;
      const wide = Math.max(1, Math.round(width * ratio)), high = Math.max(1, Math.round(height * ratio));
      Object.assign(view, { width, height });
      if (anew || canvas.width !== wide || canvas.height !== high) {
        Object.assign(canvas, { width: wide, height: high });
        gpu.resize(wide, high);
      }
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
      reset, resize: () => fit(), frames: () => frames, whole: () => drawn >= count && !moved,
      destroy() {
        gone = true;
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

  // Mouse, touch and keyboard. Gives back what stops listening.
  function listen(canvas, map) {
    const fingers = new Map();
    let line = null, far = 0, moves = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const spread = () => {
      const [[a, b], [c, d]] = [...fingers.values()];
      return { x: (a + c) / 2, y: (b + d) / 2, far: Math.max(1, Math.hypot(a - c, b - d)) };
    };

    function down(event) {
      if (event.pointerType === "mouse" && event.button > 2) return;
      canvas.setPointerCapture?.(event.pointerId);
      fingers.set(event.pointerId, place(event));
      far = 0;
      const lassoes = fingers.size === 1 && event.button === 0 && (event.shiftKey || map.lassoing());
      line = lassoes ? [place(event)] : null;
      moves = map.dim === 2 || event.button > 0 || event.ctrlKey || event.metaKey ? "shift" : "rotate";
      if (!line) map.draw(null);
    }

    function move(event) {
      const [x, y] = place(event), before = fingers.get(event.pointerId);
      if (!before) {
        if (event.pointerType === "mouse") map.hover(map.rowAt(x, y), x, y);
        return;
      }
      const old = fingers.size === 2 ? spread() : null;
      fingers.set(event.pointerId, [x, y]);
      const [right, below] = [x - before[0], y - before[1]];
      far += Math.hypot(right, below);
      if (old) {
        const now = spread();
        map.shift(now.x - old.x, now.y - old.y);
        map.zoom(now.far / old.far, now.x, now.y);
      } else if (line) {
        const [a, b] = line[line.length - 1];
        if (Math.hypot(x - a, y - b) > 2) line.push([x, y]);
        map.draw(line);
      } else if (moves === "rotate") map.rotate(right / 160, below / 160);
      else map.shift(right, below);
    }

    function up(event) {
      if (!fingers.delete(event.pointerId)) return;
      const [x, y] = place(event), ended = line;
      line = null;
      if (event.type === "pointercancel") far = Infinity;
      if (ended && ended.length > 2 && event.type === "pointerup") map.chose(map.within(ended));
      map.draw(null);
      if (far < 5 && fingers.size === 0 && event.button < 2) {
        const row = map.rowAt(x, y);
        if (event.pointerType !== "mouse") map.hover(row, x, y);
        map.chose(row < 0 ? NONE : Uint32Array.of(row));
      }
    }

    function wheel(event) {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 24 : event.deltaMode === 2 ? 400 : 1;
      map.zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) * (event.ctrlKey ? 0.01 : 0.0018)), ...place(event));
    }

    function twice(event) {
      const [x, y] = place(event), row = map.dim === 3 ? map.rowAt(x, y) : -1;
      if (row >= 0) map.view.middle.set(map.at(row));
      if (row >= 0) map.changed();
      else map.zoom(2, x, y);
    }

    function key(event) {
      const arrow = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (arrow && (map.dim === 2 || event.shiftKey)) map.shift(60 * arrow[0], 60 * arrow[1]);
      else if (arrow) map.rotate(-0.12 * arrow[0], -0.12 * arrow[1]);
      else if (event.key === "+" || event.key === "=") map.zoom(1.25);
      else if (event.key === "-" || event.key === "_") map.zoom(0.8);
      else if (event.key === "0" || event.key === "Home") map.reset();
      else if (event.key === "Escape") map.chose(NONE);
      else if (event.key === "Enter" || event.key === " ") {
        const { width, height } = map.view;
        map.hover(map.rowAt(width / 2, height / 2), width / 2, height / 2);
      } else return;
      event.preventDefault();
    }

    const heard = {
      pointerdown: down, pointermove: move, pointerup: up, pointercancel: up, wheel, dblclick: twice, keydown: key,
      pointerleave: () => { if (!fingers.size) map.hover(-1, 0, 0); },
      contextmenu: (event) => event.preventDefault(),
      webglcontextlost: (event) => event.preventDefault(),
      webglcontextrestored: () => map.build(),
    };
    for (const [name, hear] of Object.entries(heard)) canvas.addEventListener(name, hear, { passive: false });
    canvas.style.touchAction = "none";
    if (!canvas.hasAttribute("tabindex")) canvas.tabIndex = 0;
    return () => { for (const [name, hear] of Object.entries(heard)) canvas.removeEventListener(name, hear); };
  }

  globalThis.IsthmusMap = { create };
})();
