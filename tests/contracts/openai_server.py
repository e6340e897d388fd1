"""A real HTTP server on loopback that speaks the OpenAI chat completions API and answers from a list of replies."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    """`status` and `body` as sent; `hang` keeps the connection open and silent until the server closes."""

    body: Mapping[str, Any] | str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False


def tool_call(arguments: Mapping[str, Any] | str, *, input_tokens: int = 900, output_tokens: int = 50) -> Reply:
    """A completion that fills in the form."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": "call_1", "type": "function", "function": {"name": "answer", "arguments": text}}
    return _completion({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls", input_tokens, output_tokens)


def says(text: str) -> Reply:
    """A completion of plain text."""
    return _completion({"role": "assistant", "content": text}, "stop", 900, 50)


def _completion(message: Mapping[str, Any], finish: str, input_tokens: int, output_tokens: int) -> Reply:
    return Reply(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "test-model",
            # OpenRouter's addition to the API; the others ignore it.
            "provider": "Test",
            "choices": [{"index": 0, "message": message, "finish_reason": finish, "native_finish_reason": finish}],
            "usage": {
                "prompt_tokens": input_tokens,
                "completion_tokens": output_tokens,
                "total_tokens": input_tokens + output_tokens,
            },
        }
    )


class OpenAIServer:
    """`requests` are the bodies received, `keys` the authorization headers; `asked` is set by the first request.

    The last reply is repeated when they run out.
    """

    def __init__(self, url: str, replies: list[Reply]) -> None:
        self.url = url
        self.replies = replies
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.asked = threading.Event()
        self.closing = threading.Event()

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def openai_server(*replies: Reply) -> Iterator[OpenAIServer]:
    """Serve on a free port until the block ends."""
    state: OpenAIServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # http.server's name
            body = self.rfile.read(int(self.headers["content-length"]))
            state.requests.append(json.loads(body))
            state.keys.append(self.headers.get("authorization", ""))
            state.asked.set()
            reply = state.next_reply()
            if reply.hang:
                state.closing.wait(timeout=30)
                self.close_connection = True
                return
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            payload = text.encode()
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers, "content-length": str(len(payload))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
            """Say nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = OpenAIServer(f"http://127.0.0.1:{server.server_address[1]}/v1", list(replies))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    stop: Callable[[], None] = server.shutdown
    try:
        yield state
    finally:
        state.closing.set()
        stop()
        server.server_close()
        thread.join(timeout=5)
