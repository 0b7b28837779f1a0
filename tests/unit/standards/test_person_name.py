"""Names: spelling, plausibility, pinyin."""

from __future__ import annotations

import polars as pl
import pypinyin
import pytest

from connectors.standards import person_name, pinyin, text


@pytest.mark.parametrize(
    ("received", "canonical"),
    [
        ("王 伟", "王伟"),
        ("\u3000王伟\u3000", "王伟"),
        ("阿卜杜.热合曼", "阿卜杜·热合曼"),
        ("阿卜杜•热合曼", "阿卜杜·热合曼"),
        ("阿卜杜．热合曼", "阿卜杜·热合曼"),
        ("阿卜杜・・热合曼", "阿卜杜·热合曼"),
        ("张\ue863", "张䶮"),  # FE9F as GBK-era software wrote it
        ("张\ue81e", "张\u9fb4"),
        ("𠮷田", "𠮷田"),
        ("John  Smith ", "JOHN SMITH"),
        ("", None),
        ("  ", None),
    ],
)
def test_normalise(received: str, canonical: str | None) -> None:
    assert person_name.normalise(pl.Series([received])).to_list() == [canonical]


def test_no_private_use_character_survives_the_table() -> None:
    table = text.private_use()
    assert len(table) == 80
    assert not any(0xE000 <= ord(real) <= 0xF8FF for real in table.values())
    assert table["\ue863"] == "䶮"


@pytest.mark.parametrize("name", ["王伟", "欧阳娜娜", "热依汗·买买提", "沈〇", "䶮𠮷", "ANNA MARIA"])
def test_plausible(name: str) -> None:
    assert person_name.is_plausible(pl.Series([name])).to_list() == [True]


@pytest.mark.parametrize("name", ["王先生", "李", "不详", "测试1", "12", "群众", "王某某", "张\ufffd", "王·"])
def test_implausible(name: str) -> None:
    assert person_name.is_plausible(pl.Series([name])).to_list() == [False]


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("王伟", "wangwei"), ("单晓明", "shanxiaoming"), ("曾国", "zengguo"), ("尉迟恭", "yuchigong"),
        ("吕布", "lvbu"),
        ("仇英", "qiuying"), ("单增·次仁", "danzengciren"), ("张䶮", "zhangyan"), ("𠮷田", "jitian"),
        ("John Smith", "johnsmith"),
        ("长孙无忌", "zhangsunwuji"),
    ],
)  # fmt: skip
def test_pinyin(name: str, letters: str) -> None:
    assert person_name.pinyin(pl.Series("n", [name, None, name])).to_list() == [letters, None, letters]


def test_homophones_meet() -> None:
    assert person_name.pinyin(pl.Series(["张伟", "章炜", "张玮"])).n_unique() == 1


def test_single_characters_read_as_pypinyin_reads_them() -> None:
    """Its dictionary is read without its package: every character of it, ü and the syllables without a vowel too."""
    characters = [chr(code) for code in range(0x3400, 0x30000) if chr(code) not in pinyin.RARE]
    read = [pinyin.reading(character) for character in characters]
    assert read == [pypinyin.lazy_pinyin(character)[0] for character in characters]
