"""AMQP 0-9-1 as far as a consumer needs it: queues, channels with their unacknowledged messages, frames.

The bytes of methods and frames are pika's: a broker and its client speak the same ones.
"""

from __future__ import annotations

import bisect
import itertools
import struct
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pika import frame, spec
from pika.exceptions import AMQPError

PREAMBLE: Final = b"AMQP\x00\x00\x09\x01"
FRAME_MAX: Final = 131_072
CHANNEL_MAX: Final = 2_047
_OVERHEAD: Final = 8
"""Bytes of a frame around its content."""
_MAX_HELD: Final = 1 << 20
"""Bytes without a whole frame after which a client is not one of ours."""

Send = Callable[[bytes], None]


class Refused(Exception):
    """A request that ends the channel, or with `whole` the connection; code and text as AMQP 0-9-1 has them."""

    def __init__(self, code: int, text: str, *, whole: bool = False) -> None:
        super().__init__(text)
        self.code, self.text, self.whole = code, text, whole


@dataclass
class Message:
    """One message; `place` is its place in the queue, to which it returns when it was not acknowledged."""

    place: int
    body: bytes
    sent: int
    redelivered: bool = False


class Queue:
    """A durable queue: what is ready, and who consumes it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: deque[Message] = deque()
        self.consumers: deque[Consumer] = deque()
        self.unacknowledged = 0
        self._places = itertools.count()

    def put(self, bodies: list[bytes], sent: int) -> None:
        self.ready.extend(Message(next(self._places), body, sent) for body in bodies)

    def take(self) -> Message:
        self.unacknowledged += 1
        return self.ready.popleft()

    def give_back(self, messages: list[Message]) -> None:
        """Return messages to where they stood, marked as delivered before."""
        for message in messages:
            message.redelivered = True
        self.unacknowledged -= len(messages)
        if not self.ready or messages[-1].place < self.ready[0].place:
            self.ready.extendleft(reversed(messages))
            return
        for message in messages:
            bisect.insort(self.ready, message, key=lambda one: one.place)

    def pump(self) -> None:
        """Give what is ready to the consumers that may have more, one after the other."""
        idle = 0
        while self.ready and idle < len(self.consumers):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            idle = 0 if consumer.deliver(self) else idle + 1


@dataclass(eq=False)
class Consumer:
    """A subscription of a channel to a queue; it may hold `prefetch` messages unacknowledged (0: any number)."""

    tag: str
    channel: Channel
    prefetch: int
    held: int = 0

    def deliver(self, queue: Queue) -> bool:
        """Send a share of what is ready; False when there is nothing to send or no room."""
        room = min(len(queue.ready), 500, self.prefetch - self.held if self.prefetch else 500)
        if room <= 0 or self.channel.closed:
            return False
        self.channel.deliver(queue, self, room)
        return True


@dataclass
class Channel:
    """One channel: unacknowledged messages by delivery tag, consumers by tag.

    `send` and `send_messages` write to its connection.
    """

    number: int
    send: Send
    send_messages: Send
    frame_max: int
    prefetch: int = 0
    closed: bool = False
    held: OrderedDict[int, tuple[Queue, Message, Consumer | None]] = field(default_factory=OrderedDict)
    consumers: dict[str, tuple[Queue, Consumer]] = field(default_factory=dict)
    tags: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def answer(self, method: Any) -> None:
        self.send(frame.Method(self.number, method).marshal())

    def consume(self, queue: Queue, tag: str) -> None:
        consumer = Consumer(tag, self, self.prefetch)
        self.consumers[tag] = (queue, consumer)
        queue.consumers.append(consumer)

    def cancel(self, tag: str) -> None:
        """End a subscription; what it holds stays with the channel."""
        if tag in self.consumers:
            queue, consumer = self.consumers.pop(tag)
            queue.consumers.remove(consumer)

    def deliver(self, queue: Queue, consumer: Consumer, count: int) -> None:
        packets: list[bytes] = []
        for _ in range(count):
            message, tag = queue.take(), next(self.tags)
            self.held[tag] = (queue, message, consumer)
            consumer.held += 1
            method = spec.Basic.Deliver(consumer.tag, tag, message.redelivered, "", queue.name)
            packets += self._content(method, message)
        self.send_messages(b"".join(packets))

    def get(self, queue: Queue) -> None:
        """Answer basic.get."""
        if not queue.ready:
            self.answer(spec.Basic.GetEmpty())
            return
        message, tag = queue.take(), next(self.tags)
        self.held[tag] = (queue, message, None)
        method = spec.Basic.GetOk(tag, message.redelivered, "", queue.name, len(queue.ready))
        self.send_messages(b"".join(self._content(method, message)))

    def settle(self, tag: int, *, multiple: bool, requeue: bool) -> None:
        """Forget messages up to a tag (0: all), or only that one; with `requeue` they go back into the queue."""
        known = (not tag and multiple) or tag in self.held
        if not known:
            raise Refused(406, f"PRECONDITION_FAILED - unknown delivery tag {tag}")
        tags = [held for held in self.held if not tag or held <= tag] if multiple else [tag]
        self._release(tags, requeue=requeue)

    def end(self) -> None:
        """The channel is gone: nobody consumes through it, and what it held is ready again."""
        self.closed = True
        for tag in list(self.consumers):
            self.cancel(tag)
        self._release(list(self.held), requeue=True)

    def _release(self, tags: list[int], *, requeue: bool) -> None:
        queues: dict[Queue, list[Message]] = {}
        for tag in tags:
            queue, message, consumer = self.held.pop(tag)
            queues.setdefault(queue, []).append(message)
            if consumer is not None:
                consumer.held -= 1
        for queue, messages in queues.items():
            if requeue:
                queue.give_back(messages)
            else:
                queue.unacknowledged -= len(messages)
            queue.pump()

    def _content(self, method: Any, message: Message) -> Iterator[bytes]:
        """The frames of a message: method, header, bodies."""
        properties = spec.BasicProperties(content_type="application/json", delivery_mode=2, timestamp=message.sent)
        yield frame.Method(self.number, method).marshal()
        yield frame.Header(self.number, len(message.body), properties).marshal()
        size = self.frame_max - _OVERHEAD
        for start in range(0, len(message.body), size):
            yield frame.Body(self.number, message.body[start : start + size]).marshal()


class FrameStream:
    """Bytes of a connection → frames; ValueError for what is no AMQP 0-9-1."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[Any]:
        self._buffer += data
        while self._buffer:
            try:
                used, found = frame.decode_frame(self._buffer)
            except (AMQPError, LookupError, struct.error) as error:
                raise ValueError("no AMQP frame") from error
            if not used:
                if len(self._buffer) > _MAX_HELD:
                    raise ValueError("a frame without an end")
                return
            self._buffer = self._buffer[used:]
            yield found
