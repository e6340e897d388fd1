// A chart one can read with pointer, keyboard or ears: drawing, legend, values on hover, and fitting to its width.

import { freshId, h, replaceContent, s } from "../dom.js";
import { fullNumber, spoken } from "../format.js";
import { chartModel, describeChart, figure } from "./model.js";
import { paintChart } from "./paint.js";

/** The chart as an element, or null when this result cannot be drawn this way. */
export function createChart({ chart, columns, rows, anyOrder }) {
  const model = chartModel({ chart, columns, rows, anyOrder });
  if (!model) return null;
  // A title made of calculations is better said anew.
  const title = chart.title && !chart.title.includes("(") ? chart.title : titleOf(chart);
  return model.kind === "number" ? figures(model, title) : drawing(model, title);
}

const titleOf = (chart) => `${chart.ys.map(spoken).join(" and ")}${chart.x ? ` by ${spoken(chart.x)}` : ""}`;

function figures(model, title) {
  return h(
    "figure",
    { class: "chart chart-number", "aria-label": title },
    h(
      "dl",
      {},
      model.figures.map(({ name, value }) => h("div", {}, h("dd", {}, figure(value)), h("dt", {}, name))),
    ),
  );
}

function drawing(model, title) {
  const describedBy = freshId("chart-description");
  const stage = h("div", {
    class: "chart-stage",
    tabindex: "0",
    role: "group",
    "aria-roledescription": "chart",
    "aria-label": title,
    "aria-describedby": describedBy,
  });
  const tip = h("div", { class: "chart-tip", hidden: true, "aria-hidden": "true" });
  const spokenValue = h("p", { class: "visually-hidden", "aria-live": "polite" });
  const figureElement = h(
    "figure",
    { class: "chart" },
    h("figcaption", { class: "chart-title" }, title),
    model.series.length > 1 && legend(model),
    h("div", { class: "chart-frame" }, stage, tip),
    remainder(model),
    h(
      "p",
      { class: "visually-hidden", id: describedBy },
      `${describeChart(model)} Use the arrow keys to hear each value; the table has them all.`,
    ),
    spokenValue,
  );
  const reader = createReader({ model, stage, tip, spokenValue });
  let drawnWidth = 0;
  const draw = () => {
    const width = Math.floor(stage.clientWidth);
    if (width < 50 || width === drawnWidth) return;
    drawnWidth = width;
    const painted = paintChart(model, width);
    painted.svg.setAttribute("aria-hidden", "true");
    replaceContent(stage, painted.svg);
    reader.use(painted);
  };
  new ResizeObserver(draw).observe(stage);
  requestAnimationFrame(draw);
  return figureElement;
}

function legend({ kind, series }) {
  const sample =
    kind === "line"
      ? () => s("path", { class: "chart-line", d: "M1 5L17 5" })
      : () => s("rect", { class: "chart-bar", width: 10, height: 10, x: 4, rx: 2 });
  return h(
    "ul",
    { class: "chart-legend" },
    series.map(({ name }, order) =>
      h(
        "li",
        {},
        s(
          "svg",
          { class: "legend-key", viewBox: "0 0 18 10", width: 18, height: 10, "aria-hidden": "true" },
          s("g", { class: `series-${order}` }, sample()),
        ),
        name,
      ),
    ),
  );
}

function remainder({ left }) {
  const parts = [left.groups > 0 && `${left.groups} more values`, left.series > 0 && `${left.series} more series`].filter(
    Boolean,
  );
  return parts.length > 0 && h("p", { class: "chart-rest" }, `Not drawn: ${parts.join(" and ")}. The table has them.`);
}

/** Shows the values of the group under the pointer, or of the one the arrow keys have reached. */
function createReader({ model, stage, tip, spokenValue }) {
  let painted = null;
  let current = -1;

  const hide = () => {
    current = -1;
    tip.hidden = true;
    painted?.svg.querySelectorAll(".chart-cursor").forEach((node) => node.remove());
    painted?.svg.classList.remove("has-cursor");
    painted?.svg.querySelectorAll(".is-current").forEach((node) => node.classList.remove("is-current"));
  };

  const show = (index) => {
    if (index === current) return;
    hide();
    current = index;
    const { zones, plot, horizontal, svg, y } = painted;
    const { centre } = zones[index];
    if (y) svg.prepend(s("line", { class: "chart-cursor", x1: centre, x2: centre, y1: plot.top, y2: plot.bottom }));
    if (y)
      model.series.forEach(
        ({ values }, order) =>
          values[index] !== null &&
          svg.append(s("circle", { class: `chart-cursor chart-point series-${order}`, cx: centre, cy: y(values[index]), r: 5 })),
      );
    svg.classList.add("has-cursor");
    svg.querySelectorAll(`[data-group="${index}"]`).forEach((node) => node.classList.add("is-current"));
    replaceContent(
      tip,
      h("strong", {}, model.groups[index].label),
      h(
        "ul",
        {},
        model.series.map(({ name, values }, order) =>
          h(
            "li",
            {},
            h("span", { class: `tip-key series-${order}` }),
            h("span", { class: "tip-name" }, name),
            h("b", {}, valueText(values[index])),
          ),
        ),
      ),
    );
    tip.hidden = false;
    place(tip, horizontal ? { x: (plot.left + plot.right) / 2, y: centre } : { x: centre, y: plot.top }, stage, horizontal);
  };

  stage.addEventListener("pointermove", (event) => {
    if (!painted) return;
    const box = stage.getBoundingClientRect();
    const along = painted.horizontal ? event.clientY - box.top : event.clientX - box.left;
    const index = painted.zones.findIndex(({ from, to }) => along >= from && along <= to);
    if (index >= 0) show(index);
    else hide();
  });
  stage.addEventListener("pointerleave", hide);
  stage.addEventListener("blur", hide);
  stage.addEventListener("keydown", (event) => {
    const last = model.groups.length - 1;
    const next = {
      ArrowRight: current + 1,
      ArrowDown: current + 1,
      ArrowLeft: current - 1,
      ArrowUp: current - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") hide();
    if (next === undefined || !painted) return;
    event.preventDefault();
    show(Math.max(0, Math.min(last, next)));
    const said = model.series.map(({ name, values }) => `${name} ${valueText(values[current])}`).join(", ");
    spokenValue.textContent = `${model.groups[current].label}: ${said}`;
  });
  return {
    use(next) {
      hide();
      painted = next;
    },
  };
}

const valueText = (value) => (value === null ? "no value" : fullNumber(Math.round(value * 100) / 100));

function place(tip, { x, y }, stage, beside) {
  const room = stage.clientWidth - tip.offsetWidth;
  const left = Math.max(0, Math.min(room, beside ? x : x > stage.clientWidth / 2 ? x - tip.offsetWidth - 12 : x + 12));
  tip.style.setProperty("left", `${Math.round(left)}px`);
  tip.style.setProperty("top", `${Math.round(Math.max(0, beside ? y + 14 : y))}px`);
}
