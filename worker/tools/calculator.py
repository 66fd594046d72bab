"""Arithmetic, safely: an expression becomes a number, or a sentence that says why not.

Owns the grammar that is allowed and the limits that keep every expression fast. It must not know
tools or models. Nothing is ever handed to `eval`.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import TypeAlias

Number: TypeAlias = int | float

MOST_CHARACTERS = 500
_MOST_BITS = 10_000
"""Of a whole number: some 3,000 digits, within what Python prints."""
_MOST_NODES = 300
_MOST_FACTORIAL = 1000


class CannotCalculate(ValueError):
    """Why there is no result, as a sentence."""


_UNARY: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_BINARY: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}
_ONE: Mapping[str, Callable[[float], Number]] = {
    "sqrt": math.sqrt,
    "abs": abs,
    "exp": math.exp,
    "ln": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "floor": math.floor,
    "ceil": math.ceil,
    "radians": math.radians,
    "degrees": math.degrees,
}
_MANY: Mapping[str, Callable[..., Number]] = {
    "min": lambda *numbers: min(numbers),
    "max": lambda *numbers: max(numbers),
    "sum": lambda *numbers: sum(numbers),
    "mean": lambda *numbers: sum(numbers) / len(numbers),
}
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", ":": "/"})
FUNCTIONS = tuple(sorted([*_ONE, *_MANY, "factorial", "log", "round"]))


def calculate(expression: str) -> str:
    """The result of an expression such as "2 * (3 + 4)^2", as text.

    Raises CannotCalculate.
    """
    if len(expression) > MOST_CHARACTERS:
        raise CannotCalculate(f"An expression may have {MOST_CHARACTERS} characters.")
    text = expression.strip().translate(_SIGNS).replace("^", "**").rstrip("=? ")
    text = _percents(text)
    try:
        tree = ast.parse(text, mode="eval")
    # Deep nesting and NUL bytes end in other errors than SyntaxError.
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise CannotCalculate("This is no expression that can be calculated.") from None
    if sum(1 for _ in ast.walk(tree)) > _MOST_NODES:
        raise CannotCalculate("The expression is too long.")
    try:
        return shown(_value(tree.body))
    except ZeroDivisionError:
        raise CannotCalculate("It divides by zero.") from None
    except OverflowError:
        raise CannotCalculate("The result is too large.") from None
    except (ValueError, TypeError) as error:
        if isinstance(error, CannotCalculate):
            raise
        raise CannotCalculate("There is no real number as its result.") from None


def shown(number: Number) -> str:
    """A number as people read it: 0.3 and not 0.30000000000000004."""
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        raise OverflowError
    text = f"{number:.15g}"
    return text.removesuffix(".0")


def _percents(text: str) -> str:
    """ "15%" as 0.15, where a number, a bracket or nothing follows it is no remainder."""
    made = ""
    for position, sign in enumerate(text):
        after = text[position + 1 :].lstrip()
        if sign == "%" and (not after or after[0] in "*/+-)," or after.startswith("of ")):
            made += "/100"
        else:
            made += sign
    return made.replace("/100 of ", "/100 * ")


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool()):
            raise CannotCalculate("Only numbers can be calculated with.")
        case ast.Constant(value=int() | float() as number):
            return _checked(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _UNARY:
            return _UNARY[type(sign)](_value(operand))
        case ast.BinOp(op=ast.Pow(), left=left, right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(op=sign, left=left, right=right) if type(sign) in _BINARY:
            return _checked(_BINARY[type(sign)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _checked(_call(name, [_value(one) for one in arguments]))
        case ast.Name(id=name):
            raise CannotCalculate(f"“{name}” is not known.")
    raise CannotCalculate("Only numbers, + - * / // % ^, brackets and functions are allowed.")


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if base.bit_length() * exponent > _MOST_BITS and abs(base) > 1:
            raise OverflowError
        return int(base**exponent)
    result: object = float(base) ** float(exponent)
    if not isinstance(result, float):
        raise ValueError  # the root of a negative number
    return result


def _call(name: str, numbers: list[Number]) -> Number:
    if not numbers:
        raise CannotCalculate(f"{name}() needs a number.")
    if name in _ONE and len(numbers) == 1:
        return _ONE[name](numbers[0])
    if name in _MANY:
        return _MANY[name](*numbers)
    if name == "round" and len(numbers) <= 2:
        digits = int(numbers[1]) if len(numbers) == 2 else 0
        if abs(digits) > 300:
            raise OverflowError
        return round(numbers[0], digits) if digits else round(numbers[0])
    if name == "log" and len(numbers) <= 2:
        return math.log(*numbers)
    if name == "factorial" and len(numbers) == 1 and float(numbers[0]).is_integer():
        if numbers[0] > _MOST_FACTORIAL:
            raise OverflowError
        return math.factorial(int(numbers[0]))
    raise CannotCalculate(f"{name}() is not known, or takes other numbers.")


def _checked(number: Number) -> Number:
    if isinstance(number, int) and number.bit_length() > _MOST_BITS:
        raise OverflowError
    if isinstance(number, complex):
        raise ValueError
    return number
