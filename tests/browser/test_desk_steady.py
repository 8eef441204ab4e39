"""What a desk withstands: hours away from it, a reload in the middle of a sentence, many customers, a small screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from tests.browser.desk import SCREEN, log_in, set_state, waiting, window
from tests.browser.desk_day import LI_MIN, at_desk, dialog, empty, served, staffed, told
from tests.browser.desk_office import PASSWORD, Desk, open_page

# what the desk asks of the browser, counted instead of heard and seen
_ALERTS = """
window.tones = 0; window.notes = []; window.away = false;
const create = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.tones += 1; return create.call(this); };
window.Notification = class {
  static permission = "granted";
  constructor(title, options) { window.notes.push(title + " " + options.body); }
  close() {}
};
Object.defineProperty(document, "visibilityState", { get: () => (window.away ? "hidden" : "visible") });
"""
_SIZES: list[ViewportSize] = [SCREEN, {"width": 1024, "height": 768}, {"width": 820, "height": 1180}]


@pytest.fixture(scope="module")
def desk(database_url: str) -> Iterator[Desk]:
    with staffed(database_url) as running:
        yield running


@pytest.fixture(autouse=True)
def nobody_left(desk: Desk) -> Iterator[None]:
    """Each test ends with an empty desk."""
    yield
    empty(desk)


def comes_true(page: Page, condition: str) -> None:
    """Waits for a condition in the page (its policy forbids Playwright's own way of asking)."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def test_new_work_rings_and_is_notified_without_a_word_of_the_customer(browser: Browser, desk: Desk) -> None:
    with window(browser) as page:
        page.add_init_script(_ALERTS)
        at_desk(page, desk, "lin")
        set_state(page, "就绪")
        page.evaluate("window.away = true")
        talk = desk.waiting("我的身份证号是多少多少", "claims")
        expect(page).to_have_title("(1) 客服工作台")
        comes_true(page, "window.tones >= 2 && window.notes.length >= 1")
        heard = page.evaluate("window.tones")
        desk.run(desk.office.writes(talk, "在吗"))
        comes_true(page, f"window.tones > {heard}")
        assert "身份证" not in "".join(page.evaluate("window.notes"))
        page.evaluate("window.away = false")
        page.get_by_role("button", name="提示音开").click()
        heard = page.evaluate("window.tones")
        desk.run(desk.office.writes(talk, "还在吗"))
        expect(waiting(page, "还在吗")).to_be_visible()
        assert page.evaluate("window.tones") == heard


def test_an_idle_desk_locks_itself_over_everything_and_loses_nothing(browser: Browser, desk: Desk) -> None:
    talk = served(desk, "zhou", "等一下", "claims", **LI_MIN)
    with window(browser) as page:
        page.clock.install()
        at_desk(page, desk, "zhou", talk)
        page.get_by_test_id("input").fill("写到一半的回复")
        page.keyboard.press("Alt+c")
        page.get_by_placeholder("做了什么，结果怎样").fill("写到一半的小结")
        page.clock.fast_forward("14:00")
        expect(page.get_by_test_id("lock")).to_have_count(0)
        page.clock.fast_forward("01:10")
        lock = page.get_by_test_id("lock")
        expect(lock).to_be_visible()
        expect(page.get_by_test_id("input")).to_be_hidden()
        expect(page.get_by_placeholder("做了什么，结果怎样")).to_be_hidden()
        expect(lock.get_by_label("密码")).to_be_focused()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(lock).to_have_count(0)
        expect(page.get_by_placeholder("做了什么，结果怎样")).to_have_value("写到一半的小结")
        page.keyboard.press("Escape")
        expect(page.get_by_test_id("input")).to_have_value("写到一半的回复")


# what opens each dialog, and what is begun in it
_BEGUN = (
    ("Alt+t", "转接会话"),
    ("Alt+b", "交回机器人"),
    ("Alt+c", "结束会话"),
    ("Alt+j", "新建工单"),
    ("Alt+y", "预约回电"),
    ("Alt+p", "发付款链接"),
)


def writing(page: Page, keys: str, title: str) -> Locator:
    """The first field of a dialog, opened by its keys."""
    page.get_by_test_id("action-close").focus()
    page.keyboard.press(keys)
    return dialog(page, title).get_by_role("textbox").first


def leave(page: Page, title: str) -> None:
    dialog(page, title).get_by_role("button", name="取消").click()
    expect(dialog(page, title)).to_have_count(0)


def begun(page: Page) -> list[str]:
    """What the browser keeps of dialogs."""
    return [str(key) for key in page.evaluate("Object.keys(localStorage)") if "/" in key]


def test_what_was_begun_in_a_dialog_survives_a_lock_and_a_reload_until_it_is_sent(browser: Browser, desk: Desk) -> None:
    talk, other = (served(desk, "zhou", words, "claims", **LI_MIN) for words in ("等一下", "我也等着"))
    with window(browser) as page:
        at_desk(page, desk, "zhou", talk)
        for keys, title in _BEGUN:
            writing(page, keys, title).fill(f"写到一半：{title}")
            leave(page, title)
        phone = page.get_by_role("button", name="查看 手机")
        phone.click()
        reason = dialog(page, "查看手机").get_by_role("textbox")
        reason.fill("客户要求")
        leave(page, "查看手机")
        page.keyboard.press("Alt+l")
        page.reload()
        page.get_by_test_id("lock").get_by_label("密码").fill(PASSWORD)
        page.keyboard.press("Enter")
        for keys, title in _BEGUN:
            expect(writing(page, keys, title)).to_have_value(f"写到一半：{title}")
            leave(page, title)
        phone.click()
        expect(reason).to_have_value("客户要求")
        expect(reason).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("customer")).to_contain_text("13800000002")
        writing(page, "Alt+y", "预约回电")
        page.get_by_test_id("confirm").click()
        told(page, "已预约")
        assert not [key for key in begun(page) if key.endswith(("appointment", "reveal-phone"))]

        page.goto(f"{desk.url}/desk#/c/{other}")
        for keys, title in _BEGUN:
            expect(writing(page, keys, title)).to_have_value("")
            leave(page, title)
        page.goto(f"{desk.url}/desk#/c/{talk}")
        writing(page, "Alt+c", "结束会话")
        page.get_by_test_id("confirm").click()
        told(page, "会话已结束")
        assert begun(page) == []
    [ended] = desk.rows("SELECT wrapup FROM desk.episodes WHERE conversation_id = %s AND ended_at IS NOT NULL", talk)
    assert ended["wrapup"]["note"] == "写到一半：结束会话"


def test_two_hundred_open_conversations_stay_fast(browser: Browser, desk: Desk) -> None:
    first = desk.waiting("两百位之一", "claims")
    desk.rows(
        "INSERT INTO hub.conversations SELECT (jsonb_populate_record(c, jsonb_build_object('id', 'many-' || n, 'peer', 'many-' || n,"
        " 'queued_at', now() - make_interval(secs => n)))).* FROM hub.conversations c, generate_series(1, 199) n WHERE c.id = %s",
        first,
    )
    desk.rows(
        "INSERT INTO desk.episodes SELECT (jsonb_populate_record(e, jsonb_build_object('id', 'many-' || n, 'conversation_id',"
        " 'many-' || n))).* FROM desk.episodes e, generate_series(1, 199) n WHERE e.conversation_id = %s AND e.ended_at IS NULL",
        first,
    )
    with window(browser) as page:
        log_in(page, desk.url, "shen", PASSWORD)
        page.get_by_test_id("tab-queue").click()
        expect(page.get_by_test_id("tab-queue")).to_contain_text("200")
        rows = page.get_by_test_id("conversation")
        expect(rows.first).to_be_visible()
        assert rows.count() <= 40
        page.get_by_test_id("list").evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
        expect(page.locator("[aria-posinset='200']")).to_be_visible()
        # every wait in the list ticks: the longest frame while it is scrolled through is what a hand would feel
        longest = page.get_by_test_id("list").evaluate(
            """async (box) => {
                let longest = 0, before = performance.now();
                for (let n = 0; n < 60; n++) {
                    box.scrollTop = (n * 397) % box.scrollHeight;
                    await new Promise(requestAnimationFrame);
                    const now = performance.now();
                    longest = Math.max(longest, now - before);
                    before = now;
                }
                return longest;
            }"""
        )
        print(f"longest frame with 200 conversations: {longest:.0f} ms")
        assert longest < 250
    desk.rows("DELETE FROM desk.episodes WHERE id LIKE 'many-%%'")
    desk.rows("DELETE FROM hub.conversations WHERE id LIKE 'many-%%'")


@pytest.mark.parametrize("size", _SIZES)
def test_everything_fits_on_a_small_screen_and_a_tablet(browser: Browser, desk: Desk, size: ViewportSize) -> None:
    talk = served(desk, "zhou", "平板上看得清吗", "claims", **LI_MIN)
    with window(browser, size) as page:
        at_desk(page, desk, "zhou", talk)
        for part in (page.get_by_test_id("send"), page.get_by_test_id("action-close"), page.get_by_test_id("state")):
            expect(part).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        claims = page.get_by_test_id("claims")
        if size["width"] < SCREEN["width"]:
            expect(claims).to_be_hidden()
            page.get_by_role("button", name="客户资料").click()
        expect(claims).to_be_visible()


# what is outside the window, wider than its place, or a button whose words stand below each other
_CUT = """() => {
  const found = [];
  const pages = ".page-area, .admin, .sheet, .el-dialog, .el-dialog__body, .bar, .bar-nav";
  for (const box of document.querySelectorAll(pages)) {
    if (box.scrollWidth > box.clientWidth + 1) found.push(`wider: ${box.className}`);
  }
  for (const part of document.querySelectorAll("button, a, input, textarea, select, h1, h2, th, td, label, meter")) {
    const { left, right, width, height } = part.getBoundingClientRect();
    const words = (part.innerText || part.ariaLabel || "").slice(0, 20);
    if (width && (left < 0 || right > innerWidth)) found.push(`outside: ${part.tagName} ${words}`);
    const lines = height / parseFloat(getComputedStyle(part).fontSize);
    if (part.matches("button, th") && words.length <= 6 && lines > 3.2) found.push(`broken: ${words}`);
  }
  return found;
}"""
_PAGES = ("wall", "watch", "tickets", "surveys", "agents", "canned", "hours", "triggers", "articles", "reviews")


@pytest.mark.parametrize("size", _SIZES)
def test_pages_of_supervisors_fit_on_a_small_screen_and_a_tablet(
    browser: Browser, desk: Desk, size: ViewportSize
) -> None:
    served(desk, "zhou", "等了很久，一直没有人告诉我赔款什么时候能到账，我要投诉", "complaint", **LI_MIN)
    desk.waiting("还在排队的客户说了一句很长很长、在表格里放不下的话", "claims")
    with window(browser, size) as page:
        at_desk(page, desk, "shen")
        for name in _PAGES:
            open_page(page, desk, name)
            fits(page)
        open_page(page, desk, "articles", "claim_payment")
        fits(page)
        for name, button in (
            ("canned", "新增常用语"),
            ("articles", "写新文章"),
            ("agents", "添加坐席"),
            ("tickets", "新建工单"),
        ):
            open_page(page, desk, name)
            page.get_by_role("button", name=button).click()
            expect(page.get_by_test_id("confirm")).to_be_in_viewport(ratio=1)
            assert page.evaluate(_CUT) == [], button
        page.get_by_label("事由").fill("补寄纸质保单，客户说地址写错过一次，寄之前要先打电话核对")
        page.get_by_test_id("confirm").click()
        expect(page.get_by_role("heading", name="补寄纸质保单")).to_be_visible()
        fits(page)


def fits(page: Page) -> None:
    """Nothing of the page that is open is cut, and its end can be scrolled to."""
    expect(page.locator(".admin h1")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.evaluate(_CUT) == [], page.url
    end = "(box) => ((box.scrollTop = box.scrollHeight), box.lastElementChild.getBoundingClientRect().bottom <= innerHeight)"
    assert page.locator(".admin").evaluate(end), page.url
