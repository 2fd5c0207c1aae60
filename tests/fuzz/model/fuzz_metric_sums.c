/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A metrics page of any content, as another service might send it.
 */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "metric_sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct metric_sum sums[] = { { "a", NULL }, { "a", "b=\"c\"" } };
	char *page = malloc(size ? size : 1); /* exactly as long, so that one byte more is seen */
	memcpy(page, data, size);
	for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
		double sum = metric_sum_read(page, size, &sums[i]);
		assert(isnan(sum) || size > 2);
	}
	free(page);
	return 0;
}
