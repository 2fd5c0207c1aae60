/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest_testing.h"
#include "lease.h"

static void no_two_epochs_are_the_same(void **state)
{
	(void)state;
	testing_begin();
	struct lease *one = lease_new(&testing_dataset, 3), *two = lease_new(&testing_dataset, 3);
	assert_string_equal(one->parent, "/r/staging/bitcoin_data/3");
	assert_string_equal(one->parent, two->parent);
	assert_string_not_equal(one->epoch, two->epoch);
	assert_memory_equal(one->folder, one->parent, strlen(one->parent));
	assert_string_equal(one->folder + strlen(one->parent) + 1, one->epoch);
	assert_true(strcmp(one->epoch, two->epoch) < 0 || one->epoch[15] == two->epoch[15]);
	lease_drop(&one);
	lease_drop(&two);
	testing_end();
}

static void lives_until_the_last_holder_lets_go(void **state)
{
	(void)state;
	testing_begin();
	struct lease *one = lease_new(&testing_dataset, 0), *other = lease_hold(one);
	atomic_store(&one->ended, true);
	lease_drop(&one);
	assert_null(one);
	assert_true(atomic_load(&other->ended)); /* still there */
	lease_drop(&other);
	lease_drop(&other); /* nothing to drop */
	testing_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_epochs_are_the_same),
		cmocka_unit_test(lives_until_the_last_holder_lets_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
