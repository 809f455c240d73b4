// The page of a film: one frame at a time, its boundary, figures, gradients and activations.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const COLOURS = [[11, 87, 208], [217, 119, 6], [26, 127, 55], [130, 80, 223], [179, 38, 30]];
  const CURVES = ["#0b57d0", "#d97706", "#1a7f37", "#8250df", "#b3261e", "#57606a"];
  const bytes = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
  const number = (x) => (typeof x === "number" ? x : NaN);
  const short = (x) => (typeof x === "number" ? String(Number(x.toPrecision(4))) : x);
  const names = [...new Set(data.frames.flatMap((f) => Object.keys(f.figures)))];
  let lang = data.lang;
  let at = 0;
  let timer = null;
  const say = (key) => data.texts[lang][key];

  function plane(frame) {
    const canvas = $("plane");
    const pen = canvas.getContext("2d");
    const [classes, sure] = frame.scores.map(bytes);
    const cell = canvas.width / data.side;
    pen.clearRect(0, 0, canvas.width, canvas.height);
    classes.forEach((c, i) => {
      const [r, g, b] = COLOURS[c % COLOURS.length];
      pen.fillStyle = `rgba(${r},${g},${b},${0.08 + (0.5 * sure[i]) / 255})`;
      pen.fillRect((i % data.side) * cell, Math.floor(i / data.side) * cell, cell, cell);
    });
    const [x0, y0, x1, y1] = data.box;
    const dots = (points, hollow) => points.forEach(([x, y, c]) => {
      const [r, g, b] = COLOURS[c % COLOURS.length];
      pen.beginPath();
      pen.arc(((x - x0) / (x1 - x0)) * canvas.width, ((y1 - y) / (y1 - y0)) * canvas.height, 3.5, 0, 7);
      pen.lineWidth = hollow ? 2 : 1;
      pen.strokeStyle = hollow ? `rgb(${r},${g},${b})` : "#fff";
      pen.fillStyle = hollow ? "#fff" : `rgb(${r},${g},${b})`;
      pen.fill();
      pen.stroke();
    });
    dots(data.points, false);
    dots(data.test, true);
  }

  const svg = (tag, attributes, parent) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([k, v]) => e.setAttribute(k, v));
    parent.append(e);
    return e;
  };

  function figures(frame) { // each curve in its own scale, with its last number beside its name
    const root = $("loss");
    root.replaceChildren();
    names.forEach((name, i) => {
      const ys = data.frames.map((f) => number(f.figures[name]));
      const base = name.replace(/^val_/, "");
      const twins = names.filter((other) => other.replace(/^val_/, "") === base);
      const good = data.frames.flatMap((f) => twins.map((t) => number(f.figures[t]))).filter(Number.isFinite);
      const [low, high] = [Math.min(...good), Math.max(...good)];
      const drawn = (some) => {
        let path = "";
        let up = true;
        some.forEach((y, k) => {
          if (!Number.isFinite(y)) { up = true; return; }
          const px = 10 + (340 * k) / Math.max(ys.length - 1, 1);
          const py = 228 - (190 * (y - low)) / (high - low || 1);
          path += `${up ? "M" : "L"}${px.toFixed(1)} ${py.toFixed(1)}`;
          up = false;
        });
        return path;
      };
      const stroke = CURVES[i % CURVES.length];
      svg("path", { d: drawn(ys), stroke, class: "rest" }, root); // what is still to come, faintly
      svg("path", { d: drawn(ys.slice(0, at + 1)), stroke }, root);
    });
    const line = $("figures");
    line.replaceChildren();
    names.forEach((name, i) => {
      const e = document.createElement("span");
      e.style.color = CURVES[i % CURVES.length];
      e.textContent = `● ${name} ${short(frame.figures[name] ?? "–")}  `;
      line.append(e);
    });
    line.append(say("film.figures"));
  }

  function row(parent, name, middle, said) {
    const e = document.createElement("div");
    e.className = "row";
    const parts = [document.createElement("span"), middle, document.createElement("span")];
    parts[0].textContent = parts[0].title = name;
    parts[2].textContent = said;
    e.append(...parts);
    parent.append(e);
  }

  const most = Math.max(...data.frames.flatMap((f) => Object.values(f.gradients).map(number)).filter(Number.isFinite), 1e-12);
  function gradients(frame) { // logarithmic: a gradient of a thousandth is seen as well
    $("gradients").replaceChildren();
    Object.entries(frame.gradients).forEach(([name, g]) => {
      const bar = document.createElement("div");
      bar.className = "meter";
      const share = number(g) > 0 ? 1 + Math.log10(number(g) / most) / 6 : 0;
      bar.style.width = `${100 * Math.max(share, 0)}%`;
      row($("gradients"), name || say("film.all"), bar, short(g));
    });
  }

  function hidden(frame) {
    $("hidden").replaceChildren();
    Object.entries(frame.hidden).forEach(([name, h]) => {
      const bins = document.createElement("div");
      bins.className = "bins";
      const top = Math.max(...h.bars, 1);
      h.bars.forEach((n) => {
        const bar = document.createElement("i");
        bar.style.height = `${(100 * n) / top}%`;
        bins.append(bar);
      });
      row($("hidden"), name, bins, `${Number(number(h.low).toPrecision(2))}…${Number(number(h.high).toPrecision(2))}`);
    });
  }

  function optimiser(frame) {
    $("optimiser").hidden = frame.table.length === 0;
    const columns = [...new Set(frame.table.flatMap((r) => Object.keys(r)))];
    const line = (cells, tag) => {
      const tr = document.createElement("tr");
      cells.forEach((said) => {
        const e = document.createElement(tag);
        e.textContent = said;
        tr.append(e);
      });
      return tr;
    };
    const shown = (x) => (typeof x === "number" ? Number(x.toPrecision(3)).toString() : x ?? "");
    const heads = columns.map((c) => (c === "name" ? say("film.parameter") : c));
    $("optimiser").querySelector("thead").replaceChildren(line(heads, "th"));
    const rows = frame.table.map((r) => line(columns.map((c) => shown(r[c])), "td"));
    $("optimiser").querySelector("tbody").replaceChildren(...rows);
  }

  function go(k) {
    at = Math.min(Math.max(k, 0), data.frames.length - 1);
    const frame = data.frames[at];
    plane(frame);
    figures(frame);
    gradients(frame);
    hidden(frame);
    optimiser(frame);
    $("place").max = data.frames.length - 1;
    $("place").value = at;
    $("count").textContent = `${say("film.epoch")} ${frame.step}`;
  }

  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => {
      if (at === data.frames.length - 1) play(false);
      else go(at + 1);
    }, 120) : null;
    $("play").textContent = say(on ? "page.pause" : "page.play");
  }

  function translate() {
    document.documentElement.lang = lang;
    document.querySelectorAll("[data-say]").forEach((e) => { e.textContent = say(e.dataset.say); });
    document.querySelectorAll("[data-label]").forEach((e) => e.setAttribute("aria-label", say(e.dataset.label)));
    play(timer !== null);
    go(at);
  }

  $("play").onclick = () => {
    if (timer === null && at === data.frames.length - 1) go(0);
    play(timer === null);
  };
  $("place").oninput = (e) => go(Number(e.target.value));
  $("lang").onchange = (e) => { lang = e.target.value; translate(); };
  document.addEventListener("keydown", (e) => {
    if (e.target.tagName === "SELECT") return;
    const keys = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: data.frames.length - 1 };
    if (e.key in keys) {
      e.preventDefault();
      go(keys[e.key]);
    } else if (e.key === " " && e.target.tagName !== "BUTTON") {
      e.preventDefault();
      $("play").click();
    }
  });
  $("lang").value = lang;
  translate();
})();
