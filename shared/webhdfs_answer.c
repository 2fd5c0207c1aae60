/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "webhdfs_private.h"

enum { MAX_SHOWN = 300 };

/* By the class name's last part. Order matters for what is wrapped: the first name that the message
 * holds decides, so what says more stands first. */
static const struct exception {
	const char *name;
	enum error error;
} exceptions[] = {
	{ "StandbyException", ERROR_STANDBY },
	{ "ObserverRetryOnActiveException", ERROR_STANDBY },
	{ "SafeModeException", ERROR_SAFE_MODE },
	{ "RetriableException", ERROR_RETRIABLE },
	{ "RetryCacheException", ERROR_RETRIABLE },
	{ "InvalidToken", ERROR_CREDENTIAL },
	{ "AuthenticationException", ERROR_CREDENTIAL },
	{ "DSQuotaExceededException", ERROR_QUOTA },
	{ "NSQuotaExceededException", ERROR_QUOTA },
	{ "QuotaByStorageTypeExceededException", ERROR_QUOTA },
	{ "QuotaExceededException", ERROR_QUOTA },
	{ "AccessControlException", ERROR_DENIED },
	{ "AuthorizationException", ERROR_DENIED },
	{ "FileNotFoundException", ERROR_NOT_FOUND },
	{ "LeaseExpiredException", ERROR_NOT_FOUND }, /* its file was deleted while written */
	{ "FileAlreadyExistsException", ERROR_EXISTS },
	{ "AlreadyBeingCreatedException", ERROR_EXISTS },
	{ "RecoveryInProgressException", ERROR_RETRIABLE },
	{ "ParentNotDirectoryException", ERROR_INVALID },
	{ "InvalidPathException", ERROR_INVALID },
	{ "PathComponentTooLongException", ERROR_INVALID },
	{ "MaxDirectoryItemsExceededException", ERROR_QUOTA },
	{ "IllegalArgumentException", ERROR_INVALID },
	{ "UnsupportedOperationException", ERROR_INVALID },
	{ "HadoopIllegalArgumentException", ERROR_INVALID },
	{ "ConnectException", ERROR_UNAVAILABLE },
	{ "NoRouteToHostException", ERROR_UNAVAILABLE },
	{ "SocketTimeoutException", ERROR_UNAVAILABLE },
};
static const size_t exception_count = sizeof exceptions / sizeof exceptions[0];

static const struct exception *exception_named(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *dollar = strrchr(dot ? dot : name, '$');
	const char *last = dollar ? dollar + 1 : dot ? dot + 1 : name;
	for (size_t i = 0; i < exception_count; i++)
		if (strcmp(last, exceptions[i].name) == 0)
			return &exceptions[i];
	return NULL;
}

static const struct exception *exception_in(const char *message)
{
	for (size_t i = 0; i < exception_count; i++)
		if (strstr(message, exceptions[i].name))
			return &exceptions[i];
	return NULL;
}

/* HTTP says nothing here: Hadoop answers 403 to a plain IOException, a standby and a quota alike.
 */
static enum error exception_error(const char *name, const char *message, long status)
{
	const struct exception *known = exception_named(name);
	if (known)
		return known->error;
	known = exception_in(message);
	if (known)
		return known->error;
	if (strstr(name, "SecurityException"))
		return strstr(message, "oken") || strstr(message, "EOFException") ? ERROR_CREDENTIAL
										  : ERROR_DENIED;
	if (strstr(message, "cannot authenticate via"))
		return ERROR_CREDENTIAL;
	if (status == 400)
		return ERROR_INVALID;
	return ERROR_UNAVAILABLE;
}

static enum error status_error(long status)
{
	switch (status) {
	case 400:
		return ERROR_INVALID;
	case 401:
	case 407:
		return ERROR_CREDENTIAL;
	case 403:
		return ERROR_DENIED;
	case 429:
		return ERROR_RETRIABLE;
	default:
		/* A bare 404 is no word of HDFS about a file: something else answered. */
		return status >= 500 && status < 600 ? ERROR_UNAVAILABLE : ERROR_PROTOCOL;
	}
}

static const char *string_of(const cJSON *object, const char *name)
{
	const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
	return value ? value : "";
}

/* The first line: the DataNode's message goes on with a stack trace. */
static int first_line(const char *message)
{
	size_t length = strcspn(message, "\r\n");
	return length > MAX_SHOWN ? MAX_SHOWN : (int)length;
}

enum error webhdfs_answer_error(long status, const char *body, size_t length, struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body, length);
	const cJSON *remote = cJSON_GetObjectItemCaseSensitive(json, "RemoteException");
	const char *class = string_of(remote, "javaClassName");
	const char *name = string_of(remote, "exception");
	const char *message = string_of(remote, "message");
	enum error error;
	if (!class[0] && !name[0]) {
		error = status_error(status);
		why_putf(why, "status %ld without a RemoteException", status);
	} else {
		error = exception_error(name[0] ? name : class, message, status);
		if (error == ERROR_UNAVAILABLE && class[0])
			error = exception_error(class, message, status);
		why_putf(why, "%s: %.*s", name[0] ? name : class, first_line(message), message);
	}
	cJSON_Delete(json);
	return error;
}

static enum error unreadable(const char *what, const char *body, size_t length, struct text *why)
{
	why_putf(why, "the answer is not %s but ", what);
	if (!why)
		return ERROR_PROTOCOL;
	if (length == 0)
		text_puts(why, "empty");
	else
		text_put_json(why, body, length > MAX_SHOWN ? MAX_SHOWN : length);
	return ERROR_PROTOCOL;
}

enum error webhdfs_answer_boolean(const char *body, size_t length, bool *value, struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body, length);
	const cJSON *boolean = cJSON_GetObjectItemCaseSensitive(json, "boolean");
	bool good = cJSON_IsBool(boolean);
	*value = cJSON_IsTrue(boolean);
	cJSON_Delete(json);
	return good ? ERROR_OK : unreadable("a boolean", body, length, why);
}

enum error webhdfs_answer_location(const char *body, size_t length, struct text *location,
				   struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body, length);
	const char *url = string_of(json, "Location");
	bool good = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
	if (good)
		text_puts(location, url);
	cJSON_Delete(json);
	if (!good)
		return unreadable("a Location", body, length, why);
	return location->error;
}

/* A whole number between 0 and 2^53. */
static bool whole(const cJSON *object, const char *name, int64_t *value)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) ||
	    item->valuedouble > 9007199254740992.0)
		return false;
	*value = (int64_t)item->valuedouble;
	return true;
}

static bool read_status(const cJSON *json, struct webhdfs_status *status)
{
	const char *type = string_of(json, "type");
	*status = (struct webhdfs_status){ .folder = strcmp(type, "DIRECTORY") == 0 };
	if (!status->folder && strcmp(type, "FILE") != 0)
		return false;
	status->plain = !status->folder &&
			!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "encBit")) &&
			!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "ecBit"));
	if (!whole(json, "blockSize", &status->block_size))
		status->block_size = 0;
	return whole(json, "fileId", &status->file_id) && whole(json, "length", &status->length) &&
	       whole(json, "modificationTime", &status->modified_ms);
}

enum error webhdfs_answer_status(const char *body, size_t length, struct webhdfs_status *status,
				 struct text *why)
{
	cJSON *json = cJSON_ParseWithLength(body, length);
	bool good = read_status(cJSON_GetObjectItemCaseSensitive(json, "FileStatus"), status);
	cJSON_Delete(json);
	return good ? ERROR_OK : unreadable("a FileStatus", body, length, why);
}

static enum error each_status(const cJSON *list, webhdfs_each *each, void *user, struct text *last,
			      struct text *why)
{
	const cJSON *item;
	cJSON_ArrayForEach(item, list)
	{
		struct webhdfs_status status;
		const char *name = string_of(item, "pathSuffix");
		if (!name[0] || strchr(name, '/') || !read_status(item, &status)) {
			why_putf(why, "an entry of the listing, \"%.200s\", is not a FileStatus",
				 name);
			return ERROR_PROTOCOL;
		}
		text_reset(last);
		text_puts(last, name);
		enum error error = each(name, &status, user);
		if (error)
			return error;
	}
	return last->error;
}

enum error webhdfs_answer_listing(const char *body, size_t length, webhdfs_each *each, void *user,
				  int64_t *remaining, struct text *last, struct text *why)
{
	*remaining = 0;
	cJSON *json = cJSON_ParseWithLength(body, length);
	const cJSON *page = cJSON_GetObjectItemCaseSensitive(json, "DirectoryListing");
	bool known = !page || whole(page, "remainingEntries", remaining);
	const cJSON *part = page ? cJSON_GetObjectItemCaseSensitive(page, "partialListing") : json;
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(part, "FileStatuses"), "FileStatus");
	enum error error;
	if (!known || !cJSON_IsArray(list))
		error = unreadable("a listing", body, length, why);
	else
		error = each_status(list, each, user, last, why);
	/* More to come after nothing would be asked for for ever. */
	if (!error && *remaining > 0 && cJSON_GetArraySize(list) == 0)
		error = unreadable("a listing that gets on", body, length, why);
	cJSON_Delete(json);
	return error;
}
