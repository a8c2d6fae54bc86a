"""A pickle interpreter that builds plain data and executes no code.

A pickle is a program for a small stack machine, and Python's own reader runs it: one instruction
calls any function it names. Restricting which functions may be found still leaves instructions
that set attributes, fill memory, or hash forever. So the program is decoded with `pickletools`,
which runs nothing, and interpreted here with only the instructions that data needs. A name in
the file is looked up in a table that the caller gives; nothing is ever imported for it.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any

from slr_keras.data.pickles.budget import CONTAINER, MEMO, Bounded, Budget, Refused


class Name:
    """A `module.name` of the stream that the caller's table allows.

    `construct` makes the value when the stream calls the name; without it the name may only be
    passed on as an argument.
    """

    __slots__ = ("construct", "name")

    def __init__(self, name: str, construct: Callable[..., Any] | None):
        self.name = name
        self.construct = construct


class Pending:
    """A value that is built in two steps: an empty object, then its state."""

    memo_key: int | None = None

    def finish(self, state: Any) -> Any:
        """The value itself."""
        raise NotImplementedError


def shorten(value: Any) -> str:
    """A value as text of at most one line, for messages."""
    if not isinstance(value, str):
        return f"a {type(value).__name__}"
    return repr(value if len(value) <= 80 else value[:80] + "…")


def raw_bytes(value: Any) -> bytes:
    """The bytes of a value of the stream."""
    # Python 2 wrote bytes as its one text type.
    if isinstance(value, str):
        return value.encode("latin-1")
    if not isinstance(value, bytes | bytearray):
        raise Refused(f"it has {type(value).__name__} where bytes belong")
    return bytes(value)


_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_LITERALS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_IGNORED = frozenset(("PROTO", "FRAME"))


# What each allowed `module.name` constructs; None for a name that is only an argument.
Names = Mapping[str, Callable[..., Any] | None]


class Machine:
    """Interpret one pickle of plain data.

    Args:
        names: the names that the stream may use.
        persistent: resolves a persistent id (torch's way to refer to a storage), if allowed.
        outside: bytes of the file outside of the stream, such as those of storages.
        most: bytes of the stream that count for the memory that the pickle may fill; None: all.
    """

    def __init__(
        self,
        names: Names,
        persistent: Callable[[Any], Any] | None = None,
        outside: int = 0,
        most: int | None = None,
    ):
        self.names = names
        self.persistent = persistent
        self.outside, self.most = outside, most
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def run(self, stream: Bounded) -> Any:
        """The value of the pickle at the stream's position; reads no further than its end.

        Raises:
            Refused: the stream asks for more than plain data.
            ValueError, IndexError, KeyError, TypeError: the stream is not a whole pickle.
        """
        self.budget = Budget(stream, self.outside, self.most)
        for opcode, argument, _ in pickletools.genops(stream):
            name = opcode.name
            if name in _LITERALS:
                self.stack.append(argument)
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name in _EMPTY:
                self.budget.charge(CONTAINER)
                self.stack.append(_EMPTY[name]())
            elif name == "STOP":
                return self.stack.pop()
            elif name not in _IGNORED:
                handler = getattr(self, f"_{name.lower()}", None)
                if handler is None:
                    raise Refused(f"it uses the pickle instruction {name}, which data never needs")
                handler(argument)
        raise ValueError("no end")

    def _items(self) -> list[Any]:
        """Pop everything above the last mark."""
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise IndexError("no mark")
        items = self.stack[place + 1 :]
        del self.stack[place:]
        self.budget.charge(CONTAINER)
        return items

    def _mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def _pop(self, _: Any) -> None:
        self.stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._items()

    # The memo: values that the stream refers to again.

    def _memoize(self, _: Any) -> None:
        self._put(len(self.memo))

    def _put(self, key: int) -> None:
        value = self.stack[-1]
        if isinstance(value, Pending):
            value.memo_key = key
        self.budget.charge(MEMO)
        self.memo[key] = value

    _binput = _long_binput = _put

    def _get(self, key: int) -> None:
        self.stack.append(self.memo[key])

    _binget = _long_binget = _get

    # Containers.

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._items()))

    def _short_tuple(self, size: int) -> None:
        if len(self.stack) < size:
            raise IndexError("empty stack")
        self.budget.charge(CONTAINER)
        items = tuple(self.stack[-size:])
        del self.stack[-size:]
        self.stack.append(items)

    def _tuple1(self, _: Any) -> None:
        self._short_tuple(1)

    def _tuple2(self, _: Any) -> None:
        self._short_tuple(2)

    def _tuple3(self, _: Any) -> None:
        self._short_tuple(3)

    def _list(self, _: Any) -> None:
        self.stack.append(self._items())

    def _dict(self, _: Any) -> None:
        items = self._items()
        self.stack.append({})
        self._set(items)

    def _append(self, _: Any) -> None:
        value = self.stack.pop()
        self._expect(list).append(value)

    def _appends(self, _: Any) -> None:
        items = self._items()
        self._expect(list).extend(items)

    def _setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _setitems(self, _: Any) -> None:
        self._set(self._items())

    def _set(self, items: list[Any]) -> None:
        target = self._expect(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            # The hash of a nested tuple can take for ever: names and numbers are enough.
            if not isinstance(key, str | int | float | bytes | None):
                raise Refused(f"it has a dictionary key of type {type(key).__name__}")
            target[key] = value

    def _expect(self, kind: type) -> Any:
        if type(self.stack[-1]) is not kind:
            raise Refused(f"it fills a {type(self.stack[-1]).__name__} as if it were a {kind}")
        return self.stack[-1]

    # Names, and what is made by them.

    def _global(self, argument: str) -> None:
        name = argument.replace(" ", ".", 1)
        if name not in self.names:
            raise Refused(f"it asks for {shorten(name)}, which is neither a number nor a text")
        self.stack.append(Name(name, self.names[name]))

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise Refused("it names a function by something that is not text")
        self._global(f"{module} {name}")

    def _reduce(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Name) or function.construct is None:
            raise Refused(f"it calls {shorten(getattr(function, 'name', function))}")
        if type(arguments) is not tuple:
            raise Refused(f"it calls {function.name!r} without an argument list")
        made = function.construct(*arguments)
        self.budget.charge_made(made)
        self.stack.append(made)

    def _build(self, _: Any) -> None:
        state, value = self.stack.pop(), self.stack.pop()
        if type(value) is dict and type(state) is dict:
            # Every state dictionary of torch carries a `_metadata`; data has no use for it.
            self.stack.append(value)
            return
        if not isinstance(value, Pending):
            raise Refused(f"it sets attributes of a {type(value).__name__}")
        finished = value.finish(state)
        self.budget.charge_made(finished)
        if value.memo_key is not None:
            self.memo[value.memo_key] = finished
        self.stack.append(finished)

    def _binpersid(self, _: Any) -> None:
        if self.persistent is None:
            raise Refused("it refers to an object outside of itself")
        self.stack.append(self.persistent(self.stack.pop()))
