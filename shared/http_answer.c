/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Answers. Head and body of an ordinary answer leave in one write: two small packets would cost a
 * client a delayed acknowledgement.
 *
 * An ETag is 64 bits that each 8 bytes of the body are mixed into by steps that lose nothing, and
 * the length. It is strong: two bodies with one tag are a matter of chance in 2^64, and no attack
 * is at stake, since a client only compares what this server told it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_internal.h"
#include "log.h"
#include "timestamp.h"
#include "utf8.h"

static const struct {
	enum error error;
	int status;
} status_of[] = {
	{ ERROR_OK, 200 },          { ERROR_LIMIT, 413 },          { ERROR_INVALID, 400 },
	{ ERROR_NOT_FOUND, 404 },   { ERROR_EXISTS, 409 },         { ERROR_CONFLICT, 409 },
	{ ERROR_TIMEOUT, 504 },     { ERROR_CANCELLED, 409 },      { ERROR_ENCODING, 400 },
	{ ERROR_DENIED, 403 },      { ERROR_CREDENTIAL, 401 },     { ERROR_UNAVAILABLE, 503 },
	{ ERROR_UNREACHABLE, 503 }, { ERROR_STANDBY, 503 },        { ERROR_RETRIABLE, 503 },
	{ ERROR_SAFE_MODE, 503 },   { ERROR_QUOTA, 507 },          { ERROR_KAFKA, 503 },
	{ ERROR_FENCED, 409 },      { ERROR_UNKNOWN_OUTCOME, 504 }
};

int http_status_of(enum error error)
{
	for (size_t i = 0; i < sizeof status_of / sizeof *status_of; i++)
		if (status_of[i].error == error)
			return status_of[i].status;
	return 500;
}

/* --- headers --------------------------------------------------------------------------------- */

/* Each answer has several: formatting them would take longer than the rest of it. */
static void put_header(struct text *out, const char *name, const char *value)
{
	text_puts(out, name);
	text_puts(out, ": ");
	text_puts(out, value);
	text_puts(out, "\r\n");
}

void http_answer_header(struct http_request *request, const char *name, const char *value)
{
	if (strpbrk(value, "\r\n") != NULL) {
		log_error("an answer header with a line end was left out", LOG_STR("name", name));
		return;
	}
	put_header(request->headers, name, value);
}

void http_answer_retry_after(struct http_request *request, int64_t seconds)
{
	text_putf(request->headers, "Retry-After: %" PRId64 "\r\n", seconds < 1 ? 1 : seconds);
}

static bool header_given(const struct http_request *request, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = request->headers->data; *line != '\0';) {
		if (strncasecmp(line, name, length) == 0 && line[length] == ':')
			return true;
		line = strstr(line, "\r\n") + 2;
	}
	return false;
}

static const char *date_now(struct worker *worker)
{
	time_t now = (time_t)(wall_now_us() / 1000000);
	struct tm tm;

	if (now != worker->date_second) {
		gmtime_r(&now, &tm);
		strftime(worker->date, sizeof worker->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		worker->date_second = now;
	}
	return worker->date;
}

/* --- ETag ------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

static uint64_t hash_body(const char *data, size_t length)
{
	uint64_t hash = mix(UINT64_C(0x243F6A8885A308D3), length);
	uint64_t word = 0;

	for (; length >= sizeof word; data += sizeof word, length -= sizeof word) {
		memcpy(&word, data, sizeof word);
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, data, length);
	return mix(mix(hash, word), 0);
}

/* If-None-Match: "*", or a list in which weak tags count as well (RFC 9110, 13.1.2). */
static bool none_match_has(const struct http_request *request, const char *tag)
{
	const char *at = http_request_header(request, "If-None-Match");
	size_t length = strlen(tag);

	if (at == NULL)
		return false;
	while (*at != '\0') {
		at += strspn(at, " \t,");
		if (*at == '*')
			return true;
		if (strncmp(at, "W/", 2) == 0)
			at += 2;
		if (strncmp(at, tag, length) == 0)
			return true;
		if (*at == '"') {
			const char *end = strchr(at + 1, '"');

			at = end == NULL ? "" : end + 1;
		} else {
			at += strcspn(at, ",");
		}
	}
	return false;
}

/* --- sending --------------------------------------------------------------------------------- */

static void put_head(struct http_request *request, const char *type, size_t length)
{
	struct text *out = &request->worker->output;
	bool bodiless = request->status == 204 || request->status == 304;

	text_reset(out);
	text_puts(out, "HTTP/1.1 ");
	text_put_i64(out, request->status);
	text_putc(out, ' ');
	text_puts(out, mg_get_response_code_text(request->connection, request->status));
	text_puts(out, "\r\n");
	put_header(out, "Date", date_now(request->worker));
	put_header(out, "X-Request-Id", request->id);
	if (!bodiless) {
		text_puts(out, "Content-Length: ");
		text_put_i64(out, (int64_t)length);
		text_puts(out, "\r\n");
	}
	if (!bodiless && type != NULL) {
		put_header(out, "Content-Type", type);
		put_header(out, "X-Content-Type-Options", "nosniff");
	}
	put_header(out, "Connection", request->keep_alive ? "keep-alive" : "close");
	text_put(out, request->headers->data, request->headers->length);
	text_puts(out, "\r\n");
}

static void send_answer(struct http_request *request, const char *type, const char *data,
			size_t length)
{
	struct text *out = &request->worker->output;
	bool with_body = !request->head_only && request->status != 204 && request->status != 304;
	size_t together = with_body && length <= HTTP_SINGLE_WRITE ? length : 0;
	bool large = with_body && together < length;

	if (!text_ok(request->headers))
		log_error("answer headers were cut", LOG_STR("path", request->path));
	if (http_body_left(request) && !http_body_discardable(request))
		request->keep_alive = false;
	if (!request->keep_alive)
		mg_disable_connection_keep_alive(request->connection);
	put_head(request, type, length);
	text_put(out, data, together);
	if (!text_ok(out)) { /* no memory: nothing that could be said */
		request->keep_alive = false;
		mg_disable_connection_keep_alive(request->connection);
		return;
	}
	if (large)
		http_guard_arm(request, monotonic_now_us() +
						request->server->options.body_timeout_ms * 1000);
	if (mg_write(request->connection, out->data, out->length) == (int)out->length && large)
		mg_write(request->connection, data, length);
	if (large)
		http_guard_disarm(request);
}

static void print_tag(char *tag, size_t size, const char *prefix, const char *data, size_t length)
{
	snprintf(tag, size, "%s\"%016" PRIx64 "-%zx\"", prefix, hash_body(data, length), length);
}

void http_answer_tag_from(struct http_request *request, const char *data, size_t length)
{
	print_tag(request->tag, sizeof request->tag, "W/", data, length);
}

static void tag_answer(struct http_request *request, const char *data, size_t length)
{
	char *tag = request->tag;

	if (*tag == '\0')
		print_tag(tag, sizeof request->tag, "", data, length);
	http_answer_header(request, "ETag", tag);
	if (!header_given(request, "Cache-Control"))
		http_answer_header(request, "Cache-Control", "no-cache");
	if (none_match_has(request, strchr(tag, '"')))
		request->status = 304;
}

void http_answer(struct http_request *request, int status, const char *type, const char *data,
		 size_t length)
{
	if (request->answered) {
		log_error("a handler answered twice", LOG_STR("path", request->path),
			  LOG_I64("status", request->status), LOG_I64("second", status));
		return;
	}
	request->answered = true;
	request->status = status;
	if ((status == 429 || status == 503) && !header_given(request, "Retry-After"))
		http_answer_retry_after(request, 1);
	if (status == 200 && (request->head_only || strcmp(http_method(request), "GET") == 0))
		tag_answer(request, data, length);
	http_observe(request, monotonic_now_us()); /* before a client can look at the metrics */
	send_answer(request, type, data, length);
}

void http_answer_text(struct http_request *request, int status, const char *type,
		      const struct text *body)
{
	if (text_ok(body))
		http_answer(request, status, type, body->data, body->length);
	else
		http_answer_problem(request, 500, "answer-too-large", NULL,
				    "the answer could not be built: %s", error_text(body->error));
}

/* cJSON prints strings as they are: what a client sent may have been cut inside a character. */
static void answer_mended(struct http_request *request, int status, const char *type,
			  const char *json, size_t length)
{
	struct text text;

	text_init(&text, length * (sizeof UTF8_REPLACEMENT - 1));
	text_put_utf8(&text, json, length);
	http_answer_text(request, status, type, &text);
	text_clean_up(&text);
}

static void answer_cjson(struct http_request *request, int status, const char *type,
			 const cJSON *json)
{
	char *printed = json == NULL ? NULL : cJSON_PrintUnformatted(json);
	size_t length = printed == NULL ? 0 : strlen(printed);

	if (printed == NULL)
		http_answer(request, 500, "text/plain", "out of memory\n", 14);
	else if (utf8_valid(printed, length))
		http_answer(request, status, type, printed, length);
	else
		answer_mended(request, status, type, printed, length);
	cJSON_free(printed);
}

void http_answer_json(struct http_request *request, int status, cJSON *json)
{
	answer_cjson(request, status, "application/json", json);
	cJSON_Delete(json);
}

/* --- problems (RFC 9457) --------------------------------------------------------------------- */

/* "body-too-large" -> "Body too large" */
static void put_title(struct text *title, const char *slug)
{
	for (const char *c = slug; *c != '\0'; c++) {
		if (c == slug && *c >= 'a' && *c <= 'z')
			text_putc(title, (char)(*c - 'a' + 'A'));
		else
			text_putc(title, *c == '-' ? ' ' : *c);
	}
}

void http_answer_problem(struct http_request *request, int status, const char *slug, cJSON *extra,
			 const char *format, ...)
{
	cJSON *problem = cJSON_CreateObject();
	char type[128], title[96];
	struct text detail, title_text;
	va_list arguments;

	text_init(&detail, 8192);
	va_start(arguments, format);
	text_putv(&detail, format, arguments);
	va_end(arguments);
	text_init_fixed(&title_text, title, sizeof title);
	put_title(&title_text, slug);
	snprintf(type, sizeof type, "urn:tickline:problem:%s", slug);
	cJSON_AddStringToObject(problem, "type", type);
	cJSON_AddStringToObject(problem, "title", title);
	cJSON_AddNumberToObject(problem, "status", status);
	cJSON_AddStringToObject(problem, "detail", detail.data);
	cJSON_AddStringToObject(problem, "request_id", request->id);
	while (extra != NULL && extra->child != NULL) {
		cJSON *member = cJSON_DetachItemViaPointer(extra, extra->child);

		cJSON_AddItemToObject(problem, member->string, member);
	}
	cJSON_Delete(extra);
	answer_cjson(request, status, "application/problem+json", problem);
	cJSON_Delete(problem);
	text_clean_up(&detail);
}
