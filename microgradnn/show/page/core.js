// What the page computes: numbers as Python prints them, forward, backward, wrong answers.
"use strict";

const Core = (() => {
  // A number in six digits, as Python's "%.6g".
  function show(x, digits = 6) {
    if (typeof x === "string") return x; // an array, described
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
    if (x === 0) return "0";
    const [head, tail] = x.toExponential(digits - 1).split("e");
    const power = Number(tail);
    if (power < -4 || power >= digits) {
      const short = head.includes(".") ? head.replace(/\.?0+$/, "") : head;
      const sign = power < 0 ? "-" : "+";
      return `${short}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
    }
    const plain = x.toFixed(Math.max(digits - 1 - power, 0));
    return plain.includes(".") ? plain.replace(/\.?0+$/, "") : plain;
  }

  // Every number of a graph: v by node, g by node, and for each flow u, l, c and t (sum so far).
  function run(data, ops, leaves) {
    const v = [];
    const input = (x) => ("c" in x ? x.c : v[x.n]);
    data.nodes.forEach((node, i) => {
      v[i] = node.op === null ? leaves[i] : ops[node.op].f(...node.in.map(input));
    });
    const g = data.nodes.map(() => 0);
    g[data.root] = data.seed;
    const flows = data.flows.map((flow) => {
      const node = data.nodes[flow.n];
      const l = ops[node.op].d[flow.p](v[flow.n], ...node.in.map(input));
      const u = g[flow.n];
      const c = u * l;
      g[flow.i] += c;
      return { u, l, c, t: g[flow.i] };
    });
    return { v, g, flows };
  }

  // The leaves after one step of gradient descent, and the result with them.
  function updated(data, ops, leaves, g) {
    const after = leaves.map((x, i) => (data.nodes[i].update ? x - data.rate * g[i] : x));
    return { leaves: after, result: run(data, ops, after).v[data.root] };
  }

  function near(a, b) {
    return a === b || Math.abs(a - b) <= 1e-3 * Math.max(Math.abs(a), Math.abs(b));
  }

  // The slopes that step k would have if the rule were given the input in the place of the output,
  // or were applied to the output: mistakes that are made with functions of one number.
  function misplaced(data, ops, k, v) {
    const flow = data.flows[k];
    const node = data.nodes[flow.n];
    const op = ops[node.op];
    const xs = node.in.map((x) => ("c" in x ? x.c : v[x.n]));
    const again = xs.map((x, i) => (i === flow.p ? v[flow.n] : x));
    return { input: op.d[flow.p](xs[flow.p], ...xs), output: op.d[flow.p](op.f(...again), ...again) };
  }

  // What an answer forgot, by the name that the exercises' catalogue has for it. Asked is what the
  // step adds (c), or with `whole` the sum of all uses (t). others: the slopes by the other inputs.
  function diagnose(answer, { u, l, c, t, v, whole, others = [], placed = {} }) {
    const wanted = whole ? t : c;
    if (near(answer, wanted)) return "right";
    const guesses = [
      ["path_missing", whole && (near(answer, c) || near(answer, t - c))],
      ["sign", near(answer, -wanted)],
      ["total", !whole && near(answer, t)],
      ["upstream", near(answer, l)],
      ["no_local", near(answer, u)],
      ["added", near(answer, u + l)],
      ["swapped", others.some((other) => near(answer, u * other))],
      ["input_for_output", near(answer, u * placed.input)],
      ["output_for_input", near(answer, u * placed.output)],
      ["value", near(answer, v) || near(answer, u * v)],
      ["inverse", l !== 0 && near(answer, u / l)],
      ["twice", near(answer, u * l * l)],
      ["factor", wanted !== 0 && answer !== 0
        && (near(answer, 2 * wanted) || near(2 * answer, wanted))],
      ["closed", l === 0],
      ["zero", answer === 0],
    ];
    const found = guesses.find(([, holds]) => holds);
    return found ? found[0] : "wrong";
  }

  return { show, run, updated, near, misplaced, diagnose };
})();

if (typeof module !== "undefined") module.exports = Core;
