#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A TOML, YAML or Python file as one JSON document on standard output, for `muir import`.

usage: import_document.py FILE

Of a recipe in Python nothing is executed: what it assigns to attributes (cfg.model.tensor_model_parallel_size = 2)
and passes as keywords (Config(micro_batch_size=1)) is read from its syntax, the last one counts. Exit status 0;
2 with one sentence on standard output where the file is wrong; 77 where a module is missing.
"""
import ast
import json
import pathlib
import sys

MISSING = 77


def read_toml(text):
    import tomllib
    return tomllib.loads(text)


def read_yaml(text):
    import yaml
    return yaml.safe_load(text)


def dotted(node):
    """The name of an attribute, "cfg.model.size", or None."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join(reversed([*parts, node.id])) if isinstance(node, ast.Name) else None


def literal(node):
    """A constant, or the product, sum, ... of constants; None for what only running the file would tell."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str)):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.FloorDiv, ast.Add, ast.Sub)):
        left, right = literal(node.left), literal(node.right)
        if all(isinstance(side, int) and abs(side) < 2**40 for side in (left, right)):
            if isinstance(node.op, ast.Mult):
                return left * right
            if isinstance(node.op, ast.FloorDiv):
                return left // right if right else None
            return left + right if isinstance(node.op, ast.Add) else left - right
    return None


def read_python(text):
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            pairs = [(dotted(node.targets[0]), node.value)]
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            pairs = [(dotted(node.target), node.value)]
        elif isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [(key.value, value) for key, value in zip(node.keys, node.values)
                     if isinstance(key, ast.Constant) and isinstance(key.value, str)]
        else:
            continue
        for name, value in pairs:
            if name is not None and literal(value) is not None:
                found[name] = literal(value)
    return found


def main(path):
    readers = {".toml": read_toml, ".yaml": read_yaml, ".yml": read_yaml, ".py": read_python}
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
        document = readers[pathlib.Path(path).suffix](text)
        print(json.dumps(document, allow_nan=False, default=str))
    except ImportError:
        return MISSING
    except RecursionError:
        print(f"{path}: it is nested too deeply")
        return 2
    except Exception as error:  # each library has its own
        print(f"{path}: {' '.join(str(error).split())[:200]}")
        return 2
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
