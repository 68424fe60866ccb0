// A form whose blank fields are filled as it is typed into, with how sure that is.

import {ask, latest} from "../api.js";
import {button, cell, fault, fill, form, h, head, labelled, number, percent, words} from "../parts.js";

export async function show(root, page) {
  const subject = page.state.subject;
  const says = h("div", {"aria-live": "polite"});
  const ask_ = latest(async (row) => {
    try {
      const {cells} = await ask("fill", {row});
      for (const [name, told] of made.told) fill(told, name in cells ? guess(cells[name]) : null);
      fill(says, h("p", {class: "small"}, `${Object.keys(row).length} cells given, ${Object.keys(cells).length} filled in from them.`));
    } catch (error) {
      fill(says, fault(error.message));
    }
  });
  const made = form(subject.columns, {changed: () => ask_(made.read())});
  const row = h("input", {type: "number", min: 0, max: Math.max(subject.rows - 1, 0), value: 0});
  fill(root, head("Fill in", "Type what you know. What is blank is filled in from it, with the likeliest values and their probabilities, or a range that holds nine times of ten."),
    h("div", {class: "bar-of"}, subject.rows ? [labelled("Row", row), button("Copy from data", async () => {
      try {
        const {cells} = await ask(`rows/${Math.trunc(Number(row.value)) || 0}`);
        made.set(cells);
      } catch (error) {
        fill(says, fault(error.message));
      }
    })] : null, button("Clear", () => made.clear(), {class: "plain"})), says, made.element);
  await ask_(made.read());
}

function guess(told) {
  if (told.options) {
    return told.options.filter(([, chance], i) => i === 0 || chance >= 0.02).slice(0, 3).map(([value, chance], i) =>
      h("span", {class: "chance"}, i ? h("span", {}, words(cell(value))) : h("b", {}, words(cell(value))), h("span", {}, percent(chance)),
        h("progress", {max: 1, value: chance, "aria-label": `probability of ${value}`})));
  }
  const sure = told.low !== null && told.low !== undefined ? `, ${cell(told.low)} to ${cell(told.high)}` : "";
  return [h("b", {}, cell(told.value)), sure];
}
