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
}
