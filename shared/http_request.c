/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a handler can ask of its request.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "timestamp.h"

const char *http_method(const struct http_request *request)
{
	const char *method = request->info->request_method;

	return method != NULL ? method : "";
}

const char *http_path(const struct http_request *request)
{
	return request->path;
}

const char *http_request_id(const struct http_request *request)
{
	return request->id;
}

const char *http_principal(const struct http_request *request)
{
	return request->principal[0] != '\0' ? request->principal : "anonymous";
}

const char *http_request_header(const struct http_request *request, const char *name)
{
	return mg_get_header(request->connection, name);
}

const char *http_path_parameter(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->parameter_count; i++)
		if (strcmp(request->parameters[i].name, name) == 0)
			return request->parameters[i].value;
	return "";
}

const char *http_query(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->query_count; i++)
		if (strcmp(request->query[i].name, name) == 0)
			return request->query[i].value;
	return NULL;
}

/* --- typed query parameters ------------------------------------------------------------------ */

static enum error refuse_parameter(struct http_request *request, const char *name, const char *rule)
{
	cJSON *extra = cJSON_CreateObject();

	cJSON_AddStringToObject(extra, "field", name);
	http_answer_problem(request, 400, "bad-parameter", extra, "%s \"%.100s\" is not %s", name,
			    http_query(request, name), rule);
	return ERROR_INVALID;
}

enum error http_query_i64(struct http_request *request, const char *name, int64_t low, int64_t high,
			  int64_t initial, int64_t *value)
{
	const char *text = http_query(request, name);
	char rule[96], *end;
	long long read;

	*value = initial;
	if (text == NULL)
		return ERROR_OK;
	errno = 0;
	read = strtoll(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' &&
	    strspn(text, "-0123456789") == strlen(text) && read >= low && read <= high) {
		*value = read;
		return ERROR_OK;
	}
	snprintf(rule, sizeof rule, "an integer from %" PRId64 " to %" PRId64, low, high);
	return refuse_parameter(request, name, rule);
}

enum error http_query_timestamp(struct http_request *request, const char *name, int64_t initial,
				int64_t *us)
{
	const char *text = http_query(request, name);

	*us = initial;
	if (text == NULL || timestamp_read(text, strlen(text), us) == ERROR_OK ||
	    timestamp_read_epoch(text, strlen(text), us) == ERROR_OK)
		return ERROR_OK;
	*us = initial;
	return refuse_parameter(request, name,
				"a time: RFC 3339 (with '+' sent as %2B) or an epoch number");
}

/* --- media types ----------------------------------------------------------------------------- */

/* A media type ends at its parameters or at the next list item. */
static size_t type_length(const char *text)
{
	size_t length = strcspn(text, ";,");

	while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	return length;
}

static bool same_type(const char *text, size_t length, const char *type)
{
	return length == strlen(type) && strncasecmp(text, type, length) == 0;
}

bool http_content_type_is(const struct http_request *request, const char *type)
{
	const char *given = http_request_header(request, "Content-Type");

	if (given == NULL)
		given = "";
	given += strspn(given, " \t");
	return same_type(given, type_length(given), type);
}

/* How closely a range of Accept names `type`: 3 itself, 2 its kind, 1 anything, 0 not at all. */
static int closeness(const char *range, size_t length, const char *type)
{
	size_t kind = strcspn(type, "/") + 1;

	if (same_type(range, length, type))
		return 3;
	if (length == kind + 1 && range[kind] == '*' && strncasecmp(range, type, kind) == 0)
		return 2;
	return same_type(range, length, "*/*") ? 1 : 0;
}

/* "0.25" in thousandths; what is no weight counts as 1. */
static int thousandths(const char *text)
{
	int value = 0, unit = 100;

	if (*text != '0')
		return 1000;
	if (*++text == '.')
		text++;
	for (; *text >= '0' && *text <= '9'; text++, unit /= 10)
		value += (*text - '0') * unit;
	return *text == '\0' || strchr("; \t,", *text) != NULL ? value : 1000;
}

/* The weight that the parameters of a range give it, up to the next comma. */
static int weight_of(const char *parameters)
{
	const char *end = parameters + strcspn(parameters, ",");

	for (const char *at = parameters; at < end; at += strcspn(at, ";,")) {
		at += strspn(at, "; \t");
		if ((*at == 'q' || *at == 'Q') && at[1] == '=')
			return thousandths(at + 2);
	}
	return 1000;
}

/* The weight of `type`, from the range that names it most closely. */
static int acceptance(const struct http_request *request, const char *type)
{
	const char *at = http_request_header(request, "Accept");
	int closest = 0, weight = 0;

	if (at == NULL || *at == '\0')
		return 1000;
	while (*at != '\0') {
		size_t length;
		int close;

		at += strspn(at, ", \t");
		length = type_length(at);
		close = closeness(at, length, type);
		if (close > closest) {
			closest = close;
			weight = weight_of(at + length);
		}
		at += strcspn(at, ",");
	}
	return weight;
}

bool http_accepts(const struct http_request *request, const char *type)
{
	return acceptance(request, type) > 0;
}

int http_preferred(const struct http_request *request, const char *const *types, size_t count)
{
	int best = -1, most = 0;

	for (size_t i = 0; i < count; i++) {
		int weight = acceptance(request, types[i]);

		if (weight > most) {
			most = weight;
			best = (int)i;
		}
	}
	return best;
}
