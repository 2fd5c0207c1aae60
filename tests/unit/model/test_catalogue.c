/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void models_by_name(void **state)
{
	(void)state;
	static struct catalogue catalogue;
	struct spec spec = *spec_builtin(0);
	for (int i = REGISTRY_MAX_MODELS; i-- > 0;) {
		snprintf(spec.name, sizeof(spec.name), "m%03d", i * 7 % REGISTRY_MAX_MODELS);
		assert_int_equal(catalogue_add(&catalogue, &spec), ERROR_OK);
	}
	assert_int_equal(catalogue_add(&catalogue, &spec), ERROR_EXISTS);
	strcpy(spec.name, "one-more");
	assert_int_equal(catalogue_add(&catalogue, &spec), ERROR_LIMIT);
	for (size_t i = 1; i < catalogue.count; i++)
		assert_true(strcmp(catalogue.models[i - 1]->spec.name,
				   catalogue.models[i]->spec.name) < 0);
	assert_non_null(catalogue_find(&catalogue, "m042"));
	catalogue_remove(&catalogue, "m042");
	catalogue_remove(&catalogue, "m042");
	assert_null(catalogue_find(&catalogue, "m042"));
	assert_non_null(catalogue_find(&catalogue, "m041"));
	assert_non_null(catalogue_find(&catalogue, "m043"));
	assert_int_equal(catalogue.count, REGISTRY_MAX_MODELS - 1);
	catalogue_clean_up(&catalogue);
}

static struct model *a_model(struct catalogue *catalogue)
{
	assert_int_equal(catalogue_add(catalogue, spec_builtin(0)), ERROR_OK);
	return catalogue->models[0];
}

static void versions_in_order_whatever_order_they_come_in(void **state)
{
	(void)state;
	static struct catalogue catalogue;
	struct model *model = a_model(&catalogue);
	assert_int_equal(model_next_version(model), 1);
	for (int64_t i = 0; i < 50; i++) {
		struct version_summary summary = { .number = i * 17 % 50, .rows = i };
		assert_int_equal(model_add_version(model, &summary), ERROR_OK);
		assert_int_equal(model_add_version(model, &summary), ERROR_OK);
	}
	assert_int_equal(model->version_count, 50);
	for (int64_t i = 0; i < 50; i++)
		assert_int_equal(model->versions[i].number, i);
	assert_int_equal(model_next_version(model), 50);
	assert_null(model_find_version(model, 50));
	assert_int_equal(model_find_version(model, 17)->rows, 1);
	catalogue_clean_up(&catalogue);
}

/* promote 1, 2, 3, back (2), back (1), promote 4, back (1) */
static void rollbacks_undo_promotions(void **state)
{
	(void)state;
	static struct catalogue catalogue;
	struct model *model = a_model(&catalogue);
	static const struct {
		int64_t version;
		bool rollback;
		int64_t before;
	} events[] = { { 1, false, -1 }, { 2, false, 1 }, { 3, false, 2 }, { 2, true, 1 },
		       { 1, true, -1 },  { 4, false, 1 }, { 1, true, -1 } };
	assert_null(model_last_event(model));
	assert_int_equal(model_version_before(model), -1);
	for (int64_t i = 1; i <= 4; i++) {
		struct version_summary summary = { .number = i };
		assert_int_equal(model_add_version(model, &summary), ERROR_OK);
	}
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct serving_event event = { .sequence = (int64_t)i + 1,
					       .version = events[i].version,
					       .rollback = events[i].rollback };
		assert_int_equal(model_add_event(model, &event), ERROR_OK);
		assert_int_equal(model_last_event(model)->version, events[i].version);
		assert_int_equal(model_version_before(model), events[i].before);
	}
	catalogue_clean_up(&catalogue);
}

/* An event within a version holds until the next promotion; of two, that of the later version. */
static void events_within_versions_hold_in_their_order(void **state)
{
	(void)state;
	static struct catalogue catalogue;
	struct model *model = a_model(&catalogue);
	static const struct serving_event given[] = {
		{ .sequence = 1, .version = 3, .within = true },
		{ .sequence = 1, .version = 2, .within = true },
		{ .sequence = 2, .version = 1 },
		{ .sequence = 1, .version = 1, .rollback = true },
		{ .sequence = 0, .version = 1, .within = true },
		{ .sequence = 1, .version = 2, .within = true }, /* known already */
	};
	static const int64_t order[] = { 1, 1, 2, 3, 1 };
	for (int64_t i = 1; i <= 3; i++) {
		struct version_summary summary = { .number = i };
		assert_int_equal(model_add_version(model, &summary), ERROR_OK);
	}
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		assert_int_equal(model_add_event(model, &given[i]), ERROR_OK);
	assert_int_equal(model->event_count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(model->events[i].version, order[i]);
	assert_true(model->events[1].rollback && model->events[2].within);
	assert_int_equal(model_last_event(model)->sequence, 2);
	assert_int_equal(model_version_before(model), 3);
	model_drop_version(model, 3);
	assert_int_equal(model->event_count, 4);
	assert_int_equal(model_version_before(model), 2);
	catalogue_clean_up(&catalogue);
}

static void what_is_not_on_hdfs_is_known(void **state)
{
	(void)state;
	static struct catalogue catalogue;
	struct model *model = a_model(&catalogue);
	for (int64_t i = 1; i <= 3; i++) {
		struct version_summary summary = { .number = i, .on_hdfs = i == 2 };
		assert_int_equal(model_add_version(model, &summary), ERROR_OK);
	}
	assert_int_equal(model_find_behind(model)->number, 1);
	assert_int_equal(model_count_behind(model), 2);
	assert_true(model_set_on_hdfs(model, 1));
	assert_false(model_set_on_hdfs(model, 1));
	assert_false(model_set_on_hdfs(model, 9));
	assert_int_equal(model_find_behind(model)->number, 3);
	model_set_on_hdfs(model, 3);
	assert_null(model_find_behind(model));
	assert_int_equal(model_count_behind(model), 0);
	model->claimed = 7;
	assert_int_equal(model_next_version(model), 8);
	catalogue_clean_up(&catalogue);
}

static void the_oldest_that_never_served_goes_first(void **state)
{
	(void)state;
	static struct catalogue catalogue;
	struct model *model = a_model(&catalogue);
	assert_int_equal(model_oldest_to_drop(model), -1);
	for (int64_t i = 0; i < 5; i++) {
		struct version_summary summary = { .number = i };
		assert_int_equal(model_add_version(model, &summary), ERROR_OK);
	}
	const int64_t served[] = { 1, 3, 4 };
	for (int64_t i = 0; i < 3; i++) {
		struct serving_event event = { .sequence = i + 1, .version = served[i] };
		assert_int_equal(model_add_event(model, &event), ERROR_OK);
	}
	const int64_t expected[] = { 2, 1, 3, -1 }; /* never 0, never the one that serves */
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(model_oldest_to_drop(model), expected[i]);
		model_drop_version(model, expected[i]);
	}
	assert_int_equal(model->version_count, 2);
	assert_int_equal(model_version_before(model), -1);
	assert_int_equal(model_next_version(model), 5);
	catalogue_clean_up(&catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models_by_name),
		cmocka_unit_test(versions_in_order_whatever_order_they_come_in),
		cmocka_unit_test(rollbacks_undo_promotions),
		cmocka_unit_test(events_within_versions_hold_in_their_order),
		cmocka_unit_test(what_is_not_on_hdfs_is_known),
		cmocka_unit_test(the_oldest_that_never_served_goes_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
