/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn_answer.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 300 };

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

static const char *string(const cJSON *json, const char *name)
{
	const char *value = cJSON_GetStringValue(member(json, name));
	return value ? value : "";
}

/* --- errors ---------------------------------------------------------------------------------- */

static enum error error_of(long status)
{
	static const struct {
		long status;
		enum error error;
	} known[] = {
		{ 400, ERROR_INVALID },     { 401, ERROR_DENIED },      { 403, ERROR_DENIED },
		{ 404, ERROR_NOT_FOUND },   { 307, ERROR_UNAVAILABLE }, { 302, ERROR_UNAVAILABLE },
		{ 429, ERROR_UNAVAILABLE },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status)
			return known[i].error;
	return status >= 500 ? ERROR_UNAVAILABLE : ERROR_PROTOCOL;
}

enum error yarn_answer_error(long status, const char *body, size_t length, struct text *why)
{
	if (status >= 200 && status < 300)
		return ERROR_OK;
	cJSON *json = cJSON_ParseWithLength(body, length);
	const cJSON *exception = member(json, "RemoteException");
	const char *name = string(exception, "exception"), *words = string(exception, "message");
	why_putf(why, "status %ld", status);
	if (*name || *words)
		why_putf(why, ", %.100s: %.*s", name, MAX_WORDS, words);
	cJSON_Delete(json);
	return error_of(status);
}

/* --- applications ---------------------------------------------------------------------------- */

/* "application_<time>_<number>": it becomes part of an address. */
static bool is_id(const char *id)
{
	static const char prefix[] = "application_";
	size_t length = strlen(id);
	return strncmp(id, prefix, sizeof(prefix) - 1) == 0 && length < YARN_ID_SIZE &&
	       strspn(id + sizeof(prefix) - 1, "0123456789_") == length - (sizeof(prefix) - 1);
}

static enum error unreadable(struct text *why)
{
	why_putf(why, "the answer can't be read");
	return ERROR_PROTOCOL;
}

enum error yarn_answer_new_id(const char *body, size_t length, char id[YARN_ID_SIZE],
			      struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body, length);
	const char *value = string(json, "application-id");
	bool fine = is_id(value);
	if (fine)
		snprintf(id, YARN_ID_SIZE, "%s", value);
	cJSON_Delete(json);
	return fine ? ERROR_OK : unreadable(why);
}

static bool read_state(const cJSON *json, enum yarn_state *state)
{
	static const struct {
		const char *name;
		enum yarn_state state;
	} known[] = {
		{ "NEW", YARN_WAITING },       { "NEW_SAVING", YARN_WAITING },
		{ "SUBMITTED", YARN_WAITING }, { "ACCEPTED", YARN_WAITING },
		{ "RUNNING", YARN_RUNNING },   { "FINISHING", YARN_RUNNING },
		{ "FAILED", YARN_FAILED },     { "KILLED", YARN_KILLED },
	};
	const char *name = string(json, "state"), *final = string(json, "finalStatus");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) == 0) {
			*state = known[i].state;
			return true;
		}
	}
	if (strcmp(name, "FINISHED") != 0)
		return false;
	*state = strcmp(final, "SUCCEEDED") == 0 ? YARN_SUCCEEDED
		 : strcmp(final, "KILLED") == 0  ? YARN_KILLED
						 : YARN_FAILED;
	return true;
}

/* The end of what it says, since the cause comes last; on one line. */
static void copy_diagnostics(const char *words, char out[YARN_MAX_DIAGNOSTICS + 1])
{
	struct text text;
	size_t length = strlen(words), skip = 0;
	while (length > 0 && strchr(" \n\r\t", words[length - 1]))
		length--;
	if (length > YARN_MAX_DIAGNOSTICS)
		skip = length - YARN_MAX_DIAGNOSTICS;
	text_init_fixed(&text, out, YARN_MAX_DIAGNOSTICS + 1);
	text_put_utf8(&text, words + skip, length - skip);
	for (char *at = out; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
}

static int read_exit_code(const char *words)
{
	static const char *const marks[] = { "exitCode: ", "exit code " };
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *at = strcasestr(words, marks[i]);
		if (at)
			return atoi(at + strlen(marks[i]));
	}
	return -1;
}

static bool read_application(const cJSON *json, struct yarn_application *application)
{
	const char *id = string(json, "id"), *words = string(json, "diagnostics");
	const cJSON *progress = member(json, "progress");
	memset(application, 0, sizeof(*application));
	if (!is_id(id) || !read_state(json, &application->state))
		return false;
	snprintf(application->id, sizeof(application->id), "%s", id);
	double percent = cJSON_IsNumber(progress) ? progress->valuedouble : 0;
	application->progress = percent > 0 && percent <= 100 ? percent / 100 : 0;
	application->exit_code = read_exit_code(words);
	copy_diagnostics(words, application->diagnostics);
	return true;
}

enum error yarn_answer_application(const char *body, size_t length,
				   struct yarn_application *application, struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body, length);
	bool fine = read_application(member(json, "app"), application);
	cJSON_Delete(json);
	return fine ? ERROR_OK : unreadable(why);
}

/* Ids of one ResourceManager are equally long until the count passes four digits. */
static bool is_newer(const char *a, const char *b)
{
	size_t left = strlen(a), right = strlen(b);
	return left != right ? left > right : strcmp(a, b) > 0;
}

enum error yarn_answer_newest(const char *body, size_t length, struct yarn_application *application,
			      struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body, length);
	const cJSON *item = NULL, *apps = member(json, "apps"), *list = member(apps, "app");
	bool fine = cJSON_IsObject(json) && (cJSON_IsNull(apps) || cJSON_IsObject(apps)),
	     any = false;
	cJSON_ArrayForEach(item, list)
	{
		struct yarn_application read;
		fine = fine && read_application(item, &read);
		if (!fine || (any && !is_newer(read.id, application->id)))
			continue;
		*application = read;
		any = true;
	}
	cJSON_Delete(json);
	return !fine ? unreadable(why) : any ? ERROR_OK : ERROR_NOT_FOUND;
}
