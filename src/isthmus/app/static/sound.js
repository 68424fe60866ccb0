// One sound at a time: what is played next silences what was.

const player = new Audio();
let made = null;

/** Play what the server has at a path, or a blob; nothing happens where the browser waits for a click first. */
export function play(sound) {
  if (made) URL.revokeObjectURL(made);
  made = sound instanceof Blob ? URL.createObjectURL(sound) : null;
  player.src = made ?? `/api/${sound}`;
  player.play().catch(() => {});
}

/** Silence it. */
export const stop = () => player.pause();
