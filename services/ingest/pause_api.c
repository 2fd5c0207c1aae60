/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POST /v1/pause and /v1/resume: answered when it is so, and not only wished. The pause is this
 * process's: another instance goes on, and so does this one after a restart.
 */
#include "ingest.h"
#include "timestamp.h"

enum { APPLY_US = 5000000 };

static void answer_not_so(struct http_request *request, const char *slug, enum error error)
{
	if (error == ERROR_CONFLICT) {
		http_answer_problem(request, 409, slug, NULL,
				    "the opposite was asked for meanwhile");
		return;
	}
	http_answer_retry_after(request, 5);
	http_answer_problem(request, 503, slug, NULL, "%s",
			    error == ERROR_CANCELLED
				    ? "the service is stopping"
				    : "noted, but partitions are being handed over just now; "
				      "\"paused\" in /v1/status tells when it is done");
}

static void turn(struct http_request *request, struct ingest *ingest, bool paused)
{
	struct status_totals totals;
	enum error error =
		status_pause(ingest->status, paused, monotonic_now_us() + APPLY_US, &totals);
	if (error) {
		answer_not_so(request, paused ? "not-paused" : "not-resumed", error);
		return;
	}
	cJSON *json = cJSON_CreateObject();
	status_add_pause(json, &totals);
	http_answer_json(request, 200, json);
}

void pause_post(struct http_request *request, void *user)
{
	turn(request, user, true);
}

void resume_post(struct http_request *request, void *user)
{
	turn(request, user, false);
}
