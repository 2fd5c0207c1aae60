-- SPDX-License-Identifier: GPL-3.0-or-later
-- The row of post_predict.lua by the Open Inference Protocol, a tensor for each feature.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"inputs":[{"name":"buy_price","shape":[1],"datatype":"FP64","data":[43210.55]},' ..
	'{"name":"volume","shape":[1],"datatype":"FP64","data":[2311]},' ..
	'{"name":"volatility","shape":[1],"datatype":"FP64","data":[2.31]}]}'
