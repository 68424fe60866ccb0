// The sums that the graphics card makes, made by the processor: where there is no card, what draws in its place takes
// many times as long for a point.
function adder() {
  let wide = 0, high = 0, kept = null;

  // Adds a disc, as the card's shader does.
  function disc(sums, x, y, radius, red, green, blue, weight) {
    const left = Math.max(0, Math.ceil(x - radius - 0.5)), right = Math.min(wide, Math.ceil(x + radius - 0.5));
    const low = Math.max(0, Math.ceil(y - radius - 0.5)), high_ = Math.min(high, Math.ceil(y + radius - 0.5));
    for (let row = low; row < high_; row += 1) {
      for (let column = left; column < right; column += 1) {
        const far = radius < 1.2 ? 0 : Math.sqrt((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2);
        const share = radius < 1.2 ? weight : weight * Math.min(1, radius + 0.5 - far), pixel = 4 * (row * wide + column);
        if (share <= 0) continue;
        sums[pixel] += red * share;
        sums[pixel + 1] += green * share;
        sums[pixel + 2] += blue * share;
        sums[pixel + 3] += share;
      }
    }
  }

  return {
    // Adds points `first` to `last` to the sums; from the first on, sums start at nought.
    add(first, last, view, { at, paint, flags }, width, height) {
      if (wide !== width || high !== height) {
        [wide, high] = [width, height];
        kept = new Float32Array(4 * wide * high);
      } else if (first === 0) kept.fill(0);
      const sums = kept, w = wide, h = high, { eye, size, chosen } = view, t = view.turn, m = view.middle;
      const right = view.unit * w / view.width, up = view.unit * h / view.height;
      const [xa, xb, xc] = [t[0] * right, t[3] * right, t[6] * right], [ya, yb, yc] = [t[1] * up, t[4] * up, t[7] * up];
      const [za, zb, zc, m0, m1, m2, flat] = [t[2], t[5], t[8], m[0], m[1], m[2], !(eye > 0)];
      const base = Math.min(1, size * size) / 255;
      for (let j = first; j < last; j += 1) {
        const flag = flags[j], a = at[3 * j] - m0, b = at[3 * j + 1] - m1, c = at[3 * j + 2] - m2;
        if (flag & 1) continue;
        let near = 1, weight = paint[4 * j + 3] * base;
        if (!flat) {
          near = eye / Math.max(eye + za * a + zb * b + zc * c, 0.01);
          if (near > 16) continue;
          weight = paint[4 * j + 3] / 255 * Math.min(1, size * near * size * near) * near * near * near;
        }
        const x = w / 2 + (xa * a + xb * b + xc * c) * near, y = h / 2 + (ya * a + yb * b + yc * c) * near;
        if (!(x >= 0 && y >= 0 && x < w && y < h)) continue;
        let red = paint[4 * j] / 255, green = paint[4 * j + 1] / 255, blue = paint[4 * j + 2] / 255;
        if (chosen && flag < 2) {
          red = 0.2 * red + 0.44; green = 0.2 * green + 0.44; blue = 0.2 * blue + 0.44;
          weight *= 0.12;
        }
        if (size * near >= 1.5) disc(sums, x, y, size * near / 2, red, green, blue, weight);
        else {
          const pixel = 4 * ((y | 0) * w + (x | 0));
          sums[pixel] += red * weight;
          sums[pixel + 1] += green * weight;
          sums[pixel + 2] += blue * weight;
          sums[pixel + 3] += weight;
        }
      }
      return sums;
    },
  };
}
