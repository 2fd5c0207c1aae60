/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Room for handlers. Debian builds civetweb so that each of its threads gets a stack of 100 KiB,
 * and glibc takes every library's thread-local storage out of it: 60 KiB for OpenBLAS and 15 KiB
 * for librdkafka leave a handler 25 KiB, or with a sanitizer no thread at all. civetweb has no
 * setting for it, but it asks for the size by a function of the C library, and a program's own
 * definition of that goes first. A stack is address space only until it is touched.
 */
#include <dlfcn.h>
#include <string.h>

#include "http_internal.h"

/* The C library's next definition, or a sanitizer's. */
typedef int set_stack_size(pthread_attr_t *, size_t);

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
	void *symbol = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
	set_stack_size *next;

	_Static_assert(sizeof next == sizeof symbol, "POSIX: a function's address fits");
	memcpy(&next, &symbol, sizeof next);
	return next(attributes, size < HTTP_STACK_BYTES ? HTTP_STACK_BYTES : size);
}

void http_stack_need(void)
{
	/* A call to this takes the file out of the library, and with it the function above. */
}
