/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources_api.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decimal.h"
#include "gateway.h"
#include "local_file.h"
#include "log.h"
#include "sources/sources.h"

enum { PIECE_BYTES = 16384 };

/* --- what was sent along --------------------------------------------------------------------- */

/* The body into the file. False: answered. */
static bool spool_body(struct http_request *request, int fd)
{
	char *piece = malloc(PIECE_BYTES);
	size_t got = 0;
	enum error error = piece ? ERROR_OK : ERROR_NO_MEMORY;
	bool stored = true;
	while (error == ERROR_OK && stored) {
		error = http_body_read(request, piece, PIECE_BYTES, &got);
		if (got == 0)
			break;
		stored = local_write_all(fd, piece, got);
	}
	free(piece);
	if (error != ERROR_OK)
		http_answer_body_error(request, error);
	else if (!stored)
		http_answer_problem(request, 507, "spool-full", NULL,
				    "the CSV could not be kept in spool_dir");
	return error == ERROR_OK && stored;
}

/* An open file that has no name yet, so that nothing is left behind; -1: answered. */
static int spool(struct http_request *request, const struct gateway *gateway)
{
	const struct gateway_settings *settings = &gateway->settings;
	const char *folder = settings->state_dir[0] ? settings->state_dir : settings->spool_dir;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_error("uploaded texts cannot be kept", LOG_STR("folder", folder));
		http_answer_problem(request, 500, "no-spool", NULL,
				    "the folder for uploaded texts cannot be used");
		return -1;
	}
	if (spool_body(request, fd))
		return fd;
	close(fd);
	return -1;
}

static const char *const query_members[] = { "type", "records", "speed", "max_gap_s", "file" };
enum { QUERY_MEMBERS = sizeof(query_members) / sizeof(query_members[0]) };

/* A CSV body leaves the query for the definition; numbers in it become numbers. */
static cJSON *definition_of_query(struct http_request *request)
{
	cJSON *json = cJSON_CreateObject();
	for (size_t i = 0; i < QUERY_MEMBERS; i++) {
		const char *name = query_members[i], *value = http_query(request, name);
		double number;
		if (!value)
			continue;
		if (decimal_read(value, strlen(value), &number) == ERROR_OK)
			cJSON_AddNumberToObject(json, name, number);
		else
			cJSON_AddStringToObject(json, name, value);
	}
	return json;
}

/* A definition stands in one place: what would be overlooked in the query is refused. */
static bool query_is_free(struct http_request *request)
{
	for (size_t i = 0; i < QUERY_MEMBERS; i++) {
		if (!http_query(request, query_members[i]))
			continue;
		http_answer_problem(request, 400, "bad-parameter", NULL,
				    "%s is a parameter of a text/csv body: in JSON it is a member",
				    query_members[i]);
		return false;
	}
	return true;
}

/* --- POST ------------------------------------------------------------------------------------ */

static void answer_created(struct http_request *request, cJSON *json)
{
	char memory[128];
	struct text location;
	text_init_fixed(&location, memory, sizeof(memory));
	text_putf(&location, "/v1/sources/%s",
		  cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "id")));
	http_answer_header(request, "Location", location.data);
	http_answer_json(request, 201, json);
}

static void answer_complaints(struct http_request *request, int status, const char *type,
			      const cJSON *complaints, const char *detail)
{
	cJSON *extra = cJSON_CreateObject();
	cJSON_AddItemToObject(extra, "errors", cJSON_Duplicate(complaints, true));
	http_answer_problem(request, status, type, extra, "%s", detail);
}

static void answer_refused(struct http_request *request, enum error error, const cJSON *complaints)
{
	if (error == ERROR_CONFLICT && cJSON_GetArraySize(complaints) > 0) {
		answer_complaints(request, 409, "bars-are-sent", complaints,
				  "another source sends these bars");
		return;
	}
	switch (error) {
	case ERROR_INVALID:
		answer_complaints(request, 422, "bad-source", complaints,
				  "the source cannot be started as it is defined");
		break;
	case ERROR_LIMIT:
		http_answer_problem(request, 409, "too-many-sources", NULL,
				    "source_limit is reached: delete one that is not needed");
		break;
	default:
		http_answer_problem(request, http_status_of(error), "source-not-started", NULL,
				    "%s", error_text(error));
	}
}

static void add_source(struct http_request *request, struct gateway *gateway, cJSON *json,
		       int upload)
{
	struct definition definition = { .json = json, .complaints = cJSON_CreateArray() };
	cJSON *source = NULL;
	enum error error = sources_add(gateway->sources, &definition, upload, true, &source);
	if (error == ERROR_OK)
		answer_created(request, source);
	else
		answer_refused(request, error, definition.complaints);
	cJSON_Delete(definition.complaints);
}

static void post_csv(struct http_request *request, struct gateway *gateway)
{
	int upload = spool(request, gateway);
	if (upload < 0)
		return;
	cJSON *json = definition_of_query(request);
	if (!cJSON_HasObjectItem(json, "type"))
		cJSON_AddStringToObject(json, "type", "replay");
	add_source(request, gateway, json, upload);
	cJSON_Delete(json);
}

static void post_json(struct http_request *request, struct gateway *gateway)
{
	cJSON *json = NULL;
	if (!query_is_free(request) || http_body_read_json(request, true, &json) != ERROR_OK)
		return;
	if (cJSON_IsObject(json))
		add_source(request, gateway, json, -1);
	else
		http_answer_problem(request, 400, "bad-json", NULL,
				    "a source is defined by a JSON object");
	cJSON_Delete(json);
}

void sources_api_post(struct http_request *request, void *user)
{
	if (http_content_type_is(request, "text/csv")) {
		post_csv(request, user);
	} else if (http_content_type_is(request, "application/json") ||
		   http_content_type_is(request, "")) {
		post_json(request, user);
	} else {
		http_answer_header(request, "Accept-Post", "application/json, text/csv");
		http_answer_problem(request, 415, "unsupported-media-type", NULL,
				    "a source comes as application/json, or as the text/csv that "
				    "is to be replayed");
	}
}

/* --- the others ------------------------------------------------------------------------------ */

static void answer_found(struct http_request *request, cJSON *json)
{
	if (json)
		http_answer_json(request, 200, json);
	else
		http_answer_problem(request, 404, "no-such-source", NULL,
				    "there is no source \"%.100s\"",
				    http_path_parameter(request, "id"));
}

void sources_api_list(struct http_request *request, void *user)
{
	const struct gateway *gateway = user;
	cJSON *json = cJSON_CreateObject();
	cJSON_AddItemToObject(json, "sources", sources_list(gateway->sources));
	http_answer_json(request, 200, json);
}

void sources_api_get(struct http_request *request, void *user)
{
	const struct gateway *gateway = user;
	answer_found(request, sources_get(gateway->sources, http_path_parameter(request, "id")));
}

void sources_api_delete(struct http_request *request, void *user)
{
	const struct gateway *gateway = user;
	answer_found(request, sources_remove(gateway->sources, http_path_parameter(request, "id")));
}
