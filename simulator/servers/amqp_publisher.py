"""Publishing through a broker that is not ours (RabbitMQ): durable queues, persistent messages, publisher confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.exceptions import AMQPError

from simulator.servers.loop import ServerLoop

WINDOW: Final = 1_000
"""Messages sent before all of them must have been confirmed."""
ATTEMPTS: Final = 5
CONFIRM_SECONDS: Final = 60


class ExternalPublisher:
    """`publish` returns when the broker has confirmed; a lost connection is made anew, what was not confirmed sent
    again: the broker may hold a message twice, but none is lost."""

    def __init__(self, url: str, loop: ServerLoop) -> None:
        self._parameters = pika.URLParameters(url)
        self._loop = loop
        self._connection: AsyncioConnection | None = None
        self._channel: Any = None
        self._open: dict[int, bytes] = {}
        self._sent = 0
        self._confirmed: asyncio.Future[None] | None = None
        self._publishing = asyncio.Lock()

    def start(self, queues: list[str]) -> None:
        """Connect and see to it that the queues are there. Raises pika's AMQPError or OSError."""
        self._loop.run(self._declare(queues))

    def stop(self) -> None:
        self._loop.run(self._leave())

    def publish(self, queue: str, messages: list[bytes]) -> None:
        """Raises ConnectionError when the broker could not be made to take all of them."""
        self._loop.run(self._publish(queue, messages), timeout=600)

    async def _declare(self, queues: list[str]) -> None:
        await self._connect()
        for queue in queues:
            await _answer(partial(self._channel.queue_declare, queue, durable=True))

    async def _publish(self, queue: str, messages: list[bytes]) -> None:
        async with self._publishing:
            for start in range(0, len(messages), WINDOW):
                await self._window(queue, messages[start : start + WINDOW])

    async def _window(self, queue: str, messages: list[bytes]) -> None:
        waiting = messages
        for attempt in range(ATTEMPTS):
            try:
                if self._channel is None or not self._channel.is_open:
                    await asyncio.sleep(0.2 * attempt)
                    await self._connect()
                await self._send(queue, waiting)
                return
            except (AMQPError, OSError, TimeoutError):
                waiting = [body for _, body in sorted(self._open.items())] or waiting
        raise ConnectionError("the AMQP broker does not confirm what is published to it")

    async def _send(self, queue: str, messages: list[bytes]) -> None:
        """Publish and wait until every message is confirmed."""
        self._confirmed = asyncio.get_running_loop().create_future()
        self._open = {self._sent + number: body for number, body in enumerate(messages, 1)}
        self._sent += len(messages)
        for body in messages:
            properties = pika.BasicProperties(content_type="application/json", delivery_mode=2)
            self._channel.basic_publish("", queue, body, properties)
        await asyncio.wait_for(self._confirmed, CONFIRM_SECONDS)

    async def _connect(self) -> None:
        loop = self._loop.loop
        opened: asyncio.Future[AsyncioConnection] = loop.create_future()
        AsyncioConnection(
            self._parameters,
            on_open_callback=opened.set_result,
            on_open_error_callback=lambda _, error: opened.set_exception(error),
            on_close_callback=lambda _, error: self._lost(error),
            custom_ioloop=loop,
        )
        self._connection = await opened
        self._channel = await _answer(lambda callback: opened.result().channel(on_open_callback=callback))
        await _answer(partial(self._channel.confirm_delivery, self._on_confirm))
        self._sent = 0

    async def _leave(self) -> None:
        if self._connection is not None and self._connection.is_open:
            self._connection.close()
            await asyncio.sleep(0.1)

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        if isinstance(method, pika.spec.Basic.Ack):
            for tag in [tag for tag in self._open if tag == method.delivery_tag or method.multiple]:
                if tag <= method.delivery_tag:
                    del self._open[tag]
            if not self._open and self._confirmed is not None and not self._confirmed.done():
                self._confirmed.set_result(None)
        elif self._confirmed is not None and not self._confirmed.done():
            self._confirmed.set_exception(ConnectionError("the broker refused a message"))

    def _lost(self, error: BaseException) -> None:
        self._channel = None
        if self._confirmed is not None and not self._confirmed.done():
            self._confirmed.set_exception(error)


async def _answer(ask: Callable[..., object]) -> Any:
    """What `ask` calls back with."""
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    ask(callback=answered.set_result)
    return await asyncio.wait_for(answered, CONFIRM_SECONDS)
