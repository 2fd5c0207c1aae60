/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lease.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "timestamp.h"

/* Sorts by time for people who look; the random half makes it one of its kind. */
static void name_epoch(char *out, size_t size)
{
	static atomic_uint_fast64_t counter;
	uint64_t random;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
		random = (uint64_t)monotonic_now_us() * 2654435761u + (uint64_t)getpid();
	random += atomic_fetch_add(&counter, 1);
	snprintf(out, size, "%016" PRIx64 "-%016" PRIx64, (uint64_t)wall_now_us(), random);
}

struct lease *lease_new(const struct dataset *dataset, int32_t partition)
{
	char epoch[48];
	name_epoch(epoch, sizeof epoch);
	struct lease *lease = calloc(1, sizeof *lease);
	if (!lease)
		return NULL;
	lease->dataset = dataset;
	lease->partition = partition;
	atomic_init(&lease->holders, 1);
	if (asprintf(&lease->parent, "%s/%d", dataset->staging_folder, (int)partition) < 0) {
		lease->parent = NULL;
		goto fail;
	}
	if (asprintf(&lease->folder, "%s/%s", lease->parent, epoch) < 0) {
		lease->folder = NULL;
		goto fail;
	}
	lease->epoch = strrchr(lease->folder, '/') + 1;
	return lease;
fail:
	lease_drop(&lease);
	return NULL;
}

struct lease *lease_hold(struct lease *lease)
{
	int before = atomic_fetch_add(&lease->holders, 1);
	assert(before > 0);
	return lease;
}

void lease_drop(struct lease **lease)
{
	if (!*lease)
		return;
	if (atomic_fetch_sub(&(*lease)->holders, 1) == 1) {
		free((*lease)->parent);
		free((*lease)->folder);
		free(*lease);
	}
	*lease = NULL;
}
