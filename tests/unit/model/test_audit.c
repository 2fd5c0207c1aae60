/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct audit_event event_at(int64_t at_us, const char *model)
{
	struct audit_event event = {
		.at_us = at_us, .action = "train", .by = "ana", .version = -1
	};
	snprintf(event.model, sizeof(event.model), "%s", model);
	audit_name(&event);
	return event;
}

static void events_are_listed_newest_first(void **state)
{
	(void)state;
	struct audit audit = { 0 };
	struct audit_event first = event_at(1, "ia"), last = event_at(3, "ia"),
			   other = event_at(2, "streamlit"), out[2];
	size_t total;
	assert_int_equal(audit_add(&audit, &last), ERROR_OK);
	assert_int_equal(audit_add(&audit, &first), ERROR_OK);
	assert_int_equal(audit_add(&audit, &other), ERROR_OK);
	assert_int_equal(audit_add(&audit, &last), ERROR_OK); /* again */
	assert_int_equal(audit_list(&audit, NULL, out, 2, &total), 2);
	assert_int_equal(total, 3);
	assert_int_equal(out[0].at_us, 3);
	assert_int_equal(out[1].at_us, 2);
	assert_int_equal(audit_list(&audit, "ia", out, 2, &total), 2);
	assert_int_equal(total, 2);
	assert_int_equal(out[1].at_us, 1);
	audit_clean_up(&audit);
}

static void the_oldest_goes(void **state)
{
	(void)state;
	struct audit audit = { 0 };
	struct audit_event out[1];
	size_t total;
	for (int64_t at_us = 1; at_us <= AUDIT_MAX + 5; at_us++) {
		struct audit_event event = event_at(at_us, "ia");
		assert_int_equal(audit_add(&audit, &event), ERROR_OK);
	}
	struct audit_event old = event_at(2, "ia");
	assert_int_equal(audit_add(&audit, &old), ERROR_OK);
	assert_int_equal(audit_list(&audit, NULL, out, 1, &total), 1);
	assert_int_equal(total, AUDIT_MAX);
	assert_int_equal(out[0].at_us, AUDIT_MAX + 5);
	assert_int_equal(audit.events[0].at_us, 6);
	audit_clean_up(&audit);
}

static void an_event_reads_back(void **state)
{
	(void)state;
	struct audit_event event = event_at(1764000000123456, "ia"), again;
	strcpy(event.reason, "\"because\"");
	strcpy(event.job, "66121a1672a34-000001");
	event.version = 7;
	cJSON *json = audit_to_json(&event);
	assert_int_equal(audit_from_json(event.id, json, &again, NULL), ERROR_OK);
	assert_memory_equal(&event, &again, sizeof(event));
	assert_int_equal(audit_from_json("x", json, &again, NULL), ERROR_INVALID);
	cJSON_ReplaceItemInObject(json, "by", cJSON_CreateNumber(1));
	assert_int_equal(audit_from_json(event.id, json, &again, NULL), ERROR_INVALID);
	cJSON_Delete(json);
	assert_int_equal(audit_from_json(event.id, NULL, &again, NULL), ERROR_INVALID);
}

static void names(void **state)
{
	(void)state;
	struct audit_event event = event_at(1764000000123456, "ia");
	assert_true(audit_is_id(event.id));
	assert_memory_equal(event.id, "1764000000123456-", 17);
	static const char *const bad[] = { "", "1764000000123456", "1764000000123456-0000000",
					   "1764000000123456-0000000g",
					   "1764000000123456-000000000" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(audit_is_id(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_listed_newest_first),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(an_event_reads_back),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
