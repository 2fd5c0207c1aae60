/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sources/bar_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE INT64_C(60000000)
#define START  (INT64_C(29188800) * MINUTE) /* 2025-07-01 */

static void a_bar_is_new_late_a_repeat_or_too_old(void **state)
{
	(void)state;
	struct bar_window w;
	bar_window_init(&w, MINUTE);
	assert_int_equal(0, bar_window_last_us(&w));
	assert_int_equal(BAR_NEW, bar_window_look(&w, START));
	bar_window_take(&w, START);
	bar_window_take(&w, START + 2 * MINUTE);
	assert_int_equal(START + 2 * MINUTE, bar_window_last_us(&w));
	assert_int_equal(BAR_REPEAT, bar_window_look(&w, START));
	assert_int_equal(BAR_LATE, bar_window_look(&w, START + MINUTE));
	assert_int_equal(BAR_NEW, bar_window_look(&w, START + 3 * MINUTE));
	bar_window_take(&w, START + MINUTE);
	assert_int_equal(BAR_REPEAT, bar_window_look(&w, START + MINUTE));
	assert_int_equal(BAR_OLD, bar_window_look(&w, START + (2 - BAR_WINDOW_BARS) * MINUTE));
	bar_window_drop(&w, START + MINUTE);
	assert_int_equal(BAR_LATE, bar_window_look(&w, START + MINUTE));
	bar_window_drop(&w, START + 9 * MINUTE); /* never taken: nothing happens */
	assert_int_equal(BAR_NEW, bar_window_look(&w, START + 9 * MINUTE));
}

/* Against a list of everything, over random walks back and forth. */
static void the_window_agrees_with_a_list_of_all(void **state)
{
	(void)state;
	enum { BARS = 20000, STEPS = 40000 };
	static unsigned char taken[BARS];
	struct bar_window w;
	int64_t last = -1, at = 0;
	bar_window_init(&w, MINUTE);
	memset(taken, 0, sizeof(taken));
	srandom(7);
	for (int step = 0; step < STEPS; step++) {
		at += random() % 5 == 0 ? random() % 40 : random() % 3 - 1;
		if (random() % 2000 == 0)
			at += BAR_WINDOW_BARS / 2 + random() % BAR_WINDOW_BARS;
		int64_t bar = at - random() % (random() % 50 == 0 ? 4000 : 20);
		if (at >= BARS - 3000)
			break;
		if (bar < 0 || bar >= BARS)
			continue;
		enum bar_novelty expected = bar > last                      ? BAR_NEW
					    : bar <= last - BAR_WINDOW_BARS ? BAR_OLD
					    : taken[bar]                    ? BAR_REPEAT
									    : BAR_LATE;
		assert_int_equal(expected, bar_window_look(&w, START + bar * MINUTE));
		if (expected == BAR_OLD)
			continue;
		bar_window_take(&w, START + bar * MINUTE);
		taken[bar] = 1;
		last = bar > last ? bar : last;
	}
	assert_true(last > 2 * BAR_WINDOW_BARS);
}

static void a_saved_window_is_the_same(void **state)
{
	(void)state;
	struct bar_window w, again, hourly;
	bar_window_init(&w, MINUTE);
	for (int64_t i = 0; i < 5000; i += 1 + i % 3)
		bar_window_take(&w, START + i * MINUTE);
	cJSON *position = cJSON_CreateObject();
	bar_window_save(&w, position);
	char *printed = cJSON_PrintUnformatted(position);
	cJSON *read = cJSON_Parse(printed);
	bar_window_init(&again, MINUTE);
	assert_int_equal(ERROR_OK, bar_window_restore(&again, read));
	assert_memory_equal(w.taken, again.taken, sizeof(w.taken));
	assert_int_equal(w.last, again.last);
	bar_window_init(&hourly, 60 * MINUTE);
	assert_int_equal(ERROR_INVALID, bar_window_restore(&hourly, read));
	cJSON_ReplaceItemInObject(read, "taken", cJSON_CreateString("00"));
	assert_int_equal(ERROR_INVALID, bar_window_restore(&again, read));
	cJSON_Delete(read);
	free(printed);
	cJSON_Delete(position);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bar_is_new_late_a_repeat_or_too_old),
		cmocka_unit_test(the_window_agrees_with_a_list_of_all),
		cmocka_unit_test(a_saved_window_is_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
