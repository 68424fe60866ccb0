// Rows like another, like a file of one's own, or like a row of which a few cells are known; with conditions.

import {ask, deliver} from "../api.js";
import {button, caption, dropBox, fill, form, gallery, h, head, into, labelled, number, PICTURES, shown, SOUNDS, table} from "../parts.js";

export async function show(root, page) {
  const subject = page.state.subject;
  const pictures = subject.kind === "pictures", one = subject.sounds ? "sound" : pictures ? "picture" : "row";
  const row = h("input", {type: "number", min: 0, max: subject.rows - 1, value: 0});
  const n = h("input", {type: "number", min: 1, max: 200, value: 10});
  const result = h("div", {"aria-live": "polite"});
  const known = pictures ? null : form(subject.columns);
  const where = form(subject.columns, {conditions: true});
  const find = (query) => found(() => ask("search", {...query, n: Number(n.value), where: where.read()}));
  const findFile = (file) => file && found(async () => {
    const query = new URLSearchParams({name: file.name, n: n.value, where: JSON.stringify(where.read())});
    const told = await deliver(`search/file?${query}`, file);
    return subject.sounds ? {...told, query: {...told.query, sound: file}} : told;
  });
  const found = (asked) => into(result, async () => {
    const told = await asked();
    told.notes.forEach(page.tell);
    const lead = [["row", (each) => each.row], ["distance", (each) => far(each.distance)]];
    if (!told.rows.length) return h("p", {}, `No ${one} fulfils the conditions.`);
    if (pictures) return [h("h3", {}, "Like"), gallery([told.query]), h("h3", {}, "Nearest"),
      gallery(told.rows, (each) => `${caption(each)}, ${far(each.distance)}`, (each) => { row.value = each.row; find({row: each.row}); })];
    return [h("h3", {}, `${told.rows.length} nearest`), table(told.rows, Object.keys(told.rows[0].cells), {caption: "Nearest rows", lead}),
      h("details", {}, h("summary", {}, "What they are like"), shown(told.query))];
  });
  fill(root, head("Search", pictures
    ? `${subject.sounds ? "Sounds" : "Pictures"} whose codes are nearest. Look for what is like one of the data, or like a ${one} of your own.`
    : "Rows whose codes are nearest. Look for what is like a row of the data, or like one of which you know a few cells: the others are filled in first."),
  h("div", {class: "bar-of"}, labelled(pictures ? `Number of the ${one}` : "Row", row), labelled("How many", n),
    button(`Find ${one}s like it`, () => find({row: Math.trunc(Number(row.value)) || 0}))),
  known ? h("details", {}, h("summary", {}, "By what is known"), h("div", {class: "bar-of"}, button("Find rows like these cells", () => find({cells: known.read()})),
    button("Clear", () => known.clear(), {class: "plain"})), known.element) : ownFile(one, findFile),
  subject.columns.length ? h("details", {}, h("summary", {}, `Only among ${one}s that`), where.element) : null, result);
  await find({row: 0});
}

/** Write a distance; what is nearer than a ten-thousandth is the same, but for rounding. */
const far = (distance) => number(Math.round(distance * 1e4) / 1e4);

/** Make a box for a file, and a button that looks for it once more, after the conditions have changed. */
function ownFile(one, findFile) {
  let file = null;
  const again = button("Find it again", () => findFile(file), {class: "plain", hidden: true});
  const taken = ([first]) => {
    file = first ?? null;
    again.hidden = !file;
    again.textContent = file ? `Find ${one}s like ${file.name}` : "";
    findFile(file);
  };
  return dropBox(`A ${one} of your own; drop it here or choose it`, "It is looked at, and not kept.", taken,
    {accept: one === "sound" ? SOUNDS : PICTURES}, again);
}
