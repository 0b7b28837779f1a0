"""Interface shapes that the hub speaks: the protocol a contract names → the module that speaks it.

Light on purpose: contracts are checked against it by rooms and commands that never open a connection.
"""

from __future__ import annotations

from typing import Final

PROTOCOLS: Final[dict[str, str]] = {
    "gateway": "connectors.protocols.gateway",
    "catalogue_api": "connectors.protocols.catalogue_api",
    "exchange_db": "connectors.protocols.exchange_db",
    "soap": "connectors.protocols.soap",
    "sftp": "connectors.protocols.sftp",
    "mqtt": "connectors.protocols.mqtt",
    "amqp": "connectors.protocols.amqp",
    "webhook": "connectors.protocols.webhook",
    "gb28181": "connectors.protocols.gb28181",
}

SIGNERS: Final = ("md5_rotating", "sha1", "hmac_sha256", "hmac_sm3")
"""Ways to sign a gateway's calls; see `connectors.protocols.signers`."""
