/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * JSON request bodies. What cJSON would take silently is refused: a member given twice (cJSON keeps
 * the first, others the last), a number beyond a double (cJSON makes it infinite), and all that
 * json_check knows.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "json_check.h"

enum { PAIRWISE_MAX = 16, VALUES_MAX = 10000, VALUE_BYTES = 100 };

static enum error refuse_field(struct http_request *request, const char *slug, const char *field,
			       const char *rule)
{
	cJSON *extra = cJSON_CreateObject();

	cJSON_AddStringToObject(extra, "field", field);
	http_answer_problem(request, 400, slug, extra, "\"%.100s\" %s", field, rule);
	return ERROR_INVALID;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *twice_among_few(const cJSON *object)
{
	for (const cJSON *a = object->child; a != NULL; a = a->next)
		for (const cJSON *b = a->next; b != NULL; b = b->next)
			if (strcmp(a->string, b->string) == 0)
				return a->string;
	return NULL;
}

static const char *twice_among_many(const cJSON *object, size_t count)
{
	const char **names = malloc(count * sizeof *names), *twice = NULL;
	size_t at = 0;

	if (names == NULL)
		return "";
	for (const cJSON *member = object->child; member != NULL; member = member->next)
		names[at++] = member->string;
	qsort(names, count, sizeof *names, by_name);
	for (size_t i = 1; i < count && twice == NULL; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			twice = names[i];
	free(names);
	return twice;
}

static enum error check_members(struct http_request *request, const cJSON *object)
{
	size_t count = (size_t)cJSON_GetArraySize(object);
	const char *twice =
		count <= PAIRWISE_MAX ? twice_among_few(object) : twice_among_many(object, count);

	if (twice == NULL)
		return ERROR_OK;
	return refuse_field(request, "duplicate-member", twice, "is given twice in one object");
}

/* Recursion is bounded by HTTP_JSON_NESTING. */
static enum error check_tree(struct http_request *request, const cJSON *item, const char *name)
{
	enum error error = ERROR_OK;

	if (cJSON_IsNumber(item) && !isfinite(item->valuedouble))
		return refuse_field(request, "number-out-of-range", name,
				    "has a number that no double can hold");
	if (cJSON_IsObject(item))
		error = check_members(request, item);
	if (!cJSON_IsObject(item) && !cJSON_IsArray(item))
		return error;
	for (const cJSON *child = item->child; child != NULL && error == ERROR_OK;
	     child = child->next)
		error = check_tree(request, child, child->string != NULL ? child->string : name);
	return error;
}

static enum error answer_flaw(struct http_request *request, enum error error,
			      const struct json_flaw *flaw)
{
	cJSON *extra = cJSON_CreateObject();

	cJSON_AddNumberToObject(extra, "offset", (double)flaw->offset);
	if (error == ERROR_LIMIT)
		http_answer_problem(request, 400, "nested-too-deep", extra,
				    "%s: the limit is %d, passed at byte %zu", flaw->reason,
				    HTTP_JSON_NESTING, flaw->offset);
	else
		http_answer_problem(request, 400, "bad-json", extra, "%s, at byte %zu",
				    flaw->reason, flaw->offset);
	return error;
}

enum error http_json_parse(struct http_request *request, const char *data, size_t length,
			   size_t values, cJSON **json)
{
	struct json_flaw flaw;
	enum error error = json_check(data, length, HTTP_JSON_NESTING, &flaw);

	*json = NULL;
	if (error != ERROR_OK)
		return answer_flaw(request, error, &flaw);
	if (flaw.values > values) {
		http_answer_problem(request, 413, "too-many-values", NULL,
				    "the body holds %zu values, arrays and objects; at most %zu "
				    "are read",
				    flaw.values, values);
		return ERROR_LIMIT;
	}
	error = http_body_hold(request, flaw.values * VALUE_BYTES);
	if (error != ERROR_OK) {
		http_answer_body_error(request, error);
		return error;
	}
	*json = cJSON_ParseWithLength(data, length);
	if (*json == NULL) {
		http_answer_problem(request, 500, "no-memory", NULL,
				    "the body could not be held in memory");
		return ERROR_NO_MEMORY;
	}
	error = check_tree(request, *json, "the body");
	if (error != ERROR_OK) {
		cJSON_Delete(*json);
		*json = NULL;
	}
	return error;
}

/* application/json, application/…+json, or nothing said. */
static bool is_json_type(const struct http_request *request)
{
	const char *type = http_request_header(request, "Content-Type");
	size_t length = type == NULL ? 0 : strcspn(type, "; \t");

	if (length == 0 || http_content_type_is(request, "application/json"))
		return true;
	return length > 17 && strncasecmp(type, "application/", 12) == 0 &&
	       strncasecmp(type + length - 5, "+json", 5) == 0;
}

enum error http_body_read_json(struct http_request *request, bool required, cJSON **json)
{
	return http_body_read_json_values(request, required, VALUES_MAX, json);
}

enum error http_body_read_json_values(struct http_request *request, bool required, size_t values,
				      cJSON **json)
{
	struct text body;
	enum error error;

	*json = NULL;
	text_init(&body, request->body.limit);
	error = http_body_read_all(request, &body);
	if (error != ERROR_OK)
		goto done;
	if (body.length == 0) {
		error = required ? ERROR_INVALID : ERROR_OK;
		if (required)
			http_answer_problem(request, 400, "no-body", NULL,
					    "a JSON body is required and none was sent");
	} else if (!is_json_type(request)) {
		error = ERROR_INVALID;
		http_answer_header(request, "Accept", "application/json");
		http_answer_problem(request, 415, "unsupported-media-type", NULL,
				    "Content-Type \"%.100s\" is not application/json",
				    http_request_header(request, "Content-Type"));
	} else {
		error = http_json_parse(request, body.data, body.length, values, json);
	}
done:
	text_clean_up(&body);
	return error;
}
