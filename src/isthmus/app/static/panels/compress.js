// How small data become, by how near they are to be.

import {ask, deliver} from "../api.js";
import {beforeAfter, button, bytes, empty, fault, fill, h, head, into, labelled, number, percent, plot, slider} from "../parts.js";

export async function show(root, page) {
  const subject = page.state.subject;
  let gone = false, timer = 0;
  const rows = h("div", {}), pixels = h("div", {});
  fill(root, head("Compress", "Bits against nearness. Tables are written losslessly or within a tolerance; pictures as near as you choose, beside a JPEG of as many bytes."),
    h("h3", {}, "The open table"), rows, h("h3", {}, "A picture"), sent(pixels), pixels);

  async function look(first) {
    try {
      draw(first ? await ask("compress/table", {}) : await ask("compress/table"));
    } catch (error) {
      fill(rows, fault(error.message));
    }
  }

  function draw(curve) {
    if (gone) return;
    const points = curve.points;
    const status = curve.running ? h("p", {class: "busy", role: "status"}, `Writing ${curve.rows.toLocaleString("en")} rows: ${points.length} of ${curve.of} tolerances`) : null;
    if (curve.fault) return fill(rows, fault(curve.fault));
    if (!points.length) {
      fill(rows, status);
    } else {
      const [name, plain] = Object.entries(curve.plain)[0];
      const told = h("div", {"aria-live": "polite"});
      const say = (i) => {
        const point = points[i];
        fill(told, h("dl", {class: "facts"}, [["tolerance", point.tolerance ? `${number(100 * point.tolerance)} % of each range` : "lossless"],
          ["file", bytes(point.bytes)], ["bits a row", number(point.bits)], [`${name} takes`, `${number(plain / point.bytes)} times that`],
          ["error", point.error ? `${number(point.error)} standard deviations` : "none"]].map(([dt, dd]) => h("div", {}, h("dt", {}, dt), h("dd", {}, dd)))),
        plot([{name: "isthmus", class: "", points: points.map((each) => [each.bits, each.error]), dots: true},
          {name: "chosen", class: "now", points: [[point.bits, point.error]], dots: true},
          {name: name, class: "base", points: [[8 * plain / curve.rows, 0], [8 * plain / curve.rows, Math.max(...points.map((each) => each.error), 0.001)]]}],
        {x: "bits a row", y: "error in standard deviations"}));
      };
      const steps = slider("Tolerance", {low: 0, high: points.length - 1, step: 1, value: 0, show: (i) => points[i].tolerance ? `${number(100 * points[i].tolerance)} %` : "none"}, say);
      fill(rows, status, steps.element, told);
      say(0);
    }
    if (curve.running) timer = setTimeout(() => look(false), 700);
  }

  if (subject?.kind === "table" && subject.rows) {
    fill(rows, h("p", {class: "small"}, "A small model is learnt for each tolerance, some four seconds each."),
      button("Draw the curve", () => look(true)));
  } else {
    fill(rows, empty("Open a model of a table with its data to see the table's curve."));
  }
  return () => { gone = true; clearTimeout(timer); };
}

function sent(place) {
  const perceptual = h("input", {type: "checkbox"});
  const input = h("input", {type: "file", accept: "image/*", onchange: () => {
    if (input.files[0]) into(place, async () => draw(await deliver(`compress/picture?perceptual=${perceptual.checked}`, input.files[0])), "Writing it at eight qualities");
  }});
  return h("div", {class: "bar-of"}, labelled("Picture to compress", input), h("label", {}, perceptual, " for eyes rather than for squared error"));
}

function draw(told) {
  const view = h("div", {"aria-live": "polite"});
  const say = (i) => {
    const point = told.points[i];
    fill(view, h("dl", {class: "facts"}, [["file", bytes(point.bytes)], ["of raw", percent(point.bytes / told.raw)], ["PSNR", `${number(point.psnr)} dB`],
      ["JPEG of as many bytes", point.jpeg ? `${number(point.jpeg.psnr)} dB` : "there is none so small"]].map(([dt, dd]) => h("div", {}, h("dt", {}, dt), h("dd", {}, dd)))),
    point.jpeg ? beforeAfter(point.jpeg.picture, point.picture, ["JPEG", "isthmus"]) : beforeAfter(told.picture, point.picture, ["original", "isthmus"]));
  };
  const middle = Math.floor(told.points.length / 2);
  const steps = slider("Quality", {low: 0, high: told.points.length - 1, step: 1, value: middle, show: (i) => number(told.points[i].quality)}, say);
  const both = plot([{name: "isthmus", class: "", dots: true, points: told.points.map((each) => [each.bytes, each.psnr])},
    {name: "JPEG", class: "peer", dots: true, points: told.points.filter((each) => each.jpeg).map((each) => [each.jpeg.bytes, each.jpeg.psnr])}],
  {x: "bytes", y: "PSNR in dB", log: true});
  say(middle);
  return [steps.element, view, both];
}
