#!/usr/bin/env python3
"""The dashboard in a real Chromium, against a real server.

usage: TWEEDIED=path/to/tweedied dashboard_test.py [unittest's arguments]

With TWEEDIE_SCREENSHOTS=FOLDER, pictures of the pages are left there.
"""
import base64
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, expect, sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "testing"))
from running_server import IMAGES, MODEL, Authority, RunningServer

SCREENSHOTS = os.environ.get("TWEEDIE_SCREENSHOTS")
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1200, "height": 800}
# Until something that goes on by itself has come; never how long anything may take.
expect.set_options(timeout=45000)

DROP = """([files, target]) => {
  const transfer = new DataTransfer();
  for (const {name, type, data} of files) {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name, {type}));
  }
  document.querySelector(target).dispatchEvent(
    new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}));
}"""


def drop(page, *paths):
    files = [{"name": path.name, "type": "image/png", "data": base64.b64encode(path.read_bytes()).decode()}
             for path in paths]
    page.evaluate(DROP, [files, ".drop"])


class BrowserTest(unittest.TestCase):
    """Pages may fail in no way of their own, and ask nobody but their server."""

    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = cls.launch()

    @classmethod
    def launch(cls, **environment):
        """A browser whose environment has these variables too."""
        browser = cls.playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"],
            env={**os.environ, **environment})
        cls.addClassCleanup(browser.close)
        return browser

    def setUp(self):
        self.problems = []

    def serve(self, *options, **more):
        server = RunningServer(*options, **more)
        self.addCleanup(server.close)
        return server

    def open(self, server, path="#/", viewport=None, scheme="light"):
        """A page of a visitor of their own."""
        context = self.browser.new_context(viewport=viewport or DESK, color_scheme=scheme)
        context.set_default_timeout(60000)
        self.addCleanup(context.close)
        page = context.new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self.note_console)
        page.on("request", lambda request: self.note_request(server, request.url))
        page.goto(f"{server.url}/{path}")
        return page

    def note_console(self, message):
        if "Content Security Policy" in message.text:
            self.problems.append(message.text)

    def note_request(self, server, url):
        if not url.startswith((server.url, "data:", "blob:")):
            self.problems.append(f"asked {url}")

    def tearDown(self):
        self.assertEqual(self.problems, [])

    def check_access(self, page, name):
        """No rule of axe is broken, and a picture for who wants to look."""
        if SCREENSHOTS:
            page.screenshot(path=pathlib.Path(SCREENSHOTS) / f"{name}.png")
        broken = Axe().run(page)
        self.assertEqual(broken.violations_count, 0, f"{name}: {broken.generate_report()}")

    def await_change(self, page, script):
        """Waits until a value is there and then another."""
        first = page.wait_for_function(f"() => {script}").json_value()
        page.wait_for_function(f"before => {{ const now = {script}; return now && now !== before; }}", arg=first)

    def await_frames(self, page):
        for kind in ("x_t", "x0_hat"):
            self.await_change(page, f"document.querySelector('img[alt=\"{kind}, image 1\"]')?.src")

    def state(self, page):
        return page.locator(".title .badge")


class SubmitTest(BrowserTest):
    def test_a_dropped_image_becomes_a_job_whose_frames_move(self):
        server = self.serve()
        page = self.open(server, "#/new")
        page.get_by_label("Steps").fill("1000")
        drop(page, IMAGES / "0000.png", IMAGES / "0001.png")
        expect(page.locator(".answer")).to_have_text("The server would take this.")
        expect(page.locator(".previews li")).to_have_count(2)
        self.check_access(page, "new")
        page.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/#/jobs/*")
        expect(self.state(page)).to_have_text("running")
        expect(page.get_by_alt_text("Truth, image 2")).to_be_visible()
        expect(page.get_by_alt_text("Measurement, image 2")).to_be_visible()
        self.await_frames(page)
        expect(page.get_by_role("img", name="PSNR of x0_hat over")).to_be_visible()
        expect(page.get_by_role("img", name="Residual")).to_be_visible()
        self.check_access(page, "job")
        page.get_by_role("button", name="Cancel").click()
        expect(self.state(page)).to_have_text("cancelled")
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete for good").click()
        expect(page.get_by_text("No jobs yet.")).to_be_visible()

    def test_a_job_that_ends_shows_its_result(self):
        server = self.serve()
        page = self.open(server, "#/new")
        page.get_by_label("Method").select_option("ddrm")
        page.get_by_label("Steps").fill("20")
        page.get_by_label("Labels").fill("set=test, figure=3")
        page.set_input_files("#file", IMAGES / "0002.png")
        expect(page.locator(".answer")).to_have_text("The server would take this.")
        page.get_by_role("button", name="Submit").click()
        expect(self.state(page)).to_have_text("succeeded")
        for kind in ("Truth", "Measurement", "Result"):
            page.wait_for_function("alt => document.querySelector(`img[alt='${alt}']`)?.naturalWidth > 0",
                                   arg=f"{kind}, image 1")
        expect(page.get_by_role("heading", name="Metrics of the result")).to_be_visible()
        expect(page.get_by_text("figure=3, set=test")).to_be_visible()

    def test_what_the_server_refuses_is_said_beside_the_field(self):
        server = self.serve()
        page = self.open(server, "#/new")
        drop(page, IMAGES / "0000.png")
        page.get_by_label("Steps").fill("-3")
        expect(page.get_by_label("Steps")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Steps")).to_have_accessible_description(re.compile("-3"))
        page.get_by_label("Steps").fill("5")
        expect(page.locator(".answer")).to_have_text("The server would take this.")
        page.get_by_label("Operator").select_option("Phase retrieval")
        expect(page.locator("option[value=ddrm]")).to_have_text("DDRM (not for this operator)")
        expect(page.locator("option[value=dps]")).to_have_text("DPS")

    def test_what_is_no_image_is_refused(self):
        server = self.serve()
        page = self.open(server, "#/new")
        expect(page.get_by_label("Model").locator("option")).to_have_count(1)
        drop(page, pathlib.Path(__file__))
        expect(page.get_by_text("no image that the browser can read")).to_be_visible()
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text("Choose at least one image.")).to_be_visible()
        self.assertEqual(server.call("jobs"), {})

    def test_a_large_picture_is_brought_to_the_models_size(self):
        server = self.serve()
        page = self.open(server, "#/new")
        page.get_by_label("Method").select_option("denoise")
        data = page.evaluate("""() => {
          const canvas = Object.assign(document.createElement('canvas'), {width: 300, height: 200});
          canvas.getContext('2d').fillRect(0, 0, 150, 200);
          return canvas.toDataURL('image/jpeg').split(',')[1];
        }""")
        page.evaluate(DROP, [[{"name": "wide.jpg", "type": "image/jpeg", "data": data}], ".drop"])
        expect(page.get_by_text("300 x 200, cut and brought to 32 x 32")).to_be_visible()
        page.get_by_role("button", name="Submit").click()
        expect(self.state(page)).to_have_text("succeeded")

    def test_the_form_is_used_by_keyboard_alone(self):
        server = self.serve()
        page = self.open(server, "#/new")
        expect(page.get_by_label("Model").locator("option")).to_have_count(1)
        page.get_by_label("Method").focus()
        page.keyboard.press("End")
        expect(page.get_by_label("Method")).to_have_value("sample")
        page.keyboard.press("Tab")
        page.keyboard.press("Control+A")
        page.keyboard.type("1")
        page.keyboard.press("Tab")
        page.keyboard.type("10")
        page.keyboard.press("Enter")
        expect(self.state(page)).to_have_text("succeeded")
        self.assertEqual(page.evaluate("document.activeElement.tagName"), "H1")


class WatchTest(BrowserTest):
    def test_a_reload_in_mid_job_goes_on(self):
        server = self.serve()
        page = self.open(server, "#/new")
        page.get_by_label("Steps").fill("1000")
        drop(page, IMAGES / "0000.png")
        expect(page.locator(".answer")).to_have_text("The server would take this.")
        page.get_by_role("button", name="Submit").click()
        points = "document.querySelector('.plot:not([hidden]) polyline')?.getAttribute('points').split(' ').length"
        page.wait_for_function(f"() => {points} > 20")
        page.reload()
        page.wait_for_function(f"() => {points} > 20")
        self.await_frames(page)
        page.get_by_role("button", name="Cancel").click()
        expect(self.state(page)).to_have_text("cancelled")

    def test_pages_outlive_a_restart_of_the_server(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(how=how):
                server = self.serve("--lease-seconds", "2")
                job = server.sample(steps=1000, seed="1")
                of_all = self.open(server)
                of_one = self.open(server, f"#/jobs/{job}")
                self.await_frames(of_one)
                server.stop(how)
                for page in (of_all, of_one):
                    expect(page.locator("#link")).to_have_attribute("data-state", "away")
                    self.check_access(page, "away")
                server.start()
                for page in (of_all, of_one):
                    expect(page.locator("#link")).to_have_text("Live")
                self.await_frames(of_one)
                of_one.get_by_role("button", name="Cancel").click()
                expect(self.state(of_one)).to_have_text("cancelled")
                expect(of_all.locator(".row .badge.cancelled")).to_be_visible()

    def test_two_viewers_see_one_job(self):
        server = self.serve()
        job = server.sample(steps=1000)
        pages = [self.open(server, f"#/jobs/{job}") for _ in range(2)]
        for page in pages:
            self.await_frames(page)
        pages[0].get_by_role("button", name="Cancel").click()
        for page in pages:
            expect(self.state(page)).to_have_text("cancelled")

    def test_an_answer_that_the_end_overtakes_changes_nothing(self):
        server = self.serve()
        page = self.open(server, f"#/jobs/{server.sample(steps=1000)}")
        self.await_frames(page)
        held = []
        page.route("**/cancel", lambda route: held.append((route, route.fetch())))
        page.get_by_role("button", name="Cancel").click()
        expect(self.state(page)).to_have_text("cancelled")
        route, answer = held.pop()
        self.assertEqual(answer.json()["state"], "RUNNING")
        route.fulfill(response=answer)
        expect(page.locator("button", has_text="Cancel")).to_be_enabled()
        expect(self.state(page)).to_have_text("cancelled")

    def test_a_job_that_is_not_there_is_said_so(self):
        page = self.open(self.serve(), "#/jobs/none-such")
        expect(page.get_by_role("alert")).to_contain_text("none-such")

    def test_a_name_that_is_none_is_said_so(self):
        page = self.open(self.serve(), "#/jobs/%")
        expect(page.get_by_role("alert")).to_contain_text("job")

    def test_pages_outlive_a_restart_behind_a_proxy(self):
        server = self.serve()
        page = self.open(server)
        expect(page.locator("#link")).to_have_text("Live")
        for status in (429, 502, 503, 504):
            refused = []
            page.route("**/api/v1/**", lambda route: (
                refused.append(1), route.fulfill(status=status, content_type="text/html", body="<h1>Bad</h1>")))
            page.reload()
            expect(page.locator("#link")).to_have_attribute("data-state", "away")
            page.unroute("**/api/v1/**")
            expect(page.locator("#link")).to_have_text("Live")
            self.assertTrue(refused, status)

    def test_a_failed_job_says_why_and_text_of_others_is_only_text(self):
        server = self.serve()
        job = server.sample(steps=1000, labels={"note": "<img src=x onerror=alert(1)>"})
        page = self.open(server, f"#/jobs/{job}")
        expect(page.get_by_text("note=<img src=x onerror=alert(1)>", exact=True)).to_be_visible()


def give_token(page, token):
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Continue").click()


class AccessTest(BrowserTest):
    TOKENS = {"ada": "user", "eye": "viewer"}

    def test_without_a_token_there_is_only_the_question(self):
        server = self.serve(tokens=self.TOKENS)
        job = server.sample(steps=1000, token="ada-token")
        page = self.open(server)
        expect(page.get_by_role("dialog")).to_contain_text("this server wants to know who calls")
        self.check_access(page, "token")
        for _ in range(3):
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_be_visible()
        page.evaluate("""() => new Promise(closed => {
          const dialog = document.getElementById('token');
          dialog.addEventListener('close', closed, {once: true});
          dialog.close();
        })""")
        expect(page.get_by_role("dialog")).to_be_visible()
        self.assertNotIn(job, page.content())
        give_token(page, "wrong-token")
        expect(page.get_by_role("dialog")).to_contain_text("the token is not known here")
        give_token(page, "ada-token")
        expect(page.get_by_role("link", name=job)).to_be_visible()
        self.assertNotIn("token", page.url)
        self.assertEqual(page.evaluate("[document.cookie, localStorage.length]"), ["", 0])
        page.get_by_role("link", name=job).click()
        self.await_frames(page)
        page.reload()
        self.await_frames(page)

    def test_a_viewer_sees_and_may_not_change(self):
        server = self.serve(tokens=self.TOKENS)
        job = server.sample(steps=1000, token="ada-token")
        page = self.open(server, f"#/jobs/{job}")
        give_token(page, "eye-token")
        self.await_frames(page)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("viewer")
        expect(self.state(page)).to_have_text("running")


class HttpsTest(BrowserTest):
    """With certificates of an authority that a browser knows by its user's NSS database."""

    TOKENS = {"ada": "user"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        home = tempfile.TemporaryDirectory(prefix="tweedie-home-")
        cls.addClassCleanup(home.cleanup)
        cls.home = pathlib.Path(home.name)
        cls.authority = Authority(cls.home)
        cls.trust()
        cls.stranger = cls.browser
        cls.browser = cls.launch(HOME=str(cls.home), XDG_CONFIG_HOME=str(cls.home / "config"))

    @classmethod
    def trust(cls):
        database = cls.home / ".pki" / "nssdb"
        database.mkdir(parents=True, exist_ok=True)
        for command in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "tweedie", "-i", str(cls.authority.pem)]):
            subprocess.run(["certutil", "-d", f"sql:{database}", *command], check=True, capture_output=True)

    def test_a_job_is_submitted_and_its_frames_move(self):
        server = self.serve(tokens=self.TOKENS, authority=self.authority)
        page = self.open(server, "#/new")
        self.assertTrue(page.evaluate("window.isSecureContext"))
        with page.expect_request("**/api/v1/models*") as asked:
            give_token(page, "ada-token")
        self.assertEqual(asked.value.header_value("authorization"), "Bearer ada-token")
        page.get_by_label("Steps").fill("1000")
        drop(page, IMAGES / "0000.png")
        expect(page.locator(".answer")).to_have_text("The server would take this.")
        with page.expect_response("**/events?*") as stream:
            page.get_by_role("button", name="Submit").click()
        self.assertEqual(stream.value.headers["content-type"], "text/event-stream")
        self.await_frames(page)
        page.reload()
        self.await_frames(page)
        self.assertEqual(page.evaluate("[document.cookie, localStorage.length]"), ["", 0])
        self.assertEqual(page.context.cookies(), [])
        page.get_by_role("button", name="Cancel").click()
        expect(self.state(page)).to_have_text("cancelled")

    def test_answers_say_what_a_page_may_do(self):
        server = self.serve(authority=self.authority)
        page = self.open(server)
        for path in ("", "/api/v1/server"):
            headers = page.goto(f"{server.url}{path}").headers
            self.assertIn("default-src 'none'", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["referrer-policy"], "no-referrer")
            self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")
            self.assertNotIn("set-cookie", headers)

    def test_who_does_not_know_the_authority_is_warned(self):
        server = self.serve(authority=self.authority)
        page = self.stranger.new_page()
        self.addCleanup(page.close)
        with self.assertRaisesRegex(Error, "ERR_CERT_AUTHORITY_INVALID"):
            page.goto(server.url)
        with self.assertRaisesRegex(Error, "ERR_EMPTY_RESPONSE|ERR_CONNECTION"):
            page.goto(server.url.replace("https", "http"))


class ManyJobsTest(BrowserTest):
    COUNT = 10000

    def test_ten_thousand_jobs_are_a_list_of_the_rows_in_sight(self):
        server = self.serve("--max-running-jobs", "1", "--max-queued-jobs", "20000",
                            "--max-queued-jobs-per-creator", "20000")
        task = {"num_images": 1, "process": {"num_steps": 1000}}
        for batch in range(self.COUNT // 1000):
            server.call("jobs/batch", {"requests": [
                {"job": {"model": MODEL, "sample": task, "labels": {"batch": str(batch)}},
                 "job_id": f"job-{batch * 1000 + i:05}"} for i in range(1000)]})
        page = self.open(server)
        expect(page.get_by_text(f"{self.COUNT} jobs", exact=True)).to_be_visible()
        rows = page.locator(".space .row")
        self.assertLess(rows.count(), 60)
        page.locator(".scroller").evaluate("scroller => { scroller.scrollTop = scroller.scrollHeight; }")
        expect(page.locator(f"[aria-rowindex='{self.COUNT + 1}']")).to_be_visible()
        self.assertLess(rows.count(), 60)
        self.check_access(page, "many")
        page.get_by_label("Find").fill("batch=3")
        expect(page.get_by_text(f"1000 of {self.COUNT} jobs", exact=True)).to_be_visible()
        page.get_by_label("Find").fill("job-07777")
        page.get_by_role("link", name="job-07777").click()
        expect(self.state(page)).to_have_text("queued")
        page.go_back()
        page.get_by_role("button", name="running").click()
        expect(page.get_by_text(f"1 of {self.COUNT} jobs", exact=True)).to_be_visible()
        print("longest frame while scrolling, ms:", page.evaluate(SCROLL))


# Scrolls through the whole list, and returns the longest time between two frames.
SCROLL = """async () => {
  document.querySelector('.filter[aria-pressed=true]').click();
  const scroller = document.querySelector('.scroller');
  let last = performance.now(), longest = 0;
  for (let i = 0; i <= 100; ++i) {
    scroller.scrollTop = scroller.scrollHeight * i / 100;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }
  return Math.round(longest);
}"""


class LookTest(BrowserTest):
    def test_all_pages_are_clean_in_both_schemes_and_on_a_phone(self):
        server = self.serve()
        ended = server.sample(steps=5, images=4, labels={"set": "look"})
        for _ in range(3):
            server.sample(steps=1000)
        waiting = self.open(server, f"#/jobs/{ended}")
        expect(waiting.get_by_alt_text("Result, image 4")).to_be_visible()
        for scheme, viewport, name in (("light", DESK, "light"), ("dark", DESK, "dark"), ("light", PHONE, "phone")):
            for path, ready in (("#/", ".row .badge"), ("#/new", ".previews"), ("#/server", "table"),
                                (f"#/jobs/{ended}", ".images img")):
                with self.subTest(path=path, look=name):
                    page = self.open(server, path, viewport, scheme)
                    page.locator(ready).first.wait_for(state="attached")
                    page.wait_for_load_state("load")
                    part = path.strip("#/").split("/")[0] or "list"
                    self.check_access(page, f"{part}-{name}")
                    self.assertLessEqual(page.evaluate("document.scrollingElement.scrollWidth"), viewport["width"])
                    page.context.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
