// A film: the slider and the button choose the frame that is in the picture.
(() => {
  const { times, moving } = JSON.parse(document.getElementById("frames").textContent);
  const part = document.querySelector(".film .moving");
  const time = document.getElementById("time"), play = document.getElementById("play");
  const output = document.querySelector("output[for=time]");
  const SECONDS = 8;

  const show = () => {
    const k = Math.round(time.value);
    part.innerHTML = moving[k];
    output.textContent = `t = ${hadaflow.shown(times[k])}`;
    time.setAttribute("aria-valuetext", output.textContent);
  };
  let frame = null;
  const stop = () => {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
    play.textContent = "▶ Play";
  };
  play.addEventListener("click", () => {
    if (frame !== null) { stop(); return; }
    const from = time.value === time.max ? 0 : Number(time.value);
    let begun = null;
    const step = (stamp) => {
      begun ??= stamp;
      const at = from + (stamp - begun) / 1000 / SECONDS * time.max;
      const before = time.value;
      time.value = Math.min(Math.round(at), time.max);
      if (time.value !== before || at === from) show();
      if (at >= time.max) stop();
      else frame = requestAnimationFrame(step);
    };
    play.textContent = "❚❚ Pause";
    frame = requestAnimationFrame(step);
  });
  time.addEventListener("input", () => { stop(); show(); });
  document.querySelector(".player").hidden = false;
  show();
})();
