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
  uniform sampler2D sums; uniform float share, full; out vec4 seen;
  void main() {
    vec4 sum = texelFetch(sums, ivec2(gl_FragCoord.xy), 0) / UNIT;
    float crowd = sum.a / share;
    float cover = min(1., log(1. + crowd) * full) * .95;
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

// What the graphics card holds and does.
function painter(canvas, count) {
  const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, depth: false, preserveDrawingBuffer: true });
  if (!gl) throw new Error("IsthmusMap: this browser has no WebGL 2");
  const float = gl.getExtension("EXT_color_buffer_float");
  const full = float && gl.getExtension("EXT_float_blend");
  const half = float || gl.getExtension("EXT_color_buffer_half_float");
  const unit = half ? "1." : "(1. / 32.)"; // without floats a pixel holds 32 points, and no more
  const points = program(gl, POINTS, DISC, ["turn", "middle", "scale", "eye", "size", "chosen"], unit);
  const tones = program(gl, WHOLE, TONES, ["sums", "share", "full"], unit);
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
    exact: Boolean(full),
    // Takes sums that were made elsewhere.
    put(made) {
      gl.bindTexture(gl.TEXTURE_2D, sums);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, canvas.width, canvas.height, gl.RGBA, gl.FLOAT, made);
    },
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
      gl.uniform1f(tones.at.full, 1 / Math.log(1 + peak));
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
