/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gives civetweb's workers a stack that AddressSanitizer can live with. civetweb asks for 100 KB;
 * the sanitizer's thread-local memory takes most of it and its guarded frames the rest, so that a
 * worker ends in a segmentation fault on its first request. Linked into programs that are built
 * with the sanitizer, and into nothing else.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>

enum { ROOM = 1 << 20 };

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
	int (*real)(pthread_attr_t *, size_t);
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
	return real ? real(attributes, size < ROOM ? ROOM : size) : ENOSYS;
}
