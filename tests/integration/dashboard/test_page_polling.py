# SPDX-License-Identifier: GPL-3.0-or-later
"""How the page asks."""
from support.browser import shown


def test_points_stay_bounded_over_a_day(model, open_page):
    page = open_page(model)
    sizes = page.evaluate("""async () => {
        const { Series, MOST_POINTS } = await import("/series.js");
        const windowed = new Series(1), endless = new Series(1), sizes = [];
        for (let t = 0; t < 28800; t++) {
            windowed.merge([{ t, price: 1 }]);
            windowed.prune(windowed.newest - 900);
            endless.merge([{ t, price: 1 }]);
            endless.prune(0);
            if (t % 4800 === 4799) sizes.push([windowed.points.size, endless.points.size]);
        }
        return [MOST_POINTS, sizes];
    }""")
    most, sizes = sizes
    assert all(windowed == 901 and endless <= 2 * most for windowed, endless in sizes), sizes


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
        await new Promise((done) => setTimeout(done, 2500));
        poller.path = () => null;
        return [taken, most];
    }""")
    assert 1 not in taken and taken == sorted(taken) and len(taken) >= 3, taken
    assert most <= 2  # the one that was left, until it knows, and its successor


def test_a_hidden_tab_asks_less_and_catches_up(model, open_page):
    def hideable(page):
        page.add_init_script("""
            window.isHidden = false;
            Object.defineProperty(document, "hidden", { get: () => window.isHidden });
        """)
    page = open_page(model, before=hideable)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    shown(page, "#state-text", lambda text: text == "no data")

    def count_in(ms):
        asked.clear()
        page.wait_for_timeout(ms)
        return sum("/live" in url for url in asked)
    assert count_in(4000) >= 2
    page.evaluate("window.isHidden = true")
    page.wait_for_timeout(2500)  # the pause that had begun
    assert count_in(5000) <= 1
    asked.clear()
    page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(400)
    assert sum("/live" in url for url in asked) == 1
