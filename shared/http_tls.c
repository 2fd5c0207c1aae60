/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A certificate that can be replaced while the server runs. civetweb's own context is set up once
 * and never changed afterwards, because its workers read it without a lock; instead each handshake
 * asks here for the certificate of the day.
 *
 * Threads: `lock` guards `current`, the context that holds the newest good certificate. Handshakes
 * take a reference of their own, so that a replaced one lives as long as somebody needs it.
 */
#include "http_tls.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct http_tls {
	const char *path;
	pthread_mutex_t lock;
	SSL_CTX *current;
};

static enum error explain(const char *path, const char *step, struct text *why)
{
	char reason[256] = "no certificate and key";
	unsigned long code = ERR_get_error();

	if (code != 0)
		ERR_error_string_n(code, reason, sizeof reason);
	ERR_clear_error();
	why_putf(why, "tls_certificate %s: %s: %s", path, step, reason);
	return ERROR_SYSTEM;
}

/* A context with the file's certificate, chain and key, which belong together. */
static enum error load(const char *path, SSL_CTX **context, struct text *why)
{
	SSL_CTX *new;
	const char *step;

	if (access(path, R_OK) != 0) {
		why_putf(why, "tls_certificate %s: %s", path, strerror(errno));
		return ERROR_SYSTEM;
	}
	ERR_clear_error();
	new = SSL_CTX_new(TLS_server_method());
	if (new == NULL)
		return ERROR_NO_MEMORY;
	step = "certificate";
	if (SSL_CTX_use_certificate_chain_file(new, path) != 1)
		goto fail;
	step = "key";
	if (SSL_CTX_use_PrivateKey_file(new, path, SSL_FILETYPE_PEM) != 1)
		goto fail;
	step = "key of the certificate";
	if (SSL_CTX_check_private_key(new) != 1)
		goto fail;
	*context = new;
	return ERROR_OK;

fail:
	SSL_CTX_free(new);
	return explain(path, step, why);
}

enum error http_tls_load(const char *path, struct http_tls **tls, struct text *why)
{
	struct http_tls *new = calloc(1, sizeof *new);
	enum error error;

	if (new == NULL)
		return ERROR_NO_MEMORY;
	new->path = path;
	error = load(path, &new->current, why);
	if (error != ERROR_OK) {
		free(new);
		return error;
	}
	pthread_mutex_init(&new->lock, NULL);
	*tls = new;
	return ERROR_OK;
}

enum error http_tls_reload(struct http_tls *tls, struct text *why)
{
	SSL_CTX *new, *old;
	enum error error = load(tls->path, &new, why);

	if (error != ERROR_OK)
		return error;
	pthread_mutex_lock(&tls->lock);
	old = tls->current;
	tls->current = new;
	pthread_mutex_unlock(&tls->lock);
	SSL_CTX_free(old);
	return ERROR_OK;
}

void http_tls_destroy(struct http_tls **tls)
{
	if (*tls == NULL)
		return;
	SSL_CTX_free((*tls)->current);
	pthread_mutex_destroy(&(*tls)->lock);
	free(*tls);
	*tls = NULL;
}

/* OpenSSL asks at each handshake; 1: go on. */
static int give_certificate(SSL *ssl, void *user)
{
	struct http_tls *tls = user;
	STACK_OF(X509) *chain = NULL;
	SSL_CTX *context;
	int given;

	pthread_mutex_lock(&tls->lock);
	context = tls->current;
	SSL_CTX_up_ref(context);
	pthread_mutex_unlock(&tls->lock);
	SSL_CTX_get0_chain_certs(context, &chain);
	given = SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(context),
				     SSL_CTX_get0_privatekey(context), chain, 1);
	SSL_CTX_free(context);
	return given;
}

void http_tls_attach(struct http_tls *tls, void *ssl_context)
{
	SSL_CTX_set_cert_cb(ssl_context, give_certificate, tls);
}
