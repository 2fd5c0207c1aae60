/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "yarn/yarn_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct dataset_file files[] = { { 0, 0, 9, 100, DATA_CSV, DATE_NONE, true },
				       { 0, 10, 19, 50, DATA_CSV, DATE_NONE, true },
				       { 2, 0, 4, 0, DATA_CSV, DATE_NONE, true } };
static const struct dataset dataset = { .files = files, .count = 3, .bytes = 150 };

#define REFUSED                                                                                  \
	"\"refused_count\":1,\"refused\":[{\"partition\":0,\"first\":10,\"last\":19,\"length\":" \
	"50,"                                                                                    \
	"\"reason\":\"cut\"}]"

/* A result of no rows, with these partitions and refused files. */
static void write(const struct spec *spec, const char *partitions, const char *refused,
		  struct text *out)
{
	struct partial *partial = partial_new(spec);
	assert_non_null(partial);
	text_reset(out);
	text_putf(out, "{\"partitions\":[%s],%s,\"factors\":", partitions, refused);
	partial_write_json(partial, out);
	text_putc(out, '}');
	partial_destroy(&partial);
}

static enum error read(const struct spec *spec, const struct text *text,
		       struct reading_result *result, struct text *why)
{
	text_reset(why);
	return yarn_result_read(spec, &dataset, text->data, text->length, result, why);
}

static void a_result_becomes_a_reading(void **state)
{
	(void)state;
	struct text text, why;
	struct reading_result result;
	text_init(&text, 1 << 20);
	text_init(&why, 1000);
	write(spec_builtin(0), "{\"partition\":0,\"bytes\":150}", REFUSED, &text);
	assert_int_equal(read(spec_builtin(0), &text, &result, &why), ERROR_OK);
	assert_int_equal(result.reached.count, 2);
	assert_int_equal(result.reached.partitions[0].last, 19);
	assert_int_equal(result.refused_count, 1);
	assert_int_equal(result.refused[0].file.first, 10);
	assert_string_equal(result.refused[0].reason, "cut");
	reading_clean_up(&result);
	text_clean_up(&text);
	text_clean_up(&why);
}

static void a_partition_without_a_line_has_a_new_stream(void **state)
{
	(void)state;
	struct text text, why, stream;
	struct reading_result result;
	const struct spec *spec = spec_builtin(1);
	struct features *features = features_new(spec);
	text_init(&text, 1 << 20);
	text_init(&why, 1000);
	text_init(&stream, 10000);
	text_puts(&stream, "{\"partition\":0,\"bytes\":150,\"pending\":3,\"features\":");
	features_write_json(features, &stream);
	text_putc(&stream, '}');
	write(spec, stream.data, "\"refused_count\":0,\"refused\":[]", &text);
	assert_int_equal(read(spec, &text, &result, &why), ERROR_OK);
	assert_int_equal(result.pending, 3);
	assert_non_null(result.reached.partitions[0].features);
	assert_non_null(result.reached.partitions[1].features);
	reading_clean_up(&result);
	features_destroy(&features);
	text_clean_up(&text);
	text_clean_up(&why);
	text_clean_up(&stream);
}

static void other_bytes_are_a_conflict(void **state)
{
	(void)state;
	static const char *const partitions[] = { "", "{\"partition\":0,\"bytes\":149}",
						  "{\"partition\":0,\"bytes\":150},"
						  "{\"partition\":2,\"bytes\":1}" };
	struct text text, why;
	struct reading_result result;
	text_init(&text, 1 << 20);
	text_init(&why, 1000);
	for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++) {
		write(spec_builtin(0), partitions[i], REFUSED, &text);
		assert_int_equal(read(spec_builtin(0), &text, &result, &why), ERROR_CONFLICT);
		assert_non_null(strstr(why.data, "were listed"));
		reading_clean_up(&result);
	}
	text_clean_up(&text);
	text_clean_up(&why);
}

static void what_is_no_result_is_refused(void **state)
{
	(void)state;
	static const char good[] = "{\"partition\":0,\"bytes\":150}";
	static const char *const refused[] = {
		"\"refused_count\":-1,\"refused\":[]",
		"\"refused_count\":1,\"refused\":7",
		"\"refused_count\":1,\"refused\":[{}]",
		"\"refused_count\":0,\"refused\":[{\"partition\":0,\"first\":1,\"last\":1,"
		"\"length\":1,\"reason\":\"x\"}]",
	};
	struct text text, why;
	struct reading_result result;
	text_init(&text, 1 << 20);
	text_init(&why, 1000);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		write(spec_builtin(0), good, refused[i], &text);
		assert_int_equal(read(spec_builtin(0), &text, &result, &why), ERROR_INVALID);
		reading_clean_up(&result);
	}
	write(spec_builtin(0), "{\"partition\":0,\"bytes\":150},{\"partition\":9,\"bytes\":1}",
	      REFUSED, &text);
	assert_int_equal(read(spec_builtin(0), &text, &result, &why), ERROR_INVALID);
	reading_clean_up(&result);
	write(spec_builtin(1), good, REFUSED, &text); /* an ordered one tells of its streams */
	assert_int_equal(read(spec_builtin(1), &text, &result, &why), ERROR_INVALID);
	reading_clean_up(&result);
	text_reset(&text);
	text_puts(&text, "{\"partitions\":");
	assert_int_equal(read(spec_builtin(0), &text, &result, &why), ERROR_INVALID);
	reading_clean_up(&result);
	text_clean_up(&text);
	text_clean_up(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_becomes_a_reading),
		cmocka_unit_test(a_partition_without_a_line_has_a_new_stream),
		cmocka_unit_test(other_bytes_are_a_conflict),
		cmocka_unit_test(what_is_no_result_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
