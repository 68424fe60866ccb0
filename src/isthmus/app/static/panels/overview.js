// What the model is, how it was trained, and what survives its code.

import {ask} from "../api.js";
import {bytes, empty, fill, h, head, into, number, percent, plot, words} from "../parts.js";

export async function show(root, page) {
  const body = h("div", {});
  fill(root, head("Overview", "The model, its training, and how much of each variable comes back from the code alone."), body);
  await into(body, async () => draw(await ask("overview"), page.state.subject));
}

function draw({facts, kind}, subject) {
  if (!Object.keys(facts).length) return empty(`A ${kind}: it has no schema and no code to look at here.`);
  const code = typeof facts.code === "string" ? facts.code : [facts.code?.name, facts.code?.size].filter(Boolean).join(":");
  const told = [["model", subject.model], ["code", code], ["weights", number(facts.weights)], ["file", bytes(facts.bytes)],
    ["rows learnt from", number(facts.rows ?? facts.pictures ?? facts.recordings)], ["seconds of training", number(facts.seconds)],
    ["variance kept", facts.explained === undefined ? null : percent(facts.explained)], ["seed", facts.seed]]
    .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== "–");
  return [
    h("dl", {class: "facts"}, told.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    facts.notes?.length ? h("ul", {class: "small"}, facts.notes.map((note) => h("li", {}, note))) : null,
    facts.survival?.length ? survival(facts) : null,
    facts.history?.length ? [h("h3", {}, "Training"), curve(facts)] : null,
    facts.schema?.length ? [h("h3", {}, "Schema"), schema(facts.schema)] : null,
  ];
}

/** Show what survives, worst first by the share of what could be lost. */
function survival({survival: rows}) {
  const kept = (each) => each.bits_alone > 0 ? Math.max(0, 1 - each.bits / each.bits_alone) : 1;
  const sorted = [...rows].sort((one, other) => kept(one) - kept(other));
  const cells = (each) => h("tr", {}, h("th", {scope: "row"}, words(each.column)), h("td", {}, each.kind),
    h("td", {}, h("div", {class: "survives"}, h("span", {}, percent(kept(each))),
      h("progress", {max: 1, value: kept(each), "aria-label": `kept of ${each.column}`}))),
    h("td", {class: "number"}, number(each.value)), h("td", {class: "number"}, number(each.baseline)), h("td", {}, each.measure));
  return [h("h3", {}, "What survives the code"),
    h("p", {class: "small"}, "Bits that the code saves of those each variable takes alone; beside it how near it comes back, and how near the best constant guess is. Worst first."),
    h("div", {class: "scroll", role: "region", tabindex: 0, "aria-label": "What survives"}, h("table", {},
      h("thead", {}, h("tr", {}, ["variable", "kind", "bits kept", "comes back", "constant guess", "measure"].map((name, i) =>
        h("th", {scope: "col", class: i === 3 || i === 4 ? "number" : null}, name)))), h("tbody", {}, sorted.map(cells))))];
}

/** Draw the loss of held-out rows, and of those learnt from where it is told as one number. */
function curve({history}) {
  const held = history.map((each) => [each.step, each.held_out?.total ?? each.held_out?.loss]);
  const best = held.reduce((low, point) => (point[1] < low[1] ? point : low), held[0]);
  return plot([{name: "held out", class: "", points: held, dots: held.length < 60}],
    {x: "step", y: `loss on held-out rows, best ${number(best[1])} at step ${number(best[0])}`});
}

const schema = (columns) => h("div", {class: "scroll", role: "region", tabindex: 0, "aria-label": "Schema"}, h("table", {},
  h("thead", {}, h("tr", {}, ["column", "kind", "type", "missing", "values"].map((name) => h("th", {scope: "col"}, name)))),
  h("tbody", {}, columns.map((each) => h("tr", {}, h("th", {scope: "row"}, words(each.column)), h("td", {}, each.kind),
    h("td", {}, each.dtype), h("td", {}, each.missing ? "some" : "none"), h("td", {}, each.values))))));
