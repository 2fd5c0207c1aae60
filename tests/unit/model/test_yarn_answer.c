/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn/yarn_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID "application_1795647694996_0008"

static enum error application(const char *body, struct yarn_application *out)
{
	return yarn_answer_application(body, strlen(body), out, NULL);
}

static void an_application_as_the_server_tells_it(void **state)
{
	(void)state;
	static const struct {
		const char *state, *final;
		enum yarn_state expected;
	} cases[] = {
		{ "NEW", "UNDEFINED", YARN_WAITING },
		{ "ACCEPTED", "UNDEFINED", YARN_WAITING },
		{ "RUNNING", "UNDEFINED", YARN_RUNNING },
		{ "FINISHED", "SUCCEEDED", YARN_SUCCEEDED },
		{ "FINISHED", "FAILED", YARN_FAILED },
		{ "FINISHED", "KILLED", YARN_KILLED },
		{ "FINISHING", "SUCCEEDED", YARN_RUNNING },
		{ "FAILED", "FAILED", YARN_FAILED },
		{ "KILLED", "KILLED", YARN_KILLED },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[500];
		struct yarn_application found;
		snprintf(body, sizeof(body),
			 "{\"app\":{\"id\":\"" ID "\",\"state\":\"%s\",\"finalStatus\":\"%s\","
			 "\"progress\":45.5,\"diagnostics\":\"one\\ntwo \\n\"}}",
			 cases[i].state, cases[i].final);
		assert_int_equal(application(body, &found), ERROR_OK);
		assert_int_equal(found.state, cases[i].expected);
		assert_string_equal(found.id, ID);
		assert_true(found.progress == 0.455);
		assert_string_equal(found.diagnostics, "one two");
		assert_int_equal(found.exit_code, -1);
	}
}

static void exit_codes_are_found_in_the_words(void **state)
{
	(void)state;
	static const struct {
		const char *words;
		int code;
	} cases[] = {
		{ "AM Container for appattempt_1 exited with  exitCode: 0\\nFailing this attempt",
		  0 },
		{ "exited with  exitCode: 127", 127 },
		{ "Application killed by user.", -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[500];
		struct yarn_application found;
		snprintf(body, sizeof(body),
			 "{\"app\":{\"id\":\"" ID
			 "\",\"state\":\"FAILED\",\"diagnostics\":\"%s\"}}",
			 cases[i].words);
		assert_int_equal(application(body, &found), ERROR_OK);
		assert_int_equal(found.exit_code, cases[i].code);
	}
}

static void nothing_of_an_answer_is_trusted(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"app\":{}}",
		"{\"app\":{\"id\":\"" ID "\",\"state\":\"DREAMING\"}}",
		"{\"app\":{\"id\":\"" ID "\",\"state\":7}}",
		"{\"app\":{\"id\":\"application_1/../../x\",\"state\":\"RUNNING\"}}",
		"{\"app\":{\"id\":\"application_"
		"1111111111111111111111111111111111111111111111111111"
		"111111111111\",\"state\":\"RUNNING\"}}",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct yarn_application found;
		char id[YARN_ID_SIZE];
		assert_int_equal(application(bad[i], &found), ERROR_PROTOCOL);
		assert_int_equal(yarn_answer_new_id(bad[i], strlen(bad[i]), id, NULL),
				 ERROR_PROTOCOL);
	}
}

static void the_newest_of_a_list(void **state)
{
	(void)state;
#define APP(id) "{\"id\":\"application_1_" id "\",\"state\":\"RUNNING\",\"progress\":1e99}"
	static const char *const empty[] = { "{\"apps\":null}", "{\"apps\":{}}",
					     "{\"apps\":{\"app\":[]}}" };
	static const char many[] =
		"{\"apps\":{\"app\":[" APP("0007") "," APP("10000") "," APP("0009") "]}}";
	struct yarn_application found;
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		assert_int_equal(yarn_answer_newest(empty[i], strlen(empty[i]), &found, NULL),
				 ERROR_NOT_FOUND);
	assert_int_equal(yarn_answer_newest(many, strlen(many), &found, NULL), ERROR_OK);
	assert_string_equal(found.id, "application_1_10000");
	assert_true(found.progress == 0);
	assert_int_equal(yarn_answer_newest("x", 1, &found, NULL), ERROR_PROTOCOL);
}

static void errors_have_the_servers_words(void **state)
{
	(void)state;
	static const struct {
		long status;
		enum error error;
	} cases[] = {
		{ 200, ERROR_OK },          { 202, ERROR_OK },        { 400, ERROR_INVALID },
		{ 403, ERROR_DENIED },      { 404, ERROR_NOT_FOUND }, { 307, ERROR_UNAVAILABLE },
		{ 503, ERROR_UNAVAILABLE }, { 418, ERROR_PROTOCOL },
	};
	static const char body[] = "{\"RemoteException\":{\"exception\":\"BadRequestException\","
				   "\"message\":\"no such queue\"}}";
	char memory[500];
	struct text why;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_init_fixed(&why, memory, sizeof(memory));
		assert_int_equal(yarn_answer_error(cases[i].status, body, sizeof(body) - 1, &why),
				 cases[i].error);
		assert_true(!cases[i].error ==
			    !strstr(memory, "BadRequestException: no such queue"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_application_as_the_server_tells_it),
		cmocka_unit_test(exit_codes_are_found_in_the_words),
		cmocka_unit_test(nothing_of_an_answer_is_trusted),
		cmocka_unit_test(the_newest_of_a_list),
		cmocka_unit_test(errors_have_the_servers_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
