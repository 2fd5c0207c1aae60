/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The certificate of an HTTP server, replaced without a restart.
 */
#ifndef TICKLINE_HTTP_TLS_H
#define TICKLINE_HTTP_TLS_H

#include "error.h"
#include "text.h"

struct http_tls;

/* `path` (kept) is a PEM file with certificate, chain and key. SYSTEM with `why`: it cannot be
 * read, or the key is not the certificate's. */
enum error http_tls_load(const char *path, struct http_tls **tls, struct text *why) MUST_USE;

/* Reads the file again; on failure the old certificate goes on serving. Any thread. */
enum error http_tls_reload(struct http_tls *tls, struct text *why) MUST_USE;
void http_tls_destroy(struct http_tls **tls);

/* Makes each handshake of an OpenSSL context (SSL_CTX *) take the newest certificate. `tls` must
 * outlive it. */
void http_tls_attach(struct http_tls *tls, void *ssl_context);

#endif
