/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sources that outlive a gateway: the list is destroyed and made anew over the same folder.
 */
#include "mock_gateway.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources/source.h"
#include "sources/sources.h"

struct fixture {
	struct mock_gateway mock;
	char folder[64];
};

static void new_sources(struct fixture *f)
{
	char memory[256];
	struct text why;
	text_init_fixed(&why, memory, sizeof(memory));
	f->mock.gateway.sources = sources_new(&f->mock.gateway);
	if (sources_restore(f->mock.gateway.sources, &why) != ERROR_OK)
		fail_msg("%s", why.data);
}

static void restart(struct fixture *f)
{
	sources_drain(f->mock.gateway.sources);
	sources_destroy(&f->mock.gateway.sources);
	new_sources(f);
}

static int set_up(void **state)
{
	static struct fixture f;
	mock_gateway_init(&f.mock);
	strcpy(f.folder, "/tmp/test-restart-XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	f.mock.gateway.settings.state_dir = f.folder;
	mock_gateway_start(&f.mock);
	new_sources(&f);
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

static void path_of(const struct fixture *f, const char *name, char path[160])
{
	snprintf(path, 160, "%s/%s", f->folder, name);
}

static bool exists(const struct fixture *f, const char *name)
{
	char path[160];
	path_of(f, name, path);
	return access(path, F_OK) == 0;
}

static void write_file(const struct fixture *f, const char *name, const char *data)
{
	char path[160];
	path_of(f, name, path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(data, file);
	fclose(file);
}

static void add(struct fixture *f, const char *text, int upload, const char *id)
{
	cJSON *json = cJSON_Parse(text), *source = NULL;
	struct definition d = { .json = json, .complaints = cJSON_CreateArray() };
	assert_int_equal(ERROR_OK, sources_add(f->mock.gateway.sources, &d, upload, true, &source));
	assert_string_equal(id, cJSON_GetStringValue(cJSON_GetObjectItem(source, "id")));
	cJSON_Delete(source);
	cJSON_Delete(d.complaints);
	cJSON_Delete(json);
}

static int number(const cJSON *json, const char *name)
{
	return (int)cJSON_GetObjectItem(json, name)->valuedouble;
}

static int number_of(struct fixture *f, const char *id, const char *name)
{
	cJSON *json = sources_get(f->mock.gateway.sources, id);
	assert_non_null(json);
	int value = number(json, name);
	cJSON_Delete(json);
	return value;
}

static void wait_for_count(struct fixture *f, const char *id, const char *name, int count)
{
	int64_t give_up_us = in_ms(20000);
	while (number_of(f, id, name) < count) {
		assert_true(monotonic_now_us() < give_up_us);
		usleep(2000);
	}
}

static cJSON *wait_until_done(struct fixture *f, const char *id)
{
	int64_t give_up_us = in_ms(20000);
	for (;;) {
		cJSON *json = sources_get(f->mock.gateway.sources, id);
		assert_non_null(json);
		if (cJSON_GetObjectItem(json, "ended"))
			return json;
		assert_true(monotonic_now_us() < give_up_us);
		cJSON_Delete(json);
		usleep(2000);
	}
}

/* A row each two milliseconds at 30,000 times its speed; each tenth row is no good one. */
static int upload_of_rows(const struct fixture *f, int rows)
{
	int fd = open(f->folder, O_TMPFILE | O_RDWR, 0600);
	assert_true(fd >= 0);
	for (int i = 0; i < rows; i++)
		dprintf(fd, "%d,5,6,%d,5,%d\n", 1751328000 + 60 * i, i % 10 == 9 ? 7 : 4, i);
	return fd;
}

static void an_uploaded_replay_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	enum { ROWS = 2000, BAD = ROWS / 10 }; /* a second that is made up for does not end it */
	add(f, "{\"type\":\"replay\",\"speed\":30000}", upload_of_rows(f, ROWS), "replay-1");
	assert_true(exists(f, "replay-1.json") && exists(f, "replay-1.csv"));
	for (int part = 1; part <= 3; part++) {
		wait_for_count(f, "replay-1", "acknowledged", part * 200);
		restart(f);
		assert_true(number_of(f, "replay-1", "acknowledged") >= part * 200);
	}
	cJSON *json = wait_until_done(f, "replay-1");
	assert_int_equal(ROWS - BAD, number(json, "acknowledged"));
	assert_int_equal(ROWS - BAD, number(json, "sent"));
	assert_int_equal(BAD, number(json, "refused"));
	cJSON_Delete(json);
	/* What Kafka's side counted: nothing twice, nothing left out. */
	assert_int_equal(ROWS - BAD, (int)mock_records(&f->mock, "bar", "replay", "accepted"));
	assert_false(exists(f, "replay-1.json") || exists(f, "replay-1.csv"));
}

static void a_row_that_was_lost_at_the_end_is_sent_by_the_next(void **state)
{
	struct fixture *f = *state;
	enum { ROWS = 600 };
	add(f, "{\"type\":\"replay\",\"speed\":30000}", upload_of_rows(f, ROWS), "replay-1");
	wait_for_count(f, "replay-1", "acknowledged", 100);
	rd_kafka_mock_broker_set_down(f->mock.cluster, 1);
	while (publisher_is_open(f->mock.gateway.publisher, NULL))
		usleep(1000);
	sources_drain(f->mock.gateway.sources);
	sources_destroy(&f->mock.gateway.sources); /* waits until Kafka was tried for long enough */
	rd_kafka_mock_broker_set_up(f->mock.cluster, 1);
	new_sources(f);
	cJSON *json = wait_until_done(f, "replay-1");
	int unknown = number(json, "unknown");
	assert_int_equal(ROWS - ROWS / 10, number(json, "acknowledged") + unknown);
	assert_int_equal(ROWS - ROWS / 10 - unknown,
			 (int)mock_records(&f->mock, "bar", "replay", "accepted"));
	cJSON_Delete(json);
}

static void a_simulator_makes_the_rest(void **state)
{
	struct fixture *f = *state;
	add(f, "{\"type\":\"simulator\",\"model\":\"gbm\",\"rate_per_s\":500,\"count\":600}", -1,
	    "simulator-1");
	wait_for_count(f, "simulator-1", "acknowledged", 100);
	cJSON *before = sources_get(f->mock.gateway.sources, "simulator-1");
	restart(f);
	cJSON *json = wait_until_done(f, "simulator-1");
	assert_int_equal(number(cJSON_GetObjectItem(before, "definition"), "seed"),
			 number(cJSON_GetObjectItem(json, "definition"), "seed"));
	wait_for_count(f, "simulator-1", "acknowledged", 600);
	assert_int_equal(600, (int)mock_records(&f->mock, "tick", "simulator", "accepted"));
	cJSON_Delete(json);
	cJSON_Delete(before);
}

static void a_removed_source_stays_away(void **state)
{
	struct fixture *f = *state;
	add(f, "{\"type\":\"simulator\",\"rate_per_s\":0.1}", -1, "simulator-1");
	add(f, "{\"type\":\"simulator\",\"rate_per_s\":0.1}", -1, "simulator-2");
	cJSON_Delete(sources_remove(f->mock.gateway.sources, "simulator-1"));
	restart(f);
	assert_null(sources_get(f->mock.gateway.sources, "simulator-1"));
	add(f, "{\"type\":\"simulator\",\"rate_per_s\":0.1}", -1, "simulator-3");
}

static void what_cannot_go_on_is_left_and_counted(void **state)
{
	struct fixture *f = *state;
	write_file(f, "replay-7.json", "{\"id\":\"replay-7\",");
	write_file(f, "replay-8.json", "{\"definition\":{\"type\":\"replay\"},\"position\":{}}");
	write_file(f, "simulator-9.json",
		   "{\"definition\":{\"type\":\"simulator\"},\"position\":{\"made\":-1}}");
	write_file(f, "simulator-10.json", "{\"definition\":{\"type\":\"telepathy\"}}");
	write_file(f, "notes.txt", "not ours");
	restart(f);
	assert_int_equal(4,
			 (int)metric_value(metrics_gauge(
				 f->mock.metrics, "gateway_sources_not_restored",
				 "Sources in state_dir that could not go on at the start", NULL)));
	cJSON *list = sources_list(f->mock.gateway.sources);
	assert_int_equal(0, cJSON_GetArraySize(list));
	cJSON_Delete(list);
	add(f, "{\"type\":\"simulator\",\"rate_per_s\":0.1}", -1, "simulator-11");
	assert_true(exists(f, "replay-7.json") && exists(f, "replay-8.json") &&
		    exists(f, "simulator-9.json") && exists(f, "simulator-10.json"));
}

static void a_folder_that_cannot_be_used_is_told(void **state)
{
	struct fixture *f = *state;
	char path[160];
	struct text why;
	text_init(&why, 1000);
	write_file(f, "file", "");
	path_of(f, "file/below", path);
	f->mock.gateway.settings.state_dir = path;
	assert_int_equal(ERROR_SYSTEM, sources_restore(f->mock.gateway.sources, &why));
	assert_non_null(strstr(why.data, path));
	f->mock.gateway.settings.state_dir = f->folder;
	text_clean_up(&why);
}

static int set_up_impatient(void **state)
{
	int code = set_up(state);
	struct fixture *f = *state;
	sources_destroy(&f->mock.gateway.sources);
	publisher_destroy(&f->mock.gateway.publisher);
	f->mock.gateway.settings.delivery_timeout_ms = 1000;
	mock_gateway_start(&f->mock);
	new_sources(f);
	return code;
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(an_uploaded_replay_goes_on_where_it_was),
		cmocka_unit_test_setup_teardown(a_row_that_was_lost_at_the_end_is_sent_by_the_next,
						set_up_impatient, tear_down),
		WITH_FIXTURE(a_simulator_makes_the_rest),
		WITH_FIXTURE(a_removed_source_stays_away),
		WITH_FIXTURE(what_cannot_go_on_is_left_and_counted),
		WITH_FIXTURE(a_folder_that_cannot_be_used_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
