// Models and data in the folder: open them, send files, fit new ones and watch.

import {ask, deliver, remove} from "../api.js";
import {busy, button, bytes, choice, dropBox, empty, fault, fill, h, head, into, labelled, number, plot} from "../parts.js";

export async function show(root, page) {
  const models = h("div", {}), sending = h("div", {}), fitting = h("div", {"aria-live": "polite"}), form = h("div", {});
  fill(root, head("Library", "Models and data in the folder that this page was opened on. A model is opened by itself, or with data of its kind."),
    h("h3", {}, "Open"), models, h("h3", {}, "Add a file"), sending, h("h3", {}, "Fit a new model"), form, fitting);
  let timer = 0, gone = false;

  async function list() {
    const told = await ask("library");
    fill(models, told.models.length || told.data.length ? opened(told) : empty(
      `There are no models and no data in ${told.folder} yet.`, h("p", {}, "Add a table (CSV, TSV or Parquet) below, and fit a model to it.")));
    fill(form, told.data.length ? fitForm(told) : h("p", {class: "muted"}, "Add data first."));
    progress(told.fit);
  }

  function opened(told) {
    const subject = page.state.subject;
    const model = choice(told.models.map((each) => [each.name, `${each.name} (${bytes(each.bytes)})`]), subject?.model);
    const data = choice([["", "no data"], ...told.data.map((each) => [each.name, each.name])], subject?.data ?? told.data[0]?.name);
    if (!told.models.length) return h("p", {class: "muted"}, "No model yet: fit one below.");
    const says = h("div", {});
    const open = button("Open", async () => {
      open.disabled = true;
      fill(says, busy("Opening"));
      try {
        const {notes} = await ask("library/open", {model: model.value, data: data.value || null});
        notes.forEach(page.tell);
        await page.refresh();
        page.go("overview");
      } catch (error) {
        fill(says, fault(error.message));
      } finally {
        open.disabled = false;
      }
    });
    return [h("div", {class: "bar-of"}, labelled("Model", model), labelled("Data", data), open), says];
  }

  function send() {
    const says = h("div", {role: "status"});
    async function sent(files) {
      for (const file of files) {
        fill(says, busy(`Keeping ${file.name}, ${bytes(file.size)}`));
        try {
          const kept = await deliver(`library/files/${encodeURIComponent(file.name)}`, file, "PUT");
          fill(says, h("p", {}, `Kept ${kept.name}.`));
        } catch (error) {
          fill(says, fault(error.message));
          return;
        }
      }
      await list();
    }
    fill(sending, dropBox("A table, an array, a picture or a model; drop it here or choose it",
      "It is copied into the folder, and goes nowhere else.", sent, {multiple: true}, says));
  }

  function fitForm(told) {
    const about = h("div", {});
    const data = choice(told.data.map((each) => [each.name, each.name]), page.state.subject?.data, schema);
    const name = h("input", {type: "text", value: stem(data.value)});
    const code = h("input", {type: "text", placeholder: "chosen for you"});
    const minutes = h("input", {type: "number", min: 0.1, step: 0.5, placeholder: "as long as it gains"});
    const says = h("div", {});
    async function schema() {
      name.value = stem(data.value);
      await into(about, async () => {
        const {columns, notes} = await ask(`library/columns/${encodeURIComponent(data.value)}`);
        if (!columns.length) return h("p", {class: "muted"}, "Pictures; folders within are their labels.");
        return h("details", {}, h("summary", {}, `${columns.length} columns as they are understood; untick those to leave out`),
          notes.map((note) => h("p", {class: "small"}, note)),
          h("div", {class: "fields"}, columns.map((column) => h("label", {}, h("input", {type: "checkbox", checked: true,
            value: column.column}), ` ${column.column} `, h("small", {}, `${column.kind}: ${column.values}`)))));
      }, "Reading");
    }
    const fit = button("Fit", async () => {
      const drop = [...about.querySelectorAll("input[type=checkbox]:not(:checked)")].map((each) => each.value);
      fill(says);
      try {
        await ask("fit", {data: data.value, name: name.value.trim(), code: code.value.trim(), drop,
          minutes: minutes.value === "" ? null : Number(minutes.value)});
        await watch();
      } catch (error) {
        fill(says, fault(error.message));
      }
    });
    schema();
    return [h("div", {class: "bar-of"}, labelled("Data to fit", data), labelled("Name of the model", name),
      labelled("Code", code, "a size such as 16, or gaussian:16, sparse:64:k=8"),
      labelled("Minutes", minutes), fit), about, says];
  }

  function progress(fit) {
    if (!fit) return fill(fitting);
    const words = {running: `Fitting ${fit.model}`, done: `${fit.model} is fitted`, stopped: "Cancelled: nothing was kept",
      failed: `${fit.model} could not be fitted`}[fit.state];
    fill(fitting, h("div", {class: "empty"}, h("h3", {}, words),
      fit.state === "running" && h("progress", {max: 1, value: fit.share, "aria-label": words}),
      h("p", {class: fit.state === "failed" ? "fault" : "small"}, fit.says),
      fit.curve.length > 1 && plot([{name: "held out", class: "", points: fit.curve}], {x: "step", y: "loss on held-out rows"}),
      fit.state === "running" && button("Cancel", async (event) => {
        event.target.disabled = true;
        await remove("fit");
        await watch();
      }, {class: "plain"}),
      fit.state === "done" && button("Open it", async () => {
        try {
          const data = [...root.querySelectorAll("select")].map((each) => each.value);
          const {notes} = await ask("library/open", {model: fit.model, data: fit.data ?? data.at(-1) ?? null});
          notes.forEach(page.tell);
          await page.refresh();
          page.go("overview");
        } catch (error) {
          page.tell(error.message);
        }
      })));
  }

  async function watch() {
    clearTimeout(timer);
    if (gone) return;
    try {
      const {fit} = await ask("fit");
      progress(fit);
      if (fit?.state === "running") timer = setTimeout(watch, 400);
      else if (fit) {
        const told = await ask("library");
        fill(models, opened(told));
      }
    } catch (error) {
      fill(fitting, fault(error.message));
    }
  }

  send();
  await into(models, async () => { await list(); return [...models.childNodes]; });
  const {fit} = await ask("fit");
  if (fit?.state === "running") await watch();
  return () => { gone = true; clearTimeout(timer); };
}

const stem = (name) => name.replace(/\.(csv\.gz|[a-z]+)$/i, "");
