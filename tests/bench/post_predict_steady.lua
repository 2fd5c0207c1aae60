-- SPDX-License-Identifier: GPL-3.0-or-later
-- The same question every 4 ms on each connection: no more than 250 a second.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"buy_price":43210.55,"volume":2311,"volatility":2.31}'

function delay()
   return 4
end
