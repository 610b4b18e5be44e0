// A lesson: sliders choose a member of the family, time reveals its curves and turns its lights.
(() => {
  const family = JSON.parse(document.getElementById("family").textContent);
  const { pool, sliders, members } = family;
  const page = (selector) => document.querySelector(selector);
  const inputs = sliders.map((_, k) => page(`#slider-${k}`));
  const time = page("#time"), play = page("#play"), lights = page(".lights");

  // The last slider changes fastest.
  const member = (choice) => members[sliders.reduce((at, slider, k) => at * slider.values.length + choice[k], 0)];
  const chosen = () => inputs.map((input) => Number(input.value));
  const unpacked = ([style, numbers]) => {
    const item = { ...pool[style] };
    for (const [name, place] of Object.entries(numbers)) item[name] = pool[place];
    return item;
  };
  const chart = (packed) => ({
    x: pool[packed.x], y: pool[packed.y], clock: packed.clock,
    ...Object.fromEntries(["series", "bands", "levels", "points"].map((kind) => [kind, packed[kind].map(unpacked)])),
  });
  // The members that differ from a choice in the slider of the chart and the table across the family.
  const line = (choice) => {
    const { slider } = family.across;
    return sliders[slider].values.map((_, k) => member(choice.map((old, j) => j === slider ? k : old)));
  };
  const across = (choice) => {
    const { slider, chart } = family.across;
    const y = line(choice).map((other) => other.across);
    const here = { x: [sliders[slider].values[choice[slider]]], y: [y[choice[slider]]],
      label: `${sliders[slider].symbol} = ${sliders[slider].shown[choice[slider]]}` };
    return { ...chart, series: [{ ...chart.series[0], y }], points: [{ ...chart.points[0], ...here }] };
  };
  const written = (choice) => sliders.reduce((text, slider, k) => text.replaceAll(`{${slider.name}}`, slider.written[choice[k]]), family.scenario);

  const figures = [...document.querySelectorAll("figure")];
  const charts = (choice) => [...member(choice).charts.map(chart), across(choice)];
  let data = charts(chosen());
  const live = figures.map((figure, k) => hadaflow.enliven(figure, data[k]));

  // The time that the slider shows, null at its end: then everything is shown.
  const now = () => {
    if (time.value === time.max) return null;
    const [first, last] = member(chosen()).t.map(Math.log10);
    return 10 ** (first + (last - first) * time.value / time.max);
  };
  const state = ([what, , since], t) => {
    const { goal, verdict, word } = pool[what];
    if (t === null || verdict === "inapplicable") return [verdict, word];
    if (goal) return verdict === "holds" && t >= since ? [verdict, word] : ["waiting", "not yet"];
    return verdict === "violated" && t < since ? ["holds", "holds so far"] : [verdict, word];
  };
  const light = () => {
    const t = now();
    lights.replaceChildren(...member(chosen()).lights.map((packed) => {
      const item = document.createElement("li");
      const [verdict, word] = state(packed, t);
      hadaflow.html(item, "span", { class: `verdict ${verdict}` }, word);
      hadaflow.html(item, "span", { class: "says" }).innerHTML = pool[packed[0]].says;
      const since = packed[2] !== null && verdict !== "waiting" && (pool[packed[0]].goal || verdict === "violated")
        ? ` (since t = ${hadaflow.shown(packed[2])})` : "";
      hadaflow.html(item, "span", { class: "reason" }).innerHTML = t === null || verdict === "violated" ? packed[1] + since : "";
      return item;
    }));
  };
  const reveal = () => {
    const t = now();
    const text = hadaflow.shown(t ?? member(chosen()).t[1]);
    page("output[for=time]").textContent = text;
    time.setAttribute("aria-valuetext", text);
    live.forEach((made, k) => {
      const { clock, x } = data[k];
      if (!made || !clock) return;
      made.reveal(t === null ? null : x.log ? Math.log10(t / clock) : t / clock);
    });
    light();
  };
  const choose = () => {
    const choice = chosen();
    inputs.forEach((input, k) => {
      page(`output[for=slider-${k}]`).textContent = sliders[k].shown[choice[k]];
      input.setAttribute("aria-valuetext", sliders[k].shown[choice[k]]);
    });
    data = charts(choice);
    live.forEach((made, k) => made?.show(data[k]));
    const { last, outcome } = member(choice);
    page(".outcome").textContent = pool[outcome];
    document.querySelectorAll(".numbers td").forEach((cell, k) => { cell.innerHTML = last[k]; });
    const rows = document.querySelectorAll("table.across tbody tr");
    line(choice).forEach((other, k) => {
      rows[k].querySelectorAll("td").forEach((cell, j) => { cell.innerHTML = other.last[j]; });
      rows[k].classList.toggle("here", other === member(choice));
    });
    page("#scenario pre code").textContent = written(choice);
    reveal();
  };

  let frame = null;
  const stop = () => {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
    play.textContent = "▶ Play";
  };
  play.addEventListener("click", () => {
    if (frame !== null) { stop(); return; }
    const SECONDS = 8;
    const from = time.value === time.max ? 0 : Number(time.value);
    let begun = null;
    const step = (stamp) => {
      begun ??= stamp;
      const at = from + (stamp - begun) / 1000 / SECONDS * time.max;
      time.value = Math.min(at, time.max);
      reveal();
      if (at >= time.max) stop();
      else frame = requestAnimationFrame(step);
    };
    play.textContent = "❚❚ Pause";
    frame = requestAnimationFrame(step);
  });
  time.addEventListener("input", () => { stop(); reveal(); });
  for (const input of inputs) input.addEventListener("input", choose);
  page(".sliders").hidden = false;
  choose();
})();
