"""The file of a checkpoint: what is written into it, and how it is read back and checked.

Arrays become tensors of a safetensors file; the rest is JSON in its header, with a checksum.
Source of the format: https://huggingface.co/docs/safetensors (header and metadata).
"""

import json
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import CheckpointError, DTypeError
from ..optional import need

FORMAT = "microgradnn.checkpoint"
VERSION = 1


def encode(node: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """JSON for a tree of plain data; its arrays go into `arrays` under their path."""
    if node is None or isinstance(node, (bool, str)) or type(node) in (int, float):
        return node
    if isinstance(node, (np.ndarray, np.generic)):
        array = np.asarray(node)
        if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
            raise DTypeError(f"save_checkpoint: {name} has dtype {array.dtype}, which has no place")
        # safetensors writes the buffer as it lies in memory, also where it is not in C order.
        key = str(len(arrays))  # not the path: {"a": {"b": …}, "a.b": …} has two of one path
        arrays[key] = np.array(array, array.dtype.newbyteorder("="), order="C", copy=True)
        return {"$": "array", "of": key}
    if isinstance(node, (list, tuple)):
        items = [encode(v, f"{name}.{i}", arrays) for i, v in enumerate(node)]
        return items if isinstance(node, list) else {"$": "tuple", "of": items}
    if isinstance(node, dict):
        for key in node:
            if type(key) not in (str, int):
                raise DTypeError(f"save_checkpoint: key {key!r} of {name} is no string or integer")
        pairs = [[k, encode(v, f"{name}.{k}", arrays)] for k, v in node.items()]
        return {"$": "dict", "of": pairs}
    raise DTypeError(
        f"save_checkpoint: {name} is a {type(node).__name__}, which is neither an array, a number, "
        "text nor a list or dict of them"
    )


def decode(node: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The tree of plain data that encode() made JSON of."""
    if isinstance(node, list):
        return [decode(v, arrays) for v in node]
    if not isinstance(node, dict):
        return node
    kind, of = node["$"], node["of"]
    if kind == "array":
        return arrays[of]
    if kind == "tuple":
        return tuple(decode(v, arrays) for v in of)
    if kind != "dict":
        raise KeyError(kind)
    return {k: decode(v, arrays) for k, v in of}


def in_order(content: bytes) -> bytes:
    """The same file with its header in order: equal states make equal files, byte for byte."""
    end = 8 + int.from_bytes(content[:8], "little")
    head = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the format wants the arrays aligned
    return len(head).to_bytes(8, "little") + head + content[end:]


def checksum_of(state: str, arrays: dict[str, np.ndarray]) -> str:
    """CRC-32 of the text and of the arrays' names, types, shapes and bytes: finds accidents."""
    crc = zlib.crc32(state.encode())
    for name in sorted(arrays):
        a = arrays[name]
        crc = zlib.crc32(f"{name} {a.dtype.str} {a.shape}".encode(), crc)
        crc = zlib.crc32(a.tobytes(), crc)
    return f"{crc:08x}"


def parse(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The state in the header of a file and its arrays, whole and undamaged."""
    library = safetensors()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    text, checksum, state = _header(path, content)
    try:
        arrays = library.load(content)
    except Exception as error:  # its own exception type is not public
        raise CheckpointError(f"{path}: cut off or damaged ({error})") from error
    if checksum != checksum_of(text, arrays):
        raise CheckpointError(f"{path}: damaged, it does not have its checksum")
    try:
        for node in state["objects"].values():
            decode(node, arrays)
        dict(state["configs"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path}: its header is not one of ours ({error!r})") from error
    return state, arrays


def _header(path: Path, content: bytes) -> tuple[str, str | None, dict[str, Any]]:
    """The text of the state in a file's header, the checksum beside it, and the state itself."""
    try:
        size = int.from_bytes(content[:8], "little")
        head = json.loads(content[8 : 8 + size])["__metadata__"]
        if head["format"] != FORMAT:
            raise KeyError(head["format"])
        state = json.loads(head["state"])
        version = state["version"]
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of microgradnn, or cut off") from error
    if version != VERSION:
        raise CheckpointError(
            f"{path}: checkpoint of version {version}, this library reads {VERSION}"
        )
    return head["state"], head.get("checksum"), state


def safetensors() -> ModuleType:
    """The package that writes and reads the file. Raises MissingPackageError without it."""
    return need("safetensors.numpy", "a checkpoint")
