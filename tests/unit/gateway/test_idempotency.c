/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "idempotency.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

enum { LIMIT = 4, LIMIT_BYTES = 100, TTL_US = 1000 };

struct fixture {
	struct metrics *metrics;
	struct idempotency *table;
};

static int set_up(void **state)
{
	static struct fixture f;
	f.metrics = metrics_new();
	f.table = idempotency_new(&(struct idempotency_options){ .limit = LIMIT,
								 .limit_bytes = LIMIT_BYTES,
								 .ttl_us = TTL_US,
								 .metrics = f.metrics });
	assert_non_null(f.table);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	idempotency_destroy(&f->table);
	metrics_destroy(&f->metrics);
	return 0;
}

static struct idempotency_id id_of(const char *key)
{
	return idempotency_id_of("anonymous", "/v1/ticks", key);
}

/* The answer's data, or NULL; asserts what the claim comes to. */
static char *claim(struct fixture *f, const char *key, int64_t now_us,
		   enum idempotency_claim expected)
{
	struct idempotency_id id = id_of(key);
	struct idempotency_answer known;
	assert_int_equal(expected, idempotency_claim(f->table, &id, now_us, &known));
	assert_true(expected == IDEMPOTENCY_KNOWN || !known.data);
	return known.data;
}

static enum error remember(struct fixture *f, const char *key, int64_t now_us, const char *data)
{
	struct idempotency_id id = id_of(key);
	char *copy = strdup(data);
	enum error error =
		idempotency_remember(f->table, &id, now_us,
				     &(struct idempotency_answer){
					     .status = 200, .data = copy, .length = strlen(data) });
	free(copy);
	return error;
}

static void answer(struct fixture *f, const char *key, int64_t now_us, const char *data)
{
	assert_null(claim(f, key, now_us, IDEMPOTENCY_NEW));
	assert_int_equal(ERROR_OK, remember(f, key, now_us, data));
}

static void assert_known(struct fixture *f, const char *key, int64_t now_us, const char *data)
{
	char *known = claim(f, key, now_us, IDEMPOTENCY_KNOWN);
	assert_non_null(known);
	assert_memory_equal(data, known, strlen(data));
	free(known);
}

static void a_key_is_claimed_once(void **state)
{
	struct fixture *f = *state;
	assert_null(claim(f, "a", 0, IDEMPOTENCY_NEW));
	assert_null(claim(f, "a", 0, IDEMPOTENCY_IN_FLIGHT));
	assert_null(claim(f, "b", 0, IDEMPOTENCY_NEW));
	assert_int_equal(ERROR_OK, remember(f, "a", 0, "{1}"));
	assert_known(f, "a", 0, "{1}");
	assert_known(f, "a", TTL_US - 1, "{1}");
	assert_null(claim(f, "b", TTL_US * 2, IDEMPOTENCY_IN_FLIGHT)); /* never expires */
}

static void a_released_key_never_came(void **state)
{
	struct fixture *f = *state;
	struct idempotency_id id = id_of("a");
	assert_null(claim(f, "a", 0, IDEMPOTENCY_NEW));
	idempotency_release(f->table, &id);
	assert_null(claim(f, "a", 0, IDEMPOTENCY_NEW));
}

static void a_key_is_forgotten_in_time(void **state)
{
	struct fixture *f = *state;
	answer(f, "a", 0, "{1}");
	answer(f, "b", 500, "{2}");
	assert_null(claim(f, "a", TTL_US, IDEMPOTENCY_NEW));
	assert_known(f, "b", TTL_US, "{2}");
	assert_null(claim(f, "b", 500 + TTL_US, IDEMPOTENCY_NEW));
}

static void the_oldest_answer_goes_first(void **state)
{
	struct fixture *f = *state;
	assert_null(claim(f, "slow", 0, IDEMPOTENCY_NEW));
	answer(f, "a", 1, "{1}");
	answer(f, "b", 2, "{2}");
	answer(f, "c", 3, "{3}");
	answer(f, "d", 4, "{4}"); /* for which `a` went */
	assert_known(f, "b", 5, "{2}");
	assert_known(f, "d", 5, "{4}");
	assert_null(claim(f, "a", 5, IDEMPOTENCY_NEW)); /* for which `b` goes */
	assert_known(f, "c", 5, "{3}");
	assert_null(claim(f, "slow", 5, IDEMPOTENCY_IN_FLIGHT)); /* who is at work stays */
}

static void there_is_no_room_when_all_are_at_work(void **state)
{
	struct fixture *f = *state;
	assert_null(claim(f, "a", 0, IDEMPOTENCY_NEW));
	assert_null(claim(f, "b", 0, IDEMPOTENCY_NEW));
	assert_null(claim(f, "c", 0, IDEMPOTENCY_NEW));
	assert_null(claim(f, "d", 0, IDEMPOTENCY_NEW));
	assert_null(claim(f, "e", 0, IDEMPOTENCY_FULL));
	assert_int_equal(ERROR_OK, remember(f, "a", 0, "{}"));
	assert_null(claim(f, "e", 0, IDEMPOTENCY_NEW));
}

static void bytes_are_bounded(void **state)
{
	struct fixture *f = *state;
	char forty[41], large[LIMIT_BYTES + 2];
	snprintf(forty, sizeof(forty), "%040d", 7);
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	answer(f, "a", 0, forty);
	answer(f, "b", 1, forty);
	answer(f, "c", 2, forty); /* 120 bytes are too many */
	assert_null(claim(f, "a", 3, IDEMPOTENCY_NEW));
	assert_known(f, "b", 3, forty);
	/* Larger than all together: the key stays, its answer does not, and no other goes. */
	assert_int_equal(ERROR_LIMIT, remember(f, "a", 4, large));
	assert_null(claim(f, "a", 5, IDEMPOTENCY_KNOWN));
	assert_known(f, "b", 5, forty);
	assert_known(f, "c", 5, forty);
}

static void a_key_is_of_one_principal_and_resource(void **state)
{
	(void)state;
	struct idempotency_id one = idempotency_id_of("a", "b", "c");
	struct idempotency_id others[] = { idempotency_id_of("a", "b", "d"),
					   idempotency_id_of("a", "d", "c"),
					   idempotency_id_of("d", "b", "c"),
					   idempotency_id_of("ab", "", "c"),
					   idempotency_id_of("a", "bc", "") };
	struct idempotency_id same = idempotency_id_of("a", "b", "c");
	assert_memory_equal(&one, &same, sizeof(one));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_memory_not_equal(&one, &others[i], sizeof(one));
}

static void a_key_is_visible_ascii(void **state)
{
	(void)state;
	char longest[IDEMPOTENCY_KEY_MAX + 2];
	memset(longest, 'k', sizeof(longest));
	longest[IDEMPOTENCY_KEY_MAX] = '\0';
	assert_true(idempotency_key_ok("8e03978e-40d5-43e8-bc93-6894a57f9324"));
	assert_true(idempotency_key_ok("\"quoted\""));
	assert_true(idempotency_key_ok(longest));
	longest[IDEMPOTENCY_KEY_MAX] = 'k';
	longest[IDEMPOTENCY_KEY_MAX + 1] = '\0';
	assert_false(idempotency_key_ok(longest));
	assert_false(idempotency_key_ok(""));
	assert_false(idempotency_key_ok("a b"));
	assert_false(idempotency_key_ok("a\n"));
	assert_false(idempotency_key_ok("\xc3\xa9"));
}

static void *claim_many(void *data)
{
	struct fixture *f = data;
	for (int i = 0; i < 2000; i++) {
		char key[8];
		struct idempotency_answer known;
		snprintf(key, sizeof(key), "%d", i % 7);
		struct idempotency_id id = id_of(key);
		if (idempotency_claim(f->table, &id, i, &known) == IDEMPOTENCY_NEW) {
			const struct idempotency_answer answer = { .status = 200 };
			if (i % 3 == 0)
				idempotency_release(f->table, &id);
			else
				(void)idempotency_remember(f->table, &id, i, &answer);
		}
		free(known.data);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, claim_many, f));
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(a_key_is_claimed_once),
		WITH_FIXTURE(a_released_key_never_came),
		WITH_FIXTURE(a_key_is_forgotten_in_time),
		WITH_FIXTURE(the_oldest_answer_goes_first),
		WITH_FIXTURE(there_is_no_room_when_all_are_at_work),
		WITH_FIXTURE(bytes_are_bounded),
		cmocka_unit_test(a_key_is_of_one_principal_and_resource),
		cmocka_unit_test(a_key_is_visible_ascii),
		WITH_FIXTURE(threads_share_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
