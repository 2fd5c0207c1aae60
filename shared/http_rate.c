/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many requests a token may make: the generic cell rate algorithm (ITU-T I.371), which needs
 * one number a token, the instant at which its allowance will be whole again. It is moved by
 * compare and swap; no lock. Told by the headers of draft-ietf-httpapi-ratelimit-headers.
 */
#include <inttypes.h>
#include <stdio.h>

#include "http_internal.h"

static int64_t seconds_up(int64_t us)
{
	return us <= 0 ? 0 : (us + 999999) / 1000000;
}

struct http_verdict http_bucket_take(struct http_bucket *bucket, const struct http_rate *rate,
				     int64_t now_us)
{
	if (rate->per_s <= 0)
		return (struct http_verdict){ .limited = false };

	double step_us = 1e6 / rate->per_s;
	int64_t room_us = (int64_t)(step_us * (double)rate->burst);
	int64_t seen = atomic_load(&bucket->full_us), next;
	struct http_verdict verdict = { .limited = true };
	do {
		next = (seen > now_us ? seen : now_us) + (int64_t)step_us;
		verdict.refused = next - now_us > room_us;
		if (verdict.refused) {
			next = seen;
			break;
		}
	} while (!atomic_compare_exchange_weak(&bucket->full_us, &seen, next));
	verdict.left = (int64_t)((double)(room_us - (next - now_us)) / step_us);
	verdict.full_s = seconds_up(next - now_us);
	verdict.retry_s = seconds_up(seen + (int64_t)step_us - now_us - room_us);
	return verdict;
}

bool http_rate_tell(struct http_request *request, const struct http_verdict *verdict)
{
	const struct http_rate *rate = &request->server->options.rate;
	char value[96];

	if (!verdict->limited)
		return true;
	snprintf(value, sizeof value, "\"token\";q=%" PRId64 ";w=%" PRId64, rate->burst,
		 seconds_up((int64_t)((double)rate->burst * 1e6 / rate->per_s)));
	http_answer_header(request, "RateLimit-Policy", value);
	snprintf(value, sizeof value, "\"token\";r=%" PRId64 ";t=%" PRId64,
		 verdict->left > 0 ? verdict->left : 0, verdict->full_s);
	http_answer_header(request, "RateLimit", value);
	if (!verdict->refused)
		return true;
	metric_add(request->server->rate_limited, 1);
	http_answer_retry_after(request, verdict->retry_s);
	http_answer_problem(request, 429, "rate-limited", NULL,
			    "\"%s\" may make %g requests a second, and %" PRId64
			    " at once (http_rate_limit_per_s, http_rate_limit_burst)",
			    http_principal(request), rate->per_s, rate->burst);
	return false;
}
