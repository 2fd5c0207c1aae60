/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: `lock` guards `nodes`.
 */
#include "webhdfs_avoided.h"

#include <stdio.h>
#include <string.h>

void avoided_init(struct avoided *avoided)
{
	memset(avoided, 0, sizeof *avoided);
	pthread_mutex_init(&avoided->lock, NULL);
}

void avoided_clean_up(struct avoided *avoided)
{
	pthread_mutex_destroy(&avoided->lock);
}

/* NULL: nothing is known of it. */
static struct avoided_node *find(struct avoided *avoided, const char *name)
{
	for (size_t i = 0; i < AVOIDED_MAX; i++)
		if (strcmp(avoided->nodes[i].name, name) == 0)
			return &avoided->nodes[i];
	return NULL;
}

static struct avoided_node *replace(struct avoided *avoided, const char *name)
{
	struct avoided_node *oldest = &avoided->nodes[0];
	for (size_t i = 1; i < AVOIDED_MAX; i++)
		if (avoided->nodes[i].said_until_us < oldest->said_until_us)
			oldest = &avoided->nodes[i];
	*oldest = (struct avoided_node){ 0 };
	snprintf(oldest->name, sizeof oldest->name, "%s", name);
	return oldest;
}

bool avoided_is(struct avoided *avoided, const char *name, int64_t now_us)
{
	pthread_mutex_lock(&avoided->lock);
	const struct avoided_node *node = find(avoided, name);
	bool is = node && node->until_us > now_us;
	pthread_mutex_unlock(&avoided->lock);
	return is;
}

bool avoided_note(struct avoided *avoided, const char *name, bool avoid, int64_t now_us,
		  int64_t for_us)
{
	pthread_mutex_lock(&avoided->lock);
	struct avoided_node *node = find(avoided, name);
	if (!node)
		node = replace(avoided, name);
	bool said = node->said_until_us > now_us;
	if (avoid)
		node->until_us = now_us + for_us;
	if (!said)
		node->said_until_us = now_us + for_us;
	pthread_mutex_unlock(&avoided->lock);
	return !said;
}
