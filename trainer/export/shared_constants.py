"""Stores equal constants of an exported model once.

TensorFlow adds constants for every slice and every axis. In the default model, most of its
constants and a quarter of all its nodes are copies. Loading a model takes time for each node.
"""

from __future__ import annotations

import tensorflow as tf
from tensorflow.core.framework import function_pb2
from tensorflow.core.protobuf import saved_model_pb2

from data.storage import files


def share_constants(directory: str) -> None:
    """Rewrite a SavedModel so that equal constants of a function are one node.

    Args:
      directory: folder of the SavedModel.
    """
    path = files.join(directory, tf.saved_model.SAVED_MODEL_FILENAME_PB)
    model = saved_model_pb2.SavedModel.FromString(files.read_bytes(path))
    for meta_graph in model.meta_graphs:
        for function in meta_graph.graph_def.library.function:
            _share_constants(function)
    files.write_file(path, model.SerializeToString(deterministic=True))


def _share_constants(function: function_pb2.FunctionDef) -> None:
    """Remove copies of constants, and let what used them use the first one."""
    first_by_content: dict[tuple[bytes, str], str] = {}
    replacements, copies = {}, []
    for index, node in enumerate(function.node_def):
        # A constant with an input waits for it, so that it belongs to a branch.
        if node.op == "Const" and not node.input:
            content = (node.attr["value"].SerializeToString(deterministic=True), node.device)
            first = first_by_content.setdefault(content, node.name)
            if first != node.name:
                replacements[node.name] = first
                copies.append(index)
    for index in reversed(copies):
        del function.node_def[index]

    def redirect(name: str) -> str:
        # Such as "axis:output:0", or "^axis" for a node to wait for.
        node, colon, output = name.removeprefix("^").partition(":")
        prefix = "^" if name.startswith("^") else ""
        return prefix + replacements.get(node, node) + colon + output

    for node in function.node_def:
        node.input[:] = [redirect(name) for name in node.input]
    for output, name in function.ret.items():
        function.ret[output] = redirect(name)
