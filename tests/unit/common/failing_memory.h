/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Makes the nth allocation of the code under test fail. The program is linked with the --wrap flags
 * of the Makefile's FAILING_MEMORY, so include this from one file only.
 *
 *   for (long n = 1; memory_fails_at(n), !whole_step(); n++)
 *           assert_true(memory_failed());
 */
#ifndef TICKLINE_TESTS_FAILING_MEMORY_H
#define TICKLINE_TESTS_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* The library's own, and what the linker puts in their place. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *string);
char *__real_strndup(const char *string, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *string);
char *__wrap_strndup(const char *string, size_t size);

static long memory_countdown; /* 0: allocations succeed */
static bool memory_has_failed;

static inline void memory_fails_at(long nth)
{
	memory_countdown = nth;
	memory_has_failed = false;
}

/* Whether the chosen allocation was reached; from then on allocations succeed again. */
static inline bool memory_failed(void)
{
	memory_countdown = 0;
	return memory_has_failed;
}

static bool memory_fails_now(void)
{
	if (memory_countdown == 0 || --memory_countdown > 0)
		return false;
	memory_has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return memory_fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return memory_fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return memory_fails_now() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *string)
{
	return memory_fails_now() ? NULL : __real_strdup(string);
}

char *__wrap_strndup(const char *string, size_t size)
{
	return memory_fails_now() ? NULL : __real_strndup(string, size);
}

#endif
