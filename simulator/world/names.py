"""Names of residents, as frequent and as awkward as real ones; all drawn at random, none of a real person.

Frequencies follow what is common knowledge about China's surnames (王 李 张 each about 7 %) and the fashions
of given names by decade, so that namesakes (王伟) arise by themselves.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.columns import Bools, Floats, Ints, texts, weighted, words, zipf

_COMMON = (
    "王7.2 李7.1 张6.8 刘5.4 陈5.4 杨3.1 黄2.5 赵2.3 吴2.3 周2.2 徐1.9 孙1.6 马1.4 朱1.5 胡1.4 郭1.2 何1.2 林1.3 "
    "高1.1 罗1.0 郑1.1 梁.9 谢.8 宋.8 唐.7 许.8 韩.7 冯.7 邓.7 曹.6 彭.6 曾.6 肖.6 田.6 董.6 袁.6 潘.7 于.6 蒋.6 "
    "蔡.6 余.6 杜.5 叶.7 程.5 苏.5 魏.5 吕.5 丁.5 任.5 沈.9 姚.5 卢.5 姜.5 崔.4 钟.5 谭.4 陆.5 汪.5 范.4 金.6 石.4 "
    "廖.4 贾.4 夏.5 韦.3 付.4 方.5 白.3 邹.4 孟.3 熊.3 秦.3 邱.4 江.4 尹.3 薛.3 闫.3 段.3 雷.3 侯.3 龙.3 史.3 陶.3 "
    "黎.3 贺.3 顾.3 毛.4 郝.2 龚.3 邵.4 万.3 钱.4 严.3 覃.2 武.2 戴.3 莫.3 孔.2 向.2 汤.3 俞.4 章.4 施.3 洪.3 楼.2 "
    "翁.2 裘.1 骆.2 来.1 应.1 屠.1 虞.1 柴.1 单.1 仇.05 解.05 查.05 盛.1 华.1 诸.05 费.05 "
    "欧阳.1 上官.02 诸葛.03 司马.02 夏侯.01 尉迟.005 皇甫.01 区.02 乐.02 朴.02 冼.02 逄.005 郏.01 綦.005"
)
SURNAMES: list[str] = [item.rstrip("0123456789.") for item in _COMMON.split()]
SURNAME_WEIGHTS: Floats = np.array(
    [float(item[len(name) :]) for item, name in zip(_COMMON.split(), SURNAMES, strict=True)]
)

# by era of birth: single given names, then the first and second characters of double ones, popular first
_ERAS_UNTIL = np.array([1950, 1970, 1985, 2000])
_MALE = (
    (
        "明 生 根 荣 富 贵 林 才 德 龙",
        "国 金 志 德 文 永 福 明 建 荣 水 阿 根 长 正 光 天 水 有 宝",
        "生 根 林 荣 法 祥 泉 华 明 法 兴 德 富 良 康 龙 松 才 土 海",
    ),
    (
        "军 明 平 勇 强 伟 华 忠 斌 林",
        "建 国 志 文 卫 永 金 明 伟 小 新 海 学 爱 红 根 炳 水 利 荣",
        "国 平 军 华 明 民 强 伟 林 忠 良 荣 祥 东 法 峰 康 兴 根 新",
    ),
    (
        "伟 勇 军 磊 涛 强 杰 峰 超 刚 斌 鹏 波 辉 俊",
        "志 建 文 小 晓 海 国 永 俊 伟 明 立 春 金 学 少 红 宏 振 向",
        "伟 强 军 勇 峰 平 华 明 杰 斌 刚 东 波 辉 锋 良 飞 林 龙 涛",
    ),
    (
        "杰 超 浩 鹏 磊 涛 凯 俊 帅 鑫 宇 斌 晨 龙 旭",
        "志 文 俊 嘉 晓 家 建 子 天 海 佳 小 泽 明 伟 一 宇 世 少 冠",
        "杰 豪 鹏 辉 龙 宇 超 浩 强 伟 斌 文 杨 明 涛 峰 凯 林 铭 飞",
    ),
    (
        "睿 轩 浩 宸 哲 辰 昊 霖 锐 喆",
        "子 宇 浩 梓 俊 奕 泽 沐 一 辰 宸 嘉 逸 景 铭 皓 思 佳 煜 天",
        "轩 涵 宇 辰 泽 豪 睿 阳 宸 熙 然 铭 恒 霖 博 杰 诚 航 言 安",
    ),
)
_FEMALE = (
    (
        "英 珍 凤 芬 娟 仙 兰 莲 菊 琴",
        "秀 桂 玉 阿 爱 素 凤 美 月 惠 彩 水 金 小 雪 春 亚 宝 福 杏",
        "英 珍 兰 花 娥 凤 仙 芬 娟 琴 莲 香 菊 珠 云 妹 梅 玲 芳 宝",
    ),
    (
        "英 芳 萍 红 敏 芬 琴 玲 华 娟",
        "秀 丽 爱 建 美 小 玉 桂 惠 亚 雪 春 文 国 金 素 月 红 志 彩",
        "英 芳 萍 华 珍 芬 琴 娟 红 玲 兰 珠 仙 云 娣 莲 梅 凤 香 君",
    ),
    (
        "芳 娜 敏 静 丽 艳 燕 娟 霞 红 玲 芬 洁 燕 琳",
        "丽 晓 小 海 秀 春 雪 红 美 玉 文 爱 建 金 慧 亚 凤 冬 艳 利",
        "芳 娟 萍 燕 霞 红 丽 英 玲 琴 华 敏 艳 平 静 芬 梅 君 飞 娜",
    ),
    (
        "婷 静 敏 丹 倩 雪 颖 佳 娜 丽 悦 莹 琳 洁 欢",
        "晓 婷 雨 佳 思 梦 丽 小 雅 诗 文 海 嘉 慧 雪 欣 美 露 玉 静",
        "婷 静 倩 怡 颖 琪 敏 雪 芳 玲 莹 丹 燕 娜 萍 妮 君 佳 慧 雯",
    ),
    (
        "玥 萱 彤 悦 瑶 妍 萌 涵 钰 霏",
        "子 梓 欣 雨 诗 思 语 一 若 佳 可 梦 芷 沐 奕 艺 依 紫 雅 婉",
        "涵 萱 怡 彤 妍 轩 琪 悦 宁 汐 瑶 然 诺 晨 熙 玥 萌 桐 菲 雯",
    ),
)
_SINGLE_SHARE = (0.12, 0.28, 0.36, 0.24, 0.07)
# characters that GBK cannot write (GB18030 can), then merely uncommon ones
_RARE = "䶮𠮷㐱䶮𠮷㐱䲜㛃𬭎喆堃昇淼犇彧翀祎玥赟垚骉奭曌"
_RARE_SHARE = 0.0012

_UYGHUR = words(
    "阿卜杜拉 买买提 艾山 吐尔逊 古丽娜尔 热依罕 阿依古丽 努尔 艾力 依布拉音 玉苏甫 帕提古丽 木塔力甫 图尔荪"
)
_TIBETAN = words("扎西 多吉 卓玛 次仁 央金 丹增 旺堆 拉姆 格桑 平措 尼玛 达瓦 白玛 索朗")
_MONGOL = words("巴特尔 其木格 乌云 格日勒 苏和 敖登 宝音 萨仁 哈斯 娜仁")
_KAZAKH = words("叶尔肯 阿依达尔 古丽米拉 努尔兰 赛力克 阿勒泰 加娜尔 巴合提")
_FOREIGN = words("约翰 玛丽亚 安德烈 索菲亚 迈克尔 安娜 彼得 伊莲娜 大卫 卡洛斯")
_FOREIGN_FAMILY = words("史密斯 伊万诺夫 罗德里格斯 汤普森 米勒 加西亚 科瓦奇 安德森")

HAN, FOREIGN_BORN = "01", "98"
# GB/T 3304 code and share of households, among the registered and among migrants
ETHNIC_CODES = words("01 03 22 11 08 15 06 09 07 12 05 04 02 17 98")
ETHNIC_REGISTERED = np.array([98.9, 0.2, 0.35, 0.1, 0.1, 0.1, 0.1, 0.05, 0.02, 0.03, 0.01, 0.01, 0.02, 0.0, 0.01])
ETHNIC_MIGRANT = np.array([92.6, 0.5, 0.1, 0.3, 0.8, 1.6, 1.7, 1.0, 0.8, 0.6, 0.25, 0.05, 0.1, 0.03, 0.04])


def surnames(rng: np.random.Generator, size: int) -> Ints:
    """Indices into ``SURNAMES``."""
    return weighted(rng, SURNAME_WEIGHTS, size)


def given_names(rng: np.random.Generator, male: Bools, birth_year: Ints) -> tuple[pl.Series, pl.Series]:
    """First character and (perhaps empty) second character of each given name."""
    era = np.searchsorted(_ERAS_UNTIL, birth_year, side="right")
    single = rng.random(len(male)) < np.asarray(_SINGLE_SHARE)[era]
    draw = rng.random((2, len(male)))
    rare = rng.random(len(male)) < _RARE_SHARE
    rare_index = rng.integers(0, len(_RARE), len(male))
    first = np.empty(len(male), np.int64)
    second = np.zeros(len(male), np.int64)
    pool: list[str] = [""]
    for sex, lists in ((True, _MALE), (False, _FEMALE)):
        for number, (alone, front, back) in enumerate(lists):
            chosen = (male == sex) & (era == number)
            for mask, characters, row, target in (
                (chosen & single, alone.split(), 0, first),
                (chosen & ~single, front.split(), 0, first),
                (chosen & ~single, back.split(), 1, second),
            ):
                shares = np.cumsum(zipf(len(characters)))
                target[mask] = len(pool) + np.searchsorted(shares, draw[row, mask] * shares[-1], side="right")
                pool += characters
    rare_start = len(pool)
    pool += list(_RARE)
    alone_rare = rare & single
    first[alone_rare] = rare_start + rare_index[alone_rare]
    second[rare & ~single] = rare_start + rare_index[rare & ~single]
    return texts(pool, first), texts(pool, second)


def unlike_han(rng: np.random.Generator, ethnic: list[str]) -> list[str | None]:
    """Whole names of peoples without Chinese surnames (GB/T 3304 05, 17 with a middle dot; 04, 02; 98); else None."""
    found: list[str | None] = []
    for code in ethnic:
        if code == "05":
            found.append("·".join(rng.choice(_UYGHUR, 2, replace=False)))
        elif code == "17":
            found.append("·".join(rng.choice(_KAZAKH, 2, replace=False)))
        elif code == "04":
            found.append("".join(rng.choice(_TIBETAN, 2, replace=False)))
        elif code == "02" and rng.random() < 0.6:
            found.append(str(rng.choice(_MONGOL)))
        elif code == FOREIGN_BORN:
            found.append(f"{rng.choice(_FOREIGN)}·{rng.choice(_FOREIGN_FAMILY)}")
        else:
            found.append(None)
    return found


def chinese_names(surname: Ints, first: pl.Series, second: pl.Series) -> pl.Series:
    return texts(SURNAMES, surname) + first + second
