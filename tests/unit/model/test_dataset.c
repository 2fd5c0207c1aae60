/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dataset.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../common/fake_hdfs.h"
#include "gzip.h"

#define FOLDER "/bitcoin/data/bitcoin_bars"
#define LINE   "2025-07-01T00:00:00.000000Z,1,3,0.5,2,7.25\n"

static const char *const NOT_PUBLISHED[] = {
	"",
	"_SUCCESS",
	"part-00000-00000000000000000000-00000000000000000009.csv._COPYING_",
	"part-00000-00000000000000000000-00000000000000000009.csv.zst",
	"part-00000-00000000000000000000-00000000000000000009.csv.gz.1",
	"part-00000-00000000000000000000-00000000000000000009",
	"part-0000-00000000000000000000-00000000000000000009.csv",
	"part-000000-00000000000000000000-00000000000000000009.csv",
	"part-00000-0000000000000000000-00000000000000000009.csv",
	"part-00000-000000000000000000000-00000000000000000009.csv",
	"part-00000-00000000000000000010-00000000000000000009.csv",
	"part-00000-99999999999999999999-99999999999999999999.csv",
	"part-00000--0000000000000000001-00000000000000000009.csv",
	"Part-00000-00000000000000000000-00000000000000000009.csv",
	".part-00000-00000000000000000000-00000000000000000009.csv",
};

static void names_of_published_files(void **state)
{
	(void)state;
	struct dataset_file file = { .length = 5 };
	char name[DATASET_NAME_LENGTH + 1];
	const char *good = "part-00042-00000000000000000107-09223372036854775807.csv";
	assert_true(dataset_parse_name(good, &file));
	assert_int_equal(file.partition, 42);
	assert_int_equal(file.first, 107);
	assert_true(file.last == INT64_MAX && file.length == 5);
	dataset_print_name(&file, name);
	assert_string_equal(name, good);
	for (enum data_format format = 0; format < DATA_FORMATS; format++) {
		struct dataset_file back;
		file.format = format;
		dataset_print_name(&file, name);
		assert_true(dataset_parse_name(name, &back));
		assert_int_equal(back.format, format);
	}
	for (size_t i = 0; i < sizeof(NOT_PUBLISHED) / sizeof(NOT_PUBLISHED[0]); i++)
		if (dataset_parse_name(NOT_PUBLISHED[i], &file))
			fail_msg("taken: %s", NOT_PUBLISHED[i]);
}

struct seen {
	int records, malformed;
	size_t bytes;
	double last[RECORD_MAX_FIELDS];
};

static void on_record(int64_t timestamp_us, const double *values, void *user)
{
	struct seen *seen = user;
	assert_int_equal(timestamp_us, INT64_C(1751328000000000));
	memcpy(seen->last, values, sizeof(seen->last));
	seen->records++;
}

static void on_malformed(void *user)
{
	((struct seen *)user)->malformed++;
}

static void on_bytes(size_t count, void *user)
{
	((struct seen *)user)->bytes += count;
}

struct fixture {
	struct fake_hdfs *hdfs;
	struct webhdfs *client;
	struct seen seen;
	char memory[500];
	struct text why;
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->hdfs = fake_hdfs_start();
	struct webhdfs_options options = fake_options(f->hdfs);
	text_init_fixed(&f->why, f->memory, sizeof(f->memory));
	assert_int_equal(webhdfs_new(&options, &f->client, NULL), ERROR_OK);
	*state = f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;
	webhdfs_destroy(&f->client);
	fake_hdfs_stop(f->hdfs);
	free(f);
	return 0;
}

static void put_file(struct fixture *f, const struct dataset_file *file, const char *data,
		     size_t length)
{
	char path[200], name[DATASET_NAME_LENGTH + 1];
	dataset_print_name(file, name);
	snprintf(path, sizeof(path), "%s/%s", FOLDER, name);
	fake_put(f->hdfs, path, data, length);
}

static void put(struct fixture *f, int partition, int64_t first, const char *data, size_t length)
{
	const struct dataset_file file = { .partition = partition,
					   .first = first,
					   .last = first + 9 };
	put_file(f, &file, data, length);
}

static void lists_in_the_order_of_offsets(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	assert_int_equal(dataset_list(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(dataset.count, 0);
	dataset_clean_up(&dataset);
	const int order[][2] = { { 1, 30 }, { 0, 20 }, { 1, 10 }, { 0, 100 }, { 0, 0 } };
	for (size_t i = 0; i < 5; i++)
		put(f, order[i][0], order[i][1], LINE, strlen(LINE));
	fake_put(f->hdfs, FOLDER "/_SUCCESS", "", 0);
	fake_put(f->hdfs,
		 FOLDER "/staging/part-00000-00000000000000000000-00000000000000000009.csv", LINE,
		 strlen(LINE));
	assert_int_equal(dataset_list(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(dataset.count, 5);
	assert_int_equal(dataset.ignored, 2);
	assert_int_equal(dataset.bytes, 5 * strlen(LINE));
	const int expected[][2] = { { 0, 0 }, { 0, 20 }, { 0, 100 }, { 1, 10 }, { 1, 30 } };
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(dataset.files[i].partition, expected[i][0]);
		assert_int_equal(dataset.files[i].first, expected[i][1]);
		assert_true(dataset.files[i].plain);
	}
	assert_int_equal(dataset_partition_end(&dataset, 0), 3);
	assert_int_equal(dataset_partition_end(&dataset, 3), 5);
	dataset_clean_up(&dataset);
}

static void folders_of_dates_are_listed_with_the_rest(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	struct dataset_file file = { .first = 10, .last = 19, .date = 20417 };
	char path[200];
	put(f, 0, 0, LINE, strlen(LINE));
	put(f, 0, 20, LINE, strlen(LINE));
	dataset_print_path(FOLDER, &file, path, sizeof(path));
	assert_string_equal(path, FOLDER "/dt=2025-11-25/part-00000-00000000000000000010-"
					 "00000000000000000019.csv");
	fake_put(f->hdfs, path, LINE LINE, 2 * strlen(LINE));
	fake_put(f->hdfs, FOLDER "/dt=2025-11-25/_SUCCESS", "", 0);
	fake_put(f->hdfs,
		 FOLDER "/dt=other/part-00000-00000000000000000090-00000000000000000099.csv", LINE,
		 strlen(LINE));
	assert_int_equal(dataset_list(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(dataset.count, 3);
	assert_int_equal(dataset.ignored, 2);
	assert_int_equal(dataset.bytes, 4 * strlen(LINE));
	assert_int_equal(dataset.files[0].date, DATE_NONE);
	assert_int_equal(dataset.files[1].first, 10);
	assert_int_equal(dataset.files[1].date, 20417);
	const struct dataset_sink sink = { RECORD_ALL_FIELDS, on_record, on_malformed, on_bytes,
					   &f->seen };
	assert_int_equal(dataset_read(f->client, FOLDER, &dataset.files[1], 0,
				      record_table(RECORD_BAR), &sink, &f->why),
			 ERROR_OK);
	assert_int_equal(f->seen.records, 2);
	dataset_clean_up(&dataset);
}

/* What a join leaves: the file with offset 0 holds `lines` and reaches to `last`. */
static void join_to(struct fake_hdfs *hdfs, int64_t from, int64_t last, size_t lines)
{
	struct dataset_file file = { .last = from };
	char path[200];
	pthread_mutex_lock(&hdfs->lock);
	dataset_print_path(FOLDER, &file, path, sizeof(path));
	struct fake_file *found = fake_find(hdfs, path);
	assert_non_null(found);
	file.last = last;
	dataset_print_path(FOLDER, &file, found->path, sizeof(found->path));
	found->listed_length = lines * strlen(LINE);
	pthread_mutex_unlock(&hdfs->lock);
}

static void end_join(struct fake_hdfs *hdfs, int listings)
{
	if (listings == 1)
		join_to(hdfs, 9, 29, 3);
}

static void end_append(struct fake_hdfs *hdfs, int listings)
{
	if (listings == 1)
		join_to(hdfs, 29, 29, 3);
}

/* The first page showed the file of offset 0 before a join, the second what came after it. */
static void a_join_between_two_pages_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	put(f, 0, 0, LINE, strlen(LINE));
	put(f, 0, 30, LINE, strlen(LINE));
	atomic_store(&f->hdfs->in_pages, true);
	f->hdfs->after_listing = end_join;
	assert_int_equal(dataset_list_settled(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(atomic_load(&f->hdfs->listings), 3);
	assert_int_equal(dataset.count, 2);
	assert_int_equal(dataset.files[0].last, 29);
	assert_int_equal(dataset.files[0].length, 3 * strlen(LINE));
	dataset_clean_up(&dataset);
}

/* The same when the name was seen as it is now, and the length as it was. */
static void a_join_seen_by_its_name_only_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	put(f, 0, 0, LINE, strlen(LINE));
	join_to(f->hdfs, 9, 29, 1);
	atomic_store(&f->hdfs->in_pages, true);
	f->hdfs->after_listing = end_append;
	assert_int_equal(dataset_list_settled(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(dataset.files[0].length, 3 * strlen(LINE));
	dataset_clean_up(&dataset);
}

/* One page is of one moment: nothing can have happened within it. */
static void one_page_is_settled(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	put(f, 0, 0, LINE, strlen(LINE));
	put(f, 0, 30, LINE, strlen(LINE));
	f->hdfs->after_listing = end_join;
	assert_int_equal(dataset_list_settled(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(atomic_load(&f->hdfs->listings), 1);
	assert_int_equal(dataset.count, 2);
	dataset_clean_up(&dataset);
}

/* Two folders are two moments. */
static void folders_of_dates_are_listed_again(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	put(f, 0, 0, LINE, strlen(LINE));
	fake_put(f->hdfs,
		 FOLDER "/dt=2025-11-25/part-00000-00000000000000000010-00000000000000000019.csv",
		 LINE, strlen(LINE));
	assert_int_equal(dataset_list_settled(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(atomic_load(&f->hdfs->listings), 4);
	assert_int_equal(dataset.count, 2);
	dataset_clean_up(&dataset);
}

/* So many that they are listed several at a time. */
static void many_dates_are_listed(void **state)
{
	enum { DATES = 60 };
	struct fixture *f = *state;
	struct dataset dataset;
	char path[200];
	put(f, 0, 0, LINE, strlen(LINE));
	for (int i = 0; i < DATES; i++) {
		struct dataset_file file = { .first = 10 + (i * 7) % DATES, .date = 20000 + i };
		file.last = file.first;
		dataset_print_path(FOLDER, &file, path, sizeof(path));
		fake_put(f->hdfs, path, LINE, strlen(LINE));
	}
	assert_int_equal(dataset_list(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(dataset.count, DATES + 1);
	assert_int_equal(dataset.bytes, (DATES + 1) * (int)strlen(LINE));
	for (int i = 0; i < DATES; i++) {
		const struct dataset_file *file = &dataset.files[i + 1];
		assert_int_equal(file->first, 10 + i);
		assert_int_equal(10 + (file->date - 20000) * 7 % DATES, file->first);
	}
	dataset_clean_up(&dataset);
	atomic_store(&f->hdfs->fail_next, 1000000);
	assert_int_not_equal(dataset_list(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	atomic_store(&f->hdfs->fail_next, 0);
	dataset_clean_up(&dataset);
}

static void publish_another(struct fake_hdfs *hdfs, int listings)
{
	struct dataset_file file = { .first = 1000 + listings, .last = 1000 + listings };
	char path[200];
	for (file.partition = 0; file.partition < 2; file.partition++) {
		dataset_print_path(FOLDER, &file, path, sizeof(path));
		fake_put(hdfs, path, LINE, strlen(LINE));
	}
}

static void newer_files_don_t_keep_it_from_settling(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	put(f, 0, 0, LINE, strlen(LINE));
	put(f, 1, 0, LINE, strlen(LINE));
	put(f, 3, 0, LINE, strlen(LINE));
	atomic_store(&f->hdfs->in_pages, true);
	f->hdfs->after_listing = publish_another;
	assert_int_equal(dataset_list_settled(f->client, FOLDER, &dataset, &f->why), ERROR_OK);
	assert_int_equal(atomic_load(&f->hdfs->listings), 2);
	assert_int_equal(dataset.count, 3);
	dataset_clean_up(&dataset);
}

static void join_again(struct fake_hdfs *hdfs, int listings)
{
	join_to(hdfs, 9 + 10 * (listings - 1), 9 + 10 * listings, 1);
}

static void what_never_settles_is_told(void **state)
{
	struct fixture *f = *state;
	struct dataset dataset;
	put(f, 0, 0, LINE, strlen(LINE));
	atomic_store(&f->hdfs->in_pages, true);
	f->hdfs->after_listing = join_again;
	assert_int_equal(dataset_list_settled(f->client, FOLDER, &dataset, &f->why),
			 ERROR_CONFLICT);
	assert_int_equal(atomic_load(&f->hdfs->listings), DATASET_LISTINGS);
	assert_non_null(strstr(f->why.data, "joined faster than listed"));
	dataset_clean_up(&dataset);
}

/* Reads a file that holds `data` and is listed with `listed` bytes. */
static enum error read_bytes(struct fixture *f, const char *data, size_t length, int64_t listed,
			     int64_t from)
{
	struct dataset_file file = { .first = 0, .last = 9, .length = listed };
	const struct dataset_sink sink = { RECORD_ALL_FIELDS, on_record, on_malformed, on_bytes,
					   &f->seen };
	memset(&f->seen, 0, sizeof(f->seen));
	text_reset(&f->why);
	put(f, 0, 0, data, length);
	return dataset_read(f->client, FOLDER, &file, from, record_table(RECORD_BAR), &sink,
			    &f->why);
}

static enum error read_whole(struct fixture *f, const char *data)
{
	return read_bytes(f, data, strlen(data), (int64_t)strlen(data), 0);
}

static void reads_records(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(read_whole(f, LINE LINE LINE), ERROR_OK);
	assert_int_equal(f->seen.records, 3);
	assert_int_equal(f->seen.bytes, 3 * strlen(LINE));
	assert_true(f->seen.last[1] == 1 && f->seen.last[5] == 7.25);
	assert_int_equal(read_whole(f, ""), ERROR_OK);
	assert_int_equal(f->seen.records, 0);
	assert_int_equal(read_whole(f, "\n" LINE "x,y\n" LINE), ERROR_OK);
	assert_int_equal(f->seen.records, 2);
	assert_int_equal(f->seen.malformed, 2);
	const size_t one = strlen(LINE);
	assert_int_equal(read_bytes(f, LINE LINE, 2 * one, (int64_t)(2 * one), (int64_t)one),
			 ERROR_OK);
	assert_int_equal(f->seen.records, 1);
}

static void a_cut_file_is_told(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(read_whole(f, LINE "2025-07-01T00:00:00.0"), ERROR_LENGTH);
	assert_non_null(strstr(f->why.data, "the last line has no end"));
	assert_int_equal(read_bytes(f, LINE, strlen(LINE), 2 * (int64_t)strlen(LINE), 0),
			 ERROR_LENGTH);
	assert_non_null(strstr(f->why.data, "bytes came"));
}

/* Lines cross the borders of the pieces in which a large file comes, and a line that is longer than
 * any record counts once and takes no memory. */
static void large_files_and_long_lines(void **state)
{
	struct fixture *f = *state;
	struct text data;
	text_init(&data, 8 << 20);
	for (int i = 0; i < 50000; i++)
		text_puts(&data, LINE);
	assert_int_equal(read_bytes(f, data.data, data.length, (int64_t)data.length, 0), ERROR_OK);
	assert_int_equal(f->seen.records, 50000);
	for (int i = 0; i < 100000; i++)
		text_puts(&data, "xxxxxxxxxx");
	text_puts(&data, "\n" LINE);
	assert_int_equal(read_bytes(f, data.data, data.length, (int64_t)data.length, 0), ERROR_OK);
	assert_int_equal(f->seen.records, 50001);
	assert_int_equal(f->seen.malformed, 1);
	text_clean_up(&data);
}

/* As read_bytes, of a file of some format; whole as listed. */
static enum error read_format(struct fixture *f, enum data_format format, const struct text *data,
			      int64_t from)
{
	const struct dataset_file file = {
		.first = 0, .last = 9, .length = (int64_t)data->length, .format = format
	};
	const struct dataset_sink sink = { RECORD_ALL_FIELDS, on_record, on_malformed, on_bytes,
					   &f->seen };
	memset(&f->seen, 0, sizeof(f->seen));
	text_reset(&f->why);
	put_file(f, &file, data->data, data->length);
	return dataset_read(f->client, FOLDER, &file, from, record_table(RECORD_BAR), &sink,
			    &f->why);
}

#define JSON                                                                                \
	"{\"timestamp\":\"2025-07-01T00:00:00.000000Z\",\"open\":1,\"high\":3,\"low\":0.5," \
	"\"close\":2,\"volume\":7.25}\n"

static void reads_every_format(void **state)
{
	struct fixture *f = *state;
	for (enum data_format format = 0; format < DATA_FORMATS; format++) {
		const char *line = data_format_is_json(format) ? JSON : LINE;
		struct text data;
		size_t begins[2] = { 0, 0 };
		text_init(&data, 100000);
		for (size_t i = 0; i < 2; i++) { /* as a join would append them */
			begins[i] = data.length;
			if (data_format_is_packed(format))
				assert_int_equal(gzip_pack(line, strlen(line), &data), ERROR_OK);
			else
				text_puts(&data, line);
		}
		assert_int_equal(read_format(f, format, &data, 0), ERROR_OK);
		assert_int_equal(f->seen.records, 2);
		assert_int_equal(f->seen.malformed, 0);
		assert_int_equal(f->seen.bytes, data.length);
		assert_true(f->seen.last[1] == 1 && f->seen.last[5] == 7.25);
		assert_int_equal(read_format(f, format, &data, (int64_t)begins[1]), ERROR_OK);
		assert_int_equal(f->seen.records, 1);
		/* the other kind of line is no record */
		text_reset(&data);
		line = data_format_is_json(format) ? LINE : JSON;
		if (data_format_is_packed(format))
			assert_int_equal(gzip_pack(line, strlen(line), &data), ERROR_OK);
		else
			text_puts(&data, line);
		assert_int_equal(read_format(f, format, &data, 0), ERROR_OK);
		assert_int_equal(f->seen.malformed, 1);
		text_clean_up(&data);
	}
}

static void what_does_not_unpack_is_told(void **state)
{
	struct fixture *f = *state;
	struct text data;
	text_init(&data, 100000);
	assert_int_equal(gzip_pack(LINE, strlen(LINE), &data), ERROR_OK);
	data.length -= 3;
	assert_int_equal(read_format(f, DATA_CSV_GZ, &data, 0), ERROR_LENGTH);
	assert_non_null(strstr(f->why.data, ".csv.gz: the last gzip member has no end"));
	text_reset(&data);
	text_puts(&data, LINE LINE);
	assert_int_equal(read_format(f, DATA_CSV_GZ, &data, 0), ERROR_LENGTH);
	assert_non_null(strstr(f->why.data, "it can't be unpacked"));
	text_reset(&data);
	assert_int_equal(gzip_pack("a,b", 3, &data), ERROR_OK);
	assert_int_equal(read_format(f, DATA_CSV_GZ, &data, 0), ERROR_LENGTH);
	assert_non_null(strstr(f->why.data, "the last line has no end"));
	text_clean_up(&data);
}

static void a_missing_file_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct dataset_file file = { .partition = 3, .length = 10 };
	const struct dataset_sink sink = { RECORD_ALL_FIELDS, on_record, on_malformed, on_bytes,
					   &f->seen };
	assert_int_equal(
		dataset_read(f->client, FOLDER, &file, 0, record_table(RECORD_BAR), &sink, &f->why),
		ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_published_files),
		cmocka_unit_test_setup_teardown(lists_in_the_order_of_offsets, begin, end),
		cmocka_unit_test_setup_teardown(folders_of_dates_are_listed_with_the_rest, begin,
						end),
		cmocka_unit_test_setup_teardown(a_join_between_two_pages_is_noticed, begin, end),
		cmocka_unit_test_setup_teardown(one_page_is_settled, begin, end),
		cmocka_unit_test_setup_teardown(many_dates_are_listed, begin, end),
		cmocka_unit_test_setup_teardown(folders_of_dates_are_listed_again, begin, end),
		cmocka_unit_test_setup_teardown(a_join_seen_by_its_name_only_is_noticed, begin,
						end),
		cmocka_unit_test_setup_teardown(newer_files_don_t_keep_it_from_settling, begin,
						end),
		cmocka_unit_test_setup_teardown(what_never_settles_is_told, begin, end),
		cmocka_unit_test_setup_teardown(reads_records, begin, end),
		cmocka_unit_test_setup_teardown(a_cut_file_is_told, begin, end),
		cmocka_unit_test_setup_teardown(large_files_and_long_lines, begin, end),
		cmocka_unit_test_setup_teardown(reads_every_format, begin, end),
		cmocka_unit_test_setup_teardown(what_does_not_unpack_is_told, begin, end),
		cmocka_unit_test_setup_teardown(a_missing_file_is_not_found, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
