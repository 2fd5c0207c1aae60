/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <cmocka.h>

#include "http_tls.h"

enum { HANDSHAKES = 50 };

static char folder[] = "/tmp/tickline-tls-XXXXXX";
static char served[128]; /* the file that the server reads */

/* NAME.crt, NAME.key and NAME.pem, which holds both. */
static int make_certificate(const char *name)
{
	char command[1024];
	snprintf(command, sizeof command,
		 "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
		 "-nodes -days 2 -subj /CN=%s -keyout %s.key -out %s.crt >/dev/null 2>&1 && "
		 "cat %s.key %s.crt >%s.pem",
		 folder, name, name, name, name, name, name);
	return system(command);
}

/* Puts one file, or two after each other, where the server reads. */
static void serve(const char *first, const char *second)
{
	char command[512];
	snprintf(command, sizeof command, "cd %s && cat %s %s >%s", folder, first, second, served);
	assert_int_equal(system(command), 0);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(served, sizeof served, "%s/served.pem", folder);
	return make_certificate("one") || make_certificate("two");
}

static int remove_folder(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

/* One handshake in memory; writes the common name that the client was shown. */
static bool shake_hands(SSL_CTX *server_context, SSL_CTX *client_context, char name[64])
{
	SSL *server = SSL_new(server_context), *client = SSL_new(client_context);
	BIO *ours, *theirs;
	BIO_new_bio_pair(&ours, 0, &theirs, 0);
	SSL_set_bio(server, ours, ours);
	SSL_set_bio(client, theirs, theirs);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int i = 0; i < 10 && !(SSL_is_init_finished(server) && SSL_is_init_finished(client));
	     i++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
	}
	bool done = SSL_is_init_finished(server) && SSL_is_init_finished(client);
	X509 *shown = SSL_get1_peer_certificate(client);
	name[0] = '\0';
	if (shown)
		X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, 64);
	X509_free(shown);
	SSL_free(server);
	SSL_free(client);
	return done;
}

static void expect_name(struct http_tls *tls, const char *expected)
{
	SSL_CTX *server = SSL_CTX_new(TLS_server_method()); /* has no certificate of its own */
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	char name[64];
	http_tls_attach(tls, server);
	assert_true(shake_hands(server, client, name));
	assert_string_equal(name, expected);
	SSL_CTX_free(server);
	SSL_CTX_free(client);
}

static struct http_tls *load(void)
{
	struct http_tls *tls = NULL;
	struct text why;
	text_init(&why, 1000);
	assert_int_equal(http_tls_load(served, &tls, &why), ERROR_OK);
	text_clean_up(&why);
	return tls;
}

static void a_reload_changes_what_clients_are_shown(void **state)
{
	(void)state;
	serve("one.pem", "");
	struct http_tls *tls = load();
	expect_name(tls, "one");
	serve("two.pem", "");
	expect_name(tls, "one"); /* not before it was asked for */
	assert_int_equal(http_tls_reload(tls, NULL), ERROR_OK);
	expect_name(tls, "two");
	http_tls_destroy(&tls);
	assert_null(tls);
	http_tls_destroy(&tls);
}

static void expect_refused(struct http_tls *tls, const char *reason)
{
	struct text why;
	struct http_tls *other = NULL;
	text_init(&why, 1000);
	assert_int_equal(http_tls_reload(tls, &why), ERROR_SYSTEM);
	if (!strstr(why.data, served) || !strstr(why.data, reason))
		print_error("%s\n", why.data);
	assert_non_null(strstr(why.data, served));
	assert_non_null(strstr(why.data, reason));
	expect_name(tls, "one");
	assert_int_equal(http_tls_load(served, &other, NULL), ERROR_SYSTEM);
	assert_null(other);
	text_clean_up(&why);
}

static void a_bad_file_is_told_and_the_old_certificate_stays(void **state)
{
	(void)state;
	serve("one.pem", "");
	struct http_tls *tls = load();
	serve("one.crt", "");
	expect_refused(tls, "key");
	serve("two.key", "");
	expect_refused(tls, "certificate");
	serve("one.crt", "two.key");
	expect_refused(tls, "key");
	serve("/dev/null", "");
	expect_refused(tls, "certificate");
	assert_int_equal(unlink(served), 0);
	expect_refused(tls, "No such file");
	serve("one.pem", "");
	assert_int_equal(http_tls_reload(tls, NULL), ERROR_OK);
	http_tls_destroy(&tls);
}

static atomic_bool enough;

static void *reload_again_and_again(void *user)
{
	while (!atomic_load(&enough)) {
		enum error error = http_tls_reload(user, NULL);
		assert_int_equal(error, ERROR_OK);
	}
	return NULL;
}

static void handshakes_go_on_while_it_is_replaced(void **state)
{
	(void)state;
	serve("one.pem", "");
	struct http_tls *tls = load();
	pthread_t thread;
	atomic_store(&enough, false);
	assert_int_equal(pthread_create(&thread, NULL, reload_again_and_again, tls), 0);
	for (int i = 0; i < HANDSHAKES; i++)
		expect_name(tls, "one");
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	http_tls_destroy(&tls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reload_changes_what_clients_are_shown),
		cmocka_unit_test(a_bad_file_is_told_and_the_old_certificate_stays),
		cmocka_unit_test(handshakes_go_on_while_it_is_replaced),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
