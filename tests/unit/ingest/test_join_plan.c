/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which files are joined. A state of the folder is a row of files; joins are carried out on it as
 * HDFS would, so that a test can stop at each step and let another joiner look.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "join_plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct join_rules rules = {
	.bytes = 100, .files = 3, .sources = 4, .published = 1000
};

#define FILE_OF(from, to, size)                                             \
	{                                                                   \
		.range = { 7, from, to }, .length = size, .block_size = 128 \
	}

static struct join_plan plan_of(const struct join_rules *by, const struct join_file *files,
				size_t count)
{
	struct join_plan plan;
	join_plan_init(&plan, by);
	enum error error = ERROR_OK;
	for (size_t i = 0; !error && i < count; i++)
		error = join_plan_add(&plan, &files[i], NULL);
	assert_true(error == ERROR_OK || error == ERROR_CANCELLED);
	return plan;
}

static void check(const struct join_file *files, size_t count, size_t target, size_t taken,
		  int64_t last)
{
	struct join_plan plan = plan_of(&rules, files, count);
	assert_true(join_plan_is_due(&plan));
	assert_int_equal(plan.files[0].range.first, files[target].range.first);
	assert_int_equal(plan.count, taken);
	assert_int_equal(plan.last, last);
}

static void the_leftmost_that_is_not_full_is_the_target(void **state)
{
	(void)state;
	const struct join_file files[] = { FILE_OF(0, 9, 100),  FILE_OF(10, 19, 10),
					   FILE_OF(20, 29, 10), FILE_OF(30, 39, 10),
					   FILE_OF(40, 49, 10), FILE_OF(50, 59, 10),
					   FILE_OF(60, 69, 10) };
	check(files, COUNT(files), 1, 5, 59);
	struct join_plan plan = plan_of(&rules, files, COUNT(files));
	assert_int_equal(plan.behind.last, 9); /* what is full need not be looked at again */
}

static void a_few_wait_for_more(void **state)
{
	(void)state;
	const struct join_file files[] = { FILE_OF(0, 9, 10), FILE_OF(10, 19, 10),
					   FILE_OF(20, 29, 10) };
	struct join_plan plan = plan_of(&rules, files, 2);
	assert_false(join_plan_is_due(&plan));
	assert_int_equal(plan.count, 2);
	check(files, 3, 0, 3, 29);
	plan = plan_of(&rules, files, 1);
	assert_false(join_plan_is_due(&plan));
	plan = plan_of(&rules, files, 0);
	assert_false(join_plan_is_due(&plan));
	/* unless they are enough for a full one */
	const struct join_file large[] = { FILE_OF(0, 9, 60), FILE_OF(10, 19, 40) };
	check(large, 2, 0, 2, 19);
}

static void a_name_that_covers_others_comes_first(void **state)
{
	(void)state;
	const struct join_file two[] = { FILE_OF(0, 19, 10), FILE_OF(10, 19, 10),
					 FILE_OF(20, 29, 10) };
	check(two, 3, 0, 2, 19);
	/* even where the target is full by now, or no more could follow */
	const struct join_file full[] = { FILE_OF(0, 19, 500), FILE_OF(10, 19, 10) };
	check(full, 2, 0, 2, 19);
	/* a cover further on is taken whole */
	const struct join_file nested[] = { FILE_OF(0, 9, 10), FILE_OF(10, 29, 10),
					    FILE_OF(15, 19, 10), FILE_OF(20, 29, 10),
					    FILE_OF(30, 39, 10) };
	check(nested, 5, 0, 4, 29);
	/* two targets, by joiners who differ about what is full: one name for both */
	const struct join_file crossed[] = { FILE_OF(0, 29, 10), FILE_OF(10, 39, 10),
					     FILE_OF(20, 24, 10) };
	check(crossed, 3, 0, 3, 39);
}

static void larger_blocks_end_a_join(void **state)
{
	(void)state;
	struct join_file files[] = { FILE_OF(0, 9, 10), FILE_OF(10, 19, 10), FILE_OF(20, 29, 10),
				     FILE_OF(30, 39, 10), FILE_OF(40, 49, 10) };
	files[2].block_size = 256; /* CONCAT refuses it as a source */
	check(files, 5, 0, 2, 19); /* at once: no more can come */
	/* and where it is the very next, the file before it is through */
	check(files + 1, 4, 1, 3, 49);
}

static void a_hole_is_never_joined_over(void **state)
{
	(void)state;
	const struct join_file files[] = { FILE_OF(0, 9, 10), FILE_OF(11, 19, 10),
					   FILE_OF(20, 29, 10), FILE_OF(30, 39, 10) };
	check(files, 4, 1, 3, 39);
	const struct join_file later[] = { FILE_OF(0, 9, 10), FILE_OF(10, 19, 10),
					   FILE_OF(25, 29, 10) };
	check(later, 3, 0, 2, 19);
}

static void what_is_not_published_yet_is_left_alone(void **state)
{
	(void)state;
	const struct join_rules early = { .bytes = 100, .files = 2, .sources = 4, .published = 29 };
	const struct join_file files[] = { FILE_OF(0, 9, 10), FILE_OF(10, 19, 10),
					   FILE_OF(20, 29, 10), FILE_OF(30, 39, 10) };
	struct join_plan plan = plan_of(&early, files, 4);
	assert_int_equal(plan.count, 3);
	assert_int_equal(plan.last, 29);
}

static void one_concat_takes_only_so_many(void **state)
{
	(void)state;
	struct join_file files[8];
	for (int i = 0; i < 8; i++)
		files[i] = (struct join_file)FILE_OF(10 * i, 10 * i + 9, 1);
	check(files, 8, 0, 5, 49);
	files[0].range.last = 79; /* renamed already, by one who takes more at a time */
	check(files, 8, 0, 5, 79);
}

static void two_of_one_beginning_are_a_conflict(void **state)
{
	(void)state;
	const struct join_file files[] = { FILE_OF(0, 9, 10), FILE_OF(0, 19, 10) };
	struct join_plan plan;
	join_plan_init(&plan, &rules);
	assert_int_equal(join_plan_add(&plan, &files[0], NULL), ERROR_OK);
	struct text why;
	text_init(&why, 1000);
	assert_int_equal(join_plan_add(&plan, &files[1], &why), ERROR_CONFLICT);
	assert_non_null(strstr(why.data, "begin with offset 0"));
	text_clean_up(&why);
}

static void only_files_of_one_format_are_joined(void **state)
{
	(void)state;
	struct join_file files[] = { FILE_OF(0, 9, 10), FILE_OF(10, 19, 10), FILE_OF(20, 29, 10),
				     FILE_OF(30, 39, 10), FILE_OF(40, 49, 10) };
	for (size_t i = 2; i < COUNT(files); i++)
		files[i].range.format = DATA_CSV_GZ;
	check(files, 5, 0, 2, 19);     /* at once: no more can come */
	check(files + 1, 4, 1, 3, 49); /* a single one is through, and the others go on */
	struct join_plan plan = plan_of(&rules, files + 1, 4);
	assert_int_equal(plan.files[0].range.format, DATA_CSV_GZ);
	/* a name that covers a file of another format is no join's work */
	struct join_file covered[] = { FILE_OF(0, 19, 10), FILE_OF(10, 19, 10) };
	covered[1].range.format = DATA_JSONL;
	join_plan_init(&plan, &rules);
	assert_int_equal(join_plan_add(&plan, &covered[0], NULL), ERROR_OK);
	struct text why;
	text_init(&why, 1000);
	assert_int_equal(join_plan_add(&plan, &covered[1], &why), ERROR_CONFLICT);
	assert_non_null(strstr(why.data, "covers one of another format from offset 10"));
	text_clean_up(&why);
}

/* Somebody may hold a CONCAT into an empty file for as long as there is one that it covers. */
static void an_empty_file_goes_only_when_nothing_can_be_appended_to_it(void **state)
{
	(void)state;
	const struct join_file files[] = { FILE_OF(0, 39, 10), FILE_OF(10, 29, 0),
					   FILE_OF(15, 29, 10), FILE_OF(30, 39, 0),
					   FILE_OF(40, 49, 10) };
	struct join_plan plan = plan_of(&rules, files, 5);
	assert_int_equal(plan.count, 4);
	assert_false(join_plan_may_delete(&plan, 0));
	assert_false(join_plan_may_delete(&plan, 1));
	assert_false(join_plan_may_delete(&plan, 2));
	assert_true(join_plan_may_delete(&plan, 3));
	/* the last one: what stands behind it was seen, or that nothing does */
	plan = plan_of(&rules, files, 4);
	assert_true(join_plan_may_delete(&plan, 3));
	const struct join_rules one = { .bytes = 100, .files = 3, .sources = 1, .published = 99 };
	plan = plan_of(&one, files, 5);
	assert_int_equal(plan.count, 2);
	assert_false(join_plan_may_delete(&plan, 1));
}

/* --- any number of joiners -----------------------------------------------------------------------
 */

enum { MOST = 40, ROWS_MAX = 400 };

/* A folder as HDFS keeps it; a file's rows are the numbers of the offsets. */
struct folder {
	struct {
		struct join_file file;
		int rows[ROWS_MAX];
		int count;
	} files[MOST];
	size_t count;
};

static size_t find(const struct folder *folder, const struct file_range *range)
{
	size_t i = 0;
	while (i < folder->count && (folder->files[i].file.range.first != range->first ||
				     folder->files[i].file.range.last != range->last))
		i++;
	return i;
}

static void drop(struct folder *folder, size_t at)
{
	memmove(&folder->files[at], &folder->files[at + 1],
		(folder->count - at - 1) * sizeof folder->files[0]);
	folder->count--;
}

static void make_folder(struct folder *folder)
{
	int offset = 0;
	folder->count = 0;
	while (folder->count < 16) {
		int rows = rand() % 4 * (rand() % 3); /* many are empty */
		int width = rows > 0 ? rows : 1 + rand() % 3;
		size_t at = folder->count++;
		folder->files[at].file =
			(struct join_file)FILE_OF(offset, offset + width - 1, 10 * rows);
		folder->files[at].count = rows;
		for (int i = 0; i < rows; i++)
			folder->files[at].rows[i] = offset + i;
		offset += width;
	}
}

/* Every row once, and in order when the files are read by their names. */
static void check_rows(const struct folder *folder, const int *expected, int count)
{
	int seen = 0;
	for (size_t i = 0; i < folder->count; i++)
		for (int j = 0; j < folder->files[i].count; j++) {
			assert_true(seen < count);
			assert_int_equal(folder->files[i].rows[j], expected[seen]);
			seen++;
		}
	assert_int_equal(seen, count);
}

static int all_rows(const struct folder *folder, int *rows)
{
	int count = 0;
	for (size_t i = 0; i < folder->count; i++)
		for (int j = 0; j < folder->files[i].count; j++)
			rows[count++] = folder->files[i].rows[j];
	return count;
}

/* A joiner that may stand still before each of its steps, for as long as the dice want. */
struct sleeper {
	struct join_rules rules;
	struct join_plan plan;
	size_t deleting;
	enum { LOOKS, RENAMES, APPENDS, DELETES } step;
};

static struct file_range whole(const struct join_plan *plan)
{
	struct file_range range = plan->files[0].range;
	range.last = plan->last;
	return range;
}

static bool step_look(struct sleeper *one, struct folder *folder)
{
	join_plan_init(&one->plan, &one->rules);
	enum error error = ERROR_OK;
	for (size_t i = 0; !error && i < folder->count; i++)
		error = join_plan_add(&one->plan, &folder->files[i].file, NULL);
	assert_int_not_equal(error, ERROR_CONFLICT);
	one->deleting = 1;
	return join_plan_is_due(&one->plan);
}

static bool step_rename(struct sleeper *one, struct folder *folder)
{
	size_t at = find(folder, &one->plan.files[0].range);
	struct file_range to = whole(&one->plan);
	if (to.last == one->plan.files[0].range.last)
		return true;
	if (at == folder->count || find(folder, &to) < folder->count)
		return false;
	folder->files[at].file.range = to;
	return true;
}

static bool step_append(struct sleeper *one, struct folder *folder)
{
	struct file_range to = whole(&one->plan);
	size_t target = find(folder, &to);
	for (size_t i = 1; i < one->plan.count; i++)
		if (one->plan.files[i].length > 0 &&
		    find(folder, &one->plan.files[i].range) == folder->count)
			return false;
	if (target == folder->count)
		return false;
	for (size_t i = 1; i < one->plan.count; i++) {
		size_t at = find(folder, &one->plan.files[i].range);
		if (one->plan.files[i].length == 0)
			continue;
		for (int j = 0; j < folder->files[at].count; j++)
			folder->files[target].rows[folder->files[target].count++] =
				folder->files[at].rows[j];
		folder->files[target].file.length += folder->files[at].file.length;
		drop(folder, at);
		target = find(folder, &to);
	}
	return true;
}

static bool step_delete(struct sleeper *one, struct folder *folder)
{
	while (one->deleting < one->plan.count) {
		size_t i = one->deleting++;
		if (!join_plan_may_delete(&one->plan, i))
			continue;
		size_t at = find(folder, &one->plan.files[i].range);
		if (at < folder->count && folder->files[at].file.length == 0)
			drop(folder, at);
		return true;
	}
	return false;
}

static void take_a_step(struct sleeper *one, struct folder *folder)
{
	static bool (*const steps[])(struct sleeper *, struct folder *) = {
		[LOOKS] = step_look,
		[RENAMES] = step_rename,
		[APPENDS] = step_append,
		[DELETES] = step_delete,
	};
	bool on = steps[one->step](one, folder);
	if (!on)
		one->step = LOOKS;
	else if (one->step != DELETES)
		one->step++;
}

/* Whatever they do in whatever order, with whatever settings, no row is lost, doubled or moved. */
static void joiners_in_any_order_keep_every_row_once(void **state)
{
	(void)state;
	srand(7);
	for (int round = 0; round < 3000; round++) {
		static struct folder folder;
		int rows[ROWS_MAX];
		make_folder(&folder);
		int count = all_rows(&folder, rows);
		struct sleeper sleepers[3] = { 0 };
		for (size_t i = 0; i < COUNT(sleepers); i++)
			sleepers[i].rules = (struct join_rules){
				.bytes = 10 + rand() % 150,
				.files = 2 + rand() % 4,
				.sources = 1 + (size_t)(rand() % 6),
				.published = 1000,
			};
		for (int step = 0; step < 200; step++) {
			take_a_step(&sleepers[rand() % 3], &folder);
			check_rows(&folder, rows, count);
		}
		/* left alone, one of them ends all that was begun */
		sleepers[0].step = LOOKS;
		for (int step = 0; step < 2000; step++)
			take_a_step(&sleepers[0], &folder);
		for (size_t i = 1; i < folder.count; i++)
			assert_true(folder.files[i].file.range.first >
				    folder.files[i - 1].file.range.last);
		check_rows(&folder, rows, count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_leftmost_that_is_not_full_is_the_target),
		cmocka_unit_test(a_few_wait_for_more),
		cmocka_unit_test(a_name_that_covers_others_comes_first),
		cmocka_unit_test(larger_blocks_end_a_join),
		cmocka_unit_test(a_hole_is_never_joined_over),
		cmocka_unit_test(what_is_not_published_yet_is_left_alone),
		cmocka_unit_test(one_concat_takes_only_so_many),
		cmocka_unit_test(two_of_one_beginning_are_a_conflict),
		cmocka_unit_test(only_files_of_one_format_are_joined),
		cmocka_unit_test(an_empty_file_goes_only_when_nothing_can_be_appended_to_it),
		cmocka_unit_test(joiners_in_any_order_keep_every_row_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
