"""The encodings a contract may declare, and the Python codec that reads each.

Only encodings whose bytes < 0x80 outside of a character are ASCII. Light on purpose: contracts are checked against
it by commands that never open a file.
"""

from __future__ import annotations

from typing import Final

ENCODINGS: Final[dict[str, str]] = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "ascii": "ascii",
    # Files declared GB2312 or GBK hold GB18030's rare characters in practice; it is a superset of both.
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
}
