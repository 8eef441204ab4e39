"""What underwriting says of the two parts of an application.

The compulsory part is always approved and waits for nothing (条例 10, 13, 37). The commercial part is approved,
needs an inspection (验车), is referred to a person, or is declined; all but approval carry reasons in Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from chebao.insurance import tables
from chebao.insurance.products import Choice
from chebao.insurance.start_rules import is_lapsed
from chebao.insurance.vehicles import Car, age_in_years, rating_usage

APPROVED, INSPECTION, REFERRED, DECLINED = "approved", "inspection_required", "referred", "declined"
_ORDER = (APPROVED, INSPECTION, REFERRED, DECLINED)


@dataclass(frozen=True)
class UnderwritingCase:
    """What is known when the application is made.

    Attributes:
        covers: commercial choice; empty means compulsory only.
        today: local day of the decision.
        start: first day of the new term.
        province: where the policy is sold; plate_province: where the plate belongs, None without a plate.
        previous_end: exclusive end of the last known cover, None when none is known.
        last_covers: covers of the last commercial policy, None when not known, empty when there was none.
        switching: the last policy was another insurer's.
        mid_term: covers are added during a running term.
        inspection_valid_until: last day of the car's annual inspection, None when not known.
        modification_text: what the customer says was changed on the car; empty for none.
    """

    car: Car
    covers: Mapping[str, Choice]
    today: date
    start: date
    province: str
    plate_province: str | None = None
    previous_end: date | None = None
    last_covers: Mapping[str, Choice] | None = None
    switching: bool = False
    mid_term: bool = False
    transferred: bool = False
    inspection_valid_until: date | None = None
    claims_last_3y: int = 0
    ride_hailing: bool = False
    modified: bool = False
    modification_text: str = ""


@dataclass(frozen=True)
class Finding:
    """One rule that fired: what it leads to and why."""

    rule: str
    result: str
    reason: str


@dataclass(frozen=True)
class Underwriting:
    """`commercial` is None when no commercial cover was asked for. The gravest finding decides."""

    compulsory: str
    commercial: str | None
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Chinese sentences, the gravest first."""
        return tuple(finding.reason for finding in self.findings)

    @property
    def needs_inspection(self) -> bool:
        """An inspection is due, whatever else was found."""
        return any(finding.result == INSPECTION for finding in self.findings)


def underwrite(case: UnderwritingCase) -> Underwriting:
    """Decision on both parts."""
    if not any(case.covers.values()):
        return Underwriting(APPROVED, None, ())
    found = [*_inspection_findings(case), *_use_findings(case), *_car_findings(case), *_claims_findings(case)]
    found.sort(key=lambda finding: -_ORDER.index(finding.result))
    result = found[0].result if found else APPROVED
    return Underwriting(APPROVED, result, tuple(found))


def _inspection_findings(case: UnderwritingCase) -> list[Finding]:
    damage, scratch = bool(case.covers.get("vehicle_damage")), bool(case.covers.get("scratch"))
    found = []
    if case.inspection_valid_until is not None and case.inspection_valid_until < case.today:
        text = "车辆年检已过期，商业险需要补办年检并验车后承保；交强险不受影响，可以先办。"
        found.append(Finding("inspection_overdue", INSPECTION, text))
    if damage and is_lapsed(case.previous_end, case.today):
        found.append(Finding("lapsed", INSPECTION, "保障中断过，投保车损险需要先验车；验车拍几张照片就行。"))
    if _added_on_change(case, "vehicle_damage", damage) or _added_on_change(case, "scratch", scratch):
        found.append(Finding("added_cover", INSPECTION, "这次新增了车损或划痕保障，需要先验车。"))
    if damage and case.transferred:
        found.append(Finding("transferred", INSPECTION, "车辆刚过户，投保车损险需要先验车。"))
    if case.plate_province and case.plate_province != case.province:
        found.append(
            Finding(
                "other_province", INSPECTION, f"{case.plate_province}牌照的车在{case.province}投保，商业险需要先验车。"
            )
        )
    if damage and _between(case.car.price, case, "high_value_inspection", "high_value_referred"):
        found.append(Finding("high_value", INSPECTION, "车辆价值较高，投保车损险需要先验车。"))
    return found


def _added_on_change(case: UnderwritingCase, code: str, chosen: bool) -> bool:
    """Chosen now, known not to have been held before, and the cover is switched or widened during a term."""
    changing = case.mid_term or (case.switching and case.car.first_registered is not None)
    return chosen and changing and case.last_covers is not None and not case.last_covers.get(code)


def _use_findings(case: UnderwritingCase) -> list[Finding]:
    usage = rating_usage(case.car.usage)
    if usage not in ("family", "company", "government", "hire"):
        return [Finding("special_use", REFERRED, "这类车辆的商业险由核保员人工审核。")]
    found = []
    if case.ride_hailing and usage != "hire":
        text = "用于网约车的车辆按营运性质承保，按家庭自用投保会影响理赔，需要核保员为您确认方案。"
        found.append(Finding("ride_hailing", REFERRED, text))
    elif usage == "hire":
        found.append(Finding("hire", REFERRED, "营运车辆的商业险由核保员人工审核。"))
    if case.modified or case.modification_text.strip():
        found.append(Finding("modified", REFERRED, "车辆有改装，需要核保员了解改装内容后确认承保条件。"))
    return found


def _car_findings(case: UnderwritingCase) -> list[Finding]:
    age = age_in_years(case.car, case.start)
    found = []
    if case.covers.get("vehicle_damage"):
        if age >= tables.limit("damage_age_declined", case.start):
            text = f"车龄已有{age}年，车损险暂时不能承保；三者险和座位险仍可以投保，换个方案就行。"
            found.append(Finding("car_age", DECLINED, text))
        elif age >= tables.limit("damage_age_referred", case.start):
            found.append(Finding("car_age", REFERRED, f"车龄已有{age}年，车损险由核保员人工审核。"))
        if case.car.price >= tables.limit("high_value_referred", case.start):
            found.append(Finding("high_value", REFERRED, "车辆价值很高，车损险由核保员人工审核。"))
    if case.covers.get("scratch") and age >= tables.limit("scratch_age_referred", case.start):
        found.append(
            Finding("scratch_age", REFERRED, f"车龄已有{age}年，划痕险由核保员人工审核；不选划痕险可以直接办理。")
        )
    return found


def _claims_findings(case: UnderwritingCase) -> list[Finding]:
    claims = case.claims_last_3y
    if claims >= tables.limit("claims_declined", case.start):
        text = f"近三年出险{claims}次，商业险暂时不能承保；交强险不受影响。您也可以申请人工复核。"
        return [Finding("claims", DECLINED, text)]
    if claims >= tables.limit("claims_referred", case.start):
        return [Finding("claims", REFERRED, f"近三年出险{claims}次，商业险由核保员人工审核。")]
    return []


def _between(price: Decimal, case: UnderwritingCase, low: str, high: str) -> bool:
    return tables.limit(low, case.start) <= price < tables.limit(high, case.start)
