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
