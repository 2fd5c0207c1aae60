/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Request bodies: how long they may be and take, and what they may be packed with. The limit
 * counts unpacked bytes while they are unpacked, and raw bytes as well, so that neither a bomb nor
 * a body of empty gzip members passes it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "timestamp.h"

enum { INPUT_BYTES = 16384, DISCARD_BYTES = 65536 };

/* --- what the head says ---------------------------------------------------------------------- */

static bool read_length(const char *text, int64_t *length)
{
	int64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value > (INT64_MAX - 9) / 10 ? INT64_MAX - 9 : value * 10 + (*text - '0');
	}
	*length = value;
	return true;
}

/* Stricter than civetweb, whose reading of the length and ours must not differ. */
static const char *read_framing(struct http_request *request)
{
	const struct mg_request_info *info = request->info;
	struct http_body *body = &request->body;
	int64_t length;

	for (int i = 0; i < info->num_headers; i++) {
		const struct mg_header *header = &info->http_headers[i];

		if (strcasecmp(header->name, "Transfer-Encoding") == 0) {
			if (body->chunked || strcasecmp(header->value, "chunked") != 0)
				return "Transfer-Encoding can only be chunked, once";
			body->chunked = true;
		} else if (strcasecmp(header->name, "Content-Length") == 0) {
			if (!read_length(header->value, &length))
				return "Content-Length is not a number";
			if (body->length >= 0 && body->length != length)
				return "Content-Length is given twice";
			body->length = length;
		}
	}
	if (body->chunked && body->length >= 0)
		return "Content-Length and Transfer-Encoding exclude each other";
	return NULL;
}

const char *http_body_announce(struct http_request *request)
{
	struct http_body *body = &request->body;
	const char *expect = http_request_header(request, "Expect");
	const char *flaw;

	*body = (struct http_body){ .length = -1,
				    .limit = request->server->options.body_limit_bytes };
	flaw = read_framing(request);
	body->expects_continue = expect != NULL && strcasecmp(expect, "100-continue") == 0;
	if (flaw == NULL && !body->chunked && body->length <= 0)
		body->state = BODY_DONE;
	return flaw;
}

static bool packing_known(struct http_request *request)
{
	const char *encoding = http_request_header(request, "Content-Encoding");

	if (encoding == NULL || encoding[0] == '\0' || strcasecmp(encoding, "identity") == 0)
		return true;
	request->body.gzip =
		strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0;
	return request->body.gzip;
}

enum error http_body_begin(struct http_request *request)
{
	struct http_body *body = &request->body;

	if (request->matcher->spec->body_limit_bytes != 0)
		body->limit = request->matcher->spec->body_limit_bytes;
	if (body->state == BODY_DONE)
		return ERROR_OK;
	if (!packing_known(request)) {
		http_answer_header(request, "Accept-Encoding", "gzip, identity");
		http_answer_problem(request, 415, "unknown-content-encoding", NULL,
				    "Content-Encoding \"%.100s\" is not supported, gzip is",
				    http_request_header(request, "Content-Encoding"));
		return ERROR_ENCODING;
	}
	if (body->length >= 0 && (uint64_t)body->length > body->limit) {
		http_answer_body_error(request, ERROR_LIMIT);
		return ERROR_LIMIT;
	}
	return ERROR_OK;
}

bool http_body_left(const struct http_request *request)
{
	const struct http_body *body = &request->body;

	return body->state != BODY_DONE && (body->chunked || body->taken != (uint64_t)body->length);
}

bool http_body_discardable(const struct http_request *request)
{
	const struct http_body *body = &request->body;

	return body->state == BODY_UNREAD && !body->chunked && body->length <= DISCARD_BYTES &&
	       !body->expects_continue;
}

void http_body_end(struct http_request *request)
{
	if (request->body.z_open)
		inflateEnd(&request->body.z);
	request->body.z_open = false;
}

/* --- raw bytes ------------------------------------------------------------------------------- */

static void start_reading(struct http_request *request)
{
	struct http_body *body = &request->body;

	body->state = BODY_READING;
	body->deadline_us = monotonic_now_us() + request->server->options.body_timeout_ms * 1000;
	if (body->expects_continue)
		mg_printf(request->connection, "HTTP/1.1 100 Continue\r\n\r\n");
}

/* civetweb tells the end of a chunked body from a failure only by its sign, and a time-out from a
 * lost connection not at all: the clock does. */
static enum error raw_failure(const struct http_request *request, int64_t begun_us, bool struck)
{
	int64_t waited_us = monotonic_now_us() - begun_us;

	if (struck || waited_us >= request->server->options.request_timeout_ms * 1000)
		return ERROR_TIMEOUT;
	return ERROR_CLOSED;
}

static enum error read_raw(struct http_request *request, char *buffer, size_t size, size_t *got)
{
	struct http_body *body = &request->body;
	int64_t begun_us = monotonic_now_us();
	bool struck;
	int n;

	*got = 0;
	if (!body->chunked && body->taken == (uint64_t)body->length)
		return ERROR_OK;
	if (begun_us >= body->deadline_us)
		return ERROR_TIMEOUT;
	http_guard_arm(request, body->deadline_us);
	n = mg_read(request->connection, buffer, size < INPUT_BYTES ? size : INPUT_BYTES);
	struck = http_guard_disarm(request);
	if (n > 0) {
		body->taken += (uint64_t)n;
		*got = (size_t)n;
		return body->taken > body->limit ? ERROR_LIMIT : ERROR_OK;
	}
	if (n == 0 && body->chunked && !struck)
		return ERROR_OK;
	return raw_failure(request, begun_us, struck);
}

/* --- unpacking ------------------------------------------------------------------------------- */

static enum error open_packed(struct http_request *request)
{
	struct worker *worker = request->worker;

	if (request->body.z_open)
		return ERROR_OK;
	if (worker->input == NULL)
		worker->input = malloc(INPUT_BYTES);
	if (worker->input == NULL || inflateInit2(&request->body.z, 15 + 16) != Z_OK)
		return ERROR_NO_MEMORY;
	request->body.z_open = true;
	return ERROR_OK;
}

/* The next input; `*end`: there is none. */
static enum error refill(struct http_request *request, bool *end)
{
	struct http_body *body = &request->body;
	size_t got;
	enum error error = read_raw(request, request->worker->input, INPUT_BYTES, &got);

	body->z.next_in = (unsigned char *)request->worker->input;
	body->z.avail_in = (unsigned)got;
	*end = error == ERROR_OK && got == 0;
	return error;
}

static enum error unpack_some(struct http_request *request, bool *end)
{
	struct http_body *body = &request->body;
	enum error error = body->z.avail_in == 0 ? refill(request, end) : ERROR_OK;
	int result;

	if (error != ERROR_OK)
		return error;
	if (*end) /* between members, or nothing at all was sent */
		return body->z_ended || body->taken == 0 ? ERROR_OK : ERROR_ENCODING;
	if (body->z_ended) { /* gzip members may follow each other */
		inflateReset(&body->z);
		body->z_ended = false;
	}
	result = inflate(&body->z, Z_NO_FLUSH);
	body->z_ended = result == Z_STREAM_END;
	if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR)
		return ERROR_OK;
	return result == Z_MEM_ERROR ? ERROR_NO_MEMORY : ERROR_ENCODING;
}

static enum error read_packed(struct http_request *request, char *buffer, size_t size, size_t *got)
{
	struct http_body *body = &request->body;
	unsigned room = (unsigned)(size < INPUT_BYTES ? size : INPUT_BYTES);
	enum error error = open_packed(request);
	bool end = false;

	body->z.next_out = (unsigned char *)buffer;
	body->z.avail_out = room;
	while (error == ERROR_OK && !end && body->z.avail_out == room)
		error = unpack_some(request, &end);
	*got = room - body->z.avail_out;
	return error;
}

/* --- for handlers ---------------------------------------------------------------------------- */

enum error http_body_read(struct http_request *request, char *buffer, size_t size, size_t *got)
{
	struct http_body *body = &request->body;

	*got = 0;
	if (body->state == BODY_DONE || size == 0)
		return ERROR_OK;
	if (body->state == BODY_FAILED)
		return body->error;
	if (body->state == BODY_UNREAD)
		start_reading(request);
	body->error = body->gzip ? read_packed(request, buffer, size, got)
				 : read_raw(request, buffer, size, got);
	body->unpacked += *got;
	if (body->error == ERROR_OK && body->unpacked > body->limit)
		body->error = ERROR_LIMIT;
	if (body->error != ERROR_OK) {
		body->state = BODY_FAILED;
		*got = 0;
	} else if (*got == 0) {
		body->state = BODY_DONE;
	}
	return body->error;
}

void http_answer_body_error(struct http_request *request, enum error error)
{
	const struct http_server_options *options = &request->server->options;

	request->keep_alive = false;
	switch (error) {
	case ERROR_LIMIT:
		http_answer_problem(request, 413, "body-too-large", NULL,
				    "the body is over %zu bytes, which is the limit here%s",
				    request->body.limit,
				    request->body.gzip ? " after unpacking" : "");
		break;
	case ERROR_TIMEOUT:
		http_answer_problem(request, 408, "body-too-slow", NULL,
				    "no byte came for %lld ms, or the body took over %lld ms",
				    (long long)options->request_timeout_ms,
				    (long long)options->body_timeout_ms);
		break;
	case ERROR_ENCODING:
		http_answer_problem(request, 400, "bad-gzip", NULL,
				    "the body is not whole, well-formed gzip");
		break;
	case ERROR_CLOSED:
		http_answer_problem(request, 400, "body-cut", NULL,
				    "the body ended before its announced length, or a chunk's "
				    "size could not be read");
		break;
	case ERROR_UNAVAILABLE:
		http_answer_retry_after(request, 1);
		http_answer_problem(
			request, 503, "bodies-busy", NULL,
			"the bodies of other requests take the memory that there is for "
			"them, %zu bytes (setting http_bodies_limit_bytes); try again",
			options->bodies_limit_bytes);
		break;
	default:
		http_answer_problem(request, http_status_of(error), "body-failed", NULL, "%s",
				    error_text(error));
	}
}

enum error http_body_hold(struct http_request *request, size_t bytes)
{
	size_t most = request->server->options.bodies_limit_bytes;
	size_t held = atomic_fetch_add(&request->server->held, bytes) + bytes;

	request->body.held += bytes;
	/* Who is alone may have what a body may be. */
	if (most == 0 || held <= most || held == request->body.held)
		return ERROR_OK;
	return ERROR_UNAVAILABLE;
}

void http_body_let_go(struct http_request *request)
{
	if (request->body.held > 0)
		atomic_fetch_sub(&request->server->held, request->body.held);
	request->body.held = 0;
}

enum error http_body_read_all(struct http_request *request, struct text *body)
{
	char buffer[INPUT_BYTES];
	size_t got;
	enum error error;

	do {
		error = http_body_read(request, buffer, sizeof buffer, &got);
		if (error == ERROR_OK)
			error = http_body_hold(request, got);
		if (error == ERROR_OK) {
			text_put(body, buffer, got);
			error = body->error;
		}
	} while (error == ERROR_OK && got > 0);
	if (error != ERROR_OK)
		http_answer_body_error(request, error);
	return error;
}

void http_body_discard(struct http_request *request)
{
	char waste[4096];
	size_t got = 1;

	/* The answer has promised that the connection lives on: the whole of it has the time that a
	 * head has. */
	start_reading(request);
	request->body.deadline_us =
		monotonic_now_us() + request->server->options.request_timeout_ms * 1000;
	while (got > 0 && read_raw(request, waste, sizeof waste, &got) == ERROR_OK)
		;
}
