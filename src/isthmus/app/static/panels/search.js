// Rows like another, or like one of which a few cells are known; with conditions.

import {ask} from "../api.js";
import {button, caption, fill, form, gallery, h, head, into, labelled, number, shown, table} from "../parts.js";

export async function show(root, page) {
  const subject = page.state.subject;
  const pictures = subject.kind === "pictures";
  const row = h("input", {type: "number", min: 0, max: subject.rows - 1, value: 0});
  const n = h("input", {type: "number", min: 1, max: 200, value: 10});
  const result = h("div", {"aria-live": "polite"});
  const known = pictures ? null : form(subject.columns);
  const where = form(subject.columns, {conditions: true});
  const find = (query) => into(result, async () => {
    const told = await ask("search", {...query, n: Number(n.value), where: where.read()});
    told.notes.forEach(page.tell);
    const lead = [["row", (each) => each.row], ["distance", (each) => number(each.distance)]];
    if (!told.rows.length) return h("p", {}, "No row fulfils the conditions.");
    if (pictures) return [h("h3", {}, "Like"), gallery([told.query]), h("h3", {}, "Nearest"),
      gallery(told.rows, (each) => `${caption(each)}, ${number(each.distance)}`, (each) => { row.value = each.row; find({row: each.row}); })];
    return [h("h3", {}, `${told.rows.length} nearest`), table(told.rows, Object.keys(told.rows[0].cells), {caption: "Nearest rows", lead}),
      h("details", {}, h("summary", {}, "What they are like"), shown(told.query))];
  });
  fill(root, head("Search", "Rows whose codes are nearest. Look for what is like a row of the data, or like one of which you know a few cells: the others are filled in first."),
    h("div", {class: "bar-of"}, labelled("Row", row), labelled("How many", n),
      button(`Find ${subject.sounds ? "sounds" : pictures ? "pictures" : "rows"} like it`, () => find({row: Math.trunc(Number(row.value)) || 0}))),
    known ? h("details", {}, h("summary", {}, "By what is known"), h("div", {class: "bar-of"}, button("Find rows like these cells", () => find({cells: known.read()})),
      button("Clear", () => known.clear(), {class: "plain"})), known.element) : null,
    subject.columns.length ? h("details", {}, h("summary", {}, "Only among rows that"), where.element) : null, result);
  await find({row: 0});
}
