/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "static_files.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "assets.h"

/* No inline script or style; uPlot sets its styles through the CSSOM, which a policy allows. */
#define POLICY                                                                      \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct dashboard_asset *find(const char *path)
{
	if (strcmp(path, "/") == 0)
		path = "/index.html";
	for (size_t i = 0; i < dashboard_asset_count; i++) {
		if (strcmp(dashboard_assets[i].path, path) == 0)
			return &dashboard_assets[i];
	}
	return NULL;
}

/* True when gzip stands in the list without a weight of zero. */
static bool accepts_gzip(const char *header)
{
	for (const char *at = header; at && *at;) {
		at += strspn(at, " \t,");
		size_t length = strcspn(at, ",");
		size_t name = strcspn(at, " \t;,");
		if (name == 4 && strncasecmp(at, "gzip", 4) == 0) {
			const char *weight = memmem(at, length, "q=", 2);
			return !weight ||
			       strspn(weight + 2, "0.") < (size_t)(at + length - weight - 2);
		}
		at += length;
	}
	return false;
}

static void answer(struct http_request *request, const struct dashboard_asset *asset)
{
	http_answer_header(request, "Content-Security-Policy", POLICY);
	http_answer_header(request, "Referrer-Policy", "no-referrer");
	if (asset->packed)
		http_answer_header(request, "Vary", "Accept-Encoding");
	if (asset->packed && accepts_gzip(http_request_header(request, "Accept-Encoding"))) {
		http_answer_header(request, "Content-Encoding", "gzip");
		http_answer(request, 200, asset->type, (const char *)asset->packed,
			    asset->packed_length);
	} else {
		http_answer(request, 200, asset->type, (const char *)asset->plain,
			    asset->plain_length);
	}
}

void static_files_get(struct http_request *request, void *user)
{
	(void)user;
	const struct dashboard_asset *asset = find(http_path(request));
	if (asset)
		answer(request, asset);
	else
		http_answer_problem(request, 404, "not-found", NULL, "there is no %s",
				    http_path(request));
}
