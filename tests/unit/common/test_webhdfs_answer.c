/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "webhdfs_private.h"

static enum error error_of(long status, const char *body)
{
	return webhdfs_answer_error(status, body, strlen(body), NULL);
}

static enum error error_of_exception(long status, const char *class, const char *message)
{
	char body[1024];
	const char *dot = strrchr(class, '.');
	snprintf(body, sizeof body,
		 "{\"RemoteException\":{\"exception\":\"%s\",\"javaClassName\":\"%s\","
		 "\"message\":\"%s\"}}",
		 dot ? dot + 1 : class, class, message);
	return error_of(status, body);
}

static void each_exception_has_its_own_error(void **state)
{
	(void)state;
	static const struct {
		long status;
		const char *class, *message;
		enum error error;
	} cases[] = {
		{ 404, "java.io.FileNotFoundException", "File does not exist: /x",
		  ERROR_NOT_FOUND },
		{ 403, "org.apache.hadoop.fs.FileAlreadyExistsException", "exists", ERROR_EXISTS },
		{ 403, "org.apache.hadoop.ipc.StandbyException", "Operation category READ",
		  ERROR_STANDBY },
		{ 403, "org.apache.hadoop.ipc.RetriableException", "Namenode is in startup mode",
		  ERROR_RETRIABLE },
		{ 403, "org.apache.hadoop.ipc.RetriableException",
		  "org.apache.hadoop.hdfs.server.namenode.SafeModeException: Cannot create",
		  ERROR_RETRIABLE },
		{ 403, "org.apache.hadoop.hdfs.server.namenode.SafeModeException", "Cannot",
		  ERROR_SAFE_MODE },
		{ 403, "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", "The DiskSpace",
		  ERROR_QUOTA },
		{ 403, "org.apache.hadoop.hdfs.protocol.NSQuotaExceededException", "The NameSpace",
		  ERROR_QUOTA },
		{ 403, "org.apache.hadoop.security.AccessControlException", "Permission denied",
		  ERROR_DENIED },
		{ 403, "java.lang.SecurityException",
		  "Failed to obtain user group information: "
		  "org.apache.hadoop.security.token.SecretManager$InvalidToken: Token  has "
		  "expired",
		  ERROR_CREDENTIAL },
		{ 403, "java.lang.SecurityException", "Failed: java.io.EOFException",
		  ERROR_CREDENTIAL },
		{ 403, "java.lang.SecurityException", "not you", ERROR_DENIED },
		{ 403, "org.apache.hadoop.security.token.SecretManager$InvalidToken",
		  "can't be found in cache", ERROR_CREDENTIAL },
		{ 403, "java.io.IOException", "Client cannot authenticate via:[TOKEN, KERBEROS]",
		  ERROR_CREDENTIAL },
		{ 400, "java.lang.IllegalArgumentException", "Invalid value", ERROR_INVALID },
		{ 403, "java.io.IOException", "could only be written to 0 of the 1 minReplication",
		  ERROR_UNAVAILABLE },
		{ 500, "java.lang.NullPointerException", "", ERROR_UNAVAILABLE },
		/* wrapped in another */
		{ 403, "org.apache.hadoop.ipc.RemoteException",
		  "org.apache.hadoop.ipc.StandbyException: Operation category WRITE",
		  ERROR_STANDBY },
		{ 500, "java.lang.reflect.UndeclaredThrowableException",
		  "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException: full", ERROR_QUOTA },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(
			error_of_exception(cases[i].status, cases[i].class, cases[i].message),
			cases[i].error);
}

static void without_an_exception_the_status_decides(void **state)
{
	(void)state;
	assert_int_equal(error_of(401, "<html>401</html>"), ERROR_CREDENTIAL);
	assert_int_equal(error_of(403, ""), ERROR_DENIED);
	assert_int_equal(error_of(429, "busy"), ERROR_RETRIABLE);
	assert_int_equal(error_of(500, "{"), ERROR_UNAVAILABLE);
	assert_int_equal(error_of(503, "{\"RemoteException\":{}}"), ERROR_UNAVAILABLE);
	assert_int_equal(error_of(400, "{\"RemoteException\":7}"), ERROR_INVALID);
	/* A proxy's 404 is no proof that a file is missing. */
	assert_int_equal(error_of(404, "<html>nothing here</html>"), ERROR_PROTOCOL);
	assert_int_equal(error_of(302, ""), ERROR_PROTOCOL);
}

static void why_shows_the_first_line_only(void **state)
{
	(void)state;
	static const char body[] = "{\"RemoteException\":{\"exception\":\"AccessControlException\","
				   "\"javaClassName\":\"a.AccessControlException\","
				   "\"message\":\"Permission denied: user=m\\n\\tat java.base\"}}";
	struct text why;
	text_init(&why, 1000);
	assert_int_equal(webhdfs_answer_error(403, body, strlen(body), &why), ERROR_DENIED);
	assert_string_equal(why.data, "AccessControlException: Permission denied: user=m");
	text_clean_up(&why);
}

static enum error boolean_of(const char *body, bool *value)
{
	return webhdfs_answer_boolean(body, strlen(body), value, NULL);
}

static void only_a_boolean_is_a_boolean(void **state)
{
	(void)state;
	bool value = false;
	assert_int_equal(boolean_of("{\"boolean\":true}", &value), ERROR_OK);
	assert_true(value);
	assert_int_equal(boolean_of("{\"boolean\": false }", &value), ERROR_OK);
	assert_false(value);
	static const char *const bad[] = {
		"", "{\"boolean\":tr", "{\"boolean\":1}", "{}", "true", "{\"Boolean\":true}", "[]"
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_int_equal(boolean_of(bad[i], &value), ERROR_PROTOCOL);
		assert_false(value);
	}
}

static void location_must_be_an_address(void **state)
{
	(void)state;
	struct text location;
	text_init(&location, 1000);
	static const char good[] = "{\"Location\":\"http://d:9864/x?op=CREATE\"}";
	assert_int_equal(webhdfs_answer_location(good, strlen(good), &location, NULL), ERROR_OK);
	assert_string_equal(location.data, "http://d:9864/x?op=CREATE");
	static const char *const bad[] = { "", "{}", "{\"Location\":null}", "{\"Location\":\"/x\"}",
					   "{\"Location\":\"file:///etc/passwd\"}" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(webhdfs_answer_location(bad[i], strlen(bad[i]), &location, NULL),
				 ERROR_PROTOCOL);
	text_clean_up(&location);
}

#define STATUS(name, length, type)                                         \
	"{\"pathSuffix\":\"" name "\",\"fileId\":16390,\"length\":" length \
	",\"modificationTime\":1751328000000,\"type\":\"" type "\"}"

static void status_is_read_exactly(void **state)
{
	(void)state;
	static const char body[] = "{\"FileStatus\":" STATUS("", "9007199254740992", "FILE") "}";
	struct webhdfs_status status;
	assert_int_equal(webhdfs_answer_status(body, strlen(body), &status, NULL), ERROR_OK);
	assert_int_equal(status.file_id, 16390);
	assert_true(status.length == INT64_C(9007199254740992));
	assert_true(status.modified_ms == INT64_C(1751328000000));
	assert_false(status.folder);
	static const char *const bad[] = {
		"",
		"{\"FileStatus\":{}}",
		"{\"FileStatus\":" STATUS("", "-1", "FILE") "}",
		"{\"FileStatus\":" STATUS("", "1e300", "FILE") "}",
		"{\"FileStatus\":" STATUS("", "\"1\"", "FILE") "}",
		"{\"FileStatus\":" STATUS("", "1", "PIPE") "}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(webhdfs_answer_status(bad[i], strlen(bad[i]), &status, NULL),
				 ERROR_PROTOCOL);
}

static void encrypted_and_striped_files_are_not_plain(void **state)
{
	(void)state;
	static const struct {
		const char *bits;
		bool plain;
	} cases[] = { { "\"type\":\"FILE\"", true },
		      { "\"type\":\"FILE\",\"encBit\":false,\"ecBit\":false", true },
		      { "\"type\":\"FILE\",\"encBit\":true", false },
		      { "\"type\":\"FILE\",\"ecBit\":true", false },
		      { "\"type\":\"DIRECTORY\"", false } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char body[300];
		struct webhdfs_status status;
		snprintf(body, sizeof body,
			 "{\"FileStatus\":{\"fileId\":1,\"length\":2,\"modificationTime\":3,%s}}",
			 cases[i].bits);
		assert_int_equal(webhdfs_answer_status(body, strlen(body), &status, NULL),
				 ERROR_OK);
		assert_int_equal(status.plain, cases[i].plain);
	}
}

static enum error collect(const char *name, const struct webhdfs_status *status, void *user)
{
	text_putf(user, "%s%s ", name, status->folder ? "/" : "");
	return strcmp(name, "stop") == 0 ? ERROR_CANCELLED : ERROR_OK;
}

static enum error list(const char *body, struct text *names, int64_t *remaining, struct text *last)
{
	text_reset(names);
	text_reset(last);
	return webhdfs_answer_listing(body, strlen(body), collect, names, remaining, last, NULL);
}

static void listings_of_both_kinds(void **state)
{
	(void)state;
	struct text names, last;
	int64_t remaining = -1;
	text_init(&names, 1000);
	text_init(&last, 1000);
	assert_int_equal(list("{\"FileStatuses\":{\"FileStatus\":[" STATUS(
				      "a", "1", "FILE") "," STATUS("b", "0", "DIRECTORY") "]}}",
			      &names, &remaining, &last),
			 ERROR_OK);
	assert_string_equal(names.data, "a b/ ");
	assert_int_equal(remaining, 0);
	assert_int_equal(
		list("{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{"
		     "\"FileStatus\":[" STATUS("c", "1", "FILE") "]}},"
								 "\"remainingEntries\":12}}",
		     &names, &remaining, &last),
		ERROR_OK);
	assert_int_equal(remaining, 12);
	assert_string_equal(last.data, "c");
	assert_int_equal(list("{\"FileStatuses\":{\"FileStatus\":[]}}", &names, &remaining, &last),
			 ERROR_OK);
	assert_string_equal(names.data, "");
	text_clean_up(&names);
	text_clean_up(&last);
}

static void listings_that_are_none(void **state)
{
	(void)state;
	struct text names, last;
	int64_t remaining;
	text_init(&names, 1000);
	text_init(&last, 1000);
	static const char *const bad[] = {
		"",
		"{\"FileStatuses\":{}}",
		"{\"FileStatuses\":{\"FileStatus\":[{}]}}",
		"{\"FileStatuses\":{\"FileStatus\":[" STATUS("a/b", "1", "FILE") "]}}",
		"{\"FileStatuses\":{\"FileStatus\":[" STATUS("", "1", "FILE") "]}}",
		"{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{\"FileStatus\":[]}}}"
		"}",
		/* would be asked for for ever */
		"{\"DirectoryListing\":{\"partialListing\":{\"FileStatuses\":{\"FileStatus\":[]}},"
		"\"remainingEntries\":3}}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(list(bad[i], &names, &remaining, &last), ERROR_PROTOCOL);
	assert_int_equal(list("{\"FileStatuses\":{\"FileStatus\":[" STATUS(
				      "stop", "1", "FILE") "," STATUS("b", "1", "FILE") "]}}",
			      &names, &remaining, &last),
			 ERROR_CANCELLED);
	assert_string_equal(names.data, "stop ");
	text_clean_up(&names);
	text_clean_up(&last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_exception_has_its_own_error),
		cmocka_unit_test(without_an_exception_the_status_decides),
		cmocka_unit_test(why_shows_the_first_line_only),
		cmocka_unit_test(only_a_boolean_is_a_boolean),
		cmocka_unit_test(location_must_be_an_address),
		cmocka_unit_test(status_is_read_exactly),
		cmocka_unit_test(encrypted_and_striped_files_are_not_plain),
		cmocka_unit_test(listings_of_both_kinds),
		cmocka_unit_test(listings_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
