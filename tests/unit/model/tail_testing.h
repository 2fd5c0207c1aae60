/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TICKLINE_TEST_TAIL_TESTING_H
#define TICKLINE_TEST_TAIL_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tail.h"

/* The same rows to the bit: they are written the same. */
static inline void assert_same_tail(struct tail *a, struct tail *b)
{
	struct text one, other;
	assert_int_equal(tail_count(a), tail_count(b));
	text_init(&one, 1 << 20);
	text_init(&other, 1 << 20);
	tail_write_json(a, &one);
	tail_write_json(b, &other);
	assert_int_equal(one.error, 0);
	assert_int_equal(one.length, other.length);
	assert_memory_equal(one.data, other.data, one.length);
	text_clean_up(&one);
	text_clean_up(&other);
}

#endif
