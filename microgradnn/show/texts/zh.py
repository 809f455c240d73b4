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
    "draw.legend": "蓝色：数值 · 红色：{root} 对该数的导数 · 虚线：没有梯度传回",
    "draw.legend_plain": "蓝色：数值",
    "draw.focus": "只画 {name} 与结果之间的部分（全图共 {n} 个节点）",
    "draw.folded": "{n} 个节点折叠成 {k} 个；用 focus= 展开其中一部分",
    "draw.nodes": "{n} 个节点",
    "draw.earlier": "更早的 {n} 个节点",
    "draw.cut": "只画离结果最近的 {n} 个方框；用 focus= 或 limit= 看其余部分",
    "repr.parameters": "{n} 个参数",
    "page.phases": "阶段",
    "page.forward": "前向传播",
    "page.seed_phase": "起点",
    "page.backward": "反向传播",
    "page.update": "更新参数",
    "page.quiz": "测验：由你算梯度",
    "page.language": "语言",
    "page.picture": "计算图；点击一个节点，查看它的完整求和",
    "page.start": "回到开头（Home）",
    "page.back": "后退一步（←）",
    "page.next": "前进一步（→）",
    "page.end": "跳到结尾（End）",
    "page.play": "播放",
    "page.pause": "暂停",
    "page.space": "空格键",
    "page.legend": "蓝色：数值 · 红色：目前为止的梯度 · … 还有梯度未传到 · 红线：当前步骤",
    "page.slider": "步骤",
    "page.keys": "← → 前后一步 · Home、End 首尾 · 空格键播放 · 点击节点查看完整求和",
    "page.seed": "结果对自身的导数是 1；梯度从这里开始往回传",
    "page.after": "用更新后的数重新计算的结果",
    "page.uses": "共用到 {n} 次，已传回 {k} 次",
    "page.change": "改变这个数：",
    "page.reset": "恢复原值",
    "page.close": "关闭",
    "page.fixed": "这个页面不能改变它的数值：JavaScript 中没有 {why} 这个函数。",
    "page.fixed_array": (
        "这个页面不能改变数组里的数；用 show.steps(show.scalars(loss)) 可以得到由单个数组成的页面。"
    ),
    "page.no_number": "请输入一个数，例如 -0.25",
    "page.guess": "你的答案",
    "page.check": "检查",
    "page.reveal": "显示答案",
    "page.ask": "{from} 已经传到 {made}。这一步给 {slope} 加上多少？",
    "page.right": "正确。",
    "page.sign": "大小对了，符号反了。",
    "page.total": "这是到目前为止的总和；问的是这一步加上的那一份。",
    "page.forgot_upstream": "这只是局部导数：忘了乘上传来的梯度。",
    "page.forgot_local": "这是传来的梯度：忘了乘上局部导数 {slope}。",
    "page.added": "你把两者相加了；链式法则是相乘。",
    "page.swapped": "这是另一个输入的结果：两个输入弄反了。",
    "page.factor": "多了或少了一个因子 2。",
    "page.closed_hint": "看看这里的局部导数：{slope}。有梯度能传过去吗？",
    "page.wrong": "还不对：把传来的梯度乘以局部导数 {slope}。",
    "teach.twice": (
        "同一个计算图上第二次调用了 backward()：叶子节点的梯度被累加，比应有的大；"
        "请重新计算损失函数，或先把梯度清零"
    ),
    "teach.not_zeroed": (
        "{name} 已经更新过，但更新之前的梯度没有清零，这次反向传播会加在上面；"
        "请在 backward() 之前调用 zero_grad()"
    ),
    "teach.unused": "损失函数没有用到 {name}：它得不到梯度，永远不会变化；forward 里用到它了吗？",
    "teach.dead": (
        "{name} 的输出中有 {share} 处于关闭状态，那里的导数是 0，它之前的参数学不到东西；"
        "可以减小学习率、换一种初始化，或改用 leaky_relu"
    ),
    "teach.saturated": (
        "激活函数 {name} 的输出中有 {share} 已经饱和，那里的导数几乎为 0；"
        "请缩放输入，或用更小的初始权重"
    ),
    "teach.nan": "数值不再有限：{what}",
    "teach.in_place": (
        "前向传播和反向传播之间有数据被改动，梯度不属于其中任何一个；"
        "请像优化器那样，在 backward() 之后再修改数据"
    ),
    "teach.not_one": "梯度是一个数的导数：请先用 .mean() 或 .sum() 把结果变成一个数",
    "cost.head": "输入 {n} 个数，输出 {m} 个数，共 {k} 次运算；求出全部导数需要",
    "cost.differences": "差分法",
    "cost.forward": "前向模式",
    "cost.reverse": "反向模式",
    "cost.line": "  {method:<8}{n:>7} 遍 × {k} = {work} 次运算",
    "plot.epoch": "训练轮次",
    "film.title": "模型学到了什么：逐帧回放",
    "film.plane": "模型在每一点的判断；实心点：训练数据，空心点：测试数据",
    "film.figures": "同一指标的训练值与验证值共用刻度",
    "film.gradients": "每个参数的梯度大小（对数刻度）",
    "film.hidden": "各层输出（激活值）的分布",
    "film.epoch": "训练轮次",
    "film.all": "全部",
}
