/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Threads: the three settings below are written by log_init before a second thread exists and only
 * read afterwards. A line is built on the caller's stack.
 */
#include "log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "text.h"
#include "timestamp.h"
#include "utf8.h"

enum {
	MAX_LINE = 16384, /* on the stack of any thread */
	MAX_VALUE = 1024, /* bytes of a string that are shown */
	TAIL = 64,        /* kept free for the mark of a cut line and its end */
};

static const char *service_name = "tickline";
static enum log_level lowest_level = LOG_INFO;
static enum log_format line_format = LOG_FORMAT_TEXT;

void log_init(const char *service, enum log_level lowest, enum log_format format)
{
	service_name = service;
	lowest_level = lowest;
	line_format = format;
}

/* logfmt quotes only what would not read as one word. */
static bool is_word(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)value[i];
		if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return length > 0;
}

static void put_string(struct text *out, const char *value)
{
	size_t length = value ? strnlen(value, MAX_VALUE + 1) : 0;
	bool cut = length > MAX_VALUE;
	if (cut)
		length = utf8_cut(value, length, MAX_VALUE - 3);
	if (line_format == LOG_FORMAT_TEXT && !cut && is_word(value, length)) {
		text_put(out, value, length);
		return;
	}
	char shown[MAX_VALUE + 4];
	struct text copy;
	text_init_fixed(&copy, shown, sizeof shown);
	if (length)
		text_put(&copy, value, length);
	if (cut)
		text_puts(&copy, "...");
	text_put_json(out, copy.data, copy.length);
}

static void put_key(struct text *out, const char *key, bool first)
{
	if (line_format == LOG_FORMAT_JSON)
		text_putf(out, "%s\"%s\":", first ? "{" : ",", key);
	else
		text_putf(out, "%s%s=", first ? "" : " ", key);
}

static void put_head(struct text *line, enum log_level level, const char *event)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	char now[TIMESTAMP_MAX_TEXT];
	timestamp_print(wall_now_us(), now);
	put_key(line, "time", true);
	put_string(line, now);
	put_key(line, "level", false);
	put_string(line, levels[level]);
	put_key(line, "service", false);
	put_string(line, service_name);
	put_key(line, "event", false);
	put_string(line, event);
}

static void put_field(struct text *line, const struct log_field *field)
{
	put_key(line, field->key, false);
	if (field->type == LOG_FIELD_I64)
		text_put_i64(line, field->value.i64);
	else if (field->type == LOG_FIELD_F64)
		text_put_double(line, field->value.f64);
	else
		put_string(line, field->value.str);
}

/* Whole fields as far as the line has room; then the line says that it was cut. */
static void put_fields(struct text *line, const struct log_field *fields)
{
	for (; fields->key; fields++) {
		size_t before = line->length;
		put_field(line, fields);
		if (text_ok(line) && line->length <= line->limit - TAIL)
			continue;
		line->error = ERROR_OK;
		line->length = before;
		put_key(line, "cut", false);
		text_puts(line, "true");
		return;
	}
}

/* A line that cannot be written is lost: there is nowhere to complain. */
static void write_all(const char *data, size_t length)
{
	while (length) {
		ssize_t written = write(STDERR_FILENO, data, length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		data += written;
		length -= (size_t)written;
	}
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	if (level < lowest_level)
		return;
	int saved_errno = errno;
	char memory[MAX_LINE];
	struct text line;
	text_init_fixed(&line, memory, sizeof memory);
	put_head(&line, level, event);
	put_fields(&line, fields);
	text_puts(&line, line_format == LOG_FORMAT_JSON ? "}\n" : "\n");
	write_all(line.data, line.length);
	errno = saved_errno;
}
