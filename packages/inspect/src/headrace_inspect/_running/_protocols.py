"""Methods that nobody calls by name: those of operators, of iteration, of tests for truth."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from headrace_inspect._names._values import UNKNOWN, Choice, Instance, Possibly, Value

from ._attributes import attribute
from ._calls import call
from ._giving import ANY_ARGUMENTS

if TYPE_CHECKING:
    from ._frame import Frame

_BINARY = {
    ast.Add: "add",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.LShift: "lshift",
    ast.MatMult: "matmul",
    ast.Mod: "mod",
    ast.Mult: "mul",
    ast.Pow: "pow",
    ast.RShift: "rshift",
    ast.Sub: "sub",
}
_UNARY = {ast.Invert: "__invert__", ast.UAdd: "__pos__", ast.USub: "__neg__"}
_COMPARING = {
    ast.Eq: "__eq__",
    ast.Gt: "__gt__",
    ast.GtE: "__ge__",
    ast.Lt: "__lt__",
    ast.LtE: "__le__",
    ast.NotEq: "__ne__",
}
# By the name of a built-in function, the methods of its argument of which it calls the first.
OF_BUILTINS = {
    "abs": ("__abs__",),
    "bool": ("__bool__", "__len__"),
    "float": ("__float__",),
    "format": ("__format__", "__str__", "__repr__"),
    "hash": ("__hash__",),
    "int": ("__int__", "__index__"),
    "len": ("__len__",),
    "print": ("__str__", "__repr__"),
    "repr": ("__repr__",),
    "str": ("__str__", "__repr__"),
}


def implicit(frame: Frame, value: Value, node: ast.AST, *names: str) -> Value:
    """Let the first of the methods `names` that `value` has run, and return what it gives."""
    match value:
        case Instance(cls=cls):
            for name in names:
                if frame.engine.has_method(cls, name):
                    method = attribute(frame, value, name, node)
                    return call(frame, method, ANY_ARGUMENTS, node)
        case Choice(options=options):
            return frame.one_of(options, lambda option: implicit(frame, option, node, *names))
        case Possibly(inner=inner):
            return implicit(frame, inner, node, *names)
    return UNKNOWN


def test(frame: Frame, expression: ast.expr) -> None:
    """Let `expression` be evaluated and be tested for truth."""
    implicit(frame, frame.resolved(expression), expression, "__bool__", "__len__")


def binary(frame: Frame, left: Value, right: Value, node: ast.BinOp) -> Value:
    """Let the operator of `node` run, as far as one of the operands is ours."""
    name = _BINARY[type(node.op)]
    result = implicit(frame, left, node, f"__{name}__")
    if result is UNKNOWN:
        result = implicit(frame, right, node, f"__r{name}__")
    return result


def in_place(frame: Frame, target: Value, node: ast.AugAssign) -> Value:
    """Let the operator of an augmented assignment run, if the target is ours."""
    name = _BINARY[type(node.op)]
    return implicit(frame, target, node, f"__i{name}__", f"__{name}__")


def unary(frame: Frame, node: ast.UnaryOp) -> Value:
    """Evaluate ``-x``, ``not x`` and the like."""
    if isinstance(node.op, ast.Not):
        test(frame, node.operand)
        return UNKNOWN
    return implicit(frame, frame.resolved(node.operand), node, _UNARY[type(node.op)])


def compare(frame: Frame, node: ast.Compare) -> Value:
    """Evaluate a comparison, one operand after the other."""
    left = frame.resolved(node.left)
    for operator, comparator in zip(node.ops, node.comparators, strict=True):
        right = frame.resolved(comparator)
        if isinstance(operator, ast.In | ast.NotIn):
            implicit(frame, right, node, "__contains__", "__iter__")
        elif (name := _COMPARING.get(type(operator))) is not None:
            implicit(frame, left, node, name)
        left = right
    return UNKNOWN
