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

  // What an answer to "what does this step add?" forgot: the key of a sentence.
  function diagnose(answer, flow, others) {
    const { u, l, c, t } = flow;
    if (near(answer, c)) return "page.right";
    if (near(answer, -c)) return "page.sign";
    if (near(answer, t)) return "page.total";
    if (near(answer, l)) return "page.forgot_upstream";
    if (near(answer, u)) return "page.forgot_local";
    if (near(answer, u + l)) return "page.added";
    if (others.some((other) => near(answer, u * other))) return "page.swapped";
    if (c !== 0 && answer !== 0) {
      if (near(answer, 2 * c) || near(2 * answer, c)) return "page.factor";
    }
    if (l === 0) return "page.closed_hint";
    return "page.wrong";
  }

  return { show, run, updated, near, diagnose };
})();

if (typeof module !== "undefined") module.exports = Core;
