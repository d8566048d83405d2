// Memory charts on uPlot: all workers of a project over time, or one worker.

import { count, moment, size, sizes } from "./units.js";

const CALM = ["#5b7aa8", "#6c8fb5", "#8fa8c4", "#4f6f8f", "#7b93ad", "#9db2c8"];

function css(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function axes(overrides, labels = sizes) {
  const ink = css("--soft");
  const grid = { stroke: css("--line"), width: 1 };
  const axis = { stroke: ink, grid, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return [
    { ...axis, space: 90, ...overrides },
    { ...axis, size: 66, values: (_, ticks) => labels(ticks) },
  ];
}

function frame(element) {
  return { width: element.clientWidth - 20, height: element.clientHeight - 10 };
}

function countRange(_, low, high) {
  return low == null ? [0, 1] : [0, Math.max(1, high) * 1.1];
}

function memoryRange(_, low, high) {
  if (low == null) return [0, 1];
  const air = Math.max((high - low) * 0.12, high * 0.02, 1e5);
  return [Math.max(0, low - air), high + air];
}

function tooltip(element) {
  const tip = document.createElement("div");
  tip.className = "tip";
  element.append(tip);
  return {
    show(text, left, top) {
      tip.textContent = text;
      tip.style.display = "block";
      const room = element.clientWidth - tip.offsetWidth - 8;
      tip.style.left = `${Math.max(4, Math.min(room, left + 14))}px`;
      tip.style.top = `${Math.max(4, top - 32)}px`;
    },
    hide() { tip.style.display = "none"; },
    remove() { tip.remove(); },
  };
}

function sentence(element, text) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  element.append(paragraph);
  return paragraph;
}

const MARK_COLOURS = { boot: "--steady", exit: "--early", deploy: "--accent", alert: "--growing" };

function drawMarks(plot, marks) {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const tall = mark.kind === "alert" || mark.kind === "deploy";
    const bottom = bbox.top + bbox.height;
    ctx.strokeStyle = css(MARK_COLOURS[mark.kind]);
    ctx.lineWidth = devicePixelRatio * (tall ? 1.5 : 2);
    ctx.setLineDash(tall ? [5 * devicePixelRatio, 4 * devicePixelRatio] : []);
    ctx.beginPath();
    ctx.moveTo(x, tall ? bbox.top : bottom - 10 * devicePixelRatio);
    ctx.lineTo(x, bottom);
    ctx.stroke();
  }
  ctx.restore();
}

function nearestMark(plot, marks, left) {
  let best = null;
  for (const mark of marks) {
    const distance = Math.abs(plot.valToPos(mark.at, "x") - left);
    if (distance < 5 && (!best || distance < best.distance)) best = { distance, mark };
  }
  return best && best.mark;
}

export class FleetChart {
  constructor(element) {
    this.element = element;
    this.span = Number(element.dataset.span);
    this.zoom = null;
    this.plot = null;
    this.tip = tooltip(element);
  }

  async refresh() {
    const query = this.zoom ? `since=${this.zoom[0]}&until=${this.zoom[1]}` : `span=${this.span}`;
    const response = await fetch(`${this.element.dataset.fleet}?${query}`);
    if (response.ok) this.draw(await response.json());
  }

  show(span) {
    this.span = span;
    this.zoom = null;
    return this.refresh();
  }

  draw(found) {
    this.found = found;
    const key = found.lines.map((line) => `${line.id}${line.verdict}${line.ended}`).join();
    const data = [found.x, ...found.lines.map((line) => line.y)];
    if (this.plot && this.key === key) {
      this.plot.setData(data, false);
      this.plot.batch(() => {
        this.plot.setScale("x", { min: found.since, max: found.until });
      });
      return;
    }
    this.key = key;
    this.clear();
    if (!found.lines.length) {
      this.empty = sentence(this.element, "No samples in this time range.");
      return;
    }
    this.plot = new uPlot(this.options(found), data, this.element);
  }

  options(found) {
    return {
      ...frame(this.element),
      legend: { show: false },
      scales: { x: { time: true, range: () => [this.found.since, this.found.until] }, y: { range: memoryRange } },
      axes: axes({}),
      cursor: {
        focus: { prox: 24 },
        drag: { x: true, y: false, setScale: false },
        points: { size: 7 },
        bind: { dblclick: () => () => this.unzoom() },
      },
      focus: { alpha: 0.35 },
      series: [{}, ...found.lines.map((line, index) => this.series(line, index))],
      hooks: {
        draw: [(plot) => drawMarks(plot, this.found.marks)],
        setSelect: [(plot) => this.zoomTo(plot)],
        setSeries: [(_, index) => { this.focused = index; }],
        setCursor: [(plot) => this.point(plot)],
      },
    };
  }

  series(line, index) {
    const growing = line.verdict === "growing" && !line.ended;
    return {
      label: line.name,
      stroke: growing ? css("--growing") : CALM[index % CALM.length],
      width: growing ? 2.5 : 1.5,
      dash: line.ended ? [4, 4] : undefined,
      spanGaps: true,
      points: { show: false },
    };
  }

  point(plot) {
    const { left, top, idx } = plot.cursor;
    if (left < 0) return this.tip.hide();
    const mark = nearestMark(plot, this.found.marks, left);
    const line = this.focused && this.found.lines[this.focused - 1];
    const value = line && this.valueNear(line.y, idx);
    const offset = plot.over.offsetLeft;
    if (mark) return this.tip.show(`${mark.text} · ${moment(mark.at)}`, left + offset, top);
    if (value == null) return this.tip.hide();
    return this.tip.show(`${line.name}: ${size(value)} · ${moment(this.found.x[idx])}`, left + offset, top);
  }

  valueNear(values, index) {
    for (let away = 0; away < 12; away += 1) {
      if (values[index - away] != null) return values[index - away];
      if (values[index + away] != null) return values[index + away];
    }
    return null;
  }

  zoomTo(plot) {
    if (plot.select.width < 6) return;
    const since = plot.posToVal(plot.select.left, "x");
    const until = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.zoom = [since, until];
    this.refresh();
  }

  unzoom() {
    this.zoom = null;
    this.refresh();
  }

  clear() {
    this.plot?.destroy();
    this.plot = null;
    this.empty?.remove();
  }

  repaint() {
    if (!this.found) return;
    this.key = null;
    this.draw(this.found);
  }
}

export class LifeChart {
  constructor(element) {
    this.element = element;
    this.byTime = element.dataset.axis === "time";
    this.counts = element.dataset.unit === "count";
    this.tip = tooltip(element);
  }

  async refresh() {
    const response = await fetch(this.element.dataset.life);
    if (response.ok) this.draw(await response.json());
  }

  draw(found) {
    this.found = found;
    const x = this.byTime ? found.x : found.requests;
    this.empty?.remove();
    if (x.length < 2) {
      this.clear();
      this.empty = sentence(this.element, "Too few samples yet.");
      return;
    }
    if (this.plot) {
      this.plot.setData([x, found.high, found.memory]);
      return;
    }
    this.plot = new uPlot(this.options(), [x, found.high, found.memory], this.element);
  }

  options() {
    const colour = css("--accent");
    return {
      ...frame(this.element),
      legend: { show: false },
      scales: { x: { time: this.byTime }, y: { range: this.counts ? countRange : memoryRange } },
      axes: axes(this.byTime ? {} : { values: (_, ticks) => ticks.map(count) }, this.counts ? (ticks) => ticks.map(count) : sizes),
      cursor: { points: { size: 7 }, drag: { x: true, y: false } },
      series: [
        {},
        { stroke: "transparent", points: { show: false } },
        {
          stroke: colour, width: 2, points: { show: false },
          fill: colour.replace("rgb(", "rgba(").replace(")", ", 0.08)"),
        },
      ],
      hooks: { setCursor: [(plot) => this.point(plot)] },
    };
  }

  point(plot) {
    const { left, top, idx } = plot.cursor;
    if (left < 0 || idx == null) return this.tip.hide();
    const where = this.byTime ? moment(this.found.x[idx]) : `${count(this.found.requests[idx])} requests`;
    return this.tip.show(`${(this.counts ? count : size)(this.found.memory[idx])} · ${where}`, left + plot.over.offsetLeft, top);
  }

  clear() {
    this.plot?.destroy();
    this.plot = null;
  }

  repaint() {
    this.clear();
    if (this.found) this.draw(this.found);
  }
}
