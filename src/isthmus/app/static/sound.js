// One sound at a time: what is played next silences what was.

import {h} from "./dom.js";

const player = new Audio();
let made = null;

/** Play what the server has at a path, or a blob; nothing happens where the browser waits for a click first. */
export function play(sound) {
  if (made) URL.revokeObjectURL(made);
  made = sound instanceof Blob ? URL.createObjectURL(sound) : null;
  player.src = made ?? `/api/${sound}`;
  player.play().catch(() => {});
}

/** Make a player for each address of a sound; one that begins goes on from where another was, and silences it. */
export function players(sounds) {
  const made = sounds.map(([name, address]) => h("audio", {controls: true, src: address, "aria-label": name, onplay: (event) => {
    for (const other of made) {
      if (other === event.target || other.paused) continue;
      event.target.currentTime = other.currentTime;
      other.pause();
    }
  }}));
  return made.map((one, i) => h("figure", {class: "player"}, h("figcaption", {}, sounds[i][0]), one));
}

/** Silence it. */
export const stop = () => player.pause();
