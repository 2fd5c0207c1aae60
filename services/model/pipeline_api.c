/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GET /v1/pipeline/{service}: how the gateway, ingest and HDFS do, from their own endpoints.
 * POST and DELETE /v1/pipeline/gateway/sources: the gateway's, passed on.
 *
 * A page can't ask other origins, and should not have to know them. Nothing of a request chooses
 * where a call goes: addresses come from the settings, methods and paths from the tables below.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_common.h"
#include "log.h"
#include "metric_sums.h"
#include "pipeline_call.h"

enum { REPLY_LIMIT = 4 << 20, REASON_MOST = 600 };

/* --- the parts of a service ------------------------------------------------------------------ */

typedef cJSON *part_reader(const struct http_reply *reply, const void *with);

static cJSON *read_json(const struct http_reply *reply, const void *with)
{
	(void)with;
	return pipeline_reply_json(reply);
}

/* The one bean of an answer of Hadoop's /jmx. */
static cJSON *read_bean(const struct http_reply *reply, const void *with)
{
	(void)with;
	cJSON *json = pipeline_reply_json(reply);
	cJSON *bean = cJSON_DetachItemFromArray(cJSON_GetObjectItem(json, "beans"), 0);
	cJSON_Delete(json);
	return bean;
}

struct counter {
	const char *member;
	struct metric_sum sum;
};

static const struct counter gateway_counters[] = {
	{ "accepted", { "gateway_records_total", "outcome=\"accepted\"" } },
	{ "rejected", { "gateway_records_total", "outcome=\"rejected\"" } },
	{ "unavailable", { "gateway_records_total", "outcome=\"unavailable\"" } },
	{ "unknown", { "gateway_records_total", "outcome=\"unknown\"" } },
	{ "queued", { "gateway_queue_records", NULL } },
	{ 0 },
};
static const struct counter ingest_counters[] = {
	{ "files", { "ingest_published_files_total", NULL } },
	{ "rows", { "ingest_published_rows_total", NULL } },
	{ "dead_letters", { "ingest_published_dead_letters_total", NULL } },
	{ "lag", { "ingest_lag_records", NULL } },
	{ 0 },
};

static cJSON *read_counters(const struct http_reply *reply, const void *with)
{
	cJSON *json = cJSON_CreateObject();
	for (const struct counter *c = with; c->member; c++)
		cJSON_AddItemToObject(
			json, c->member,
			api_number(metric_sum_read(reply->body.data, reply->body.length, &c->sum)));
	return json;
}

enum address { GATEWAY, GATEWAY_MANAGEMENT, INGEST, INGEST_MANAGEMENT, HDFS };

struct part {
	const char *member;
	enum address address;
	const char *path;
	part_reader *read;
	const void *with;
	long other_status; /* that is as good as 200; 0: none */
};

static const struct part gateway_parts[] = {
	{ "ready", GATEWAY_MANAGEMENT, "/readyz", read_json, NULL, 503 },
	{ "counters", GATEWAY_MANAGEMENT, "/metrics", read_counters, gateway_counters, 0 },
	{ "sources", GATEWAY, "/v1/sources", read_json, NULL, 0 },
	{ 0 },
};
static const struct part ingest_parts[] = {
	{ "ready", INGEST_MANAGEMENT, "/readyz", read_json, NULL, 503 },
	{ "counters", INGEST_MANAGEMENT, "/metrics", read_counters, ingest_counters, 0 },
	{ "status", INGEST, "/v1/status", read_json, NULL, 0 },
	{ 0 },
};
static const struct part hdfs_parts[] = {
	{ "namenode", HDFS, "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState", read_bean,
	  NULL, 0 },
	{ 0 },
};

static const struct {
	const char *name;
	const struct part *parts;
} services[] = {
	{ "gateway", gateway_parts },
	{ "ingest", ingest_parts },
	{ "hdfs", hdfs_parts },
};

static const struct part *parts_of(const char *name)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (strcmp(services[i].name, name) == 0)
			return services[i].parts;
	return NULL;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* What is known about one service so far. */
struct view {
	struct model_app *app;
	const char *authorization;
	cJSON *json;
	const char *state; /* "off": nothing was asked yet */
	struct text reason;
};

static const char *own_address(const struct model_app *app, enum address address)
{
	switch (address) {
	case GATEWAY:
		return app->pipeline.gateway_url;
	case GATEWAY_MANAGEMENT:
		return app->pipeline.gateway_management_url;
	case INGEST:
		return app->pipeline.ingest_url;
	case INGEST_MANAGEMENT:
		return app->pipeline.ingest_management_url;
	default:
		return "";
	}
}

static bool is_absence(enum error error)
{
	return error == ERROR_UNREACHABLE || error == ERROR_TIMEOUT || error == ERROR_CLOSED;
}

/* The detail of a problem, if it is one. */
static void put_detail(struct text *out, const struct http_reply *reply)
{
	cJSON *json = pipeline_reply_json(reply);
	const char *detail = cJSON_GetStringValue(cJSON_GetObjectItem(json, "detail"));
	if (detail)
		text_putf(out, ": %.300s", detail);
	cJSON_Delete(json);
}

/* The first thing that is wrong is told; being away weighs more than an answer that is no good. */
static void complain(struct view *view, const char *state, const struct text *why)
{
	bool worse = strcmp(state, "away") == 0 && strcmp(view->state, "away") != 0;
	if (!worse && strcmp(view->state, "failed") == 0)
		return;
	view->state = state;
	text_reset(&view->reason);
	text_put_utf8(&view->reason, why->data, why->length);
}

static void take_reply(struct view *view, const struct part *part, const char *address,
		       const struct http_reply *reply)
{
	char memory[REASON_MOST];
	struct text why;
	bool good = reply->status == 200 || reply->status == part->other_status;
	cJSON *json = good ? part->read(reply, part->with) : NULL;
	if (json) {
		cJSON_ReplaceItemInObject(view->json, part->member, json);
		return;
	}
	text_init_fixed(&why, memory, sizeof memory);
	text_putf(&why, "%s%.80s answers %ld", address, part->path, reply->status);
	if (good)
		text_puts(&why, " with something else than it should");
	else
		put_detail(&why, reply);
	complain(view, "failed", &why);
}

/* False: it is away. */
static bool ask_part(struct view *view, const struct part *part, const char *address)
{
	char memory[REASON_MOST];
	struct text why;
	struct http_reply reply;
	const struct pipeline_call call = {
		.method = "GET",
		.address = address,
		.path = part->path,
		.authorization = part->address == HDFS ? NULL : view->authorization,
		.host_map = part->address == HDFS ? view->app->hdfs.hdfs_host_map : NULL,
		.timeout_ms = view->app->pipeline.pipeline_timeout_ms,
		.reply_limit_bytes = REPLY_LIMIT,
	};
	text_init_fixed(&why, memory, sizeof memory);
	if (strcmp(view->state, "off") == 0)
		view->state = "up";
	enum error error = pipeline_call(&call, &reply, &why);
	if (error == ERROR_OK)
		take_reply(view, part, address, &reply);
	else
		complain(view, is_absence(error) ? "away" : "failed", &why);
	http_reply_clean_up(&reply);
	return !is_absence(error);
}

/* Any of several NameNodes will do. */
static void ask_namenodes(struct view *view, const struct part *part)
{
	char *list = strdup(view->app->hdfs.hdfs_urls), *rest = NULL;
	for (char *one = list ? strtok_r(list, ", \t\n", &rest) : NULL; one;
	     one = strtok_r(NULL, ", \t\n", &rest)) {
		size_t length = strlen(one);
		while (length > 0 && one[length - 1] == '/')
			one[--length] = '\0';
		if (ask_part(view, part, one)) {
			if (!cJSON_IsNull(cJSON_GetObjectItem(view->json, part->member)))
				view->state = "up";
			break;
		}
	}
	free(list);
}

/* One that does not answer is not asked for more, so that a request waits for it once. */
static void ask_parts(struct view *view, const struct part *parts)
{
	for (const struct part *part = parts; part->member; part++) {
		cJSON_AddNullToObject(view->json, part->member);
		if (part->address == HDFS) {
			ask_namenodes(view, part);
			continue;
		}
		const char *address = own_address(view->app, part->address);
		if (*address && strcmp(view->state, "away") != 0)
			ask_part(view, part, address);
	}
}

static void count_call(struct model_app *app, const char *service, const char *state)
{
	char memory[96];
	struct text labels;
	text_init_fixed(&labels, memory, sizeof memory);
	metrics_label(&labels, "service", service);
	metrics_label(&labels, "state", state);
	metric_add(metrics_counter(app->metrics, "model_pipeline_looks_total",
				   "Looks at other services for the dashboard, by what was found.",
				   labels.data),
		   1);
}

static void answer_view(struct http_request *request, struct model_app *app, const char *name,
			const struct part *parts)
{
	struct view view = { .app = app,
			     .authorization = http_request_header(request, "Authorization"),
			     .json = cJSON_CreateObject(),
			     .state = "off" };
	text_init(&view.reason, 4 * REASON_MOST);
	cJSON_AddStringToObject(view.json, "service", name);
	ask_parts(&view, parts);
	cJSON_AddStringToObject(view.json, "state", view.state);
	bool fine = strcmp(view.state, "up") == 0 || strcmp(view.state, "off") == 0;
	cJSON_AddItemToObject(view.json, "reason",
			      fine ? cJSON_CreateNull() : cJSON_CreateString(view.reason.data));
	count_call(app, name, view.state);
	http_answer_json(request, 200, view.json);
	text_clean_up(&view.reason);
}

void pipeline_get(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *name = http_path_parameter(request, "service");
	const struct part *parts = parts_of(name);
	if (!parts) {
		http_answer_problem(request, 404, "no-such-service", NULL,
				    "there is no service \"%.40s\"; there are gateway, ingest and "
				    "hdfs",
				    name);
		return;
	}
	if (!pipeline_enter(request, app))
		return;
	answer_view(request, app, name, parts);
	pipeline_leave(app);
}

/* --- passing on ------------------------------------------------------------------------------ */

static void answer_no_reply(struct http_request *request, enum error error, const struct text *why)
{
	const char *detail = why->length > 0 ? why->data : error_text(error);
	if (error == ERROR_UNREACHABLE)
		http_answer_problem(request, 503, "gateway-away", NULL, "%s", detail);
	else if (is_absence(error))
		http_answer_problem(request, 504, "outcome-unknown", NULL,
				    "%s: it is not known whether it was done; GET "
				    "/v1/pipeline/gateway shows what runs",
				    detail);
	else
		http_answer_problem(request, 502, "bad-answer", NULL, "%s", detail);
}

/* The gateway's answer as it is, where it is JSON. */
static void answer_reply(struct http_request *request, const struct http_reply *reply)
{
	cJSON *json = pipeline_reply_json(reply);
	if (!json || reply->status < 200) {
		http_answer_problem(request, 502, "bad-answer", NULL,
				    "the gateway answered %ld and no JSON", reply->status);
	} else {
		if (reply->status == 401)
			http_answer_header(request, "WWW-Authenticate",
					   "Bearer realm=\"tickline gateway\"");
		if (reply->retry_after_ms >= 0)
			http_answer_retry_after(request, (reply->retry_after_ms + 999) / 1000);
		http_answer(request, (int)reply->status,
			    reply->status < 400 ? "application/json" : "application/problem+json",
			    reply->body.data, reply->body.length);
	}
	cJSON_Delete(json);
}

static void pass_on(struct http_request *request, struct model_app *app, const char *method,
		    const char *path, const char *body)
{
	if (!*app->pipeline.gateway_url) {
		http_answer_problem(request, 404, "no-gateway", NULL,
				    "the setting gateway_url is empty: no gateway is known here");
		return;
	}
	if (!pipeline_enter(request, app))
		return;
	char memory[REASON_MOST];
	struct text why;
	struct http_reply reply;
	const struct pipeline_call call = {
		.method = method,
		.address = app->pipeline.gateway_url,
		.path = path,
		.authorization = http_request_header(request, "Authorization"),
		.body = body,
		.timeout_ms = app->pipeline.pipeline_timeout_ms,
		.reply_limit_bytes = REPLY_LIMIT,
	};
	text_init_fixed(&why, memory, sizeof memory);
	enum error error = pipeline_call(&call, &reply, &why);
	log_info("passed on to the gateway", LOG_STR("method", method), LOG_STR("path", path),
		 LOG_STR("by", http_principal(request)), LOG_I64("status", reply.status));
	if (error == ERROR_OK)
		answer_reply(request, &reply);
	else
		answer_no_reply(request, error, &why);
	http_reply_clean_up(&reply);
	pipeline_leave(app);
}

void pipeline_source_start(struct http_request *request, void *user)
{
	cJSON *json;
	if (http_body_read_json(request, true, &json) != ERROR_OK)
		return;
	char *body = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	if (body)
		pass_on(request, user, "POST", "/v1/sources", body);
	else
		http_answer_problem(request, 500, "no-memory", NULL, "%s",
				    error_text(ERROR_NO_MEMORY));
	cJSON_free(body);
}

void pipeline_source_stop(struct http_request *request, void *user)
{
	const char *id = http_path_parameter(request, "id");
	struct text path;
	text_init(&path, 1024);
	text_puts(&path, "/v1/sources/");
	text_put_url(&path, id, strlen(id), "");
	if (text_ok(&path) && *id && strcmp(id, ".") != 0 && strcmp(id, "..") != 0)
		pass_on(request, user, "DELETE", path.data, NULL);
	else
		http_answer_problem(request, 404, "no-such-source", NULL,
				    "there is no source \"%.100s\"", id);
	text_clean_up(&path);
}
