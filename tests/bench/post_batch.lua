-- SPDX-License-Identifier: GPL-3.0-or-later
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-ndjson"
local lines = {}
for i = 1, 1000 do
	lines[i] = string.format('{"timestamp":"2026-11-25T01:%02d:%02d.123456","buy_price":%.2f,' ..
		'"sell_price":%.2f,"volume":%d,"volatility":2.31}',
		math.floor(i / 60) % 60, i % 60, 10000 + i * 59.37, 10000 + i * 51.53, 100 + i * 7)
end
wrk.body = table.concat(lines, "\n")
