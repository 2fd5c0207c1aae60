/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * librdkafka makes its threads and locks with C11's <threads.h>, which ThreadSanitizer does not
 * know: an allocation in a thread that it did not see being made ends the process. Programs built
 * with SANITIZE=thread link this file, whose functions stand before the C library's and pass
 * through pthread, where the sanitizer sees them. In glibc both kinds have the same layout. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "mtx_t is not a pthread_mutex_t");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "cnd_t is not a pthread_cond_t");
_Static_assert(sizeof(thrd_t) == sizeof(pthread_t), "thrd_t is not a pthread_t");

/* Of the sanitizer's own; no header declares them. */
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

struct start {
	thrd_start_t function;
	void *argument;
};

static int result_of(int code)
{
	return code == 0 ? thrd_success : code == ETIMEDOUT ? thrd_timedout : thrd_error;
}

static void *run(void *data)
{
	struct start start = *(struct start *)data;
	free(data);
	/* What the library's threads do among themselves is guarded by atomic instructions, too,
	 * which cannot be seen in a library that was not built for the sanitizer. Their locks
	 * count all the same, and our callbacks run on our own threads. */
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	int result = start.function(start.argument);
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	return (void *)(intptr_t)result;
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
	struct start *start = malloc(sizeof(*start));
	if (!start)
		return thrd_nomem;
	*start = (struct start){ function, argument };
	int code = pthread_create((pthread_t *)thread, NULL, run, start);
	if (code != 0)
		free(start);
	return result_of(code);
}

int thrd_join(thrd_t thread, int *result)
{
	void *value = NULL;
	int code = pthread_join((pthread_t)thread, &value);
	if (result)
		*result = (int)(intptr_t)value;
	return result_of(code);
}

int mtx_init(mtx_t *mutex, int type)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	if (type & mtx_recursive)
		pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
	int code = pthread_mutex_init((pthread_mutex_t *)mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
	return result_of(code);
}

int mtx_lock(mtx_t *mutex)
{
	return result_of(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
	return result_of(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

void mtx_destroy(mtx_t *mutex)
{
	pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int cnd_init(cnd_t *condition)
{
	return result_of(pthread_cond_init((pthread_cond_t *)condition, NULL));
}

int cnd_signal(cnd_t *condition)
{
	return result_of(pthread_cond_signal((pthread_cond_t *)condition));
}

int cnd_broadcast(cnd_t *condition)
{
	return result_of(pthread_cond_broadcast((pthread_cond_t *)condition));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
	return result_of(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex,
		  const struct timespec *restrict until)
{
	return result_of(pthread_cond_timedwait((pthread_cond_t *)condition,
						(pthread_mutex_t *)mutex, until));
}

void cnd_destroy(cnd_t *condition)
{
	pthread_cond_destroy((pthread_cond_t *)condition);
}
