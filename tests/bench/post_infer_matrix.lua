-- SPDX-License-Identifier: GPL-3.0-or-later
-- The same row as one tensor, which is how MLServer's scikit-learn runtime takes it fastest.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP64","data":[43210.55,2311,2.31]}]}'
