/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading on from a checkpoint gives what reading everything gives.
 */
#include "checkpoint.h"

#include "fit.h"
#include "reading.h"
#include "tail_testing.h"
#include "training_fixture.h"

static void plan_is(const struct checkpoint *checkpoint, const struct dataset_file *files,
		    size_t count, const int64_t *expected)
{
	struct dataset dataset = { .files = (struct dataset_file *)(uintptr_t)files,
				   .count = count };
	int64_t from[8] = { 0 };
	assert_int_equal(checkpoint_plan(checkpoint, &dataset, from), expected != NULL);
	for (size_t i = 0; expected && i < count; i++)
		assert_int_equal(from[i], expected[i]);
}

/* Read so far: partition 0 to offset 29, 300 bytes; partition 2 to offset 9, 100 bytes. */
static void plans(void **state)
{
	(void)state;
	struct checkpoint_partition partitions[2] = {
		{ .partition = 0, .last = 29, .bytes = 300 },
		{ .partition = 2, .last = 9, .bytes = 100 },
	};
	const struct checkpoint checkpoint = { .partitions = partitions, .count = 2 };
	const struct dataset_file same[] = { { 0, 0, 9, 100, DATA_CSV, DATE_NONE, true },
					     { 0, 10, 29, 200, DATA_CSV, DATE_NONE, true },
					     { 2, 0, 9, 100, DATA_CSV, DATE_NONE, true } };
	plan_is(&checkpoint, same, 3, (int64_t[]){ 100, 200, 100 });
	const struct dataset_file more[] = {
		{ 0, 0, 9, 100, DATA_CSV, DATE_NONE, true },
		{ 0, 10, 29, 200, DATA_CSV, DATE_NONE, true },
		{ 0, 30, 39, 50, DATA_CSV, DATE_NONE, true },
		{ 1, 0, 5, 60, DATA_CSV, DATE_NONE, true },
		{ 2, 0, 9, 100, DATA_CSV, DATE_NONE, true },
	};
	plan_is(&checkpoint, more, 5, (int64_t[]){ 100, 200, 0, 0, 100 });
	const struct dataset_file joined[] = { { 0, 0, 29, 300, DATA_CSV, DATE_NONE, true },
					       { 2, 0, 9, 100, DATA_CSV, DATE_NONE, true } };
	plan_is(&checkpoint, joined, 2, (int64_t[]){ 300, 100 });
	const struct dataset_file joined_beyond[] = { { 0, 0, 9, 100, DATA_CSV, DATE_NONE, true },
						      { 0, 10, 49, 450, DATA_CSV, DATE_NONE, true },
						      { 2, 0, 19, 180, DATA_CSV, DATE_NONE,
							true } };
	plan_is(&checkpoint, joined_beyond, 3, (int64_t[]){ 100, 200, 100 });
	const struct dataset_file half_joined[] = { { 0, 0, 49, 300, DATA_CSV, DATE_NONE, true },
						    { 0, 30, 49, 70, DATA_CSV, DATE_NONE, true },
						    { 2, 0, 9, 100, DATA_CSV, DATE_NONE, true } };
	plan_is(&checkpoint, half_joined, 3, (int64_t[]){ 300, 0, 100 });
	const struct dataset_file longer[] = { { 0, 0, 9, 101, DATA_CSV, DATE_NONE, true },
					       { 0, 10, 29, 200, DATA_CSV, DATE_NONE, true },
					       { 2, 0, 9, 100, DATA_CSV, DATE_NONE, true } };
	plan_is(&checkpoint, longer, 3, NULL);
	const struct dataset_file removed[] = { { 0, 10, 29, 200, DATA_CSV, DATE_NONE, true },
						{ 2, 0, 9, 100, DATA_CSV, DATE_NONE, true } };
	plan_is(&checkpoint, removed, 2, NULL);
	const struct dataset_file partition_gone[] = { { 0, 0, 29, 300, DATA_CSV, DATE_NONE,
							 true } };
	plan_is(&checkpoint, partition_gone, 1, NULL);
}

/* With windows of time, which reach across files. */
static const struct spec *rolling(void)
{
	static struct spec spec;
	cJSON *json = cJSON_Parse(
		"{\"name\":\"rolling\",\"records\":\"bars\",\"target\":\"close\",\"features\":["
		"\"close\","
		"{\"name\":\"mean\",\"column\":\"close\",\"transform\":\"mean\",\"window_s\":3600},"
		"{\"name\":\"wild\",\"column\":\"close\",\"transform\":\"deviation\","
		"\"window_s\":900,\"lag_s\":300},{\"name\":\"hour\",\"transform\":\"hour_sine\"}],"
		"\"horizon_s\":300,\"tolerance_s\":30,\"split\":{\"kind\":\"time\"},"
		"\"anchor\":\"close\"}");
	assert_int_equal(spec_from_json(json, &spec, NULL), ERROR_OK);
	cJSON_Delete(json);
	return &spec;
}

static const struct spec *builtin(const char *name)
{
	if (strcmp(name, "rolling") == 0)
		return rolling();
	for (size_t i = 0; i < spec_builtin_count(); i++)
		if (strcmp(spec_builtin(i)->name, name) == 0)
			return spec_builtin(i);
	fail_msg("there is no %s", name);
	return NULL;
}

/* Bars [first, first + count) of one endless series, as a file. */
static void put_bars(struct fixture *f, int partition, int64_t first, int count)
{
	struct text data;
	char path[200], name[DATASET_NAME_LENGTH + 1];
	struct dataset_file file = { .partition = partition,
				     .first = first,
				     .last = first + count - 1 };
	text_init(&data, 64 << 20);
	for (int64_t i = first; i < first + count; i++) {
		char time[TIMESTAMP_MAX_TEXT];
		uint64_t noise = (uint64_t)(i + partition) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
		double close = 107000 + 300 * sin((double)i / 50) + (double)(noise % 97) / 10;
		timestamp_print(INT64_C(1751328000000000) + i * 60000000, time);
		text_putf(&data, "%s,%.17g,%.17g,%.17g,%.17g,%.17g\n", time,
			  close - (double)(noise % 11), close + (double)(noise % 7),
			  close - (double)(noise % 13), close, (double)(noise % 1000) / 8);
	}
	dataset_print_name(&file, name);
	snprintf(path, sizeof(path), "/bitcoin/data/bitcoin_bars/%s", name);
	fake_put(f->hdfs, path, data.data, data.length);
	text_clean_up(&data);
}

static void read_dataset(struct fixture *f, const struct spec *spec,
			 const struct checkpoint *resume, struct reading_result *result)
{
	static struct reading_progress progress;
	struct webhdfs_options options = fake_options(f->hdfs);
	struct webhdfs *client = NULL;
	struct dataset dataset;
	int64_t from[50];
	memset(&progress, 0, sizeof(progress));
	assert_int_equal(webhdfs_new(&options, &client, NULL), ERROR_OK);
	assert_int_equal(dataset_list(client, "/bitcoin/data/bitcoin_bars", &dataset, NULL),
			 ERROR_OK);
	if (resume)
		assert_true(checkpoint_plan(resume, &dataset, from));
	const struct reading_request request = {
		.spec = spec,
		.folder = "/bitcoin/data/bitcoin_bars",
		.dataset = &dataset,
		.resume = resume,
		.from = resume ? from : NULL,
		.webhdfs = &options,
		.threads = 2,
		.progress = &progress,
	};
	assert_int_equal(reading_run(&request, result, &f->why), ERROR_OK);
	dataset_clean_up(&dataset);
	webhdfs_destroy(&client);
}

static void write_and_read(const struct spec *spec, struct reading_result *result,
			   struct checkpoint *checkpoint)
{
	struct text text;
	struct checkpoint reached = result->reached;
	text_init(&text, 4 << 20);
	reached.partial = result->partial;
	checkpoint_write_json(&reached, spec, &text);
	assert_true(text_ok(&text));
	cJSON *json = cJSON_Parse(text.data);
	assert_non_null(json);
	assert_int_equal(checkpoint_read_json(spec, json, checkpoint, NULL), ERROR_OK);
	cJSON_Delete(json);
	text_clean_up(&text);
}

static void solve(struct rfactor *factor, const struct spec *spec, struct fit *fit)
{
	const struct fit_request request = { .factor = factor,
					     .features = spec->feature_count,
					     .has_last = true,
					     .anchor = spec->anchor };
	assert_int_equal(fit_solve(&request, fit, NULL), ERROR_OK);
}

static void assert_near(double a, double b)
{
	if (isnan(a) != isnan(b) || fabs(a - b) > 1e-12 * fabs(b))
		fail_msg("%.17g is not %.17g: %g", a, b, a / b - 1);
}

/* A value is as good as its standard error. */
static void assert_same_term(const struct fit_term *a, const struct fit_term *b, double tolerance)
{
	assert_int_equal(a->status, b->status);
	if (a->status != FIT_KEPT)
		return;
	double off = fabs(a->value - b->value) / (fabs(b->value) + b->error);
	if (!(off <= tolerance))
		fail_msg("%.17g is not %.17g: %g", a->value, b->value, off);
	assert_near(a->error, b->error);
}

static void assert_same(const struct spec *spec, struct reading_result *a, struct reading_result *b)
{
	const struct partial_counts *x = partial_counts(a->partial);
	const struct partial_counts *y = partial_counts(b->partial);
	struct partial_split left, right;
	struct fit one, other;
	assert_memory_equal(x, y, sizeof(*x));
	assert_int_equal(a->pending, b->pending);
	assert_int_equal(partial_split(a->partial, &left), ERROR_OK);
	assert_int_equal(partial_split(b->partial, &right), ERROR_OK);
	assert_int_equal(left.cut_us, right.cut_us);
	assert_int_equal(rfactor_rows(left.held_out), rfactor_rows(right.held_out));
	solve(left.train, spec, &one);
	solve(right.train, spec, &other);
	/* The intercept is the small difference of price-sized numbers. In a day and a half the
	 * wave of the hour is nearly a part of the trend: the order in which the threads come to
	 * merge shows in the 13th digit of its coefficient. */
	assert_same_term(&one.intercept, &other.intercept, 1e-11);
	for (size_t j = 0; j < one.features; j++)
		assert_same_term(&one.terms[j], &other.terms[j],
				 strcmp(spec->features[j].name, "hour") == 0 ? 1e-11 : 1e-12);
	assert_near(one.s, other.s);
	struct fit_score seen, again;
	fit_score(&one.predictor, one.target_mean, true, spec->feature_count, left.held_out, &seen);
	fit_score(&other.predictor, other.target_mean, true, spec->feature_count, right.held_out,
		  &again);
	assert_near(seen.rmse, again.rmse);
	assert_near(seen.last_rmse, again.last_rmse);
	partial_split_clean_up(&left);
	partial_split_clean_up(&right);
	assert_same_tail(partial_tail(a->partial), partial_tail(b->partial));
}

enum { SPECS = 4 };

/* Files come one after the other; each time only the new ones are read. */
static void incremental_equals_full(void **state)
{
	struct fixture *f = *state;
	struct checkpoint checkpoint;
	const char *const specs[] = { "streamlit", "forecast_1m", "forecast_15m", "rolling" };
	put_bars(f, 0, 0, 500);
	put_bars(f, 1, 0, 40);
	static struct reading_result results[SPECS], full;
	for (size_t s = 0; s < SPECS; s++)
		read_dataset(f, builtin(specs[s]), NULL, &results[s]);
	int64_t next = 500;
	for (int round = 0; round < 6; round++) {
		int count = round == 2 ? 3 : 211; /* also a file shorter than any lag */
		put_bars(f, 0, next, count);
		next += count;
		if (round == 4)
			put_bars(f, 3, 0, 300);
		for (size_t s = 0; s < SPECS; s++) {
			write_and_read(builtin(specs[s]), &results[s], &checkpoint);
			reading_clean_up(&results[s]);
			int before = atomic_load(&f->hdfs->opens);
			read_dataset(f, builtin(specs[s]), &checkpoint, &results[s]);
			assert_int_equal(atomic_load(&f->hdfs->opens) - before, round == 4 ? 2 : 1);
			read_dataset(f, builtin(specs[s]), NULL, &full);
			assert_same(builtin(specs[s]), &results[s], &full);
			reading_clean_up(&full);
			checkpoint_clean_up(&checkpoint);
		}
	}
	for (size_t s = 0; s < SPECS; s++)
		reading_clean_up(&results[s]);
}

static void a_checkpoint_of_another_spec_or_format_is_refused(void **state)
{
	struct fixture *f = *state;
	struct reading_result result;
	struct checkpoint reached, read;
	struct text text;
	put_bars(f, 0, 0, 100);
	read_dataset(f, builtin("streamlit"), NULL, &result);
	text_init(&text, 4 << 20);
	reached = result.reached;
	reached.partial = result.partial;
	checkpoint_write_json(&reached, builtin("streamlit"), &text);
	cJSON *json = cJSON_Parse(text.data);
	assert_int_equal(checkpoint_read_json(builtin("forecast_1m"), json, &read, &f->why),
			 ERROR_INVALID);
	checkpoint_clean_up(&read);
	assert_int_equal(checkpoint_read_json(builtin("streamlit"), json, &read, NULL), ERROR_OK);
	checkpoint_clean_up(&read);
	cJSON *format = cJSON_GetObjectItem(json, "format");
	cJSON_SetNumberValue(format, format->valuedouble - 1); /* rows had other identities then */
	assert_int_equal(checkpoint_read_json(builtin("streamlit"), json, &read, NULL),
			 ERROR_INVALID);
	checkpoint_clean_up(&read);
	cJSON_SetNumberValue(format, format->valuedouble + 1);
	cJSON_DeleteItemFromObject(json, "factors");
	assert_int_equal(checkpoint_read_json(builtin("streamlit"), json, &read, NULL),
			 ERROR_INVALID);
	checkpoint_clean_up(&read);
	cJSON_Delete(json);
	text_clean_up(&text);
	reading_clean_up(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test_setup_teardown(incremental_equals_full, fixture_begin,
						fixture_end),
		cmocka_unit_test_setup_teardown(a_checkpoint_of_another_spec_or_format_is_refused,
						fixture_begin, fixture_end),
	};
	if (http_client_global_init() != ERROR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
