/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protobuf.h"

static void what_is_written_is_read(void **state)
{
	(void)state;
	static const uint64_t numbers[] = { 0, 1, 127, 128, 300, 1073741825, UINT64_MAX };
	struct text out;
	struct protobuf_field field;
	text_init(&out, 1000);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		protobuf_put_number(&out, (unsigned)i + 14, numbers[i]);
	protobuf_put_bytes(&out, 3, "a\0b", 3);
	struct slice from = { out.data, out.length };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		assert_true(protobuf_next(&from, &field));
		assert_int_equal(field.key, PROTOBUF_VARINT(i + 14));
		assert_true(field.value == numbers[i]);
	}
	assert_true(protobuf_next(&from, &field));
	assert_int_equal(field.key, PROTOBUF_BYTES(3));
	assert_int_equal(field.bytes.length, 3);
	assert_memory_equal(field.bytes.data, "a\0b", 3);
	assert_false(protobuf_next(&from, &field));
	assert_int_equal(from.length, 0);
	text_clean_up(&out);
}

static void fixed_numbers_are_little_endian(void **state)
{
	(void)state;
	struct slice from = { "\x09\x01\x02\0\0\0\0\0\0\x15\xff\xff\xff\xff", 14 };
	struct protobuf_field field;
	assert_true(protobuf_next(&from, &field));
	assert_int_equal(field.key, PROTOBUF_FIXED_64(1));
	assert_int_equal(field.value, 0x201);
	assert_true(protobuf_next(&from, &field));
	assert_int_equal(field.key, PROTOBUF_FIXED_32(2));
	assert_int_equal(field.value, 0xffffffff);
}

static void what_is_broken_leaves_a_rest(void **state)
{
	(void)state;
	static const struct slice broken[] = {
		{ "\x08", 1 },                                          /* no value */
		{ "\x08\x80", 2 },                                      /* half a varint */
		{ "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11 }, /* over 64 bits */
		{ "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 },
		{ "\x12\x05"
		  "abcd",
		  6 }, /* fewer bytes than told */
		{ "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
		{ "\x09\0\0\0\0\0\0\0", 8 }, /* fixed ones cut */
		{ "\x0d\0\0\0", 4 },
		{ "\x0b\x0c", 2 }, /* a group */
		{ "\x0e", 1 },     /* no type */
		{ "\x00\x01", 2 }, /* no number */
	};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct slice from = broken[i];
		struct protobuf_field field;
		assert_false(protobuf_next(&from, &field));
		assert_true(from.length > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(fixed_numbers_are_little_endian),
		cmocka_unit_test(what_is_broken_leaves_a_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
