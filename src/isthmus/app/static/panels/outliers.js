// The oddest rows with the cells that make them so; the oddest pictures with where.

import {ask} from "../api.js";
import {caption, choice, fill, h, head, histogram, into, labelled, number, picture, table, words, cell} from "../parts.js";

export async function show(root, page) {
  const body = h("div", {});
  const count = choice([10, 25, 50, 100], 10, (n) => draw(n));
  fill(root, head("Outliers", "Rows that the model holds to be least likely, with the cells that make them so: what stands there, and what was expected from the rest of the row."),
    h("div", {class: "bar-of"}, labelled("Show the oddest", count)), body);
  const draw = (n) => into(body, async () => {
    const told = await ask(`outliers?n=${n}`);
    const pictures = Boolean(told.rows[0]?.picture);
    return [histogram(told.scores, {label: `scores of all ${page.state.subject.rows.toLocaleString("en")} ${pictures ? "pictures" : "rows"}, in ${told.unit}; heights are logarithmic`}),
      pictures ? told.rows.map(odd) : list(told.rows)];
  }, "Looking at every row");
  await draw(10);
}

const odd = (row) => h("div", {class: "gallery"}, picture(row.picture, caption(row)), picture(row.again, "rebuilt"),
  picture(row.error, `where, score ${number(row.score)}`));

function list(rows) {
  return h("ol", {class: "odd-list"}, rows.map((row) => {
    const by = new Map(row.odd.map((each) => [each.column, each]));
    return h("li", {}, h("strong", {}, `row ${row.row}`), h("span", {class: "muted"}, ` score ${number(row.score)} bits`),
      h("ul", {}, row.odd.map((each) => h("li", {}, h("b", {}, words(each.column)), ` is ${words(cell(each.value))}; `,
        `expected ${words(cell(each.expected))}`, each.bits === undefined ? "" : h("span", {class: "muted"}, `, ${number(each.bits)} bits`)))),
      h("details", {}, h("summary", {}, "the whole row"), table([row], Object.keys(row.cells), {caption: `Row ${row.row}`,
        marked: (_, column) => by.has(column) ? {class: "odd", mark: "odd", hint: `expected ${cell(by.get(column).expected)}`} : null})));
  }));
}
