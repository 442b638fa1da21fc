"""A predictor whose model runs in a server: `python -m seg_widgets serve`."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

import numpy as np
import numpy.typing as npt
import requests

from .._text import printable
from ..errors import ImageTooLargeError, InferenceError, OutOfMemoryError, SettingError
from ..prediction import Prediction, check_rgb
from .settings import SERVER_VARIABLE, TOKEN_VARIABLE, environment
from .wire import PPM, decode_prediction, encode_image

__all__ = ["RemotePredictor"]

_CONNECT_S: Final = 5.0
_SILENCE_S: Final = 30.0
"""How long a server may say nothing; it says something several times a second."""

_POLL_S: Final = 0.1
# How long one that does not answer any more is asked again.
_RESTART_S: Final = 15.0
_MOST_LINE_BYTES: Final = 2**20

_RAISED: Final = {"ImageTooLargeError": ImageTooLargeError, "OutOfMemoryError": OutOfMemoryError}

RGBArray = npt.NDArray[np.uint8]


class _Lost(Exception):
    """The connection ended before the answer was there."""


class _NotOursError(Exception):
    """What answers is no server of ours."""


class RemotePredictor:
    """A `Predictor` whose model runs in a server, which `python -m seg_widgets serve` starts.

    It needs no torch in this process. Panels, sessions and programs use it like any other
    predictor; a panel shows how many requests are ahead. The server is first asked for the first
    image, or for `class_names`.

    Args:
        url: the server's address, such as "http://127.0.0.1:8090". It may hold the token as the
            server prints it (`?token=…`). None: what the environment variable `SEG_WIDGETS_SERVER`
            says.
        token: the server's token. None: the one in `url`, else what `SEG_WIDGETS_SERVER_TOKEN`
            says.
        patience_s: how many seconds a server that has no room, or is starting again, is asked
            again.

    Raises:
        SettingError: there is no address, or it is none of http or https.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, patience_s: float = 300.0
    ) -> None:
        self.url, in_url = _address(url or environment(SERVER_VARIABLE))
        """The server's address, without the token."""
        # One that the environment names is nobody's business but its owner's: a visitor of the web
        # page reads what a panel says.
        self._place = urlsplit(self.url).netloc if url else "the server"
        self._where = self.url if url else f"the address in {SERVER_VARIABLE}"
        self._token = token if token is not None else in_url or environment(TOKEN_VARIABLE)
        self._patience_s = patience_s
        self._about: dict[str, Any] | None = None
        # A session asks from one thread, so its newer request takes the place of its older one,
        # and no other's.
        self._here = threading.local()

    def __repr__(self) -> str:
        return f"RemotePredictor({self.url!r})"

    # ── the model ─────────────────────────────────────────────────────────────────────────────────

    # Panels show the first three at any time, so they ask nobody: they are what is known.

    @property
    def name(self) -> str:
        """What the model is called; the server's address until it has answered once."""
        return str((self._about or {}).get("name") or self._place)

    @property
    def description(self) -> str:
        """What a person should know of the model, as far as it is known."""
        return str((self._about or {}).get("description") or f"the model of {self._place}")

    @property
    def device(self) -> str:
        """Where the model runs, such as "cuda:0 at 127.0.0.1:8090"; "" until it is known."""
        device = (self._about or {}).get("device")
        return f"{device} at {self._place}" if device else ""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names in the order of the class ids; the server is asked once."""
        return tuple(map(str, self.about()["classNames"]))

    def about(self) -> dict[str, Any]:
        """What the server says of its model; it is asked once.

        Returns:
            `name`, `description`, `classNames`, `device`, `maxPixels` and `version`.

        Raises:
            InferenceError: the server can't be reached, or refuses.
        """
        if self._about is None:
            try:
                with self._request("GET", "model") as response:
                    if response.status_code != 200:
                        raise self._refused(response)
                    self._about = _description(response.json())
            # What is no JSON is a ValueError, and a RequestException as well.
            except (ValueError, RecursionError) as error:
                raise self._other_server() from error
            except requests.RequestException as error:
                raise self._unreachable() from error
        return self._about

    # ── images ────────────────────────────────────────────────────────────────────────────────────

    def __call__(self, image: RGBArray, /) -> Prediction:
        """Find the instances in one image.

        Args:
            image: H×W×3 uint8 RGB.

        Returns:
            What the server's model found: the same as the model's own answer here.

        Raises:
            InferenceError: the server can't be reached, or the model failed.
            ImageTooLargeError: the image has more pixels than the server takes.
            SettingError: the image is something else, such as a path.
        """
        return self.predict_in_turn(image, on_wait=lambda words: None, is_dropped=lambda: False)

    def predict_in_turn(
        self,
        image: RGBArray,
        /,
        *,
        on_wait: Callable[[str], None],
        is_dropped: Callable[[], bool],
    ) -> Prediction:
        """Find the instances in one image, and say meanwhile how many are ahead.

        Args:
            image: H×W×3 uint8 RGB.
            on_wait: is called with words such as "3 ahead of you", and with "" at one's turn.
            is_dropped: says whether nobody needs the answer any more; then the server drops it.

        Returns:
            What the server's model found.

        Raises:
            InferenceError: the server can't be reached, the model failed, or the request was
                dropped.
            ImageTooLargeError: the image has more pixels than the server takes.
            SettingError: the image is something else, such as a path.
        """
        check_rgb(image)
        # A panel shows it from then on.
        self.about()
        wait = _Wait(on_wait, is_dropped, self._patience_s)
        body = encode_image(image)
        losses = 0
        gone_s: float | None = None
        while True:
            try:
                content = self._ask(body, wait)
            except _NotOursError as error:
                raise self._other_server() from error
            except (_Lost, requests.RequestException) as error:
                # One that has answered before is being started again, or was, and has closed the
                # connection. One that begins to answer and ends twice has ended because of this.
                now_s = time.monotonic()
                gone_s = gone_s or now_s
                losses += not isinstance(error, requests.ConnectionError)
                if losses > 1 or now_s - gone_s > _RESTART_S:
                    raise self._unreachable() from error
                wait.pause(1.0, "The connection was lost; trying again")
                continue
            if content is not None:
                return decode_prediction(content)

    def _ask(self, body: bytes, wait: _Wait) -> bytes | None:
        """The answer for an image; None when the server asked to come again and that time has
        passed."""
        with self._request("POST", "predict", body) as response:
            again_s = _again_s(response)
            if again_s and wait.may_go_on():
                wait.pause(again_s, f"The server is busy; trying again in {again_s:.0f} s")
                return None
            if response.status_code != 200:
                raise self._refused(response)
            return _result(response, wait)

    def _request(self, method: str, path: str, body: bytes | None = None) -> requests.Response:
        return self._session().request(
            method,
            f"{self.url}/{path}",
            data=body,
            headers={"Content-Type": PPM} if body else None,
            timeout=(_CONNECT_S, _SILENCE_S),
            stream=True,
            allow_redirects=False,
        )

    def _session(self) -> requests.Session:
        """This thread's connection to the server."""
        session: requests.Session | None = getattr(self._here, "session", None)
        if session is None:
            session = requests.Session()
            # A proxy or a .netrc of this machine must neither see nor replace the token.
            session.trust_env = False
            session.headers["X-Client-Id"] = uuid.uuid4().hex
            session.headers["Accept"] = "application/json"
            if self._token:
                session.headers["Authorization"] = f"Bearer {self._token}"
            self._here.session = session
        return session

    # ── failures ──────────────────────────────────────────────────────────────────────────────────

    def _refused(self, response: requests.Response) -> Exception:
        """The error that a response means."""
        if response.status_code == 401:
            return InferenceError(
                f"The server at {self._where} wants a token, or another one. It printed it when it "
                f"started: RemotePredictor(url, token=…), or {TOKEN_VARIABLE} in the environment."
            )
        try:
            said = response.json()
            return _error(str(said["kind"]), str(said["error"]))
        except (ValueError, KeyError, TypeError, RecursionError, requests.RequestException):
            return self._other_server(f" with status {response.status_code}")

    def _other_server(self, how: str = "") -> InferenceError:
        return InferenceError(
            f"What is at {self._where} answered{how} and is no server of "
            "`python -m seg_widgets serve`. Check the address."
        )

    def _unreachable(self) -> InferenceError:
        return InferenceError(
            f"No server answers at {self._where}. Start it with `python -m seg_widgets serve`, or "
            "check the address. Then try again."
        )


class _Wait:
    """Waiting on behalf of somebody, who may leave.

    Args:
        on_wait: is called with each new sentence.
        is_dropped: whether nobody waits any more.
        patience_s: how long a server that has no room is asked again.
    """

    def __init__(
        self, on_wait: Callable[[str], None], is_dropped: Callable[[], bool], patience_s: float
    ) -> None:
        self._on_wait = on_wait
        self._is_dropped = is_dropped
        self._until_s = time.monotonic() + patience_s
        self._said = ""

    def say(self, words: str) -> None:
        """Show these words, if they are new; an error if nobody waits any more."""
        if self._is_dropped():
            raise InferenceError("The request was dropped before the server had answered.")
        if words != self._said:
            self._said = words
            self._on_wait(words)

    def may_go_on(self) -> bool:
        """Whether there is patience left."""
        return time.monotonic() < self._until_s

    def pause(self, duration_s: float, words: str) -> None:
        """Wait, as long as somebody waits for it."""
        end_s = time.monotonic() + duration_s
        while time.monotonic() < end_s:
            self.say(words)
            time.sleep(_POLL_S)


def _result(response: requests.Response, wait: _Wait) -> bytes:
    """The bytes that the last line announces; the lines before say how many are ahead."""
    pieces = _Pieces(response)
    while True:
        line = pieces.line()
        if "bytes" in line:
            return pieces.exactly(_count(line["bytes"]))
        if "error" in line:
            raise _error(str(line.get("kind", "")), str(line["error"]))
        ahead = _count(line.get("ahead", 0))
        wait.say(f"{ahead} ahead of you" if ahead else "")


class _Pieces:
    """Reads a response in the pieces in which it comes."""

    def __init__(self, response: requests.Response) -> None:
        # With chunks of any size, it gives what has come instead of waiting for more.
        self._chunks: Iterator[bytes] = response.iter_content(chunk_size=None)
        self._buffer = bytearray()

    def line(self) -> dict[str, Any]:
        """The next line of JSON."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > _MOST_LINE_BYTES:
                raise _NotOursError
            self._more()
        line, _, rest = self._buffer.partition(b"\n")
        self._buffer = rest
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _NotOursError from error
        if not isinstance(found, dict):
            raise _NotOursError
        return found

    def exactly(self, count: int) -> bytes:
        """The next bytes."""
        while len(self._buffer) < count:
            self._more()
        return bytes(self._buffer[:count])

    def _more(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise _Lost
        self._buffer += chunk


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise _NotOursError
    return value


def _description(about: Any) -> dict[str, Any]:
    """What a server says of its model; a ValueError if that is something else."""
    if not isinstance(about, dict) or not isinstance(about.get("classNames"), list):
        raise ValueError("no description of a model")
    return about


def _error(kind: str, message: str) -> Exception:
    return _RAISED.get(kind, InferenceError)(message)


def _again_s(response: requests.Response) -> float:
    """When the server asks to be asked again, in seconds; 0: it does not."""
    after = response.headers.get("Retry-After", "")
    if response.status_code not in (429, 503) or not after.isdecimal():
        return 0.0
    return float(min(max(int(after), 1), 60))


def _address(url: str) -> tuple[str, str]:
    """A server's address without its query, and the token in that."""
    if not url:
        raise SettingError(
            f"There is no server's address. Give it, or set {SERVER_VARIABLE} in the environment."
        )
    if not isinstance(url, str):
        raise SettingError(f"A server's address is a text, not {type(url).__name__}.")
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
        is_sound = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # brackets of IPv6 that do not match, or a port over 65,535
        is_sound = False
    if not is_sound or parts.username is not None:
        # A password and a token are not shown.
        shown = printable(url.strip().partition("?")[0].rpartition("@")[2])
        raise SettingError(
            f"{shown!r} is no server's address; it looks like http://127.0.0.1:8090, and a token "
            "goes into token=."
        )
    token = parse_qs(parts.query).get("token", [""])[0]
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", "")), token
