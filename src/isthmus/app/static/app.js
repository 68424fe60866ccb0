// The page: which panels there are, which is looked at, and what is open.

import {ask} from "./api.js";
import {empty, fault, fill, h} from "./parts.js";

const main = document.getElementById("main");
const nav = document.getElementById("panels");
const notes = document.getElementById("notes");

let state = null;
let leave = () => {};
let turn = 0;

/** What panels may do to the page. */
const page = {
  get state() { return state; },
  /** Say something in passing. */
  tell(says) {
    const one = h("p", {class: "note"}, says, h("button", {type: "button", class: "plain", "aria-label": "Dismiss",
      onclick: () => one.remove()}, "×"));
    notes.append(one);
    setTimeout(() => one.remove(), 12000);
  },
  /** Go to another panel. */
  go(id) {
    if (location.hash === `#${id}`) show();
    else location.hash = id;
  },
  /** Ask anew what is open, and show it. */
  async refresh() {
    state = await ask("state");
    draw();
  },
};

function draw() {
  const subject = state.subject;
  fill(document.getElementById("open"), subject
    ? [h("strong", {}, subject.model), subject.data ? ` with ${subject.data}, ${subject.rows.toLocaleString("en")} ${subject.sounds ? "sounds" : subject.kind === "pictures" ? "pictures" : "rows"}` : ""]
    : "nothing open");
  fill(nav, h("ul", {}, state.panels.map((panel) => h("li", {}, h("a", {
    href: `#${panel.id}`, class: panel.refusal ? "off" : null, "aria-current": panel.id === here() ? "page" : null,
  }, panel.title)))));
}

function here() {
  const id = location.hash.slice(1).split("/")[0];
  if (state?.panels.some((panel) => panel.id === id)) return id;
  return state?.subject ? "overview" : "library";
}

/** Scroll the bar of panels to one of its links; scrollIntoView would let Tab begin there instead of at the top. */
function reveal(link) {
  if (!link) return;
  const [bar, box] = [nav.getBoundingClientRect(), link.getBoundingClientRect()];
  nav.scrollLeft += Math.min(0, box.left - bar.left) + Math.max(0, box.right - bar.right);
}

async function show() {
  const mine = ++turn;
  leave();
  leave = () => {};
  const id = here();
  const panel = state.panels.find((each) => each.id === id);
  document.title = `${panel.title} – isthmus`;
  draw();
  reveal(nav.querySelector("[aria-current]"));
  const root = h("section", {class: `panel ${id}`, "aria-label": panel.title});
  fill(main, root);
  if (panel.refusal) {
    fill(root, h("h2", {}, panel.title), empty(panel.refusal, h("p", {}, h("a", {href: "#library"}, "Go to the library"))));
    return;
  }
  try {
    const module = await import(`./panels/${id}.js`);
    if (mine !== turn) return;
    const left = await module.show(root, page);
    if (mine === turn) leave = left ?? leave;
    else left?.();
  } catch (error) {
    if (mine === turn) root.append(fault(error.message));
  }
}

function theme() {
  const button = document.getElementById("theme");
  const dark = () => document.documentElement.dataset.theme === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  name();
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    localStorage.setItem("isthmus-theme", document.documentElement.dataset.theme);
    name();
  });
}

/** Alt with a digit goes to the panel in that place. */
function keys(event) {
  if (!event.altKey || event.ctrlKey || event.metaKey || !/^Digit[0-9]$/.test(event.code)) return;
  const panel = state?.panels[(Number(event.code.slice(5)) + 9) % 10];
  if (!panel) return;
  event.preventDefault();
  page.go(panel.id);
}

theme();
addEventListener("hashchange", async () => {
  if (!state) return;
  await show();
  main.focus({preventScroll: true});
  scrollTo(0, 0);
});
addEventListener("keydown", keys);
try {
  await page.refresh();
  history.replaceState(null, "", `#${here()}`);
  await show();
} catch (error) {
  fill(main, fault(error.message));
}
