# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page asks."""
import os

import pytest

from support.browser import shown


# A clock of its own, which jumps to whatever is due next, and answers without a network: each answer
# of `live` is a second later, what is not about prices is answered as it was the first time. Counts
# what is asked, and what is in flight at a time.
SPEEDED_UP = """() => {
    const real = { setTimeout: window.setTimeout.bind(window), clear: window.clearTimeout.bind(window),
        fetch: window.fetch.bind(window) };
    const day = window.day = { second: 1000, asked: 0, flying: {}, most: 0, now: 0 };
    const channel = new MessageChannel(), waiting = new Map(), known = new Map();
    let last = 0;
    channel.port1.onmessage = () => {
        let next = null;
        for (const one of waiting) if (!next || one[1].at < next[1].at) next = one;
        if (!next) return;
        waiting.delete(next[0]);
        day.now = Math.max(day.now, next[1].at);
        next[1].run();
    };
    window.setTimeout = (run, ms, ...more) => {
        if (!day.running) return real.setTimeout(run, ms, ...more);
        waiting.set(--last, { run, at: day.now + (ms || 0) });
        channel.port2.postMessage(0);
        return last;
    };
    window.clearTimeout = (id) => (id < 0 ? waiting.delete(id) : real.clear(id));
    const start = Date.now() - 20 * 60000;
    const at = (second) => new Date(start + second * 1000).toISOString();
    const price = (second) => 60000 + 500 * Math.sin(second / 300);
    const from = (query) => query.get("since")
        ? Math.floor((Date.parse(query.get("since")) - start) / 1000) + 1
        : Math.max(0, day.second - Number(query.get("limit")) + 1);
    const list = (query, make) => {
        const found = [];
        for (let s = from(query); s <= day.second && found.length < Number(query.get("limit")); s++) found.push(make(s));
        return found;
    };
    const prediction = (s) => ({ timestamp: at(s), target_timestamp: at(s), made: at(s), prediction: price(s - 1),
        interval: [price(s) - 20, price(s) + 20], level: 0.95, version: 1, last_price: price(s - 1),
        actual: price(s), in_training: false });
    const answers = {
        live: () => ({ model: "ia", records: "ticks", target: "sell_price", horizon_s: 0, version: 1,
            last: { timestamp: at(++day.second), price: price(day.second), age_s: 0 },
            prediction: { ...prediction(day.second), age_s: 0 }, reason: null, stale: false,
            stale_after_s: 1e9, stale_rule: "", score: { count: day.second, in_training: 0, waiting: 0,
                rmse: 1, mae: 1, coverage: 0.95, level: 0.95, skill_last: 0.1 } }),
        ticks: (query) => ({ kind: "ticks", held: day.second, oldest: at(0), newest: at(day.second),
            more: false, records: list(query, (s) => ({ timestamp: at(s), sell_price: price(s) })) }),
        1: () => ({ version: 1 }), // the report
        predictions: (query) => ({ model: "ia", more: false, predictions: list(query, prediction) }),
    };
    window.fetch = async (path, options) => {
        const url = new URL(path, location.href), name = url.pathname.split("/").pop();
        day.asked++;
        day.flying[name] = (day.flying[name] ?? 0) + 1;
        day.most = Math.max(day.most, day.flying[name]);
        try {
            if (answers[name]) return new Response(JSON.stringify(answers[name](url.searchParams)));
            if (!known.has(path)) known.set(path, await (await real.fetch(path, options)).text());
            return new Response(known.get(path));
        } finally {
            day.flying[name]--;
        }
    };
}"""
POLLS = int(os.environ.get("DASHBOARD_POLLS", "2000"))  # `make soak-dashboard`: those of a day
MOST_GROWTH_BYTES = 4 << 20
COLLECTIONS = 5


@pytest.mark.timeout(180 + POLLS / 100)
def test_a_page_left_open_for_a_day_does_not_grow(model, open_page):
    page = open_page(model, before=lambda page: page.add_init_script(f"({SPEEDED_UP})()"))
    shown(page, "#model-title", lambda text: text == "Model streamlit")
    page.click("text=Ticks")
    shown(page, "#state-text", lambda text: text == "live")

    def run_to(asked):
        page.evaluate("""async (asked) => {
            day.running = true;
            while (day.asked < asked) await new Promise((done) => requestAnimationFrame(done));
            day.running = false;
        }""", asked)
        # What stays is what every collection leaves: one alone may meet objects that the browser's
        # other threads still hold.
        heaps = []
        for _ in range(COLLECTIONS):
            page.wait_for_timeout(200)
            heaps.append(page.evaluate("""async () => {
                await gc({ type: "major", execution: "async" });  // with no stack that holds objects
                return performance.memory.usedJSHeapSize;
            }"""))
        return min(heaps), page.evaluate("document.querySelectorAll('*').length")
    warm, nodes = run_to(POLLS // 3)
    heap, nodes_then = run_to(POLLS)
    seen = page.evaluate("day")
    print(f"{seen['asked']} polls in {seen['now'] / 3600e3:.1f} hours, heap {warm} then {heap}")
    assert seen["second"] > POLLS / 5 and seen["most"] <= 2, seen  # two: one that was left, and its heir
    assert heap - warm < MOST_GROWTH_BYTES, (warm, heap, seen)
    assert nodes_then - nodes < 20, (nodes, nodes_then)
    assert page.complaints == []


def test_one_request_at_a_time_and_old_answers_dropped(model, open_page):
    taken, most = open_page(model).evaluate("""async () => {
        const { Poller } = await import("/poll.js");
        const delays = [2000, 50, 1500, 50], taken = [], real = window.fetch;
        let asked = 0, flying = 0, most = 0;
        window.fetch = async (path, options) => {
            if (path !== "/v1/slow") return real(path, options);
            const mine = ++asked;
            most = Math.max(most, ++flying);
            try {
                await new Promise((done, left) => {
                    setTimeout(done, delays[(mine - 1) % delays.length]);
                    options.signal.addEventListener("abort", () => left(options.signal.reason));
                });
                return new Response(JSON.stringify({ n: mine }));
            } finally {
                flying--;
            }
        };
        const poller = new Poller({ path: () => "/v1/slow", everyMs: () => 20,
            take: (json) => { taken.push(json.n); } });
        poller.now();
        poller.now();
        await new Promise((done) => setTimeout(done, 300));
        poller.restart();  // another question: the slow answer to the first one is dropped
        const until = performance.now() + 20000;
        while (taken.length < 3 && performance.now() < until)
            await new Promise((done) => setTimeout(done, 50));
        poller.path = () => null;
        return [taken, most];
    }""")
    assert 1 not in taken and taken == sorted(taken) and len(taken) >= 3, taken
    assert most <= 2  # the one that was left, until it knows, and its successor


def test_a_hidden_tab_asks_less_and_catches_up(model, open_page):
    def hideable(page):
        page.add_init_script(f"({SPEEDED_UP})()")
        page.add_init_script("""
            window.isHidden = false;
            Object.defineProperty(document, "hidden", { get: () => window.isHidden });
        """)
    page = open_page(model, before=hideable)
    shown(page, "#model-title", lambda text: text == "Model streamlit")
    page.click("text=Ticks")
    shown(page, "#state-text", lambda text: text == "live")

    often, seldom, caught_up = page.evaluate("""async () => {
        const until = async (done) => {
            while (!done()) await new Promise((next) => requestAnimationFrame(next));
        };
        const asks = async (n) => {  // of the live resource: by then its pause is one of this clock
            const before = day.second;
            await until(() => day.second >= before + n);
        };
        const asks_a_minute = async (seconds) => {
            const before = day.second, begun = day.now;
            await until(() => day.now >= begun + seconds * 1000);
            return 60000 * (day.second - before) / (day.now - begun);
        };
        day.running = true;
        await asks(3);
        const often = await asks_a_minute(60);
        window.isHidden = true;
        await asks(2);
        const seldom = await asks_a_minute(600);
        const pause = (ms) => new Promise((done) => setTimeout(done, ms));
        day.running = false;
        await pause(400);  // what is in flight comes, and the next pause is a real one, of 13 s at least
        const before = day.second;
        window.isHidden = false;
        document.dispatchEvent(new Event("visibilitychange"));
        await pause(400);
        return [often, seldom, day.second - before];
    }""")
    assert often >= 30 and 1 <= seldom <= 6, (often, seldom)  # one in 27 to 33 s
    assert caught_up == 1
