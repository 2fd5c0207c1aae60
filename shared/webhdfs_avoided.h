/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DataNodes that are left alone for a while, and what was said of them. Any thread.
 */
#ifndef TICKLINE_WEBHDFS_AVOIDED_H
#define TICKLINE_WEBHDFS_AVOIDED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { AVOIDED_MAX = 64, AVOIDED_NAME = 64 };

struct avoided {
	pthread_mutex_t lock;
	struct avoided_node {
		char name[AVOIDED_NAME];
		int64_t until_us, said_until_us; /* monotonic */
	} nodes[AVOIDED_MAX]; /* once full, the one that is over first makes room */
};

void avoided_init(struct avoided *avoided);
void avoided_clean_up(struct avoided *avoided);

bool avoided_is(struct avoided *avoided, const char *name, int64_t now_us);

/* Notes a failure. True: it is to be told, since none of this node was for `for_us`. */
bool avoided_note(struct avoided *avoided, const char *name, bool avoid, int64_t now_us,
		  int64_t for_us);

#endif
