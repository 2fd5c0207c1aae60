/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cross-origin requests (Fetch standard). An origin that is not listed gets an ordinary answer
 * without the headers that let a browser show it.
 */
#include <string.h>

#include "http_internal.h"

static bool listed(const char *list, const char *origin)
{
	size_t length = strlen(origin);

	while (*list != '\0') {
		size_t item;

		list += strspn(list, ", ");
		item = strcspn(list, ", ");
		if (item == length && memcmp(list, origin, length) == 0)
			return true;
		list += item;
	}
	return false;
}

/* Whether this request's origin may see answers; adds the header that says so. */
static bool allow_origin(struct http_request *request)
{
	const char *list = request->server->options.cors_origins;
	const char *origin = http_request_header(request, "Origin");

	if (list == NULL || list[0] == '\0')
		return false;
	if (strcmp(list, "*") == 0) {
		if (origin != NULL)
			http_answer_header(request, "Access-Control-Allow-Origin", "*");
		return origin != NULL;
	}
	http_answer_header(request, "Vary", "Origin"); /* also for those without one: caches */
	if (origin == NULL || !listed(list, origin))
		return false;
	http_answer_header(request, "Access-Control-Allow-Origin", origin);
	return true;
}

void http_cors_headers(struct http_request *request)
{
	if (allow_origin(request))
		http_answer_header(request, "Access-Control-Expose-Headers",
				   "ETag, Location, Retry-After, X-Request-Id");
}

void http_answer_options(struct http_request *request, const char *allow)
{
	http_answer_header(request, "Allow", allow);
	if (allow_origin(request) &&
	    http_request_header(request, "Access-Control-Request-Method") != NULL) {
		http_answer_header(request, "Access-Control-Allow-Methods", allow);
		http_answer_header(
			request, "Access-Control-Allow-Headers",
			"Authorization, Content-Encoding, Content-Type, Idempotency-Key, "
			"If-None-Match, Prefer, X-Request-Id");
		http_answer_header(request, "Access-Control-Max-Age", "600");
	}
	http_answer(request, 204, NULL, "", 0);
}
