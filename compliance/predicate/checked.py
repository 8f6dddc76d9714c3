"""The checked syntax tree that CEL hands out, as far as it is needed here.

Pure. ``Expression.serialize()`` of cel-expr-python is an ``Any`` of ``cel.expr.CheckedExpr``
(cel-spec, proto/cel/expr/checked.proto and syntax.proto); the field numbers below are theirs.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from compliance.errors import InputRefused

_PACKAGE = "muniment.cel"
_KINDS = {
    "bool": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
}
_MESSAGES = {
    "Constant": [("int64_value", 3, "int64"), ("string_value", 6, "string")],
    "Ident": [("name", 1, "string")],
    "Select": [("operand", 1, "Expr"), ("field", 2, "string"), ("test_only", 3, "bool")],
    "Call": [("target", 1, "Expr"), ("function", 2, "string"), ("args", 3, "Expr*")],
    "CreateList": [("elements", 1, "Expr*")],
    "Pair": [("map_key", 3, "Expr"), ("value", 4, "Expr")],
    "CreateStruct": [("message_name", 1, "string"), ("entries", 2, "Pair*")],
    "Comprehension": [
        ("iter_var", 1, "string"), ("iter_range", 2, "Expr"), ("accu_var", 3, "string"),
        ("accu_init", 4, "Expr"), ("loop_condition", 5, "Expr"), ("loop_step", 6, "Expr"),
        ("result", 7, "Expr"),
    ],
    "Expr": [
        ("id", 2, "int64"), ("const_expr", 3, "Constant"), ("ident_expr", 4, "Ident"),
        ("select_expr", 5, "Select"), ("call_expr", 6, "Call"), ("list_expr", 7, "CreateList"),
        ("struct_expr", 8, "CreateStruct"), ("comprehension_expr", 9, "Comprehension"),
    ],
    "Reference": [("name", 1, "string"), ("overload_id", 3, "string*")],
    "Resolved": [("key", 1, "int64"), ("value", 2, "Reference")],
    "CheckedExpr": [("reference_map", 2, "Resolved*"), ("expr", 4, "Expr")],
}  # fmt: skip


def _checked_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="muniment/cel.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            _add(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.CheckedExpr"))


def _add(message: descriptor_pb2.DescriptorProto, field: str, number: int, kind: str) -> None:
    proto = descriptor_pb2.FieldDescriptorProto
    label = proto.LABEL_REPEATED if kind.endswith("*") else proto.LABEL_OPTIONAL
    entry = message.field.add(name=field, number=number, label=label)
    plain = kind.rstrip("*")
    if plain in _KINDS:
        entry.type = _KINDS[plain]
    else:
        entry.type, entry.type_name = proto.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"


_CHECKED = _checked_class()


def decode(serialized: bytes) -> tuple[Any, dict[int, frozenset[str]]]:
    """The root of the tree, and the overloads that each call (by its id) may resolve to.

    Raises InputRefused where the expression is nested deeper than protobuf reads (100 messages).
    """
    try:
        checked = _CHECKED.FromString(any_pb2.Any.FromString(serialized).value)
    except DecodeError as error:
        raise InputRefused("The expression is nested too deep; split it into several checks.") from error
    overloads = {entry.key: frozenset(entry.value.overload_id) for entry in checked.reference_map}
    return checked.expr, overloads
