"""What a licence says, from the lines that the OCR finds on it."""

from __future__ import annotations

import pytest

from chebao.documents.licences import Line, read

ROWS = {
    "号牌号码": "沪A12D3F",
    "车辆类型": "小型轿车",
    "所有人": "张志强",
    "使用性质": "非营运",
    "品牌型号": "大众汽车牌SVW71412BM",
    "车辆识别代号": "LSVAA4182E2184847",
    "发动机号码": "A12345",
    "注册日期": "2021-05-18",
    "发证日期": "2021-06-01",
}

DRIVER = {
    "证号": "110101199001010015",
    "姓名": "李敏",
    "国籍": "中国",
    "初次领证日期": "2015-03-02",
    "准驾车型": "C1",
    "有效期限": "2021-03-02至2031-03-02",
}


def card(rows: dict[str, str], *, title: str = "", joined: bool = False) -> list[Line]:
    lines = [Line(title, 0.99, 300, 20, 30)] if title else []
    for number, (label, value) in enumerate(rows.items()):
        top = 100 + 60 * number
        if joined:
            lines.append(Line(label + value, 0.95, 60, top, 28))
        else:
            lines += [Line(label, 0.98, 60, top, 26), Line(value, 0.95, 280, top - 5, 34)]
    return lines


@pytest.mark.parametrize("joined", [False, True])
def test_vehicle_licence(joined: bool) -> None:
    found = read(card(ROWS, title="中华人民共和国机动车行驶证", joined=joined))
    assert found == {
        "kind": "vehicle_licence",
        "plate": "沪A12D3F",
        "vin": "LSVAA4182E2184847",
        "owner": "张志强",
        "model": "大众汽车牌SVW71412BM",
        "engine_no": "A12345",
        "use": "非营运",
        "registered_on": "2021-05-18",
        "issued_on": "2021-06-01",
    }


def test_driving_licence() -> None:
    assert read(card(DRIVER)) == {
        "kind": "driving_licence",
        "name": "李敏",
        "licence_no": "110101199001010015",
        "classes": "C1",
        "first_issued_on": "2015-03-02",
        "valid_from": "2021-03-02",
        "valid_until": "2031-03-02",
    }


def test_what_is_illegible_is_left_out_and_never_guessed() -> None:
    wrong_check_digit = ROWS | {"车辆识别代号": "LSVAA4183E2184847", "注册日期": "2021-13-40"}
    found = read(card(wrong_check_digit, title="行驶证"))
    assert "vin" not in found and "registered_on" not in found
    faint = [Line(line.text, 0.3, line.left, line.top, line.height) for line in card(ROWS)]
    assert read(faint) == {}


def test_a_photo_of_a_car_is_no_licence() -> None:
    assert read([Line("沪A12D3F", 0.9, 10, 10, 20), Line("停车场", 0.9, 200, 10, 20)]) == {}
    assert read([]) == {}


def test_other_papers_give_their_vin() -> None:
    assert read([Line("车架号 LSVAA4182E2184847", 0.9, 0, 0, 20)]) == {"kind": "other", "vin": "LSVAA4182E2184847"}
