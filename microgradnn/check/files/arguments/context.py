"""What names of arguments mean, and what a function is about as a whole."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...verbs import is_criterion
from ...words import is_label
from ..hinted import Hints

# Names, the most particular ones first; the whole name has to match, in lower case.
_KINDS = (
    ("seed", r"(random_)?seed|random_state"),
    ("stride", r"strides?|s|step_size|hop"),
    ("pad", r"pad(ding)?s?|pad_(size|width|amount)|zero_padding"),
    ("groups", r"g|n?_?groups?|(num|n)_?(groups?|heads?)|heads|groups?_?(num|count)"),
    ("pool", r"(pool|filter|kernel|window|k|f|patch|field)_?(h|w|height|width|size|shape|rows|cols|"
             r"dims?|s)?[12]?|ph|pw|fh|fw|kh|kw|ksize|hh|ww|size|[hw]_(pool|filter|kernel)"),
    ("keep", r"keep_?(prob|rate|ratio)?|p|prob|kp"),
    ("drop", r"p_drop(out)?|(drop|dropout)_?(out)?_?(prob|rate|ratio|p|out)?|rate|ratio"),
    ("train", r"(is_)?train(ing)?(_?(flg|flag|mode|phase))?"),
    ("mode", r"mode|phase"),
    ("activation", r"act(ivation)?(_?(fn|func|function|type|name))?|non_?lin(earity)?|func"),
    ("eps", r"eps(ilon)?"),
    ("momentum", r"momentum|decay|rho"),
    ("reg", r"reg(ularization|_strength|_rate)?|lambda?|lambd|lambda_|weight_decay(_lambda)?|"
            r"l[12](_reg)?|lam|wd|(w|b|weights?|bias(es)?|kernel)_?reg(ulari[sz]er)?_?l[12]|"
            r"(lambda|lambd|lam)_?(l?[12]|reg)|(reg|alpha)_?l[12]"),
    ("rate", r"lr|learning_rate|step"),
    ("number", r"alpha|slope|leak(iness)?|negative_slope|delta|temperature|temp|tau|"
               r"scale(_?factor)?|margin|threshold|constant?|c(oef(f)?)?|factor|value|gain|"
               r"weight_scale|weight_init_std|std"),
    ("none", r"dataset|optimi[sz]er|dtype|name|logger|callback|parent|device|regularizer|rng"),
    ("init", r"(weights?_?)?(init(ializ(er|ation))?)(_?(fn|method|type|mode|w|b))?"),
    ("mask", r".*mask.*"),
    ("indices", r"ind(ex|ices|xs)|idxs?|tokens?|words?|ids?|contexts?|captions?(_in)?|word_ids?|"
                r"\w*(idx|index|indices)"),
    ("labels", r"y|t|labels?|y_?(true|batch|train|label)?|targets?|ts|gt|ground_?truth|classes|"
               r"captions?_out|answers?|y_?real|expected|true|etiquetas?|objetivos?|"
               r"ziele?|cibles?|标签|biaoqian"),
    ("running", r"(running|moving|pop|population|r)_?(mean|var(iance)?|mu|std)?|mean|var(iance)?|"
                r"mu"),
    ("bias", r"b[a-z0-9]{0,2}|bias(es)?[a-z0-9_]{0,3}|b_.{1,5}|beta[s0-9]?|.*_bias|by|bh|"
             r"sesgos?|biais|偏置|pianzhi"),
    ("scale", r"gammas?[0-9]?|g_?scale"),
    ("state", r"h0|c0|a0|s0|.*prev.*(h|c|s|state|hidden|cell)|(h|c|s)_?(prev|t_1|tm1|0|init|old).*|"
              r"(prev|last|initial|init)_?(h|c|s|a|state|hidden|cell|h_state)|hprev|cprev|state|"
              r"[hc]_next|a_prev_t|hidden(_state)?"),
    ("weights", r"\w+vec(tor)?s|"
                r"(w|u|theta)[a-z0-9]{0,3}|w_.*|u_[a-z0-9]{1,3}|weights?.*|kernels?|filters?|.*_(w|"
                r"weights?)|table|embeddings?|emb|params?_w|pesos?|poids|gewichte?|权重|quanzhong"),
    ("dict", r".*param(eter)?s?|cache|hp|config|options|kwargs|settings|opts?"),
    ("widths", r"(hidden|layer)s?_?(dims|sizes|layers|(size|dim)s?_?list|list)|layers?_?dims|sizes|"
               r"layers"),
    ("data", r"x.*|[xaz]_?prev.*|a|z|inp.*|data|features?|img.*|images?|in_?|scores?|logits?|"
             r"pred.*|y_?(pred|hat|p)|yhat|output|out|q|k|v|quer(y|ies)|keys?|values?|u|signal|h|f|"
             r"src|tgt|.*_in|seq.*|vec.*|p|probs?|entradas?|"
             r"eingaben?|entrees?|输入|shuru"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
SIZE = re.compile(
    r"n|m|d|t|(n|num|nb|no)_?(of_)?\w+|\w*(_|^)?(in|out)(put)?(_?(dims?|size|features?|units|ch|"
    r"channels?|shape|neurons|num|n|chan|c|nodes|width|planes))?s?|\w*_?(dims?|size|features?|"
    r"units|channels|neurons|width|nodes|classes|length|len)|fan_(in|out)|[dvhcm]|(d|dim)_\w+|"
    r"units|size|vocab|\w*_(in|out|d|n)|hidden|depth|dim|"
    r"(n_?|num_?)?(entradas?|salidas?|neuronas?|ocult[ao]s?|eingaben?|ausgaben?|neuronen|"
    r"entrees?|sorties?|neurones?|saidas?|neuronios?|shuru|shuchu|"
    r"输入(维度|大小)?|输出(维度|大小)?|隐藏(层|维度|大小)?)|(tamano|taille|dim(ension)?|groesse)_\w+|"
    r"\w+_(dim(ension)?|taille|groesse|tamano)"
)


def kind_of(name: str) -> str:
    """The kind of an argument by its name, or ""."""
    low = name.lower().strip("_")
    if name in ("Q", "K", "V", "A", "B"):
        return "data"
    known = (kind for kind, pattern in _COMPILED if pattern.fullmatch(low))
    return next(known, "labels" if is_label(name) else "")


@dataclass
class Context:
    """What is known of the whole: `images` and `steps` say what data are likely; `roles` fills."""

    hints: Hints
    name: str
    images: bool
    steps: bool
    roles: dict[str, str]
    entropy: bool = False
    constructor: bool = False
    alike: tuple[str, ...] = ()  # a and b, or q, k and v: names that mean nothing else
    words: bool = False  # no data but words, one at a time: states are single columns

    @classmethod
    def of(cls, hints: Hints, name: str, names: Sequence[str]) -> "Context":
        """The context of a function or class with parameters of these names."""
        keys = [k for d in hints.keys.values() for k in d]
        low = name.lower()
        images = bool(re.search(r"conv|pool|im2col|spatial|image|flatten", low))
        for n in (*names, *keys):  # size, f and s alone may be something else
            images |= len(n) > 2 and n != "size" and kind_of(n) in ("stride", "pad", "pool")
        one = "1d" in low or any(len(a) < 4 for n, a in hints.axes.items() if n in hints.sure
                                 and kind_of(n) == "data")  # fmt: skip
        steps = bool(re.search(r"(rnn|lstm|gru|temporal|time|seq)", low))
        steps &= not re.search(r"step|cell|sequential", low)
        steps &= not any("prev" in n for n in names)
        entropy = bool(re.search(r"softmax|entropy|nll|logistic|sigmoid|bce", low))
        groups = (("a", "b"), ("q", "k", "v"), ("u", "v"), ("h", "x"), ("A", "B"))
        alike = tuple(n for g in groups if set(g) <= set(names) for n in g)
        alike += () if images or "s" not in names else ("s",)  # no stride
        alike += ("p",) if "p" in names and is_criterion(name) else ()
        logs = entropy or bool(hints.logged)
        words = not any(kind_of(n) == "data" and n not in hints.index for n in names)
        return cls(hints, name, images and not one, steps, {}, logs, alike=alike, words=words)
