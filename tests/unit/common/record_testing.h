/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of `record` share.
 */
#ifndef TICKLINE_RECORD_TESTING_H
#define TICKLINE_RECORD_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record_internal.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* 2026-11-25T01:00:00Z */
#define NOW_US INT64_C(1795568400000000)

/* As the gateway reads. */
static const struct record_rules strict = {
	.bounds = { 20000, 60000, 1000, 5000 },
	.wall_us = NOW_US,
	.derived_recomputed = true,
};

/* As ingest reads. */
static const struct record_rules lenient = {
	.bounds = { 20000, 60000, 1000, 5000 },
	.wall_us = NOW_US,
	.unknown_ignored = true,
};

typedef enum error (*reader)(const struct record_table *, const struct record_rules *, const char *,
			     size_t, struct record *, struct record_fault *);

/* Hands the input over in memory of its exact length, so that ASan sees a byte read too far. */
static inline enum error read_exact(reader read, enum record_kind kind,
				    const struct record_rules *rules, const char *data,
				    size_t length, struct record *out, struct record_fault *fault)
{
	char *copy = malloc(length + 1);
	assert_non_null(copy);
	memcpy(copy + 1, data, length);
	memset(out, 0xa5, sizeof *out);
	memset(fault, 0, sizeof *fault);
	enum error error = read(record_table(kind), rules, copy + 1, length, out, fault);
	free(copy);
	return error;
}

static inline void written(const struct record *record,
			   void (*write)(const struct record *, struct text *), char out[1024])
{
	struct text text;
	text_init_fixed(&text, out, 1024);
	write(record, &text);
	assert_true(text_ok(&text));
}

static inline void assert_written(const struct record *record, const char *json, const char *csv)
{
	char out[1024];
	written(record, record_write_json, out);
	assert_string_equal(out, json);
	written(record, record_write_csv, out);
	assert_string_equal(out, csv);
}

#endif
