-- SPDX-License-Identifier: GPL-3.0-or-later
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"timestamp":"2026-11-25T01:00:00","buy_price":43210.55,"sell_price":43219.12,' ..
	'"volume":2311,"volatility":2.31}'
