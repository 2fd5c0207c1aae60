-- SPDX-License-Identifier: GPL-3.0-or-later
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"buy_price":43210.55,"volume":2311,"volatility":2.31}'
