# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of the dashboard.

  browser    Chromium
  model      a model service; trained: one whose model streamlit has a version
  open_page  open_page(model): the page; what its console and its errors say is in page.complaints
"""
import pytest
from playwright.sync_api import sync_playwright

from support.browser import ARGUMENTS, CHROMIUM, LIMIT_MS
from support.models import bars, publish, start_model, train


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield one
        one.close()


@pytest.fixture
def model(service):
    return start_model(service)


@pytest.fixture
def trained(model, hdfs, names):
    publish(hdfs, names.hdfs_root, bars(400))
    assert train(model)["serves"]
    return model


@pytest.fixture
def open_page(browser):
    contexts = []

    def start(one, url="/", before=None, **options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(LIMIT_MS)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text)
                if message.type in ("error", "warning") else None)
        if before:
            before(page)
        page.goto(one.url + url)
        return page
    yield start
    for context in contexts:
        context.close()
