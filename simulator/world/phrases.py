"""What people say about incidents: descriptions by kind, openings by channel, and who reports what where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DESCRIPTIONS: dict[str, tuple[str, ...]] = {
    "dispute": (
        "有人吵架，请来处理",
        "发生纠纷，双方情绪激动",
        "邻里因漏水起争执",
        "因工资拖欠发生争吵",
        "租客和房东吵起来了",
    ),
    "theft": ("电动车被偷了", "家中被盗，少了现金", "车窗被砸，包不见了", "快递被人拿走", "店里东西被偷"),
    "fraud": ("刷单被骗了钱", "接到冒充客服的电话被骗", "网上购物被骗"),
    "traffic": ("两辆车碰擦，堵住路口", "电动车和汽车相撞", "发生追尾，无人受伤", "有人被电动车撞倒"),
    "fire": ("着火了，有浓烟", "起火，看得见明火", "厨房冒烟起火", "电动车充电起火", "仓库起火"),
    "gas": ("闻到很浓的煤气味", "煤气泄漏", "液化气瓶漏气", "燃气管道疑似泄漏"),
    "noise": ("半夜施工噪音大", "楼上太吵，无法休息", "店铺音响扰民", "广场舞声音太大", "空调外机噪声扰民"),
    "sanitation": (
        "垃圾堆积没人清理",
        "有人乱倒建筑垃圾",
        "垃圾桶满溢，有异味",
        "路面有油污",
        "绿化带里全是垃圾",
    ),
    "illegal_parking": (
        "车辆乱停挡住通道",
        "消防通道被车占了",
        "人行道上停满了车",
        "货车违停影响出入",
        "电动车乱停放",
    ),
    "shop_occupying_road": (
        "店铺占道经营",
        "摊贩占用人行道",
        "店外堆放货物影响通行",
        "烧烤摊摆到路上",
        "出店经营",
    ),
    "facility_damage": ("窨井盖破损", "路灯不亮", "护栏被撞坏", "路面塌陷", "健身器材坏了", "电线垂落"),
    "safety_hazard": (
        "灭火器过期",
        "楼道堆放杂物",
        "电线私拉乱接",
        "安全出口被堵",
        "飞线充电",
        "违规使用液化气",
    ),
}
KINDS: tuple[str, ...] = tuple(DESCRIPTIONS)

OPENINGS: dict[str, tuple[str, ...]] = {
    "police_110": ("报警人称：", "群众报警，", "报警称在", ""),
    "fire_119": ("报警人称", "", "接警："),
    "four_platform": ("网格员巡查发现，", "巡查时发现", "", "居民反映"),
    "snapshot_report": ("", "你好，", "反映一下，", "麻烦处理：", "希望有关部门管管，"),
    "hotline_12345": ("市民来电反映", "来电人称", "市民反映：", "诉求人反映"),
    "city_eye": ("",),
    "safety_patrol": ("平安巡查发现", "检查时发现", ""),
    "grid_app": ("走访发现", "巡查中发现", "网格员上报：", ""),
    "city_management": ("信息采集员上报：", "巡查发现", ""),
}
CHANNELS: tuple[str, ...] = tuple(OPENINGS)

# share of incidents in the open, which have no address; one in eight of the other kinds
OUTDOORS = {"traffic": 0.9, "sanitation": 0.7, "illegal_parking": 0.8, "facility_damage": 0.8}

# weights of kinds among what a channel hears of first
POLICE_KINDS = {"dispute": 36, "theft": 16, "fraud": 7, "traffic": 30, "noise": 11}
SNAPSHOT_KINDS = {
    "sanitation": 26,
    "illegal_parking": 26,
    "shop_occupying_road": 16,
    "facility_damage": 18,
    "noise": 10,
    "safety_hazard": 4,
}
HOTLINE_KINDS = {
    "noise": 26,
    "illegal_parking": 18,
    "sanitation": 16,
    "facility_damage": 15,
    "dispute": 12,
    "shop_occupying_road": 9,
    "safety_hazard": 4,
}
STREET_CAMERA_KINDS = {"shop_occupying_road": 62, "illegal_parking": 20, "sanitation": 18}
SAFETY_PATROL_KINDS = {"safety_hazard": 80, "illegal_parking": 12, "facility_damage": 8}
COLLECTOR_KINDS = {"facility_damage": 38, "sanitation": 30, "shop_occupying_road": 20, "illegal_parking": 12}
PATROL_KINDS = {
    "sanitation": 28,
    "illegal_parking": 18,
    "shop_occupying_road": 17,
    "facility_damage": 14,
    "dispute": 10,
    "noise": 6,
    "safety_hazard": 4,
    "traffic": 3,
}


@dataclass(frozen=True)
class Origin:
    """What a channel hears of first: weights of kinds, reports of each, and the share that reaches other channels."""

    channel: str
    kinds: Mapping[str, float]
    per_incident: float
    passed_on: Mapping[str, float] = field(default_factory=dict)


# each passes on only to channels after it, so that the last reports of a channel can be counted out exactly
ORIGINS: tuple[Origin, ...] = (
    Origin("police_110", POLICE_KINDS, 1.07, {"hotline_12345": 0.02, "four_platform": 0.15}),
    Origin(
        "snapshot_report",
        SNAPSHOT_KINDS,
        1.06,
        {"hotline_12345": 0.06, "city_management": 0.05, "four_platform": 0.45},
    ),
    Origin("hotline_12345", HOTLINE_KINDS, 1.08, {"city_management": 0.12, "four_platform": 0.35}),
    # one stall is seen again and again
    Origin("city_eye", STREET_CAMERA_KINDS, 1.9, {"grid_app": 0.04, "city_management": 0.1, "four_platform": 0.2}),
    Origin("safety_patrol", SAFETY_PATROL_KINDS, 1.0, {"grid_app": 0.1, "four_platform": 0.45}),
    Origin("grid_app", PATROL_KINDS, 1.02, {"city_management": 0.03, "four_platform": 0.6}),
    Origin("city_management", COLLECTOR_KINDS, 1.03, {"four_platform": 0.12}),
    Origin("four_platform", PATROL_KINDS, 1.02),
)

# share of the fires, gas leaks and dangers at premises that a channel hears of besides the fire service
HEARD_AT_PREMISES: dict[str, dict[str, float]] = {
    "four_platform": {"fire": 0.5, "gas": 0.8, "safety_hazard": 0.75},
    "snapshot_report": {"fire": 0.1, "gas": 0.05, "safety_hazard": 0.4},
    "police_110": {"fire": 0.4, "gas": 0.5, "safety_hazard": 0.03},
    "hotline_12345": {"fire": 0.05, "gas": 0.15, "safety_hazard": 0.12},
    "safety_patrol": {"fire": 0.0, "gas": 0.05, "safety_hazard": 0.35},
    "grid_app": {"fire": 0.1, "gas": 0.1, "safety_hazard": 0.3},
}

# share of a channel's reports that come from staff or machines: nobody's number goes with them
BY_STAFF = {"four_platform": 0.65, "city_eye": 1.0, "safety_patrol": 1.0, "grid_app": 1.0, "city_management": 1.0}
