"""The lines of a plan, of which a job has one for every request: written from JSON that is there, read where wanted.

The converter's own way takes several times as long. A property test holds both equal, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from ..domain.inference import Parameters, Request, WrittenRequest
from ..domain.recipes.base import Planned
from ..domain.samples import Origin
from . import quick
from .by_hand import Plain, message_of, origin_of, origin_to, text

_POSITION = b'{"position":'
_MESSAGES = b',"request":{"messages":'
_ORIGIN = b',"origin":'
_PLANNED_END = b"}\n"
_LONGEST_POSITION = 20  # digits
_MOST = 64  # parameters that are remembered: a job has one
_NO_PARAMETERS = Parameters()


class _Late(Planned):
    """A planned request that is read from its line when somebody asks for it: who wants an answer needs its id only."""

    __slots__ = ("_known", "_read")
    _known: str
    _read: Callable[[], Request]

    def __init__(self, position: int, origin: Origin, request_id: str, read: Callable[[], Request]) -> None:
        _put_position(self, position)
        _put_origin(self, origin)
        _put_known(self, request_id)
        _put_read(self, read)

    @property
    def request(self) -> Request:
        request = self._read()
        request.take_id(self._known)
        return request

    @property
    def request_id(self) -> str:
        return self._known


# A frozen object is filled past its own ``__setattr__``; by these in half the time that ``object.__setattr__`` takes.
_put_position, _put_origin = (vars(Planned)[name].__set__ for name in ("position", "origin"))
_put_known, _put_read = (vars(_Late)[name].__set__ for name in ("_known", "_read"))


class PlanLines:
    """Lines of plans both ways. ``parameters_to`` and ``parameters_of`` are the converter's: they hold anything.

    The requests of a job share their parameters, so those are turned once and not a million times.
    """

    def __init__(
        self, parameters_to: Callable[[Parameters], Plain], parameters_of: Callable[[Plain], Parameters]
    ) -> None:
        self._parameters_to = parameters_to
        self._parameters_of = parameters_of
        self._behind: tuple[Parameters, str, int, bytes] = (Parameters(), "", 0, b"")
        self._origin: tuple[Origin, bytes] = (Origin(), b"{}")
        self._read: dict[bytes, Parameters] = {}
        # The origin of the line before, and how that line ended: where prompts have no labels, all end alike.
        self._read_origin: tuple[Origin, bytes] = (Origin(), _ORIGIN + b"{}" + _PLANNED_END)

    def planned_line(self, position: int, request: Request, origin: Origin) -> bytes:
        """Return the line of a planned request, of texts that are JSON already, as the id of the request is."""
        return b"".join(
            (
                b"%b%d%b" % (_POSITION, position, _MESSAGES),
                request.messages_json(),
                self._behind_messages(request),
                _ORIGIN,
                self._origin_json(origin),
                _PLANNED_END,
            )
        )

    def _behind_messages(self, request: Request) -> bytes:
        """Return the JSON of what a request has behind its messages: the same for nearly all of a job."""
        parameters, model, index, written = self._behind
        # By identity: what is equal may still be written differently, such as 1 and 1.0.
        if request.parameters is not parameters or request.model != model or request.index != index:
            plain = self._parameters_to(request.parameters)
            chosen = b',"parameters":%b' % orjson.dumps(plain) if plain else b""
            numbered = b',"index":%d' % request.index if request.index else b""
            written = b',"model":%b%b%b}' % (orjson.dumps(request.model), chosen, numbered)
            self._behind = (request.parameters, request.model, request.index, written)
        return written

    def _origin_json(self, origin: Origin) -> bytes:
        known, written = self._origin
        if origin is not known:
            written = orjson.dumps(origin_to(origin))
            self._origin = (origin, written)
        return written

    def planned_of(self, plain: Plain) -> Planned:
        return Planned(
            position=int(plain["position"]),
            request=self.request_of(plain["request"]),
            origin=origin_of(plain["origin"]),
        )

    def planned_late(self, line: bytes, request_id: str, read: Callable[[], Request]) -> Planned:
        """Return what a line of a plan says, with what ``read`` gives as its request once somebody asks for it."""
        origin, tail = self._read_origin
        if not line.endswith(tail):
            begin = line.rfind(_ORIGIN)
            if begin < 0 or not line.endswith(_PLANNED_END):
                return self._planned_now(line, request_id)
            tail = line[begin:]
            written = tail[len(_ORIGIN) : -len(_PLANNED_END)]
            origin = quick.origin(written) or origin_of(orjson.loads(written))
            self._read_origin = (origin, tail)
        if not line.startswith(_POSITION):
            return self._planned_now(line, request_id)
        position = int(line[len(_POSITION) : line.find(b",", len(_POSITION))])
        return _Late(position, origin, request_id, read)

    def _planned_now(self, line: bytes, request_id: str) -> Planned:
        """Return what a line says that is not as we write it."""
        planned = self.planned_of(orjson.loads(line))
        planned.request.take_id(request_id)
        return planned

    def request_of(self, plain: Plain) -> Request:
        messages = tuple([message_of(each) for each in plain["messages"]])
        parameters = self._written_so(orjson.dumps(plain["parameters"])) if "parameters" in plain else _NO_PARAMETERS
        index = int(plain["index"]) if "index" in plain else 0
        return Request(messages=messages, model=text(plain["model"]), parameters=parameters, index=index)

    def request_in(self, line: bytes) -> Request:
        """Return the request in a line of a plan. Raises what ``request_of`` does, and JSONDecodeError."""
        found = quick.request_fields(line)
        if found is None:
            return self.request_of(orjson.loads(line)["request"])
        written = bytes(found.parameters)
        parameters = self._written_so(written) if written else _NO_PARAMETERS
        return Request(messages=found.messages, model=found.model, parameters=parameters, index=found.index)

    def written_request(self, line: bytes, ident: str, known: Request) -> WrittenRequest | None:
        """Return the request of this id in a line, without reading what it says.

        None where the line differs from that of a known request by more than its place, its origin and what is said.
        """
        end = line.rfind(_ORIGIN)
        behind = self._behind_messages(known)
        begin = line.find(_MESSAGES, len(_POSITION), len(_POSITION) + _LONGEST_POSITION + len(_MESSAGES))
        # Texts hold no bare quotation mark, so that these stand nowhere else: a request and an origin hold only texts
        # beside the parameters.
        if begin < 0 or end < 0 or not line.endswith(behind, begin, end):
            return None
        said = line[begin + len(_MESSAGES) : end - len(behind)]
        return WrittenRequest(ident, known.model, known.parameters, said) if said.endswith(b"]") else None

    def _written_so(self, key: bytes) -> Parameters:
        found = self._read.get(key)
        if found is None:
            found = self._parameters_of(orjson.loads(key))
            if len(self._read) < _MOST:
                self._read[key] = found
        return found
