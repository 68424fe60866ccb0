// Points, and which of them lie where.

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
