// Charts that show values, zoom, hide lines, take other data and reveal it up to a place.
"use strict";
const hadaflow = (() => {
  // On a phone the drawing is smaller, so that its text is not.
  const [W, H] = innerWidth < 560 ? [400, 290] : [620, 380];
  const LEFT = 66, RIGHT = 12, TOP = 10, BOTTOM = 30;
  const NS = "http://www.w3.org/2000/svg";
  let frames = 0;

  const element = (parent, tag, attributes = {}) => {
    const made = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (parent) parent.append(made);
    return made;
  };
  const html = (parent, tag, attributes = {}, text = "") => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    parent.append(made);
    return made;
  };
  const shown = (value) => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    const text = value === 0 ? "0" : size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(5))) : value.toExponential(3);
    return text.replaceAll("-", "−");
  };

  // An axis in the coordinate in which it is even: the number or its logarithm.
  const inner = (axis, value) => value === null ? null : !axis.log ? value : value > 0 ? Math.log10(value) : null;
  const outer = (axis, place) => axis.log ? 10 ** place : place;
  const extent = (values) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      if (value === null) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return low <= high ? [low, high] : null;
  };
  const ticks = (axis, [low, high]) => {
    const span = high - low;
    if (axis.log && span > 1.5) {
      const step = Math.max(1, Math.ceil(span / 6));
      const places = [];
      for (let k = Math.ceil(low / step) * step; k <= high; k += step) places.push(k);
      return places.map((k) => [k, ["10", String(k).replace("-", "−")]]);
    }
    const [from, to] = axis.log ? [10 ** low, 10 ** high] : [low, high];
    const raw = (to - from) / 5 || 1;
    const unit = 10 ** Math.floor(Math.log10(raw));
    const step = unit * [1, 2, 5, 10].find((m) => m * unit >= raw * 0.999);
    const places = [];
    for (let k = Math.ceil(from / step); k * step <= to * (1 + 1e-12) + step * 1e-9 && places.length < 20; k++) {
      const value = Number((k * step).toPrecision(12));
      places.push([axis.log ? Math.log10(value) : value, [shown(value), ""]]);
    }
    return places.filter(([place]) => Number.isFinite(place));
  };

  const chart = (figure, data) => {
    const clip = `clip-${frames++}`;
    const live = html(figure, "div", { class: "live" });
    figure.prepend(live);
    const ylabel = html(live, "p", { class: "axis" });
    const svg = element(live, "svg", { viewBox: `0 0 ${W} ${H}`, tabindex: "0", role: "group", "aria-label":
      "chart: arrow keys read values, plus and minus zoom, shift and arrows move, 0 shows all" });
    const xlabel = html(live, "p", { class: "axis below" });
    const legend = html(live, "ul", { class: "legend" });
    let items = [], all = [0, 1], view = [0, 1], cursor = null, dragging = null, yview = [0, 1], revealed = null;
    const hidden = new Set();

    const prepare = () => {
      items = [
        ...data.bands.map((d) => ({ ...d, kind: "band", listed: d.label !== "" })),
        ...data.levels.map((d) => ({ ...d, kind: "level" })),
        ...data.series.map((d) => ({ ...d, kind: "line" })),
        ...data.points.map((d) => ({ ...d, kind: "points" })),
      ];
      for (const item of items) {
        item.on = true;
        item.px = item.x ? item.x.map((x) => inner(data.x, x)) : null;
        for (const key of ["y", "lower", "upper"]) if (item[key]) item["p" + key] = item[key].map((y) => inner(data.y, y));
        item.place = item.kind === "level" ? inner(data.y, item.value) : null;
      }
      all = extent(items.flatMap((item) => item.px ?? [])) ?? [0, 1];
      if (data.x.range) data.x.range.map((x) => inner(data.x, x)).forEach((x, i) => { if (x !== null) all[i] = x; });
      if (all[0] === all[1]) { all[0] -= 0.5; all[1] += 0.5; }
      view = [...all];
      ylabel.innerHTML = data.y.label;
      xlabel.innerHTML = data.x.label;
    };

    const X = (p) => LEFT + (p - view[0]) / (view[1] - view[0]) * (W - LEFT - RIGHT);
    const Y = (p) => H - BOTTOM - (p - yview[0]) / (yview[1] - yview[0]) * (H - TOP - BOTTOM);
    const clamp = (v) => Math.max(-1e5, Math.min(1e5, v)).toFixed(1);

    const fitY = () => {
      const fixed = data.y.range?.map((y) => inner(data.y, y));
      if (fixed && fixed.every((y) => y !== null)) { yview = fixed; return; }
      const values = [];
      for (const item of items.filter((item) => item.on)) {
        if (item.place !== null) values.push(item.place);
        item.px?.forEach((x, i) => {
          if (x === null || x < view[0] || x > view[1]) return;
          for (const key of ["py", "plower", "pupper"]) if (item[key]) values.push(item[key][i]);
        });
      }
      let [low, high] = extent(values) ?? [0, 1];
      if (data.y.log) low = Math.max(low, high - 40);
      const margin = (high - low) * 0.04 || Math.abs(high) * 0.1 || 0.5;
      yview = [low - margin, high + margin];
    };
    const path = (xs, ys) => {
      let text = "", pen = false;
      xs.forEach((x, i) => {
        const y = ys[i];
        if (x === null || y === null) { pen = false; return; }
        text += `${pen ? "L" : "M"}${clamp(X(x))} ${clamp(Y(y))}`;
        pen = true;
      });
      return text;
    };
    // The runs of a band between points that cannot be drawn; what lies below a logarithmic axis reaches down to its end.
    const area = (item) => {
      let text = "", run = [];
      const flush = () => {
        if (run.length > 1) text += "M" + run.map(([x, , u]) => `${x} ${u}`).join("L") + "L" + run.reverse().map(([x, l]) => `${x} ${l}`).join("L") + "Z";
        run = [];
      };
      item.px.forEach((x, i) => {
        const upper = item.pupper[i], lower = item.plower[i] ?? (item.lower[i] !== null ? yview[0] - 1 : null);
        if (x === null || upper === null || lower === null) flush();
        else run.push([clamp(X(x)), clamp(Y(lower)), clamp(Y(upper))]);
      });
      flush();
      return text;
    };
    const draw = () => {
      fitY();
      svg.replaceChildren();
      const box = { x: LEFT, y: TOP, width: W - LEFT - RIGHT, height: H - TOP - BOTTOM };
      const seen = revealed === null ? box : { ...box, width: Math.min(Math.max(X(revealed) - LEFT, 0), box.width) };
      element(element(svg, "clipPath", { id: clip }), "rect", seen);
      const tick = (at, [text, power], vertical) => {
        const label = element(svg, "text", vertical
          ? { x: LEFT - 7, y: at + 4, "text-anchor": "end" } : { x: at, y: H - BOTTOM + 19, "text-anchor": "middle" });
        label.textContent = text;
        if (power !== "") element(label, "tspan", { dy: "-5", "font-size": "10" }).textContent = power;
      };
      for (const [place, text] of ticks(data.x, view)) {
        element(svg, "line", { class: "grid", x1: X(place), x2: X(place), y1: TOP, y2: H - BOTTOM });
        tick(X(place), text, false);
      }
      for (const [place, text] of ticks(data.y, yview)) {
        element(svg, "line", { class: "grid", x1: LEFT, x2: W - RIGHT, y1: Y(place), y2: Y(place) });
        tick(Y(place), text, true);
      }
      const inside = element(svg, "g", { "clip-path": `url(#${clip})`, fill: "none" });
      for (const item of items.filter((item) => item.on)) {
        const stroke = { stroke: item.colour, "stroke-width": 1.8 * (item.width ?? 1), "stroke-dasharray": item.dash || "none" };
        if (item.kind === "band") element(inside, "path", { d: area(item), fill: item.colour, "fill-opacity": item.opacity });
        if (item.kind === "level" && item.place !== null) element(inside, "path", { d: `M${LEFT} ${clamp(Y(item.place))}H${W}`, ...stroke });
        if (item.kind === "line") element(inside, "path", { d: path(item.px, item.py), "stroke-linejoin": "round", ...stroke });
      }
      // discs at an end of the axes are whole
      const within = (at, from, length) => at >= from - 0.5 && at <= from + length + 0.5;
      for (const item of items.filter((item) => item.on && item.kind === "points")) item.px.forEach((x, i) => {
        if (x === null || item.py[i] === null) return;
        const [cx, cy] = [X(x), Y(item.py[i])];
        if (within(cx, seen.x, seen.width) && within(cy, seen.y, seen.height)) element(svg, "circle", { cx, cy, r: 3.5, fill: item.colour });
      });
      element(svg, "rect", { class: "frame", ...box });
      element(svg, "rect", { class: "zoom", y: TOP, height: box.height, x: 0, width: 0 });
      element(svg, "line", { class: "cursor", y1: TOP, y2: H - BOTTOM, x1: -9, x2: -9 });
      read();
    };
    // Values at the cursor, each line at its own nearest point.
    const read = () => {
      const line = svg.querySelector(".cursor");
      const visible = cursor !== null && cursor >= view[0] && cursor <= view[1];
      line.setAttribute("x1", visible ? X(cursor) : -9);
      line.setAttribute("x2", visible ? X(cursor) : -9);
      place.textContent = visible ? shown(outer(data.x, cursor)) : "";
      for (const item of items.filter((item) => item.output)) {
        if (!visible || !item.on) { item.output.textContent = ""; continue; }
        if (item.kind === "level") { item.output.textContent = shown(item.value); continue; }
        let best = -1;
        item.px.forEach((x, i) => {
          if (x !== null && (best < 0 || Math.abs(x - cursor) < Math.abs(item.px[best] - cursor))) best = i;
        });
        item.output.textContent = best < 0 ? "–" : item.kind === "band"
          ? `${shown(item.lower[best])} … ${shown(item.upper[best])}` : shown(item.y[best]);
      }
    };
    const show = (low, high) => {
      const least = (all[1] - all[0]) * 1e-6;
      const width = Math.min(Math.max(high - low, least), all[1] - all[0]);
      const middle = (low + high) / 2;
      const start = Math.min(Math.max(middle - width / 2, all[0]), all[1] - width);
      view = [start, start + width];
      draw();
    };
    const zoom = (factor, about = (view[0] + view[1]) / 2) =>
      show(about + (view[0] - about) * factor, about + (view[1] - about) * factor);
    const at = (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * W;
      return view[0] + (Math.min(Math.max(x, LEFT), W - RIGHT) - LEFT) / (W - LEFT - RIGHT) * (view[1] - view[0]);
    };

    const list = () => {
      legend.replaceChildren();
      for (const item of items.filter((item) => item.listed)) {
        const button = html(html(legend, "li"), "button", { type: "button", "aria-pressed": String(!hidden.has(item.kind + item.label)) });
        const sample = element(null, "svg", { viewBox: "0 0 36 12", "aria-hidden": "true" });
        if (item.kind === "band") element(sample, "rect", { width: 36, height: 12, fill: item.colour, "fill-opacity": item.opacity });
        else if (item.kind === "points") element(sample, "circle", { cx: 18, cy: 6, r: 4, fill: item.colour });
        else element(sample, "path", { d: "M0 6H36", stroke: item.colour, "stroke-width": 2.2, "stroke-dasharray": item.dash || "none" });
        button.append(sample, " ");
        html(button, "span").innerHTML = item.label;
        item.output = html(button, "output");
        button.addEventListener("click", () => {
          const mates = items.filter((other) => other === item || (!other.listed && other.kind === item.kind && other.colour === item.colour));
          const on = !item.on;
          for (const mate of mates) { mate.on = on; hidden[on ? "delete" : "add"](mate.kind + mate.label); }
          button.setAttribute("aria-pressed", String(on));
          draw();
        });
      }
      for (const item of items) if (hidden.has(item.kind + item.label)) item.on = false;
    };
    const tools = html(figure, "div", { class: "tools" });
    live.after(tools);
    const reset = html(tools, "button", { type: "button" }, "show all");
    const swap = html(tools, "button", { type: "button", class: "swap", "aria-pressed": "false" }, "as printed");
    html(tools, "span", {}, "drag to zoom");
    const place = html(tools, "output");
    reset.addEventListener("click", () => show(...all));
    swap.addEventListener("click", () => {
      const printed = !live.hidden;
      live.hidden = printed;
      figure.querySelector(".paper").hidden = !printed;
      swap.setAttribute("aria-pressed", String(printed));
    });
    svg.addEventListener("pointerdown", (event) => { dragging = at(event); svg.setPointerCapture(event.pointerId); });
    svg.addEventListener("pointermove", (event) => {
      cursor = at(event);
      if (dragging !== null) {
        const [a, b] = [X(dragging), X(cursor)].sort((p, q) => p - q);
        const band = svg.querySelector(".zoom");
        band.setAttribute("x", a);
        band.setAttribute("width", b - a);
      }
      read();
    });
    svg.addEventListener("pointerup", (event) => {
      const [a, b] = [dragging ?? 0, at(event)].sort((p, q) => p - q);
      const wide = dragging !== null && X(b) - X(a) > 8;
      dragging = null;
      if (wide) show(a, b); else draw();
    });
    svg.addEventListener("pointercancel", () => { dragging = null; draw(); });
    svg.addEventListener("pointerleave", () => { if (dragging === null) { cursor = null; read(); } });
    svg.addEventListener("dblclick", () => show(...all));
    svg.addEventListener("keydown", (event) => {
      const step = (view[1] - view[0]) / 50;
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (way && event.shiftKey) show(view[0] + way * 5 * step, view[1] + way * 5 * step);
      else if (way) { cursor = Math.min(Math.max((cursor ?? (view[0] + view[1]) / 2) + way * step, view[0]), view[1]); read(); }
      else if (event.key === "+" || event.key === "=") zoom(0.5, cursor ?? undefined);
      else if (event.key === "-") zoom(2, cursor ?? undefined);
      else if (event.key === "0") show(...all);
      else return;
      event.preventDefault();
    });
    prepare();
    list();
    draw();
    return {
      show(other) { data = other; prepare(); list(); draw(); },
      // Only what lies left of a place (in the coordinate in which the axis is even), null for everything.
      reveal(place) { revealed = place; cursor = place; draw(); },
    };
  };

  // A picture becomes a chart; if that fails, the picture stays.
  const enliven = (figure, data) => {
    const paper = figure.querySelector(".paper");
    try {
      const made = chart(figure, data);
      paper.hidden = true;
      return made;
    } catch (error) {
      for (const made of figure.querySelectorAll(".live, .tools")) made.remove();
      paper.hidden = false;
      console.error(error);
      return null;
    }
  };

  return { enliven, html, shown };
})();
