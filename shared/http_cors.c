/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cross-origin requests (Fetch standard). An origin that is not listed gets an ordinary answer
 * without the headers that let a browser show it.
 */
#include <string.h>
#include <strings.h>

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

static bool same_origin(const struct http_request *request, const char *origin)
{
	const char *host = http_request_header(request, "Host");
	const char *after = strstr(origin, "://");

	return host != NULL && after != NULL && strcasecmp(after + 3, host) == 0;
}

static bool is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
	       strcmp(method, "OPTIONS") == 0;
}

/* Where tokens are asked for, no foreign page has one. Where they are not, the browser of somebody
 * on this machine must not become a strange page's way in. */
bool http_cors_check(struct http_request *request)
{
	const char *origin = http_request_header(request, "Origin");

	if (allow_origin(request)) {
		http_answer_header(request, "Access-Control-Expose-Headers",
				   "ETag, Location, Retry-After, X-Request-Id");
		return true;
	}
	if (origin == NULL || is_safe(http_method(request)) || same_origin(request, origin) ||
	    request->server->options.auth != NULL)
		return true;
	http_answer_problem(request, 403, "foreign-origin", NULL,
			    "pages of %.100s may not write here: see cors_origins", origin);
	return false;
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
