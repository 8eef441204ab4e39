"""Which documents a claim needs: exactly those for this accident, no paper that the insurer already holds."""

from __future__ import annotations

_BASE = ("驾驶证照片（正副页）", "行驶证照片（正副页）", "被保险人身份证照片", "收款银行卡信息（确认赔付金额时再提供）")
_SCENE = "现场照片（全景、碰撞部位、双方车牌）"
_DAMAGE = "车辆损失部位照片"
_REPAIR = "维修发票和维修清单"

_BY_TYPE: dict[str, tuple[str, ...]] = {
    "single_vehicle": ("现场照片（全景、碰撞部位、被撞物）", _DAMAGE),
    "parked_hit": ("停放位置和受损部位照片", "周边监控或行车记录仪录像（如有）"),
    "scratch": ("划痕部位照片（远景、近景）",),
    "flood": ("涉水或被淹位置照片（看得到水位线）", "车辆受损照片", "气象证明或媒体报道截图（如有）"),
    "theft": ("公安机关立案证明", "全部车钥匙", "机动车登记证书", "购车发票", "满60天未找回的公安证明（届时提供）"),
    "fire": ("着火车辆照片", "消防救援机构的火灾证明"),
    "charging": ("充电位置、充电桩和车辆受损照片", "充电记录截图", "消防救援机构的火灾证明（起火时）"),
    "glass": ("玻璃破损照片（看得到车牌）",),
    "falling_object": ("坠落物和受损部位照片", "物业或社区情况说明（如有）"),
    "animal": ("现场照片（全景、碰撞部位）", _DAMAGE),
}
_INJURY = (
    "病历和诊断证明",
    "医疗费发票和费用清单",
    "出院小结（住院时）",
    "误工、护理证明（有这些费用时）",
    "伤者身份证照片",
)
_NO_REPAIR = frozenset({"theft", "injury"})


def materials_for(
    accident_type: str,
    injury: bool = False,
    third_party: bool = False,
    police: bool = False,
    *,
    property_hit: bool = False,
    vehicle_damaged: bool = True,
    total_loss: bool = False,
    company_owned: bool = False,
) -> list[str]:
    """Documents for one claim in the order in which they are usually sent.

    Args:
        accident_type: a code of `accidents.ACCIDENT_TYPES`; an unknown one gets the general list.
        third_party: another vehicle or person was hit.
        police: the police dealt with it or were called.
        property_hit: guard rails, walls or other people's things were damaged.
    """
    needed = list(_BASE[:3])
    if company_owned:
        needed[2] = "营业执照复印件（加盖公章）"
    needed += _BY_TYPE.get(accident_type, (_SCENE, _DAMAGE))
    with_police = police or injury or accident_type == "pedestrian"
    if with_police and accident_type not in ("theft", "fire"):
        needed.append("交通事故认定书（交警出具后提供）")
    elif third_party and accident_type not in ("theft", "fire", "flood", "charging"):
        needed.append("双方签字的事故协议书（自行协商时）")
    if third_party and accident_type not in ("theft", "pedestrian"):
        needed.append("对方的驾驶证、行驶证和联系方式")
    if injury or accident_type in ("injury",):
        needed += _INJURY
    if property_hit:
        needed.append("受损物品照片和修复费用凭证")
    if vehicle_damaged and accident_type not in _NO_REPAIR:
        needed += ["机动车登记证书", "报废或残值处理证明"] if total_loss else [_REPAIR]
    needed.append(_BASE[3])
    return list(dict.fromkeys(needed))
