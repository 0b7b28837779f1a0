"""Our names for the headings that Chinese systems use: pinyin initials (sfzh), Chinese (身份证号) and English (idCard).

A heading gives a name and a hint of what stands below it. A hint alone decides nothing: the values are asked too
(`connectors.scaffold.guesses`). A heading that is not listed keeps its own letters, or gets its pinyin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from connectors.contract import Contract

# hint, our name, headings (lower case, without blanks, underscores and brackets)
_LISTED: Final = """
resident_id resident_id sfzh sfzhm sfzjh gmsfhm gmsfzh zjhm idcard idcardno idno
resident_id resident_id 身份证 身份证号 身份证号码 公民身份号码 身份证件号码 证件号码
credit_code credit_code tyshxydm tyxydm xydm shxydm creditcode uscc
credit_code credit_code 统一社会信用代码 社会信用代码 信用代码
taxpayer_no taxpayer_no nsrsbh 纳税人识别号 纳税识别号 税号
disability_certificate certificate_no cjrzh cjzh 残疾人证号 残疾证号 残疾证号码
disability_class class cjlb 残疾类别 残疾情况类别
disability_level level cjdj 残疾等级 残疾情况等级
device_id device_id gbid deviceid 国标编码 国标编号 设备国标编码
number device_id imei
phone phone lxdh sjh sjhm yddh dhhm dh mobile phone tel telephone phoneno
phone phone 联系电话 手机 手机号 手机号码 电话 电话号码 联系方式 移动电话
phone caller_phone bjdh 报警电话
phone reporter_phone sbrdh 上报人电话 举报人电话
phone guardian_phone jhrdh 监护人电话
person_name name xm xingming realname username fullname 姓名 人员姓名 户主姓名
person_name legal_representative fddbr fr frdb frxm legalperson 法定代表人 法人 法人代表 法人姓名
person_name contact_name lxr lxrxm contact 联系人 联系人姓名
person_name head_of_household hzxm 户主
person_name guardian jhr jhrxm 监护人 监护人姓名
person_name responsible_person fzr fzrxm 负责人 负责人姓名
person_name inspector jcy jcr xcr 检查员 检查人 巡查人 巡查员 走访人
person_name grid_member wgy wgyxm 网格员 网格员姓名
person_name owner_name qlr ywr czr 权利人 业主 业主姓名 产权人 承租人
sex sex xb xbdm gender sex 性别
ethnic ethnic_group mz mzdm nation 民族
relation relation yhzgx yhzgxdm gx 与户主关系 家庭关系 与本人关系
birth birth_date csrq birthday birthdate birth 出生日期 出生年月 出生年月日
health_code colour mzt jkm 健康码 健康码状态
plate plate_no hphm cphm cph plateno 号牌 号牌号码 车牌 车牌号 车牌号码
face face_id rlid rltz faceid faceurl 人脸 人脸id 人脸特征 人脸照片
account account_no yhzh yhkh zh kh bankaccount 银行账号 银行卡号 账号 卡号 社保卡号
private openid openid unionid
address address dz lxdz address addr 地址 详细地址 联系地址
address home_address jzdz hjdz jtzz zz 居住地址 户籍地址 家庭住址 住址 现住址 户籍地
address business_address zs jydz scjydz zcdz 住所 经营地址 生产经营地址 注册地址 经营场所
address place afdz fsdd sjdd 案发地址 发生地点 事发地点 地点
address location zl 坐落 房屋坐落
longitude longitude jd zbx lng lon longitude zxjd x 经度 坐标x 中心经度 东经
latitude latitude wd zby lat latitude zxwd y 纬度 坐标y 中心纬度 北纬
polygon geometry geometry geom the_geom 几何 边界
amount amount je amount money fee 金额 发放金额 入库额 收入 税额
amount approved_amount hde 核定额 核定金额
amount rent rent 租金 月租金
amount fine fkje 罚款金额 罚款
amount income_per_capita rjsr 人均收入
month period ssq skssq qj ffqj 所属期 税款所属期 发放期间 月份 账期 年月
changed updated_at gxsj zjgxsj xgsj zhgxsj updatetime updatedat updateat lastmodified gmtmodified
changed updated_at 更新时间 修改时间 最后更新时间 变更时间
timestamp created_at cjsj createtime createdat gmtcreate 创建时间 录入时间
timestamp reported_at sbsj bjsj lasj sbrq 上报时间 报警时间 立案时间 受理时间
timestamp handled_at czsj clsj 处置时间 处理时间
timestamp closed_at jasj 结案时间 办结时间
timestamp measured_at ts timestamp 采集时间 测量时间
timestamp inspected_at jcsj xcsj 检查时间 巡查时间
date registered_on djrq zcrq clrq 登记日期 注册日期 成立日期
date deregistered_on zxrq 注销日期
date valid_from qsrq ksrq qsny startdate 起始日期 开始日期 生效日期 有效期起
date valid_to jzrq jsrq zzrq yxqz enddate 截止日期 结束日期 终止日期 有效期至 到期日期 有效期止
date issued_on fzrq 发证日期 签发日期
date paid_on ffrq rkrq 发放日期 入库日期
date died_on swrq 死亡日期
date retired_on txrq 退休日期
date inspected_on jcrq 检查日期 巡查日期
date due_on zgqx bjqx 整改期限 办理期限 期限
code state zt status state zhuangtai 状态 当前状态
code category lb type category 类别 事件类别
code kind lx leixing kind 类型 种类
code level dj level 等级 级别
code result jg jcjg result 结果 检查结果 办理结果
code source ly sjly source 来源 事件来源
code tax_kind sz 税种
code policy_code zcbm zcdm 政策编码 政策代码
number person_no rybh 人员编号
number household_no hh hkbh 户号 户口编号
number family_no jtbh 家庭编号 家庭号
number member_no cyxh 成员序号
number event_no sjbh 事件编号
number incident_no jjdbh jqbh 接警单编号 警情编号 警情号
number order_no gdh gdbh rwh 工单号 工单编号 任务号
number case_no ajh ajbh wsh 案件编号 案号 文书号
number premises_code csbm csm 场所编码 场所码
number inspection_no jcbh 检查编号
number hazard_no yhbh 隐患编号
number payment_no zfbh 支付编号
number registration_no djbh zch 登记编号 注册号
number permit_no xkzh xkzbh 许可证号 许可证编号
number contract_no htbh hth 合同编号 合同号
number device_no sbbh sbbm 设备编号 设备编码 设备号
number record_id id uuid guid recordid zjid 编号 主键
number address_code dzbm dzm 地址编码 地址码 标准地址编码
number community_code sqbm sqdm 社区编码 社区代码 村社编码
number grid_code wgbm wgdm wgh 网格编码 网格代码 网格号
number building_code lybm 楼宇编码 楼栋编码
number unit_code dwbm dwdm zzbm bmbm 单位编码 单位代码 组织编码 部门编码
number division_code xzqh xzqhdm qhdm 行政区划 行政区划代码 区划代码
number postal_code yzbm 邮政编码
name name mc name 名称
name enterprise_name qymc dwmc nsrmc gsmc 企业名称 单位名称 公司名称 纳税人名称
name premises_name csmc 场所名称
name community sqmc sq 社区 社区名称 村社
name grid wgmc wg 网格 网格名称
name building_name lymc 楼宇名称 楼宇 楼栋
name estate xqmc xq 小区 小区名称
name project_name xmmc 项目名称
name unit_name bm bmmc zrdw 部门 部门名称 责任单位
name title bt title 标题 主题
name street 街道 乡镇街道
text description ms description descr 描述 事件描述
text content nr content 内容 诉求内容
text remarks bz remark remarks memo note 备注 说明
text reply hf reply 回复 答复内容
quantity age nl age 年龄
quantity headcount rs 人数 从业人数
measure area mj 面积 建筑面积
quantity battery bat 电量
ordinal ordinal xh 序号 行号 序
handover handover clbz tqbz ydbz czbz opflag 处理标志 提取标志 读取标志 操作标志
"""

# What the end of an unlisted heading says; of Latin ones only short words that do not read like English.
_CHINESE_ENDS: Final[tuple[tuple[str, str], ...]] = (
    (r"^是否", "flag"),
    (r"日期$|年月日$", "date"),
    (r"时间$|时刻$", "timestamp"),
    (r"经度$", "longitude"),
    (r"纬度$", "latitude"),
    (r"身份证号?码?$", "resident_id"),
    (r"(?:电话|手机号?码?)$", "phone"),
    (r"(?:姓名|人|员)$", "person_name"),
    (r"(?:地址|住址|住所|坐落|地点)$", "address"),
    (r"(?:金额|款|费|额|租金|工资|津贴|补贴)$", "amount"),
    (r"(?:账号|卡号)$", "account"),
    (r"(?:编号|编码|代码|号码|号)$", "number"),
    (r"(?:名称|单位|部门|社区|网格|小区)$", "name"),
    (r"(?:状态|类型|类别|等级|级别|性质|方式|来源|结果|种类|标志)$", "code"),
    (r"(?:备注|描述|内容|情况|说明|意见|原因)$", "text"),
    (r"(?:面积|均价|率|比例|指数|浓度|重量|长度|高度|温度)$", "measure"),
    (r"(?:数量|人数|次数|年龄|数)$", "quantity"),
)
_INITIAL_ENDS: Final[tuple[tuple[str, str], ...]] = (
    (r"rq$", "date"),
    (r"sj$", "timestamp"),
    (r"sfzh$", "resident_id"),
    (r"(?:xkzh|xkz|zsh|wsh|dsh)$", "number"),
    (r"mj$", "measure"),
    (r"(?:dh|sjh)$", "phone"),
    (r"xm$", "person_name"),
    (r"dz$", "address"),
    (r"je$", "amount"),
    (r"(?:bh|bm|dm|hm)$", "number"),
    (r"mc$", "name"),
    (r"(?:zt|lx|lb|dj)$", "code"),
    (r"(?:bz|ms|nr)$", "text"),
    (r"^sf[^z]", "flag"),
)
_ENGLISH: Final = re.compile(r"[aeiou][a-z]*[bcdfghjklmnpqrstvwxyz][a-z]*[aeiou]|ee|oo|ion|^is_|_id$|_at$")
_BRACKETS: Final = re.compile(r"[（(\[【].*?[）)\]】]")
_NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,40}$")


@dataclass(frozen=True)
class Heading:
    """What a heading says: our name, a hint ("" for none), and whether the name was listed."""

    name: str
    hint: str
    listed: bool


def _read(listed: str) -> dict[str, Heading]:
    found: dict[str, Heading] = {}
    for line in listed.split("\n"):
        if line:
            hint, name, *headings = line.split()
            for heading in headings:
                found.setdefault(heading, Heading(name, hint, True))
    return found


_KNOWN: Final = _read(_LISTED)


def understand(heading: str) -> Heading:
    """What the heading says; of a merged header the whole or else the last part."""
    bare = _BRACKETS.sub("", heading)
    leaf = bare.rsplit("/", 1)[-1].strip() or heading
    whole, key = _key(bare), _key(leaf)
    return _KNOWN.get(whole) or _KNOWN.get(key) or Heading(_own_name(leaf), _hint(key), False)


def vocabulary(contracts: Iterable[Contract]) -> dict[str, str]:
    """What the contracts at hand call the fields that upstreams name so: heading → our name, where most agree.

    Every system that is added teaches the next one its words.
    """
    uses: dict[str, Counter[str]] = {}
    for contract in contracts:
        for column in (column for stream in contract.streams.values() for column in stream.columns):
            uses.setdefault(_key(column.physical_name), Counter())[column.name] += 1
    return {key: names.most_common(1)[0][0] for key, names in uses.items() if _one_is_first(names)}


def in_our_words(heading: str, found: Heading, words: Mapping[str, str]) -> Heading:
    """The heading by the house's vocabulary, where the general list does not have it."""
    name = None if found.listed else words.get(_key(_BRACKETS.sub("", heading)))
    return found if name is None else replace(found, name=name, listed=True)


def _one_is_first(names: Counter[str]) -> bool:
    first = names.most_common(2)
    return len(first) == 1 or first[0][1] > first[1][1]


def _key(heading: str) -> str:
    return re.sub(r"[\s_\-:：*/]", "", heading).lower()


def _hint(key: str) -> str:
    if key.isascii() and (len(key) > 8 or _ENGLISH.search(key)):
        return ""
    ends = _INITIAL_ENDS if key.isascii() else _CHINESE_ENDS
    return next((hint for pattern, hint in ends if re.search(pattern, key)), "")


def _own_name(leaf: str) -> str:
    """The heading as an identifier: English and pinyin initials as they are, Chinese in pinyin."""
    if not leaf.isascii():
        import pypinyin

        leaf = "_".join(pypinyin.lazy_pinyin(leaf, errors=lambda other: re.sub(r"\W", "_", other, flags=re.ASCII)))
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", leaf)
    name = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")[:41].removesuffix("_raw").strip("_")
    return name if _NAME.match(name) else f"column_{name}".strip("_")[:41]
