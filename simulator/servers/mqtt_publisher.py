"""Publishing through a broker that is not ours, with the outbox that devices keep until they are acknowledged.

MQTT 5 lets the broker say "no matching subscribers" in its acknowledgement: such a message stays in the outbox and
is tried again. A broker that limits the queue of an absent subscriber (Mosquitto: max_queued_messages 1000) drops
what is beyond it; for whole days of messages set it to 0.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

NO_SUBSCRIBERS: Final = 0x10
WINDOW: Final = 200
RETRY_SECONDS: Final = 0.3


class ExternalPublisher:
    """Publishes in windows: the next one goes out when every message of the last was answered."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "127.0.0.1", parts.port or 1883
        self._outbox: deque[tuple[str, bytes]] = deque()
        self._answers: dict[int, ReasonCode] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="", protocol=paho.MQTTv5)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(WINDOW)
        self._client.on_publish = self._on_publish

    def start(self) -> None:
        self._client.connect(*self._address)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._work, name="mqtt-publisher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(10)
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, messages: list[tuple[str, bytes]]) -> None:
        with self._changed:
            self._outbox.extend(messages)
            self._changed.notify_all()

    @property
    def pending(self) -> int:
        with self._changed:
            return len(self._outbox)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or bool(self._outbox))
                if self._stopping:
                    return
                window = [self._outbox[place] for place in range(min(WINDOW, len(self._outbox)))]
            sent = [self._client.publish(topic, payload, qos=1).mid for topic, payload in window]
            with self._changed:
                answered = self._changed.wait_for(
                    lambda: self._stopping or all(mid in self._answers for mid in sent),  # noqa: B023 - used at once
                    30,
                )
                if self._stopping:
                    return
                heard = [answered and self._answers.pop(mid).value != NO_SUBSCRIBERS for mid in sent]
                for _ in window:
                    self._outbox.popleft()
                unheard = [message for message, taken in zip(window, heard, strict=True) if not taken]
                self._outbox.extendleft(reversed(unheard))
                if unheard:
                    self._changed.wait_for(lambda: self._stopping, RETRY_SECONDS)

    def _on_publish(self, client: paho.Client, data: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        with self._changed:
            self._answers[mid] = reason
            self._changed.notify_all()
