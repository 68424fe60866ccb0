// A picture before and after, with a handle between.

import {deliver} from "../api.js";
import {beforeAfter, button, choice, fill, h, head, into, labelled, number, picture, save} from "../parts.js";

export async function show(root, page) {
  let file = null;
  const own = page.state.subject?.kind === "denoiser";
  const how = choice([["photos", own ? `learnt by ${page.state.subject.model}` : "learnt of photos"], ["self", "from this picture alone"], ["both", "both, thoroughly"]], "photos");
  const level = h("input", {type: "number", min: 0, max: 255, step: 1, placeholder: "estimated"});
  const noise = h("input", {type: "number", min: 0, max: 100, step: 5, value: 0});
  const result = h("div", {"aria-live": "polite"});
  const go = button("Denoise", () => file && clean(), {disabled: true});
  const input = h("input", {type: "file", accept: "image/*", onchange: () => { [file] = input.files; go.disabled = !file; if (file) clean(); }});
  const clean = () => into(result, async () => {
    const query = new URLSearchParams({how: how.value, noise: noise.value || "0"});
    if (level.value !== "") query.set("level", level.value);
    const told = await deliver(`denoise?${query}`, file);
    told.notes.forEach(page.tell);
    const facts = [["size", `${told.columns} x ${told.rows}`], ["noise taken for", `${number(told.level)} of 255`], ["seconds", number(told.seconds)]];
    if (told.psnr_before !== undefined) facts.push(["PSNR before", `${number(told.psnr_before)} dB`], ["PSNR after", `${number(told.psnr_after)} dB`]);
    return [h("dl", {class: "facts"}, facts.map(([dt, dd]) => h("div", {}, h("dt", {}, dt), h("dd", {}, dd)))),
      beforeAfter(told.before, told.after, ["before", "after"]),
      h("p", {}, button("Save as PNG", async () => save(bytesOf(told.after), "clean.png"), {class: "plain"}))];
  }, "Cleaning");
  fill(root, head("Denoise", "Noise taken out of a picture, by what was learnt of photos or from the picture alone. Drag the handle to compare."),
    h("div", {class: "bar-of"}, labelled("Noisy picture", input), labelled("By what", how), labelled("Noise level", level, "standard deviation, of 255"),
      labelled("Noise to add first", noise, "to try it on a clean picture"), go), result);
}

function bytesOf(address) {
  const text = atob(address.split(",")[1]);
  return new Blob([Uint8Array.from(text, (letter) => letter.charCodeAt(0))], {type: "image/png"});
}
