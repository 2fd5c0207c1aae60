/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repairs of Debian's build of civetweb, by functions that it looks up in the C library and finds
 * here first, since a program's own definitions go before those of its libraries.
 *
 * Stacks. Its threads ask for 100 KiB, and glibc takes every library's thread-local storage out of
 * it: 60 KiB for OpenBLAS and 15 KiB for librdkafka leave a handler 25 KiB, or with a sanitizer no
 * thread at all. A stack is address space only until it is touched.
 *
 * TLS. It opens "libssl.so" and "libcrypto.so", names that only development packages have, and on
 * Debian 12 asks for SSL_get_peer_certificate, which OpenSSL 3 does not have; it does not notice
 * and calls a null pointer. The program has both libraries already and, with the linker's
 * --export-dynamic-symbol, the function; so it is given the program itself.
 */
#include <dlfcn.h>
#include <string.h>

#include <openssl/ssl.h>

#include "http_internal.h"

/* --- stacks ---------------------------------------------------------------------------------- */

typedef int set_stack_size(pthread_attr_t *, size_t);

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
	void *symbol = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
	set_stack_size *next;

	_Static_assert(sizeof next == sizeof symbol, "POSIX: a function's address fits");
	memcpy(&next, &symbol, sizeof next);
	return next(attributes, size < HTTP_STACK_BYTES ? HTTP_STACK_BYTES : size);
}

/* --- TLS ------------------------------------------------------------------------------------- */

typedef void *open_library(const char *, int);

void *dlopen(const char *file, int mode)
{
	void *symbol = dlsym(RTLD_NEXT, "dlopen");
	open_library *next;

	memcpy(&next, &symbol, sizeof next);
	if (file != NULL && (strcmp(file, "libssl.so") == 0 || strcmp(file, "libcrypto.so") == 0))
		file = NULL;
	return next(file, mode);
}

#undef SSL_get_peer_certificate
X509 *SSL_get_peer_certificate(const SSL *ssl);

X509 *SSL_get_peer_certificate(const SSL *ssl)
{
	return SSL_get1_peer_certificate(ssl);
}

void http_civetweb_need(void)
{
	/* A call to this takes the file out of the library, and with it the functions above. */
}
