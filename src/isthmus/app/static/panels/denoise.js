// A picture or a sound before and after, with a handle between.

import {deliver} from "../api.js";
import {beforeAfter, button, choice, fill, h, head, into, isSound, labelled, number, save, SOUNDS} from "../parts.js";
import {players} from "../sound.js";

export async function show(root, page) {
  const {subject} = page.state, heard = subject?.kind === "speech" || subject?.sounds;
  const kinds = {picture: ofPictures(subject), sound: ofSounds(subject)};
  const chosen = () => kinds[(file ? isSound(file) : heard) ? "sound" : "picture"];
  const result = h("div", {"aria-live": "polite"});
  let file = null, laid = [], made = [];
  const forget = () => { made.forEach((address) => URL.revokeObjectURL(address)); made = []; };
  const kept = (address) => { made.push(URL.createObjectURL(bytesOf(address))); return made.at(-1); };
  const go = button("Denoise", () => clean(), {disabled: true});
  const input = h("input", {type: "file", accept: `image/*,${SOUNDS}`, onchange: () => {
    file = input.files[0] ?? null;
    go.disabled = !file;
    lay();
    if (file) clean();
  }});
  const own = labelled("Noisy picture or sound", input, "a sound of at most a minute");
  const lay = () => {
    laid.forEach((control) => control.remove());
    laid = chosen().controls;
    go.before(...laid);
  };
  const clean = () => into(result, async () => {
    const kind = chosen(), told = await deliver(`denoise?${new URLSearchParams({name: file.name, ...kind.read()})}`, file);
    told.notes.forEach(page.tell);
    forget();
    return [h("dl", {class: "facts"}, kind.facts(told).map(([dt, dd]) => h("div", {}, h("dt", {}, dt), h("dd", {}, dd)))), kind.shown(told, kept)];
  }, "Cleaning");
  fill(root, head("Denoise", "Noise taken out of a picture or of speech, by what was learnt of photos and of voices, or from the picture or sound alone. Drag the handle to compare."),
    h("div", {class: "bar-of"}, own, go), result);
  lay();
  return forget;
}

function ofPictures(subject) {
  const how = choice([["learnt", subject?.kind === "denoiser" ? `learnt by ${subject.model}` : "learnt of photos"], ["self", "from this picture alone"], ["both", "both, thoroughly"]], "learnt");
  const level = h("input", {type: "number", min: 0, max: 255, step: 1, placeholder: "estimated"});
  const noise = h("input", {type: "number", min: 0, max: 100, step: 5, value: 0});
  return {
    controls: [labelled("By what", how), labelled("Noise level", level, "standard deviation, of 255"), labelled("Noise to add first", noise, "to try it on a clean picture")],
    read: () => ({how: how.value, noise: noise.value || "0", ...(level.value === "" ? {} : {level: level.value})}),
    facts: (told) => [["size", `${told.columns} x ${told.rows}`], ["noise taken for", `${number(told.level)} of 255`], ["seconds", number(told.seconds)],
      ...told.psnr_before === undefined ? [] : [["PSNR before", `${number(told.psnr_before)} dB`], ["PSNR after", `${number(told.psnr_after)} dB`]]],
    shown: (told) => [beforeAfter(told.before, told.after, ["before", "after"]), saving("Save as PNG", told.after, "clean.png")],
  };
}

function ofSounds(subject) {
  const how = choice([["learnt", subject?.kind === "speech" ? `learnt by ${subject.model}` : "learnt of speech"], ["self", "from this sound alone"]], "learnt");
  const above = h("input", {type: "number", min: -20, max: 60, step: 5, placeholder: "none"});
  return {
    controls: [labelled("By what", how), labelled("Noise to add first", above, "decibels that the sound is above it, to try it on a clean one")],
    read: () => ({how: how.value, ...(above.value === "" ? {} : {above: above.value})}),
    facts: (told) => [["length", `${number(told.length)} s`], ["samples a second", number(told.rate)], ["noise taken for", told.levels.map((level) => number(level)).join(", ")],
      ["by", told.by === "speech" ? "what was learnt of speech" : how.value === "self" ? "the sound alone" : "the sound alone: nobody speaks"], ["seconds", number(told.seconds)],
      ...told.above_before === undefined ? [] : [["signal to noise before", `${number(told.above_before)} dB`], ["signal to noise after", `${number(told.above_after)} dB`]]],
    shown: (told, kept) => [
      h("div", {class: "spectra"}, beforeAfter(...told.pictures, ["before", "after"])),
      h("p", {class: "small"}, "Low pitch is at the bottom; the lighter, the louder."),
      h("div", {class: "players"}, players([["before", kept(told.sounds[0])], ["after", kept(told.sounds[1])]])),
      saving("Save as WAV", told.sounds[1], "clean.wav"),
    ],
  };
}

const saving = (text, address, name) => h("p", {}, button(text, () => save(bytesOf(address), name), {class: "plain"}));

/** Give what an address of data holds. */
function bytesOf(address) {
  const [about, data] = address.split(",");
  return new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], {type: about.slice(5, about.indexOf(";"))});
}
