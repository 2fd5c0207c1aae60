/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gzip.h"

static enum error keep(const char *data, size_t length, void *user)
{
	text_put(user, data, length);
	return ((struct text *)user)->error;
}

/* In pieces of so many bytes. */
static enum error unpack(const struct text *packed, size_t piece, struct text *out, bool *whole)
{
	struct gunzip *gunzip = gunzip_new();
	assert_non_null(gunzip);
	enum error error = ERROR_OK;
	text_reset(out);
	for (size_t at = 0; !error && at < packed->length; at += piece)
		error = gunzip_take(gunzip, packed->data + at,
				    packed->length - at < piece ? packed->length - at : piece, keep,
				    out);
	*whole = gunzip_is_whole(gunzip);
	gunzip_destroy(&gunzip);
	assert_null(gunzip);
	return error;
}

struct fixture {
	struct text text, packed, out;
	bool whole;
};

static int begin(void **state)
{
	static struct fixture f;
	text_init(&f.text, 1 << 24);
	text_init(&f.packed, 1 << 24);
	text_init(&f.out, 1 << 24);
	*state = &f;
	return 0;
}

static int end(void **state)
{
	struct fixture *f = *state;
	text_clean_up(&f->text);
	text_clean_up(&f->packed);
	text_clean_up(&f->out);
	return 0;
}

static void what_is_packed_unpacks_in_pieces_of_any_size(void **state)
{
	struct fixture *f = *state;
	for (int64_t i = 0; i < 30000; i++)
		text_put_i64(&f->text, i * i * 7919 % 1000003);
	assert_int_equal(gzip_pack(f->text.data, f->text.length, &f->packed), ERROR_OK);
	assert_true(f->packed.length < f->text.length);
	static const size_t pieces[] = { 1, 7, 1000, 1 << 20 };
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(unpack(&f->packed, pieces[i], &f->out, &f->whole), ERROR_OK);
		assert_true(f->whole);
		assert_int_equal(f->out.length, f->text.length);
		assert_memory_equal(f->out.data, f->text.data, f->text.length);
	}
}

static void members_in_a_row_are_one_text(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(gzip_pack("one\n", 4, &f->packed), ERROR_OK);
	size_t first = f->packed.length;
	assert_int_equal(gzip_pack("", 0, &f->packed), ERROR_OK);
	assert_true(f->packed.length > first); /* nothing is a member as well */
	assert_int_equal(gzip_pack("one\n", 4, &f->packed), ERROR_OK);
	assert_memory_equal(f->packed.data, f->packed.data + f->packed.length - first, first);
	for (size_t piece = 1; piece <= f->packed.length; piece++) {
		assert_int_equal(unpack(&f->packed, piece, &f->out, &f->whole), ERROR_OK);
		assert_true(f->whole);
		assert_string_equal(f->out.data, "one\none\n");
	}
}

static void large_repetitions_come_out_whole(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 1 << 20; i++)
		text_putc(&f->text, 'x');
	assert_int_equal(gzip_pack(f->text.data, f->text.length, &f->packed), ERROR_OK);
	assert_int_equal(unpack(&f->packed, 1 << 20, &f->out, &f->whole), ERROR_OK);
	assert_int_equal(f->out.length, 1 << 20);
	assert_true(f->whole);
}

static void what_is_cut_is_not_whole(void **state)
{
	struct fixture *f = *state;
	text_puts(&f->text, "2025-07-01T00:00:00.000000Z,1,2,3\n");
	assert_int_equal(gzip_pack(f->text.data, f->text.length, &f->packed), ERROR_OK);
	size_t first = f->packed.length;
	assert_int_equal(gzip_pack(f->text.data, f->text.length, &f->packed), ERROR_OK);
	size_t all = f->packed.length;
	for (size_t length = 0; length <= all; length++) {
		f->packed.length = length;
		assert_int_equal(unpack(&f->packed, 64, &f->out, &f->whole), ERROR_OK);
		assert_int_equal(f->whole, length == 0 || length == first || length == all);
	}
}

static void what_is_no_gzip_is_told_and_stays_so(void **state)
{
	struct fixture *f = *state;
	text_puts(&f->packed, "2025-07-01T00:00:00.000000Z,1,2,3\n");
	assert_int_equal(unpack(&f->packed, 8, &f->out, &f->whole), ERROR_ENCODING);
	assert_false(f->whole);
	/* rubbish behind a member, and a wrong sum */
	text_reset(&f->packed);
	assert_int_equal(gzip_pack("a\n", 2, &f->packed), ERROR_OK);
	text_puts(&f->packed, "rubbish");
	assert_int_equal(unpack(&f->packed, 3, &f->out, &f->whole), ERROR_ENCODING);
	f->packed.length -= strlen("rubbish");
	f->packed.data[f->packed.length - 8] ^= 1;
	assert_int_equal(unpack(&f->packed, 100, &f->out, &f->whole), ERROR_ENCODING);
	struct gunzip *gunzip = gunzip_new();
	assert_int_equal(gunzip_take(gunzip, "no", 2, keep, &f->out), ERROR_ENCODING);
	assert_int_equal(gunzip_take(gunzip, "\x1f\x8b", 2, keep, &f->out), ERROR_ENCODING);
	gunzip_destroy(&gunzip);
}

static enum error refuse(const char *data, size_t length, void *user)
{
	(void)data;
	(void)length;
	(void)user;
	return ERROR_CANCELLED;
}

static void limits_and_refusals_end_it(void **state)
{
	struct fixture *f = *state;
	char memory[8];
	struct text small;
	text_init_fixed(&small, memory, sizeof memory);
	assert_int_equal(gzip_pack("hello", 5, &small), ERROR_LIMIT);
	assert_int_equal(gzip_pack("hello", 5, &f->packed), ERROR_OK);
	struct gunzip *gunzip = gunzip_new();
	assert_int_equal(gunzip_take(gunzip, f->packed.data, f->packed.length, refuse, NULL),
			 ERROR_CANCELLED);
	gunzip_destroy(&gunzip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_packed_unpacks_in_pieces_of_any_size, begin,
						end),
		cmocka_unit_test_setup_teardown(members_in_a_row_are_one_text, begin, end),
		cmocka_unit_test_setup_teardown(large_repetitions_come_out_whole, begin, end),
		cmocka_unit_test_setup_teardown(what_is_cut_is_not_whole, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_gzip_is_told_and_stays_so, begin, end),
		cmocka_unit_test_setup_teardown(limits_and_refusals_end_it, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
