/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "block_replies.h"
#include "crc32c.h"

typedef void sums_of(const char *data, size_t size, size_t count, uint32_t *sums);

static sums_of *const ways[] = { crc32c_pieces, crc32c_pieces_plain };
enum { WAYS = sizeof ways / sizeof *ways };

/* RFC 3720, B.4, and the usual check value. */
static void known_sums_come_out(void **state)
{
	(void)state;
	char zeros[32] = { 0 }, ones[32], up[32], down[32];
	memset(ones, 255, sizeof ones);
	for (int i = 0; i < 32; i++) {
		up[i] = (char)i;
		down[i] = (char)(31 - i);
	}
	const struct {
		const char *data;
		size_t length;
		uint32_t sum;
	} known[] = { { zeros, 32, 0x8A9136AA },      { ones, 32, 0x62A8AB43 },
		      { up, 32, 0x46DD794E },         { down, 32, 0x113FDB5C },
		      { "123456789", 9, 0xE3069283 }, { "", 0, 0 } };
	for (size_t way = 0; way < WAYS; way++)
		for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
			uint32_t sum;
			ways[way](known[i].data, known[i].length, 1, &sum);
			assert_int_equal(sum, known[i].sum);
		}
}

/* At any length, alignment and number: each piece's own. */
static void pieces_are_summed_each_for_itself(void **state)
{
	(void)state;
	enum { MOST = 9, LONGEST = 70 };
	char data[8 + MOST * LONGEST];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * i >> 3);
	for (size_t way = 0; way < WAYS; way++)
		for (size_t size = 1; size <= LONGEST; size++)
			for (size_t count = 0; count <= MOST; count++) {
				uint32_t sums[MOST + 1];
				sums[count] = 4711;
				const char *from = data + (size + count) % 8;
				ways[way](from, size, count, sums);
				assert_int_equal(sums[count], 4711);
				for (size_t i = 0; i < count; i++)
					assert_int_equal(sums[i], reply_sum(REPLY_SUM_CRC32C,
									    from + i * size, size));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sums_come_out),
		cmocka_unit_test(pieces_are_summed_each_for_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
