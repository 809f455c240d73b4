"""The sentences in English."""

TEXTS: dict[str, str] = {
    "explain.step": "step",
    "explain.node": "node",
    "explain.value": "value",
    "explain.slope": "slope",
    "explain.incoming": "incoming",
    "explain.local": "× local",
    "explain.contribution": "= contribution",
    "explain.note": "note",
    "explain.start": "start",
    "explain.closed": "closed: nothing passes",
    "explain.nothing": "nothing arrives",
    "explain.repeated": "{name} {shape} was repeated {n}×: its gradient is summed over axis {axes}",
    "explain.repeated_axes": (
        "{name} {shape} was repeated {n}×: its gradient is summed over axes {axes}"
    ),
    "explain.skipped": "… {n} steps are not shown; .steps has all, wrt= follows one input …",
    "explain.uses": "{n} uses, added up",
    "explain.one_path": "one path",
    "explain.paths": "{n} paths, added up",
    "draw.title": "The graph of {root}: each number, and the derivative of {root} by it",
    "draw.legend": "blue: the number · red: d{root}/d that number · dotted: nothing flows back",
    "draw.legend_plain": "blue: the number",
    "draw.focus": "only what lies between {name} and the result, of {n} nodes",
    "draw.folded": "{n} nodes folded into {k}; focus= shows a part in full",
    "draw.nodes": "{n} nodes",
    "draw.earlier": "{n} earlier nodes",
    "draw.cut": "the {n} boxes nearest to the result; focus= and limit= show others",
    "repr.parameters": "{n} parameters",
    "page.phases": "phases",
    "page.forward": "forward",
    "page.seed_phase": "seed",
    "page.backward": "backward",
    "page.update": "update",
    "page.quiz": "quiz: you say the gradients",
    "page.language": "language",
    "page.picture": "the graph; click a node for its whole sum",
    "page.start": "to the start (Home)",
    "page.back": "one step back (←)",
    "page.next": "one step on (→)",
    "page.end": "to the end (End)",
    "page.play": "play",
    "page.pause": "pause",
    "page.space": "space bar",
    "page.legend": "blue: the number · red: its gradient so far (… more arrives) · line: this step",
    "page.slider": "step",
    "page.keys": "← → one step · Home, End · space plays · click a node for its whole sum",
    "page.seed": "the result changes as fast as itself; from here the gradients flow back",
    "page.after": "the result, computed again with the new numbers",
    "page.uses": "{k} of {n} uses",
    "page.change": "change its number:",
    "page.reset": "as before",
    "page.close": "close",
    "page.fixed": (
        "Its number cannot be changed in this page: {why} has no function in JavaScript."
    ),
    "page.fixed_array": (
        "Numbers of arrays cannot be changed in this page; show.steps(show.scalars(loss)) makes "
        "one of single numbers."
    ),
    "page.no_number": "write a number, such as -0.25",
    "page.guess": "your answer",
    "page.check": "check",
    "page.reveal": "show it",
    "quiz.ask": "{from} has arrived at {made}. What does this step add to {slope}?",
    "quiz.ask_whole": "{from} has arrived at {made}, the last of {n} uses. What is {slope} in all?",
    "quiz.right": "Right.",
    "quiz.path_missing": (
        "That is only a part of it: the number is used {n} times, and you forgot to add the "
        "other paths."
    ),
    "quiz.sign": "The size is right, the sign is not.",
    "quiz.total": "That is the sum so far; asked is what this step adds.",
    "quiz.upstream": (
        "That is the local slope alone: you forgot to multiply by the gradient that arrives."
    ),
    "quiz.no_local": (
        "That is the gradient that arrives: you forgot to multiply by the local slope, {slope}."
    ),
    "quiz.added": "You added the two; the chain rule multiplies them.",
    "quiz.swapped": "That is for the other input: the inputs are swapped.",
    "quiz.input_for_output": (
        "You put in the number that goes in where the rule wants the one that comes out: {slope}."
    ),
    "quiz.output_for_input": (
        "The slope is taken at the output; it belongs to the number that goes in: {slope}."
    ),
    "quiz.value": "That is the value of the step, not its slope: {slope}.",
    "quiz.inverse": "You divided by the local slope; the chain rule multiplies.",
    "quiz.twice": "The local slope is multiplied in twice.",
    "quiz.factor": "A factor of 2 is too many or missing.",
    "quiz.closed": "Look at the local slope here: {slope}. Does anything pass?",
    "quiz.zero": "Something does pass here: the local slope is not 0: {slope}.",
    "quiz.wrong": "Not yet: multiply what arrives by the local slope, {slope}.",
    "teach.twice": (
        "backward() ran a second time over the same graph: the leaves' gradients were added up, so "
        "they are too large; compute the loss again, or clear the gradients first"
    ),
    "teach.not_zeroed": (
        "{name} was updated, but its gradient still holds the one from before the update, and this "
        "pass adds to it; call zero_grad() before backward()"
    ),
    "teach.unused": (
        "the loss does not depend on {name}: it gets no gradient and never changes; is it used in "
        "forward?"
    ),
    "teach.dead": (
        "{name} is off for {share} of its outputs, where its slope is 0: the parameters "
        "before it learn nothing; try a smaller learning rate, other initial weights, or leaky_relu"
    ),
    "teach.saturated": (
        "{share} of the outputs of {name} are at the edge, where its slope is almost 0; scale the "
        "inputs, or start with smaller weights"
    ),
    "teach.nan": "{what}",
    "teach.in_place": (
        "a number was changed between forward and backward, so that the gradient would belong to "
        "neither; change data only after backward(), as an optimiser does"
    ),
    "teach.not_one": (
        "a gradient is the slope of one number: make the result one with .mean() or .sum()"
    ),
    "cost.head": "{n} numbers in, {m} out, {k} operations; the whole derivative takes",
    "cost.differences": "differences",
    "cost.forward": "forward mode",
    "cost.reverse": "reverse mode",
    "cost.line": "  {method:<14}{n:>7} × {k} = {work} operations",
    "plot.epoch": "epoch",
    "film.title": "What the model learns, frame by frame",
    "film.plane": "what the model says at each point; filled: training data, hollow: test data",
    "film.figures": "a figure and its val_ twin share a scale",
    "film.gradients": "size of each parameter's gradient, logarithmic",
    "film.hidden": "how the outputs of each layer are spread",
    "film.table": (
        "what the optimiser does: the mean size of p, of its gradient g, of what is remembered of "
        "it, and of the last step Δp"
    ),
    "film.parameter": "parameter",
    "film.epoch": "epoch",
    "film.all": "all",
    "diff.title": "two runs of {root}: {a} and {b}",
    "diff.same": "all {n} numbers are the same, and so are the gradients",
    "diff.first": (
        "the first difference: {name}, which is {a} in the first run and {b} in the second; {why}"
    ),
    "diff.count": "{n} of {all} numbers differ, and {g} gradients",
    "diff.input": "an input",
    "diff.constant": "a number or array that was given, without a gradient",
    "diff.op": "another operation",
    "diff.itself": "its inputs are the same, its result is not",
    "diff.inputs": "because its inputs differ",
    "diff.slope": "all numbers are the same, the derivative is not",
    "diff.numbers": "number",
    "diff.gradients": "gradient",
    "diff.one": "first run",
    "diff.two": "second run",
    "diff.apart": "apart by",
    "diff.relative": "relative",
    "diff.why": "why",
    "diff.more": "… and {n} more; .numbers and .gradients have all",
    "diff.legend": (
        "the first run; the redder a box, the more its number differs (by powers of ten); the "
        "thick edge is the first difference"
    ),
    "typed.word": "{who}: got {word!r}, expected a name and its number, as in x=2",
    "typed.number": (
        "{who}: {name} is {said!r}, expected a number or a list of numbers, as in {name}=2 or"
        " {name}=[1,2]"
    ),
    "typed.syntax": "{who}: cannot read {text!r} ({error}); write it as in Python: tanh(x*w + b)",
    "typed.long": "{who}: the formula is too long to be read; make it shorter",
    "typed.fails": "{who}: {text!r} cannot be computed: {error}",
    "typed.unused": "{who}: {name} is not in the formula {text!r}; leave {name}= out",
    "typed.strange": (
        "{who}: {said!r} is not understood in a formula; write numbers, names, + - * / ** @ "
        "and functions such as tanh(x)"
    ),
    "typed.function": "{who}: {name} is a function; write {name}(x)",
    "typed.no_number": "{who}: {name} has no number; add {name}=1 behind the formula",
    "typed.no_function": "{who}: there is no function {name}{hint}",
    "typed.nearest": "; did you mean {near}?",
    "typed.array": "{who}: a function of arrays got a single number; give lists, as in x=[1,2]",
    "typed.no_variable": "{who}: the formula has no variable; write one, as in tanh(x) x=2",
    "typed.place": "{who}: cannot write {file} ({error}); give --out another place",
    "typed.wrt": "{who}: --wrt {name}: the formula has {names}",
    "typed.wrote": "wrote {file}",
}
