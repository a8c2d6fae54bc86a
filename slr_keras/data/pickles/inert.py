"""A pickle interpreter that passes over what it does not know, without running it.

Checkpoints of training scripts hold options, counters, paths and numpy scalars beside the weights.
Whatever such a value is made of, it becomes an `Inert` here, and only a reader that needs the value
refuses it.
"""

from typing import Any

from slr_keras.data.pickles.budget import CONTAINER, Refused
from slr_keras.data.pickles.pickle_machine import Machine, Name, Pending, shorten


class Inert:
    """A value that was not made; `reason` says what its file asked for."""

    __slots__ = ("reason",)

    def __init__(self, reason: str):
        self.reason = reason


class InertMachine(Machine):
    """Interpret a pickle; unknown names, and all that is made of them, become `Inert`.

    Attributes:
        passed: the first reason for which a value was passed over; empty if none was.
    """

    passed = ""

    def _inert(self, reason: str) -> Inert:
        self.passed = self.passed or reason
        self.budget.charge(CONTAINER)
        return Inert(reason)

    def _global(self, argument: str) -> None:
        try:
            super()._global(argument)
        except Refused as error:
            self.stack.append(self._inert(str(error)))

    def _stack_global(self, argument: Any) -> None:
        if any(isinstance(value, Inert) for value in self.stack[-2:]):
            del self.stack[-2:]
            self.stack.append(self._inert("it names a function by something that is not text"))
        else:
            super()._stack_global(argument)

    def _reduce(self, argument: Any) -> None:
        arguments, function = self.stack[-1], self.stack[-2]
        parts = (function, *(arguments if isinstance(arguments, tuple) else (arguments,)))
        reasons = [part.reason for part in parts if isinstance(part, Inert)]
        if not reasons and isinstance(function, Name) and function.construct is None:
            reasons = [f"it calls {shorten(function.name)}"]
        if reasons:
            del self.stack[-2:]
            self.stack.append(self._inert(reasons[0]))
        else:
            super()._reduce(argument)

    def _newobj(self, argument: Any) -> None:
        self._made_of(2)

    def _newobj_ex(self, argument: Any) -> None:
        self._made_of(3)

    def _obj(self, argument: Any) -> None:
        items = self._items()
        self.stack.append(items[0] if items else None)
        self._made_of(1)

    def _inst(self, argument: str) -> None:
        self._items()
        self._global(argument)
        self._made_of(1)

    def _made_of(self, count: int) -> None:
        """Replace a class and its arguments, `count` values, by an inert object."""
        if len(self.stack) < count:
            raise IndexError("empty stack")
        kind = self.stack[-count]
        del self.stack[-count:]
        reason = f"it makes an object of {shorten(getattr(kind, 'name', kind))}"
        self.stack.append(self._inert(getattr(kind, "reason", reason)))

    def _build(self, argument: Any) -> None:
        state, value = self.stack[-1], self.stack[-2]
        if isinstance(value, Pending) and isinstance(state, Inert):
            del self.stack[-2:]
            self.stack.append(self._inert(state.reason))
        elif isinstance(value, Pending) or (type(value) is dict and type(state) is dict):
            super()._build(argument)
        else:
            # Attributes of a value do not change what it holds.
            self.stack.pop()

    def _empty_set(self, argument: Any) -> None:
        self.stack.append(self._inert("it holds a set"))

    def _frozenset(self, argument: Any) -> None:
        self._items()
        self._empty_set(argument)

    def _additems(self, argument: Any) -> None:
        self._items()

    def _append(self, argument: Any) -> None:
        if type(self.stack[-2]) is list:
            super()._append(argument)
        else:
            self.stack.pop()

    def _appends(self, argument: Any) -> None:
        items = self._items()
        if type(self.stack[-1]) is list:
            self.stack[-1].extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            return
        for key, value in zip(items[::2], items[1::2], strict=True):
            if isinstance(key, str | int | float | bytes | None):
                target[key] = value
            else:
                # Its hash could take for ever, and no name of a weight is of this type.
                inert = self._inert(f"it has a dictionary key of type {type(key).__name__}")
                target[inert] = inert

    def _binpersid(self, argument: Any) -> None:
        try:
            super()._binpersid(argument)
        except Refused as error:
            self.stack.append(self._inert(str(error)))
