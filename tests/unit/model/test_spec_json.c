/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spec.h"

#define HEAD "\"name\":\"m\",\"records\":\"bars\",\"target\":\"close\""
#define ONE  "{" HEAD ",\"features\":[\"open\"]"

static enum error read_spec(const char *text, struct spec *spec, struct text *why)
{
	cJSON *json = cJSON_Parse(text);
	assert_non_null(json);
	enum error error = spec_from_json(json, spec, why);
	cJSON_Delete(json);
	return error;
}

static void defaults(void **state)
{
	(void)state;
	struct spec spec;
	assert_int_equal(read_spec(ONE "}", &spec, NULL), ERROR_OK);
	assert_string_equal(spec.name, "m");
	assert_string_equal(spec.table->plural, "bars");
	assert_string_equal(spec.table->fields[spec.target].name, "close");
	assert_int_equal(spec.feature_count, 1);
	assert_int_equal(spec.features[0].transform, FEATURE_VALUE);
	assert_true(spec.intercept && spec.anchor == -1 && !spec.builtin);
	assert_int_equal(spec.split, SPLIT_SEEDED);
	assert_true(spec.train_fraction == 0.8 && spec.seed == 42);
	assert_int_equal(spec.leakage, LEAKAGE_FLAG);
}

static const char FULL[] =
	"{" HEAD ",\"description\":\"d\",\"features\":["
	"{\"name\":\"now\",\"column\":\"close\"},"
	"{\"name\":\"r\",\"column\":\"close\",\"transform\":\"return\",\"lag_s\":300,\"zero\":0},"
	"{\"name\":\"d\",\"column\":\"high\",\"transform\":\"difference\",\"other\":\"low\"},"
	"{\"name\":\"q\",\"column\":\"volume\",\"transform\":\"ratio\",\"other\":\"open\"},"
	"{\"name\":\"l\",\"column\":\"volume\",\"transform\":\"log\",\"lag_s\":60}],"
	"\"intercept\":false,\"horizon_s\":900,\"tolerance_s\":30,"
	"\"split\":{\"kind\":\"time\",\"train\":0.5},\"leakage\":\"drop\",\"anchor\":\"now\"}";

static void what_is_written_reads_back(void **state)
{
	(void)state;
	struct spec spec, again;
	assert_int_equal(read_spec(FULL, &spec, NULL), ERROR_OK);
	assert_true(spec.features[1].lag_s == 300 && !spec.features[1].zero_drops);
	assert_true(spec.features[3].zero_drops && spec.features[3].other == 1);
	assert_true(spec.anchor == 0 && spec.horizon_s == 900 && !spec.intercept);
	cJSON *json = spec_to_json(&spec);
	assert_int_equal(spec_from_json(json, &again, NULL), ERROR_OK);
	assert_memory_equal(&spec, &again, sizeof(spec));
	cJSON *twice = spec_to_json(&again);
	char *first = cJSON_PrintUnformatted(json), *second = cJSON_PrintUnformatted(twice);
	assert_string_equal(first, second);
	free(first);
	free(second);
	cJSON_Delete(json);
	cJSON_Delete(twice);
}

static void windows_and_hours(void **state)
{
	(void)state;
	struct spec spec, again;
	const char text[] =
		"{" HEAD ",\"tolerance_s\":5,\"features\":["
		"{\"name\":\"m\",\"column\":\"open\",\"transform\":\"mean\",\"window_s\":600},"
		"{\"name\":\"d\",\"column\":\"open\",\"transform\":\"deviation\",\"window_s\":60,"
		"\"lag_s\":30},{\"name\":\"s\",\"transform\":\"hour_sine\"},"
		"{\"name\":\"c\",\"column\":\"timestamp\",\"transform\":\"hour_cosine\"}]}";
	assert_int_equal(read_spec(text, &spec, NULL), ERROR_OK);
	assert_true(spec_is_ordered(&spec));
	assert_int_equal(spec_reach_s(&spec), 605);
	cJSON *json = spec_to_json(&spec);
	assert_int_equal(spec_from_json(json, &again, NULL), ERROR_OK);
	assert_memory_equal(&spec, &again, sizeof(spec));
	cJSON_Delete(json);
	assert_int_equal(read_spec("{" HEAD ",\"features\":[{\"name\":\"s\","
				   "\"transform\":\"hour_sine\"}]}",
				   &spec, NULL),
			 ERROR_OK);
	assert_false(spec_is_ordered(&spec)); /* the hour needs no other record */
}

/* The rows do not depend on it: a factor serves all penalties. */
static void a_ridge_penalty_is_a_number_or_auto(void **state)
{
	(void)state;
	struct spec spec, again;
	const char *const texts[] = { ONE ",\"ridge\":0.25}", ONE ",\"ridge\":\"auto\"}",
				      ONE ",\"ridge\":null}", ONE ",\"ridge\":-0.0}" };
	char hash[4][65];
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(read_spec(texts[i], &spec, NULL), ERROR_OK);
		assert_true(spec.ridge_auto == (i == 1) && spec.ridge == (i == 0 ? 0.25 : 0));
		cJSON *json = spec_to_json(&spec);
		assert_int_equal(spec_from_json(json, &again, NULL), ERROR_OK);
		assert_memory_equal(&spec, &again, sizeof(spec));
		cJSON_Delete(json);
		assert_int_equal(spec_hash(&spec, hash[i]), ERROR_OK);
		assert_string_equal(hash[i], hash[0]);
	}
}

static const struct {
	const char *text;
	const char *says;
} REFUSED[] = {
	{ "[]", "must be an object" },
	{ "{}", "name is missing: it must be a string" },
	{ "{\"name\":\"Ünï\"}", "name is" },
	{ "{\"name\":\"9m\"}", "a letter first" },
	{ "{\"name\":\"m\",\"records\":\"trades\"}", "records is \"trades\"" },
	{ "{\"name\":\"m\",\"records\":\"bars\",\"target\":\"buy_price\"}",
	  "target is \"buy_price\": it must be a column of bars: open, high" },
	{ "{\"name\":\"m\",\"records\":\"bars\",\"target\":\"timestamp\"}", "target is" },
	{ "{" HEAD "}", "features is missing" },
	{ "{" HEAD ",\"features\":[]}", "1 to 32 features" },
	{ "{" HEAD ",\"features\":[7]}", "features[0] must be" },
	{ "{" HEAD ",\"features\":[\"open\",\"nix\"]}", "features[1].column is \"nix\"" },
	{ "{" HEAD ",\"features\":[\"open\",\"open\"]}", "\"open\" is there twice" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"lagg\":1}]}",
	  "features[0].lagg is not a member" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"lag_s\":-1}]}",
	  "features[0].lag_s is -1" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"lag_s\":1.5}]}",
	  "an integer" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"transform\":\"sin\"}]}",
	  "must be one of \"value\"" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"transform\":\"ratio\"}]}",
	  "features[0].other is missing" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"zero\":\"drop\"}]}",
	  "belongs to" },
	{ ONE ",\"horizon_s\":1e9}", "horizon_s is 1000000000" },
	{ ONE ",\"horizon_s\":\"60\"}", "horizon_s is \"60\"" },
	{ ONE ",\"intercept\":1}", "true or false" },
	{ ONE ",\"split\":7}", "split is 7" },
	{ ONE ",\"split\":{\"kind\":\"random\"}}", "split.kind is \"random\"" },
	{ ONE ",\"split\":{\"train\":0}}", "split.train is 0" },
	{ ONE ",\"split\":{\"train\":1.01}}", "split.train" },
	{ ONE ",\"split\":{\"seed\":-1}}", "split.seed" },
	{ ONE ",\"split\":{\"kind\":\"time\",\"seed\":7}}",
	  "split.seed is 7: it belongs to \"seeded\" only" },
	{ ONE ",\"leakage\":\"keep\"}", "leakage is \"keep\"" },
	{ ONE ",\"anchor\":\"close\"}", "anchor is \"close\"" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"window_s\":60}]}",
	  "features[0].window_s is 60: it belongs to \"mean\"" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"transform\":\"mean\"}]}",
	  "features[0].window_s is missing" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\",\"transform\":\"mean\","
	  "\"lag_s\":1,\"window_s\":604800}]}",
	  "together with lag_s" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"transform\":\"deviation\",\"window_s\":9}]}",
	  "features[0].column is missing" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"column\":\"open\","
	  "\"transform\":\"hour_sine\"}]}",
	  "must be \"timestamp\"" },
	{ "{" HEAD ",\"features\":[{\"name\":\"a\",\"lag_s\":60,\"transform\":\"hour_sine\"}]}",
	  "features[0].lag_s is 60" },
	{ ONE ",\"ridge\":-0.1}", "ridge is -0.1: it must be \"auto\" or a number from 0" },
	{ ONE ",\"ridge\":\"some\"}", "ridge is \"some\"" },
	{ ONE ",\"window\":5}", "window is not a member" },
	{ ONE ",\"name\":\"n\"}", "name is there twice" },
};

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(REFUSED) / sizeof(REFUSED[0]); i++) {
		struct spec spec;
		char memory[400];
		struct text why;
		text_init_fixed(&why, memory, sizeof(memory));
		assert_int_equal(read_spec(REFUSED[i].text, &spec, &why), ERROR_INVALID);
		if (!strstr(why.data, REFUSED[i].says))
			fail_msg("%s\nsays: %s", REFUSED[i].text, why.data);
	}
}

static void too_long_texts(void **state)
{
	(void)state;
	struct spec spec;
	char text[SPEC_MAX_DESCRIPTION + 200];
	for (int length = SPEC_MAX_DESCRIPTION; length <= SPEC_MAX_DESCRIPTION + 1; length++) {
		int at = snprintf(text, sizeof(text), ONE ",\"description\":\"");
		memset(text + at, 'x', (size_t)length);
		strcpy(text + at + length, "\"}");
		assert_int_equal(read_spec(text, &spec, NULL),
				 length > SPEC_MAX_DESCRIPTION ? ERROR_INVALID : ERROR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(windows_and_hours),
		cmocka_unit_test(a_ridge_penalty_is_a_number_or_auto),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(too_long_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
