"""What the handlers of all protocols share: the body of a request, the version, the answer."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pipeline.serving.batching import Batcher
from pipeline.serving.options import Options
from pipeline.serving.served_model import Answers, ServedModel
from pipeline.serving.versions import Versions

_T = TypeVar("_T")

# Bodies that are held at the same time, in units of the largest one.
_MOST_BODIES = 4

_VERBS = (":predict", ":classify", ":regress")

# zlib's names for the two: with the header of either.
_ENCODINGS = {"gzip": 31, "deflate": 15}


class Json(Response):
    """An answer in JSON. NumPy's numbers are written with the digits that their type needs."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


@dataclass
class Service:
    """What answers requests. Every handler finds it in `request.app.state.service`.

    Attributes:
      options: what the server was told.
      versions: the loaded versions.
      batcher: answers.
    """

    options: Options
    versions: Versions
    batcher: Batcher
    _bytes_held: int = 0
    # Two, so that a large body does not delay small ones.
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "parse"))

    def find(self, request: Request) -> ServedModel:
        """Return the version that the address of a request names.

        Raises:
          HTTPException: there is no such model.
          LookupError: there is no such version.
          NothingLoadedError: none is loaded.
        """
        named = request.path_params
        self.check_name(named["name"])
        version = named.get("version")
        # A number of thousands of digits takes Python long to read.
        if version is not None and not (version.isdecimal() and len(version) < 20):
            raise HTTPException(404, f"{version} is no version of a model: versions are numbers.")
        return self.versions.find(version and int(version), named.get("label"))

    def check_name(self, name: str) -> None:
        """Refuse the name of another model."""
        if name.endswith(_VERBS):  # The route of the model itself answers GET.
            raise HTTPException(405, headers={"Allow": "POST"})
        if name != self.options.model_name:
            raise HTTPException(
                404, f"There is no model {name}. This server serves {self.options.model_name}."
            )

    async def read(self, request: Request, parse: Callable[[bytes], _T]) -> _T:
        """Read the body of a request and return what `parse` makes of it, in a thread.

        Raises:
          HTTPException: the body is too large, comes too slowly, or too many others are held.
        """
        most = self.options.max_body
        announced = _read_length(request, most)
        if announced > most:
            raise _too_large(most)
        if self._bytes_held + announced > _MOST_BODIES * most:
            raise HTTPException(429, "Too many large requests at a time.", {"Retry-After": "1"})
        self._bytes_held += announced
        try:
            body = await asyncio.wait_for(_receive(request, most), self.options.timeout)
            return await self.run(lambda: parse(_decompress(request, body, most)))
        except asyncio.TimeoutError:
            raise HTTPException(408, "The request did not arrive in time.") from None
        except ClientDisconnect:
            raise HTTPException(
                400, "The client went away before the end of its request."
            ) from None
        finally:
            self._bytes_held -= announced

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run a function in a thread that does not answer requests."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def answer(self, model: ServedModel, signature: str, inputs: NDArray[Any]) -> Answers:
        """Answer a batch, [n, ...], as `ServedModel.answer` does.

        Raises:
          HTTPException: it takes too long.
          QueueFullError: too many images wait.
        """
        call = self.batcher.answer(model, signature, inputs)
        try:
            return await asyncio.wait_for(call, self.options.timeout)
        except asyncio.TimeoutError:
            raise HTTPException(
                504,
                f"There was no answer within {self.options.timeout:g} s. Send fewer images at a "
                "time.",
            ) from None

    def close(self) -> None:
        """End the threads."""
        self.batcher.close()
        self._threads.shutdown()


def get_service(request: Request) -> Service:
    """Return what answers a request."""
    service: Service = request.app.state.service
    return service


def _read_length(request: Request, most: int) -> int:
    """Return the length that a request announces; the greatest if it announces none."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else most


async def _receive(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > most:
            raise _too_large(most)
        body += chunk
    return bytes(body)


def _decompress(request: Request, body: bytes, most: int) -> bytes:
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding not in _ENCODINGS:
        raise HTTPException(
            415, f"The content encoding {encoding} is not known here; gzip and deflate are."
        )
    stream = zlib.decompressobj(_ENCODINGS[encoding])
    try:
        content = stream.decompress(body, most)
    except zlib.error as error:
        raise HTTPException(400, f"The body is not compressed with {encoding}: {error}.") from None
    if stream.unconsumed_tail:
        raise _too_large(most)
    if not stream.eof:
        raise HTTPException(400, f"The body is cut off: its {encoding} stream does not end.")
    return content


def _too_large(most: int) -> HTTPException:
    return HTTPException(
        413, f"The request is larger than {most:,} bytes. Send fewer images at a time."
    )
