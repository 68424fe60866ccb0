// Rows or pictures made up, of what is asked for.

import {ask, download} from "../api.js";
import {button, choice, fault, fill, form, gallery, h, head, into, labelled, save, table} from "../parts.js";

export async function show(root, page) {
  const subject = page.state.subject;
  const n = h("input", {type: "number", min: 1, max: 100000, value: 20});
  const seed = h("input", {type: "number", min: 0, value: 0});
  const result = h("div", {"aria-live": "polite"}), says = h("div", {});
  fill(root, head("Generate", "Rows that do not exist, drawn so that they fit together and fulfil what you ask for. They are made up: never take them for observations."));
  if (subject.kind !== "table") {
    const {labels} = await ask("generate/labels");
    const label = choice([["", "any"], ...labels], "");
    root.append(h("div", {class: "bar-of"}, labels.length ? labelled("Of", label) : null, labelled("How many", n), labelled("Seed", seed),
      button("Make", () => into(result, async () => {
        const {rows, notes} = await ask("generate", {n: Number(n.value), seed: Number(seed.value), given: label.value ? {label: label.value} : {}});
        notes.forEach(page.tell);
        return gallery(rows, () => label.value ? `made up, ${label.value}` : "made up");
      }, "Drawing"))), result);
    return;
  }
  const made = form(subject.columns, {conditions: true});
  const wanted = () => ({n: Number(n.value), seed: Number(seed.value), given: made.read()});
  const keep = button("Download as CSV", async () => {
    try {
      save(await download("generate/csv", wanted()), "made-up.csv");
    } catch (error) {
      fill(says, fault(error.message));
    }
  }, {class: "plain"});
  root.append(h("div", {class: "bar-of"}, labelled("How many", n), labelled("Seed", seed),
    button("Make", () => into(result, async () => {
      fill(says);
      const asked = wanted();
      const {rows, notes} = await ask("generate", {...asked, n: Math.min(asked.n, 200)});
      notes.forEach(page.tell);
      const first = Object.keys(asked.given);
      const columns = [...first, ...Object.keys(rows[0]?.cells ?? {}).filter((name) => !first.includes(name))];
      return [h("h3", {}, `${rows.length} made up${first.length ? `, of what was asked for in ${first.length} columns` : ""}`),
        table(rows, columns, {caption: "Rows made up"}),
        asked.n > rows.length && h("p", {class: "small"}, `The first ${rows.length}; the download holds ${asked.n.toLocaleString("en")}.`)];
    }, "Drawing")), keep, button("Clear conditions", () => made.clear(), {class: "plain"})), says, result, h("h3", {}, "Conditions"), made.element);
}
