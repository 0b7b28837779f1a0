"""What people say about incidents: descriptions by kind, openings by channel, and who reports what where."""

from __future__ import annotations

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
