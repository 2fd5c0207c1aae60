/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Invariants: `next` only grows, so that each index is one thread's; `lock` guards `error` and
 * `why`, which are set once. The rest is constant while the threads run.
 */
#include "webhdfs_many.h"

#include <pthread.h>

#include "webhdfs_private.h"

enum { WHY_BYTES = 1024 };

struct many {
	size_t count;
	webhdfs_one *one;
	void *user;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock;
	enum error error;
	struct text *why;
};

struct helper {
	struct many *many;
	struct webhdfs *hdfs;
	pthread_t thread;
};

static void note_error(struct many *many, enum error error, const struct text *why)
{
	pthread_mutex_lock(&many->lock);
	if (!many->error) {
		many->error = error;
		why_putf(many->why, "%s", why->data);
	}
	pthread_mutex_unlock(&many->lock);
	atomic_store(&many->failed, true);
}

static void call_all(struct many *many, struct webhdfs *hdfs)
{
	char memory[WHY_BYTES];
	struct text why;
	while (!atomic_load(&many->failed)) {
		size_t index = atomic_fetch_add(&many->next, 1);
		if (index >= many->count)
			return;
		text_init_fixed(&why, memory, sizeof memory);
		enum error error = many->one(hdfs, index, many->user, &why);
		if (error)
			note_error(many, error, &why);
	}
}

static void *help(void *argument)
{
	struct helper *helper = argument;
	call_all(helper->many, helper->hdfs);
	return NULL;
}

static bool start_helper(struct helper *helper, struct many *many, const struct webhdfs *like)
{
	helper->many = many;
	if (webhdfs_new_like(like, &helper->hdfs))
		return false;
	if (pthread_create(&helper->thread, NULL, help, helper) == 0)
		return true;
	webhdfs_destroy(&helper->hdfs);
	return false;
}

enum error webhdfs_many(struct webhdfs *hdfs, size_t count, webhdfs_one *one, void *user,
			struct text *why)
{
	struct many many = { .count = count, .one = one, .user = user, .why = why };
	struct helper helpers[WEBHDFS_AT_ONCE - 1];
	size_t started = 0;
	pthread_mutex_init(&many.lock, NULL);
	while (started < WEBHDFS_AT_ONCE - 1 && (started + 2) * WEBHDFS_WORTH_ONE <= count &&
	       start_helper(&helpers[started], &many, hdfs))
		started++;
	call_all(&many, hdfs);
	for (size_t i = 0; i < started; i++) {
		pthread_join(helpers[i].thread, NULL);
		webhdfs_destroy(&helpers[i].hdfs);
	}
	pthread_mutex_destroy(&many.lock);
	return many.error;
}
