"""The sentences in Chinese."""

# ruff: noqa: RUF001

TEXTS: dict[str, str] = {
    "explain.step": "步骤",
    "explain.node": "节点",
    "explain.value": "数值",
    "explain.slope": "局部导数",
    "explain.incoming": "传入的梯度",
    "explain.local": "× 局部导数",
    "explain.contribution": "= 贡献",
    "explain.note": "说明",
    "explain.start": "起点",
    "explain.closed": "关闭：梯度传不过去",
    "explain.nothing": "没有梯度传到这里",
    "explain.repeated": "{name} {shape} 被重复使用了 {n} 次，因此它的梯度要沿第 {axes} 轴求和",
    "explain.repeated_axes": "{name} {shape} 被重复使用了 {n} 次，因此它的梯度要沿第 {axes} 轴求和",
    "explain.skipped": "…… 省略 {n} 步；.steps 里有全部步骤，wrt= 只看通向某个输入的步骤 ……",
    "explain.uses": "用到 {n} 次，把各次的贡献相加",
    "explain.one_path": "只有一条路径",
    "explain.paths": "共 {n} 条路径，逐条相加",
    "draw.title": "{root} 的计算图：每个数，以及 {root} 对它的导数",
    "draw.legend": "蓝色：数值 · 红色：d{root}/d该数 · 虚线：没有梯度传回",
    "draw.legend_plain": "蓝色：数值",
    "draw.focus": "只画 {name} 与结果之间的部分（全图共 {n} 个节点）",
    "draw.folded": "{n} 个节点折叠成 {k} 个；用 focus= 展开其中一部分",
    "draw.nodes": "{n} 个节点",
    "draw.earlier": "更早的 {n} 个节点",
    "draw.cut": "只画离结果最近的 {n} 个方框；用 focus= 或 limit= 看其余部分",
    "repr.parameters": "{n} 个参数",
}
