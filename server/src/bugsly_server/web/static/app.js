// Runs on every page: live updates, charts, copy buttons, keyboard.

import { FleetChart, LifeChart } from "./chart.js";
import { moment } from "./units.js";

const charts = [
  ...[...document.querySelectorAll("[data-fleet]")].map((element) => new FleetChart(element)),
  ...[...document.querySelectorAll("[data-life]")].map((element) => new LifeChart(element)),
];

function localTimes(root) {
  for (const element of root.querySelectorAll("time:not([title])")) {
    const when = Date.parse(element.dateTime) / 1000;
    element.title = element.textContent;
    element.textContent = moment(when);
  }
}

function follow() {
  const address = document.body.dataset.live;
  if (!address) return;
  const light = document.getElementById("pulse");
  const stream = new EventSource(address);
  const refresh = () => {
    if (document.hidden) return;
    document.body.dispatchEvent(new CustomEvent("tick"));
    for (const chart of charts) if (!chart.zoom) chart.refresh();
  };
  stream.addEventListener("tick", () => {
    light?.classList.add("on");
    light?.classList.remove("beat");
    requestAnimationFrame(() => light?.classList.add("beat"));
    refresh();
  });
  document.addEventListener("visibilitychange", refresh);
  stream.addEventListener("error", () => light?.classList.remove("on"));
  addEventListener("pagehide", () => stream.close());
}

// Reloads when the answer has arrived: the server renders it.
function awaitAdvice() {
  const line = document.querySelector("[data-advice]");
  if (!line) return;
  const stream = new EventSource(line.dataset.advice);
  stream.addEventListener("progress", (event) => { line.textContent = event.data; });
  stream.addEventListener("done", () => {
    stream.close();
    location.reload();
  });
  addEventListener("pagehide", () => stream.close());
}

function rangeButtons() {
  for (const button of document.querySelectorAll("[data-span][aria-pressed]")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("[data-span][aria-pressed]")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      for (const chart of charts) chart.show?.(Number(button.dataset.span));
    });
  }
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  for (const chart of charts) chart.repaint();
}

// navigator.clipboard exists on https and localhost only.
async function copy(element) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(element.textContent);
    return;
  }
  getSelection().selectAllChildren(element);
  document.execCommand("copy");
  getSelection().removeAllRanges();
}

function copyButtons() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    const label = button.textContent;
    button.addEventListener("click", async () => {
      await copy(document.getElementById(button.dataset.copy));
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = label; }, 1500);
    });
  }
}

let here = "";

function rowsWithLinks() {
  return [...document.querySelectorAll(".rows tbody tr")].filter((row) => row.querySelector("a"));
}

function address(row) {
  return row.querySelector("a").href;
}

// Rows come and go while a page is open; a link identifies the selected one.
function markHere() {
  for (const row of rowsWithLinks()) row.classList.toggle("here", address(row) === here);
}

function moveTo(step) {
  const rows = rowsWithLinks();
  if (!rows.length) return;
  const present = rows.findIndex((row) => address(row) === here);
  const next = rows[Math.max(0, Math.min(rows.length - 1, present + step))];
  here = address(next);
  markHere();
  next.scrollIntoView({ block: "nearest" });
}

function keyboard() {
  let going = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    if (going) {
      going = false;
      document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`)?.click();
      return;
    }
    if (event.key === "g") going = true;
    else if (event.key === "j") moveTo(1);
    else if (event.key === "k") moveTo(-1);
    else if (event.key === "t") toggleTheme();
    else if (event.key === "?") document.getElementById("keys")?.showModal();
    else if (event.key === "Enter" && !event.target.closest("a, button")) {
      document.querySelector(".rows tr.here a")?.click();
    }
  });
}

function fitCharts() {
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { for (const chart of charts) chart.repaint(); }, 150);
  });
}

document.getElementById("theme")?.addEventListener("click", toggleTheme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.repaint();
});
document.addEventListener("htmx:after:swap", () => {
  localTimes(document);
  markHere();
});
localTimes(document);
copyButtons();
rangeButtons();
keyboard();
fitCharts();
for (const chart of charts) chart.refresh();
follow();
awaitAdvice();
