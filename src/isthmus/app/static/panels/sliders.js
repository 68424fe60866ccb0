// One number of the code moved, and what it says shown at once; walks between two rows.

import {ask, download, latest} from "../api.js";
import {button, choice, fault, fill, gallery, h, head, into, labelled, number, percent, showInstead, shown, slider, table} from "../parts.js";
import {play} from "../sound.js";

export async function show(root, page) {
  const subject = page.state.subject;
  const body = h("div", {});
  fill(root, head("Code sliders", "Move one number of the code, and see what the decoder makes of it. What has changed since the start is marked."), body);
  await into(body, async () => {
    const found = await ask("sliders");
    return desk(found, subject, page);
  });
}

function desk(found, subject, page) {
  let code = [], start = null, given = {}, ways = "numbers";
  const says = h("div", {}), list = h("div", {class: "sliders-list"}), result = h("div", {class: "large", "aria-live": "off"});
  const time = h("p", {class: "small", "data-testid": "time"});
  const row = h("input", {type: "number", min: 0, max: Math.max(0, subject.rows - 1), value: subject.rows ? 0 : ""});
  let made = [];

  const decode = latest(async () => {
    const began = performance.now();
    try {
      const decoded = await ask("sliders/decode", {code, given});
      showInstead(result, decoded, start);
      requestAnimationFrame(() => { time.textContent = `shown in ${Math.round(performance.now() - began)} ms`; });
      fill(says);
    } catch (error) {
      fill(says, fault(error.message));
    }
  });

  async function begin(query) {
    try {
      const begun = await ask(`sliders/start?${query}`);
      code = [...begun.code];
      start = begun.again;
      if (listen) listen.disabled = false;
      given = begun.shown?.cells ?? (begun.shown?.label ? {label: begun.shown.label} : {});
      if (ways === "directions") code = code.map(Number);
      draw();
      fill(result, begun.shown?.picture ? [shown(begun.shown), shown(begun.again)] : shown(begun.again));
      fill(says);
      time.textContent = begun.shown ? "as the decoder rebuilds it" : "a code as it may occur";
    } catch (error) {
      fill(says, fault(error.message));
    }
  }

  function draw() {
    const listed = (ways === "numbers" ? found.numbers : found.directions).slice(0, 64);
    const base = [...code];
    const moved = listed.map(() => 0);
    made = listed.map((each, i) => {
      const now = ways === "numbers" ? base[each.index] : 0;
      const middle = ways === "numbers" ? each.middle : 0;
      const [low, high] = [Math.min(middle - each.reach, now), Math.max(middle + each.reach, now)];
      const name = ways === "numbers" ? `number ${each.index}` : `direction ${i + 1}`;
      return slider(name, {low, high, value: now}, (value) => {
        if (ways === "numbers") code[each.index] = value;
        else {
          moved[i] = value;
          code = base.map((one, j) => one + listed.reduce((sum, other, k) => sum + (moved[k] ? moved[k] * other.vector[j] : 0), 0));
        }
        decode();
      });
    });
    fill(list, listed.map((each, i) => {
      made[i].element.title = `${percent(each.share)} of how codes vary`;
      return made[i].element;
    }));
  }

  const kinds = choice([["numbers", "numbers of the code"], ["directions", "directions codes vary in"]], ways, (value) => { ways = value; draw(); });
  let seed = 0;
  const from = h("div", {class: "bar-of"},
    subject.rows ? [labelled("Row", row), button("Start there", () => begin(`row=${Math.trunc(Number(row.value)) || 0}`))] : null,
    button("Any code", () => begin(`seed=${seed++}`), {class: "plain"}),
    button("Back", () => { draw(); begin(subject.rows && row.value !== "" ? `row=${Math.trunc(Number(row.value)) || 0}` : "seed=0"); }, {class: "plain"}));
  const controls = h("div", {}, from, labelled("Sliders for", kinds), h("p", {class: "small"}, "Those that codes vary most in first."), list, given_(subject, (to) => { given = {...given, ...to}; decode(); }));
  const listen = !subject.sounds ? null : button("Listen to what the code says", async () => {
    try {
      play(await download("sliders/sound", {code, given}));
    } catch (error) {
      fill(says, fault(error.message));
    }
  }, {disabled: true});
  begin(subject.rows ? "row=0" : "seed=0");
  return [h("div", {class: `split ${subject.kind}`}, controls, h("div", {class: "sticky"}, says, result, listen, time)), subject.rows > 1 ? walk(subject) : null];
}

/** Ask for a label, where pictures were told theirs. */
function given_(subject, changed) {
  const label = subject.kind === "pictures" && subject.columns.find((column) => column.name === "label");
  if (!label) return null;
  return labelled("Label that the decoder is told", choice([["", "as it is"], ...label.values], "", (value) => value && changed({label: value})));
}

function walk(subject) {
  const end = (value) => h("input", {type: "number", min: 0, max: subject.rows - 1, value});
  const [one, other] = [end(0), end(Math.min(1, subject.rows - 1))];
  const steps = h("input", {type: "number", min: 1, max: 50, value: 7});
  const result = h("div", {});
  const go = button("Walk", () => into(result, async () => {
    const told = await ask("sliders/walk", {start: Number(one.value), end: Number(other.value), steps: Number(steps.value)});
    if (told.ends[0].picture) return gallery([told.ends[0], ...told.steps, told.ends[1]], (row) => (row.row === null ? "between" : `picture ${row.row}`));
    const names = Object.keys(told.steps[0].cells);
    const changing = names.filter((name) => new Set(told.steps.map((step) => String(step.cells[name]))).size > 1);
    const rows = told.steps.map((step, i) => ({...step, share: (i / (told.steps.length - 1))}));
    return [h("p", {class: "small"}, `${changing.length} of ${names.length} columns change on the way.`),
      table(rows, changing, {caption: "The way from one row to the other", lead: [["way", (row) => percent(row.share)]]})];
  }));
  return [h("h3", {}, "Walk between two rows"), h("div", {class: "bar-of"}, labelled("From row", one), labelled("To row", other),
    labelled("Steps between", steps), go), result];
}
