/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libcurl's multi interface carries one transfer at a time: its poll gives back control often
 * enough to look at the cancel flag and at the idle limit, which libcurl only knows in seconds.
 */
#include "http_client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "http_reply.h"
#include "timestamp.h"

enum {
	LOOK_EVERY_MS = 100,
	STREAM_BUFFER = 256 * 1024, /* of what goes to a sink; curl's own takes 16 KiB at a time */
};

struct http_client {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *connect_to;
	bool sending; /* a body, and no answer has come yet */
	struct early_answer early;
	char said[CURL_ERROR_SIZE];
};

/* One call while it runs. */
struct exchange {
	struct http_client *client;
	const struct http_call *call;
	struct http_reply *reply;
	CURL *easy;
	enum error error; /* of a callback: it stopped the transfer */
	bool head_whole;  /* the empty line came: libcurl also takes a head without it for whole */
};

enum error http_client_global_init(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? ERROR_OK : ERROR_SYSTEM;
}

struct http_client *http_client_new(void)
{
	struct http_client *client = calloc(1, sizeof *client);

	if (client == NULL)
		return NULL;
	client->multi = curl_multi_init();
	client->easy = curl_easy_init();
	if (client->multi == NULL || client->easy == NULL)
		http_client_destroy(&client);
	return client;
}

void http_client_destroy(struct http_client **client)
{
	if (*client == NULL)
		return;
	curl_easy_cleanup((*client)->easy);
	curl_multi_cleanup((*client)->multi);
	curl_slist_free_all((*client)->connect_to);
	free(*client);
	*client = NULL;
}

/* "name=address[,…]" to libcurl's "name::address:" (any port, the same port). */
void http_client_map_hosts(struct http_client *client, const char *map)
{
	curl_slist_free_all(client->connect_to);
	client->connect_to = NULL;
	while (*map != '\0') {
		size_t length, name;
		char memory[600];
		struct text entry;
		struct curl_slist *longer;

		map += strspn(map, ", \t");
		length = strcspn(map, ", \t");
		name = strcspn(map, "=");
		if (name < length) {
			text_init_fixed(&entry, memory, sizeof memory);
			text_put(&entry, map, name);
			text_puts(&entry, "::");
			text_put(&entry, map + name + 1, length - name - 1);
			text_putc(&entry, ':');
			longer = curl_slist_append(client->connect_to, memory);
			if (longer != NULL)
				client->connect_to = longer;
		}
		map += length;
	}
}

/* --- what comes back ------------------------------------------------------------------------- */

static size_t stop(struct exchange *exchange, enum error error)
{
	exchange->error = error;
	return 0; /* libcurl: less than was given is a failure */
}

static bool succeeded(CURL *easy)
{
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status <= 299;
}

static size_t on_body(char *data, size_t one, size_t length, void *user)
{
	struct exchange *exchange = user;
	const struct http_call *call = exchange->call;
	enum error error;

	(void)one;
	if (call->sink != NULL && succeeded(exchange->easy)) {
		error = call->sink(data, length, call->sink_user);
		return error == ERROR_OK ? length : stop(exchange, error);
	}
	text_put(&exchange->reply->body, data, length);
	return text_ok(&exchange->reply->body) ? length
					       : stop(exchange, exchange->reply->body.error);
}

/* libcurl gives up a connection that it can't send to, though the server's answer may be there. */
static int on_close(void *user, curl_socket_t fd)
{
	struct http_client *client = user;

	if (client->sending)
		early_answer_take(&client->early, fd);
	client->sending = false;
	return close(fd);
}

static size_t on_header(char *data, size_t one, size_t length, void *user)
{
	struct exchange *exchange = user;

	(void)one;
	exchange->client->sending = false;
	if (length > 5 && memcmp(data, "HTTP/", 5) == 0)
		exchange->head_whole = false;
	else if (length <= 2) /* the rest may be trailers */
		exchange->head_whole = true;
	http_reply_take_line(exchange->reply, data, length);
	return length;
}

/* --- what is sent ---------------------------------------------------------------------------- */

static bool on_loopback(const char *url)
{
	const char *host = strstr(url, "://");

	host = host == NULL ? url : host + 3;
	return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
	       strncmp(host, "[::1]", 5) == 0;
}

static bool names_header(const struct http_call *call, const char *name)
{
	size_t length = strlen(name);

	for (const char *const *h = call->headers; h != NULL && *h != NULL; h++)
		if (strncasecmp(*h, name, length) == 0 && (*h)[length] == ':')
			return true;
	return false;
}

/* The caller's headers, without those that libcurl would add on its own; NULL: no memory. */
static struct curl_slist *build_headers(const struct http_call *call)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:"), *longer = list;

	if (longer != NULL && !names_header(call, "Content-Type"))
		longer = curl_slist_append(list, "Content-Type:");
	for (const char *const *h = call->headers; longer != NULL && h != NULL && *h != NULL; h++)
		longer = curl_slist_append(list, *h);
	if (longer == NULL) {
		curl_slist_free_all(list);
		return NULL;
	}
	return list;
}

static void set_method(CURL *easy, const struct http_call *call)
{
	if (call->body != NULL) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
	} else if (strcmp(call->method, "POST") == 0 || strcmp(call->method, "PUT") == 0) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ""); /* says Content-Length: 0 */
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
	} else if (strcmp(call->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
}

static void set_up(struct http_client *client, struct exchange *exchange,
		   struct curl_slist *headers)
{
	const struct http_call *call = exchange->call;
	CURL *easy = client->easy;

	curl_easy_reset(easy); /* keeps the connections */
	client->said[0] = '\0';
	client->early.length = 0;
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->said);
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "tickline");
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, client->connect_to);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->limits.connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->limits.total_ms);
	if (call->sink != NULL)
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)STREAM_BUFFER);
	if (on_loopback(call->url))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	set_method(easy, call);
}

/* --- running it ------------------------------------------------------------------------------ */

static curl_off_t bytes_moved(CURL *easy)
{
	curl_off_t up = 0, down = 0;
	long head = 0, request = 0;

	curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	curl_easy_getinfo(easy, CURLINFO_HEADER_SIZE, &head);
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request);
	return up + down + head + request;
}

struct idle_watch {
	curl_off_t moved;
	int64_t since_us; /* monotonic */
};

static bool idle_too_long(struct idle_watch *watch, const struct exchange *exchange)
{
	curl_off_t moved = bytes_moved(exchange->easy);
	int64_t now_us = monotonic_now_us();

	if (moved != watch->moved || moved == 0) /* before the first byte connect_ms holds */
		*watch = (struct idle_watch){ moved, now_us };
	return exchange->call->limits.idle_ms > 0 &&
	       now_us - watch->since_us > exchange->call->limits.idle_ms * 1000;
}

static bool is_cancelled(const struct http_call *call)
{
	return call->cancel != NULL && atomic_load(call->cancel);
}

/* Until libcurl is done, or we are: then exchange->error says why and the code is meaningless. */
static CURLcode run(struct http_client *client, struct exchange *exchange)
{
	struct idle_watch watch = { 0, monotonic_now_us() };
	CURLcode code = CURLE_ABORTED_BY_CALLBACK;
	int running = 1, queued;

	while (exchange->error == ERROR_OK) {
		CURLMsg *message;

		if (is_cancelled(exchange->call)) {
			exchange->error = ERROR_CANCELLED;
			break;
		}
		if (curl_multi_perform(client->multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
		message = running > 0 ? NULL : curl_multi_info_read(client->multi, &queued);
		if (message != NULL)
			return message->data.result;
		if (idle_too_long(&watch, exchange)) {
			exchange->error = ERROR_TIMEOUT;
			break;
		}
		curl_multi_poll(client->multi, NULL, 0, LOOK_EVERY_MS, NULL);
	}
	return code;
}

static enum error error_of(CURLcode code, CURL *easy)
{
	long sent = 0;

	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	switch (code) {
	case CURLE_OK:
		return ERROR_OK;
	case CURLE_OUT_OF_MEMORY:
		return ERROR_NO_MEMORY;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return ERROR_UNREACHABLE;
	case CURLE_OPERATION_TIMEDOUT:
		return sent == 0 ? ERROR_UNREACHABLE : ERROR_TIMEOUT;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return ERROR_CLOSED;
	default:
		return ERROR_PROTOCOL;
	}
}

static void explain(const struct http_client *client, const struct exchange *exchange,
		    enum error error, CURLcode code, struct text *why)
{
	const struct http_call *call = exchange->call;

	/* The query may hold a token. */
	why_putf(why, "%s %.*s: ", call->method, (int)strcspn(call->url, "?"), call->url);
	if (exchange->error == ERROR_LIMIT)
		why_putf(why, "the answer is over %zu bytes", call->reply_limit_bytes);
	else if (exchange->error == ERROR_TIMEOUT)
		why_putf(why, "no byte moved for %" PRId64 " ms", call->limits.idle_ms);
	else if (exchange->error != ERROR_OK)
		why_putf(why, "%s", error_text(error));
	else
		why_putf(why, "%s",
			 client->said[0] != '\0' ? client->said : curl_easy_strerror(code));
}

enum error http_client_perform(struct http_client *client, const struct http_call *call,
			       struct http_reply *reply, struct text *why)
{
	struct exchange exchange = {
		.client = client, .call = call, .reply = reply, .easy = client->easy
	};
	struct curl_slist *headers = build_headers(call);
	enum error error = ERROR_NO_MEMORY;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	*reply = (struct http_reply){ 0 };
	text_init(&reply->body, call->reply_limit_bytes);
	http_reply_forget(reply);
	if (headers == NULL)
		return error;
	set_up(client, &exchange, headers);
	if (curl_multi_add_handle(client->multi, client->easy) == CURLM_OK) {
		client->sending = call->body_length > 0;
		code = run(client, &exchange);
		if (exchange.error == ERROR_OK && code == CURLE_OK && !exchange.head_whole)
			exchange.error = ERROR_CLOSED;
		error = exchange.error != ERROR_OK ? exchange.error : error_of(code, client->easy);
		curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &reply->status);
		curl_multi_remove_handle(client->multi, client->easy);
		client->sending = false;
	}
	if (code == CURLE_SEND_ERROR && early_answer_read(&client->early, reply))
		error = ERROR_OK;
	curl_slist_free_all(headers);
	if (error != ERROR_OK)
		explain(client, &exchange, error, code, why);
	return error;
}

void http_reply_clean_up(struct http_reply *reply)
{
	text_clean_up(&reply->body);
}
