/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mock_gateway.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources/source.h"
#include "sources/sources.h"

struct fixture {
	struct mock_gateway mock;
	char folder[64];
};

static int set_up(void **state)
{
	static struct fixture f;
	mock_gateway_init(&f.mock);
	strcpy(f.folder, "/tmp/test-sources-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	f.mock.gateway.settings.replay_dir = f.folder;
	f.mock.gateway.settings.source_limit = 2;
	mock_gateway_start(&f.mock);
	f.mock.gateway.sources = sources_new(&f.mock.gateway);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];
	sources_destroy(&f->mock.gateway.sources);
	mock_gateway_clean_up(&f->mock);
	snprintf(command, sizeof(command), "rm -r %s", f->folder);
	return system(command);
}

static void write_file(const struct fixture *f, const char *name, const char *data)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(data, file);
	fclose(file);
}

/* The new source's id, or the complaints as JSON; free it. */
static char *add(struct fixture *f, const char *text, enum error expected)
{
	cJSON *json = cJSON_Parse(text), *source = NULL;
	assert_non_null(json);
	struct definition d = { .json = json, .complaints = cJSON_CreateArray() };
	assert_int_equal(expected, sources_add(f->mock.gateway.sources, &d, -1, true, &source));
	char *answer = expected == ERROR_OK
			       ? strdup(cJSON_GetStringValue(cJSON_GetObjectItem(source, "id")))
			       : cJSON_PrintUnformatted(d.complaints);
	cJSON_Delete(source);
	cJSON_Delete(d.complaints);
	cJSON_Delete(json);
	return answer;
}

static cJSON *wait_for_state(struct fixture *f, const char *id, const char *state)
{
	int64_t give_up_us = in_ms(20000);
	for (;;) {
		cJSON *json = sources_get(f->mock.gateway.sources, id);
		assert_non_null(json);
		const char *now = cJSON_GetStringValue(cJSON_GetObjectItem(json, "state"));
		if (strcmp(now, state) == 0 &&
		    cJSON_GetObjectItem(json, "pending")->valuedouble < 1)
			return json;
		if (monotonic_now_us() > give_up_us)
			fail_msg("the state is %s", now);
		cJSON_Delete(json);
		usleep(2000);
	}
}

static int number(const cJSON *json, const char *name)
{
	return (int)cJSON_GetObjectItem(json, name)->valuedouble;
}

static void a_simulator_makes_as_many_as_asked(void **state)
{
	struct fixture *f = *state;
	int64_t begun_us = monotonic_now_us();
	char *id = add(f, "{\"type\":\"simulator\",\"rate_per_s\":1000,\"count\":500,\"seed\":0}",
		       ERROR_OK);
	cJSON *json = wait_for_state(f, id, "done");
	/* 500 ticks at 1,000 a second: the last one is due 499 ms after the first. */
	assert_true(monotonic_now_us() - begun_us >= 499000);
	assert_int_equal(500, number(json, "sent"));
	assert_int_equal(500, number(json, "acknowledged"));
	assert_int_equal(0, number(json, "refused"));
	assert_int_equal(0, number(cJSON_GetObjectItem(json, "definition"), "seed"));
	assert_int_equal(500, (int)mock_records(&f->mock, "tick", "simulator", "accepted"));
	cJSON_Delete(json);
	free(id);
}

static void a_running_source_can_be_stopped(void **state)
{
	struct fixture *f = *state;
	char *id = add(f, "{\"type\":\"simulator\",\"rate_per_s\":0.1}", ERROR_OK);
	int64_t begun_us = monotonic_now_us();
	cJSON *json = sources_remove(f->mock.gateway.sources, id);
	assert_true(monotonic_now_us() - begun_us < 5000000); /* not the ten seconds to a tick */
	assert_string_equal("stopped", cJSON_GetStringValue(cJSON_GetObjectItem(json, "state")));
	assert_int_equal(number(json, "sent"), number(json, "acknowledged"));
	cJSON_Delete(json);
	assert_null(sources_get(f->mock.gateway.sources, id));
	assert_null(sources_remove(f->mock.gateway.sources, id));
	free(id);
}

static void every_complaint_is_told(void **state)
{
	struct fixture *f = *state;
	char *said = add(f,
			 "{\"type\":\"simulator\",\"rate_per_s\":\"1\",\"count\":0.5,\"seed\":-1,"
			 "\"model\":\"gbm2\",\"start_time\":\"soon\",\"spread\":1}",
			 ERROR_INVALID);
	const char *fields[] = { "rate_per_s", "count", "seed", "model", "start_time", "spread" };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		assert_non_null(strstr(said, fields[i]));
	free(said);
	said = add(f, "{\"type\":\"telepathy\"}", ERROR_INVALID);
	assert_non_null(strstr(said, "type"));
	free(said);
	said = add(f, "{\"type\":\"replay\",\"speed\":-1,\"records\":\"shares\"}", ERROR_INVALID);
	assert_non_null(strstr(said, "speed"));
	assert_non_null(strstr(said, "records"));
	assert_non_null(strstr(said, "file"));
	free(said);
}

static void sources_have_a_limit_but_ended_ones_make_room(void **state)
{
	struct fixture *f = *state;
	const char *endless = "{\"type\":\"simulator\",\"rate_per_s\":0.1}";
	char *first = add(f, endless, ERROR_OK);
	char *second = add(f, "{\"type\":\"simulator\",\"rate_per_s\":1000,\"count\":1}", ERROR_OK);
	cJSON_Delete(wait_for_state(f, second, "done"));
	char *third = add(f, endless, ERROR_OK);
	assert_null(sources_get(f->mock.gateway.sources, second));
	char *fourth = add(f, endless, ERROR_LIMIT);
	cJSON *list = sources_list(f->mock.gateway.sources);
	assert_int_equal(2, cJSON_GetArraySize(list));
	cJSON_Delete(list);
	free(first);
	free(second);
	free(third);
	free(fourth);
}

#define BAR_HEADER "timestamp,open,high,low,close,volume\n"

static void a_replay_sends_every_good_row(void **state)
{
	struct fixture *f = *state;
	write_file(f, "bars.csv",
		   BAR_HEADER "2025-07-01T00:00:00Z,5,6,4,5,1\n"
			      "2025-07-01T00:01:00Z,5,4,6,5,1\n" /* high under low */
			      "\n"
			      "2025-07-01T00:02:00Z,5,6,4,5,1\n");
	char *id = add(f, "{\"type\":\"replay\",\"file\":\"bars.csv\",\"speed\":0}", ERROR_OK);
	cJSON *json = wait_for_state(f, id, "done");
	assert_int_equal(2, number(json, "sent"));
	assert_int_equal(2, number(json, "acknowledged"));
	assert_int_equal(1, number(json, "refused"));
	const char *reason = cJSON_GetStringValue(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "last_error"), "reason"));
	assert_non_null(strstr(reason, "line 3"));
	assert_int_equal(1, number(cJSON_GetObjectItem(json, "progress"), "fraction"));
	cJSON_Delete(json);
	free(id);
}

static void a_replay_keeps_the_pace_of_its_rows(void **state)
{
	struct fixture *f = *state;
	write_file(f, "bars.csv",
		   "2025-07-01T00:00:00Z,5,6,4,5,1\n2025-07-01T00:01:00Z,5,6,4,5,1\n"
		   "2025-07-05T00:00:00Z,5,6,4,5,1\n");
	int64_t begun_us = monotonic_now_us();
	/* A minute at 200 times its speed is 300 ms; the days after it shrink to a minute. */
	char *id = add(f,
		       "{\"type\":\"replay\",\"file\":\"bars.csv\",\"speed\":200,"
		       "\"max_gap_s\":60}",
		       ERROR_OK);
	cJSON *json = wait_for_state(f, id, "done");
	int64_t took_us = monotonic_now_us() - begun_us;
	assert_true(took_us >= 600000 && took_us < 10000000);
	assert_int_equal(3, number(json, "acknowledged"));
	cJSON_Delete(json);
	free(id);
}

static void the_newest_row_may_come_first(void **state)
{
	struct fixture *f = *state;
	write_file(f, "bars.csv",
		   BAR_HEADER "2025-07-01T00:01:00Z,5,6,4,5,1\n2025-07-01T00:00:00Z,5,6,4,5,1\n");
	char *id = add(f, "{\"type\":\"replay\",\"file\":\"bars.csv\",\"speed\":0}", ERROR_OK);
	cJSON *json = wait_for_state(f, id, "done");
	assert_true(cJSON_IsTrue(
		cJSON_GetObjectItem(cJSON_GetObjectItem(json, "definition"), "newest_first")));
	assert_string_equal("2025-07-01T00:01:00.000000Z",
			    cJSON_GetStringValue(cJSON_GetObjectItem(
				    cJSON_GetObjectItem(json, "progress"), "last_timestamp")));
	cJSON_Delete(json);
	free(id);
}

static void a_file_outside_the_folder_is_not_there(void **state)
{
	struct fixture *f = *state;
	char inside[160];
	snprintf(inside, sizeof(inside), "%s/link.csv", f->folder);
	assert_int_equal(0, symlink("/etc/passwd", inside));
	snprintf(inside, sizeof(inside), "%s/folder", f->folder);
	assert_int_equal(0, mkdir(inside, 0700));
	const char *const files[] = {
		"../etc/passwd", "/etc/passwd", "link.csv", "none.csv", "folder", "", "."
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char text[128];
		snprintf(text, sizeof(text), "{\"type\":\"replay\",\"file\":\"%s\"}", files[i]);
		char *said = add(f, text, ERROR_INVALID);
		assert_non_null(strstr(said, "\"file\""));
		free(said);
	}
}

static void an_unknown_header_names_file_and_line(void **state)
{
	struct fixture *f = *state;
	write_file(f, "bars.csv", "\ntimestamp,open,high,low,final,volume\n1,2,3,4,5,6\n");
	char *said = add(f, "{\"type\":\"replay\",\"file\":\"bars.csv\"}", ERROR_INVALID);
	assert_non_null(strstr(said, "bars.csv line 2"));
	assert_non_null(strstr(said, "final"));
	free(said);
	write_file(f, "empty.csv", "");
	said = add(f, "{\"type\":\"replay\",\"file\":\"empty.csv\"}", ERROR_INVALID);
	assert_non_null(strstr(said, "empty.csv"));
	free(said);
}

/* Longer than a record waits: what failed is sent again, once, in its order. */
static void a_replay_survives_an_outage(void **state)
{
	struct fixture *f = *state;
	enum { ROWS = 3000 };
	struct text csv;
	text_init(&csv, 1 << 20);
	for (int i = 0; i < ROWS; i++)
		text_putf(&csv, "%d,5,6,4,5,%d\n", 1751328000 + 60 * i, i);
	write_file(f, "bars.csv", csv.data);
	text_clean_up(&csv);
	/* A row every two milliseconds. */
	char *id = add(f, "{\"type\":\"replay\",\"file\":\"bars.csv\",\"speed\":30000}", ERROR_OK);
	int64_t give_up_us = in_ms(20000);
	while (mock_records(&f->mock, "bar", "replay", "accepted") < 100)
		assert_true(monotonic_now_us() < give_up_us);
	rd_kafka_mock_broker_set_down(f->mock.cluster, 1);
	while (publisher_is_open(f->mock.gateway.publisher, NULL))
		assert_true(monotonic_now_us() < give_up_us);
	usleep(2500000);
	rd_kafka_mock_broker_set_up(f->mock.cluster, 1);
	cJSON *json = wait_for_state(f, id, "done");
	assert_int_equal(ROWS, number(json, "sent"));
	assert_int_equal(ROWS, number(json, "acknowledged") + number(json, "unknown"));
	assert_int_equal(0, number(json, "unavailable"));
	cJSON_Delete(json);
	free(id);
}

static int set_up_impatient(void **state)
{
	int code = set_up(state);
	struct fixture *f = *state;
	sources_destroy(&f->mock.gateway.sources);
	publisher_destroy(&f->mock.gateway.publisher);
	f->mock.gateway.settings.delivery_timeout_ms = 1000;
	mock_gateway_start(&f->mock);
	f->mock.gateway.sources = sources_new(&f->mock.gateway);
	return code;
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(a_simulator_makes_as_many_as_asked),
		WITH_FIXTURE(a_running_source_can_be_stopped),
		WITH_FIXTURE(every_complaint_is_told),
		WITH_FIXTURE(sources_have_a_limit_but_ended_ones_make_room),
		WITH_FIXTURE(a_replay_sends_every_good_row),
		WITH_FIXTURE(a_replay_keeps_the_pace_of_its_rows),
		WITH_FIXTURE(the_newest_row_may_come_first),
		WITH_FIXTURE(a_file_outside_the_folder_is_not_there),
		WITH_FIXTURE(an_unknown_header_names_file_and_line),
		cmocka_unit_test_setup_teardown(a_replay_survives_an_outage, set_up_impatient,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
