// The features of a sparse code, and a language model steered by one.

import {ask} from "../api.js";
import {button, busy, fault, fill, h, head, into, labelled} from "../parts.js";

export async function show(root) {
  const place = h("div", {}, busy("Looking at every feature"));
  const steering = h("div", {});
  fill(root, head("Features", "What single numbers of a sparse code stand for: where each is highest, how often it fires, and what goes with it."), steering, place);
  const {steers} = await ask("features");
  if (steers) fill(steering, steer());
  try {
    const answer = await fetch("/api/features/page");
    if (!answer.ok) throw new Error((await answer.json()).error);
    await answer.blob();
    fill(place, h("iframe", {src: "/api/features/page", title: "Feature browser"}));
  } catch (error) {
    fill(place, fault(error.message));
  }
}

function steer() {
  const text = h("textarea", {rows: 2}, "The best thing about the sea is");
  const feature = h("input", {type: "number", min: 0, value: 0});
  const by = h("input", {type: "number", step: 1, value: 20});
  const tokens = h("input", {type: "number", min: 1, max: 200, value: 40});
  const result = h("div", {"aria-live": "polite"});
  return [h("h3", {}, "Steer"), labelled("Prompt", text), h("div", {class: "bar-of"}, labelled("Feature", feature), labelled("Set to", by, "0 silences it"),
    labelled("Tokens", tokens), button("Write on", () => into(result, async () => {
      const {told} = await ask("features/steer", {text: text.value, feature: Number(feature.value), by: Number(by.value), tokens: Number(tokens.value)});
      return h("div", {class: "two"}, h("div", {}, h("h3", {}, "As it is"), h("pre", {}, told.without)),
        h("div", {}, h("h3", {}, "Steered"), h("pre", {}, told.with)));
    }, "Writing"))), result];
}
