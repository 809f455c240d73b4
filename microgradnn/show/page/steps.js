// The page: a time line of steps, drawn into the picture and told in words.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const numbers = { nan: NaN, inf: Infinity, "-inf": -Infinity };
  const number = (x) => (x in numbers ? numbers[x] : x);
  const PHASES = ["forward", "seed", "backward", "update"];
  const given = data.nodes.map((n) => number(n.v));
  const scalar = data.editable; // whether the page can compute the graph itself
  let leaves = given.slice();
  let lang = data.lang;
  let at = 0;
  let picked = null;
  let timer = null;
  let quiz = false;
  const answered = new Set();
  const score = { right: 0, asked: 0 };
  let now; // the numbers of the graph as it is

  function compute() {
    if (scalar) {
      now = Core.run(data, OPS, leaves);
      now.after = Core.updated(data, OPS, leaves, now.g);
      return;
    }
    now = {
      v: given,
      g: data.nodes.map((n) => number(n.g)),
      flows: data.flows.map((f) => ({
        u: number(f.u), l: number(f.l), c: number(f.c), t: number(f.t),
      })),
      after: { leaves: data.nodes.map((n) => number(n.after)), result: number(data.after) },
    };
  }

  // ---- the time line ----------------------------------------------------------------------------

  const line = [];
  data.nodes.forEach((n, i) => { if (n.op !== null) line.push({ phase: 0, node: i }); });
  line.push({ phase: 1, node: data.root });
  data.flows.forEach((f, i) => line.push({ phase: 2, flow: i, node: f.i }));
  data.nodes.forEach((n, i) => { if (n.update) line.push({ phase: 3, node: i }); });
  line.push({ phase: 3, end: true, node: data.root });
  const first = PHASES.map((_, p) => line.findIndex((s) => s.phase === p));

  function say(key, facts = {}) {
    return data.texts[lang][key].replace(/\{(\w+)\}/g, (_, name) => facts[name]);
  }
  const show = (x) => Core.show(x);
  const name = (i) => data.nodes[i].name;
  const slope = (i) => `d${name(data.root)}/d${name(i)}`;
  const bracket = (s) => (s.startsWith("-") ? `(${s})` : s);

  function formula(i) { // the op with names, then with numbers
    const fill = (f) => data.nodes[i].parts.map((p) => (typeof p === "number" ? f(p) : p)).join("");
    return [fill(name), fill((p) => bracket(show(now.v[p])))];
  }

  function uses(i) {
    return data.flows.map((f, k) => [f, k]).filter(([f]) => f.i === i).map(([, k]) => k);
  }

  function note(k) {
    const f = data.flows[k];
    const { u, l } = now.flows[k];
    if (f.note) return f.note[lang];
    if (l === 0 && u !== 0) return say("explain.closed");
    if (u === 0) return say("explain.nothing");
    return "";
  }

  // The slope of a flow in words: dm/dw = x, or of arrays the whole contribution.
  function rule(k) {
    const f = data.flows[k];
    const of = f.l === null ? slope(f.i) : `d${name(f.n)}/d${name(f.i)}`;
    return f.rule ? `${of} = ${f.rule}` : of;
  }

  function product(k) {
    const { u, l, c } = now.flows[k];
    return l === null ? `→ ${show(c)}` : `${show(u)} × ${bracket(show(l))} = ${show(c)}`;
  }

  function told(k) { // [what is computed, beside it]
    const s = line[k];
    if (s.phase === 0) {
      const [names, values] = formula(s.node);
      return [`${name(s.node)} = ${names} = ${values} = ${show(now.v[s.node])}`, ""];
    }
    if (s.phase === 1) return [`${slope(data.root)} = ${show(data.seed)}`, say("page.seed")];
    if (s.phase === 2) {
      const f = data.flows[s.flow];
      const beside = [f.l === null ? "" : rule(s.flow), note(s.flow), sum(s)];
      const chain = `${slope(f.i)} += ${slope(f.n)} × d${name(f.n)}/d${name(f.i)}`;
      const head = f.l === null ? rule(s.flow) : `${chain} =`;
      return [`${head} ${product(s.flow)}`, beside.filter(Boolean).join(" · ")];
    }
    if (s.end) {
      const before = show(now.v[data.root]);
      return [`${name(data.root)}: ${before} → ${show(now.after.result)}`, say("page.after")];
    }
    const [x, g] = [now.v[s.node], now.g[s.node]];
    const result = show(now.after.leaves[s.node]);
    const rate = show(data.rate);
    return [`${name(s.node)} ← ${show(x)} − ${rate} × ${bracket(show(g))} = ${result}`, ""];
  }

  function sum(s) { // the running sum of a node with several uses
    const all = uses(s.node);
    if (all.length < 2) return "";
    const so = all.filter((k) => k <= s.flow);
    const terms = so.map((k) => bracket(show(now.flows[k].c))).join(" + ");
    const total = show(now.flows[s.flow].t);
    const facts = { k: so.length, n: all.length };
    return `${slope(s.node)} = ${terms} = ${total} (${say("page.uses", facts)})`;
  }

  // ---- what is seen -----------------------------------------------------------------------------

  const boxes = new Map();
  document.querySelectorAll("[data-n]").forEach((g) => boxes.set(Number(g.dataset.n), g));
  const edges = new Map();
  document.querySelectorAll("[data-e]").forEach((g) => edges.set(g.dataset.e, g));

  function hidden(k) { // whether the quiz keeps the number of a step back
    return quiz && askable(k) && !answered.has(k);
  }
  function whole(k) { // the last of several uses: then all of them are asked for
    const all = uses(data.flows[k].i);
    return all.length > 1 && k === all[all.length - 1];
  }
  const askable = (k) => line[k].phase === 2 && typeof now.flows[line[k].flow].c === "number";

  function draw() {
    const s = line[at];
    const secret = hidden(at);
    boxes.forEach((g, i) => {
      const node = data.nodes[i];
      const done = node.op === null || line.findIndex((x) => x.phase === 0 && x.node === i) <= at;
      const moved = node.update && line.findIndex((x) => x.phase === 3 && x.node === i) <= at;
      const value = moved ? now.after.leaves[i] : now.v[i];
      text(g, "data", done ? brief(value) : "");
      const flows = uses(i).filter((k) => first[2] + k <= at && !(secret && first[2] + k === at));
      const seeded = i === data.root && at >= first[1];
      const g0 = flows.length ? now.flows[flows[flows.length - 1]].t : seeded ? data.seed : null;
      text(g, "grad", g0 === null ? "" : brief(g0) + (flows.length < uses(i).length ? " …" : ""));
      g.classList.toggle("now", i === s.node && !s.end);
      g.classList.toggle("picked", i === picked);
    });
    edges.forEach((g) => g.classList.remove("now", "passed"));
    line.slice(0, at + 1).forEach((x, k) => {
      if (x.phase !== 2) return;
      const f = data.flows[x.flow];
      const edge = edges.get(`${f.n}-${f.p}`);
      if (edge) edge.classList.add(k === at ? "now" : "passed");
    });
    $("formula").textContent = [data.title, show(now.v[data.root])].join(" = ");
    const [head, tail] = told(at);
    $("told").textContent = secret ? ask(at) : head;
    $("note").textContent = secret ? "" : tail;
    $("answer").hidden = !secret;
    $("place").max = line.length - 1;
    $("place").value = at;
    $("place").setAttribute("aria-valuetext", `${at + 1} / ${line.length}`);
    $("count").textContent = `${at + 1} / ${line.length}`;
    PHASES.forEach((p, i) => {
      $(p).setAttribute("aria-current", i === s.phase ? "step" : "false");
    });
    $("back").disabled = $("start").disabled = at === 0;
    $("next").disabled = $("end").disabled = at === line.length - 1;
    inspect();
    follow(boxes.get(s.node));
  }

  const brief = (x) => (typeof x === "number" ? Core.show(x, 4) : x);
  function text(g, kind, said) {
    const t = g.querySelector(`.${kind}`);
    if (t) t.textContent = said;
  }

  function follow(box) { // the picture scrolls by itself where it is wider than the window
    if (!box) return;
    const frame = $("picture");
    const [a, b] = [box.getBoundingClientRect(), frame.getBoundingClientRect()];
    if (a.left < b.left || a.right > b.right) frame.scrollLeft += (a.left + a.right - b.left - b.right) / 2;
    if (a.top < b.top || a.bottom > b.bottom) frame.scrollTop += (a.top + a.bottom - b.top - b.bottom) / 2;
  }

  function element(tag, said, parent) {
    const e = document.createElement(tag);
    if (said !== undefined) e.textContent = said;
    if (parent) parent.append(e);
    return e;
  }

  // The node that was clicked: how it was computed, and its whole sum.
  function inspect() {
    const panel = $("node");
    panel.hidden = picked === null;
    if (picked === null) return;
    const node = data.nodes[picked];
    const list = $("sum");
    list.replaceChildren();
    $("title").textContent = node.name;
    const [names, values] = node.op === null ? ["", ""] : formula(picked);
    const shown = show(now.v[picked]);
    $("how").textContent = node.op === null ? shown : `${names} = ${values} = ${shown}`;
    $("full").replaceChildren();
    node.full.forEach((rows, k) => {
      element("span", k ? `${slope(picked)} =` : `${node.name} =`, $("full"));
      element("pre", rows, $("full"));
    });
    uses(picked).forEach((k) => {
      const secret = quiz && first[2] + k >= at && !answered.has(first[2] + k) && askable(first[2] + k);
      const item = element("li", secret ? "?" : `${rule(k)};  ${product(k)}`, list);
      if (!secret && note(k)) element("small", ` ${note(k)}`, item);
    });
    const open = quiz && uses(picked).some((k) => !answered.has(first[2] + k));
    $("total").textContent = open ? `${slope(picked)} = ?` : `${slope(picked)} = ${show(now.g[picked])}`;
    const edit = node.op === null;
    $("edit").hidden = !(edit && scalar);
    $("fixed").hidden = !(edit && !scalar);
    if (edit && scalar && document.activeElement !== $("number")) $("number").value = leaves[picked];
  }

  // ---- what is done -----------------------------------------------------------------------------

  function go(k) {
    at = Math.min(Math.max(k, 0), line.length - 1);
    $("said").textContent = "";
    draw();
  }

  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => {
      if (at === line.length - 1 || hidden(at)) play(false);
      else go(at + 1);
    }, data.pace) : null;
    $("play").textContent = say(on ? "page.pause" : "page.play");
    $("play").title = say("page.space");
    $("play").setAttribute("aria-pressed", String(on));
  }

  function ask(k) {
    const f = data.flows[line[k].flow];
    const { u } = now.flows[line[k].flow];
    return say(whole(line[k].flow) ? "quiz.ask_whole" : "quiz.ask", {
      slope: slope(f.i), from: `${slope(f.n)} = ${show(u)}`,
      made: `${name(f.n)} = ${formula(f.n)[0]} = ${formula(f.n)[1]}`, n: uses(f.i).length,
    });
  }

  function check() {
    const answer = Number($("guess").value.replace(",", "."));
    if ($("guess").value.trim() === "" || Number.isNaN(answer)) {
      $("said").textContent = say("page.no_number");
      return;
    }
    const k = line[at].flow;
    const flow = now.flows[k];
    const others = data.flows.map((f, j) => [f, j])
      .filter(([f, j]) => f.n === data.flows[k].n && j !== k).map(([, j]) => now.flows[j].l);
    const found = Core.diagnose(answer, {
      ...flow, others, v: now.v[data.flows[k].n], whole: whole(k),
      placed: scalar ? Core.misplaced(data, OPS, k, now.v) : {},
    });
    if (!answered.has(at)) score.asked += 1;
    if (found === "right") {
      score.right += 1;
      answered.add(at);
      $("guess").value = "";
      draw();
    }
    const facts = { slope: rule(k), n: uses(data.flows[k].i).length };
    $("said").textContent = `${say(`quiz.${found}`, facts)}  ${score.right} / ${score.asked}`;
  }

  function reveal() {
    answered.add(at);
    score.asked += 1;
    draw();
  }

  function change(value) {
    const x = Number(value);
    if (value.trim() === "" || Number.isNaN(x)) {
      $("said").textContent = say("page.no_number");
      return;
    }
    leaves[picked] = x;
    $("said").textContent = "";
    compute();
    draw();
  }

  function translate() {
    document.documentElement.lang = lang;
    $("said").textContent = "";
    document.querySelectorAll("[data-say]").forEach((e) => { e.textContent = say(e.dataset.say); });
    document.querySelectorAll("[data-label]").forEach((e) => {
      e.setAttribute("aria-label", say(e.dataset.label));
      e.title = say(e.dataset.label);
    });
    $("fixed").textContent = say(data.fixed, { why: data.why });
    play(timer !== null);
    draw();
  }

  $("start").onclick = () => go(0);
  $("back").onclick = () => go(at - 1);
  $("play").onclick = () => {
    if (timer === null && at === line.length - 1) go(0);
    play(timer === null);
  };
  $("next").onclick = () => go(at + 1);
  $("end").onclick = () => go(line.length - 1);
  $("place").oninput = (e) => go(Number(e.target.value));
  PHASES.forEach((p, i) => { $(p).onclick = () => go(first[i]); });
  $("quiz").onchange = (e) => {
    quiz = e.target.checked;
    answered.clear();
    score.right = score.asked = 0;
    if (quiz) go(first[2]);
    else draw();
  };
  $("check").onclick = check;
  $("guess").onkeydown = (e) => { if (e.key === "Enter") check(); };
  $("reveal").onclick = reveal;
  $("lang").onchange = (e) => { lang = e.target.value; translate(); };
  $("number").oninput = (e) => change(e.target.value);
  $("reset").onclick = () => { leaves = given.slice(); compute(); draw(); $("number").value = leaves[picked]; };
  $("close").onclick = () => { picked = null; draw(); };
  boxes.forEach((g, i) => {
    g.setAttribute("tabindex", "0");
    g.setAttribute("role", "button");
    g.setAttribute("aria-label", name(i));
    g.onclick = () => { picked = i; draw(); };
    g.onkeydown = (e) => {
      if (e.key !== "Enter" && e.key !== " ") return;
      e.preventDefault();
      e.stopPropagation();
      picked = i;
      draw();
    };
  });
  document.addEventListener("keydown", (e) => {
    if (/^(INPUT|SELECT)$/.test(e.target.tagName) && e.target.type !== "range" && e.target.type !== "checkbox") return;
    const keys = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: line.length - 1 };
    if (e.key in keys) {
      e.preventDefault();
      go(keys[e.key]);
    } else if (e.key === " " && e.target.tagName !== "BUTTON") {
      e.preventDefault();
      $("play").click();
    } else if (e.key === "Escape") {
      picked = null;
      draw();
    }
  });

  compute();
  $("lang").value = lang;
  translate();
})();
