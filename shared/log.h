/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Structured logs, one line per event, to standard error. Any thread. A line is written by one
 * write(2), so that lines of several threads never mix. Secrets are never passed here.
 *
 *   log_info("published", LOG_STR("file", path), LOG_I64("rows", rows));
 */
#ifndef TICKLINE_LOG_H
#define TICKLINE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT /* logfmt */, LOG_FORMAT_JSON };

struct log_field {
	const char *key; /* NULL ends the list */
	enum { LOG_FIELD_STR, LOG_FIELD_I64, LOG_FIELD_F64 } type;
	union {
		const char *str; /* NULL is written as an empty string */
		int64_t i64;
		double f64;
	} value;
};

#define LOG_STR(k, v) ((struct log_field){ .key = (k), .type = LOG_FIELD_STR, .value.str = (v) })
#define LOG_I64(k, v) \
	((struct log_field){ .key = (k), .type = LOG_FIELD_I64, .value.i64 = (int64_t)(v) })
#define LOG_F64(k, v) ((struct log_field){ .key = (k), .type = LOG_FIELD_F64, .value.f64 = (v) })

/* Call once at start, before any other thread. `service` is kept, not copied. */
void log_init(const char *service, enum log_level lowest, enum log_format format);

/* `fields` ends with a NULL key. Use the macros. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define LOG_END                   ((struct log_field){ .key = NULL })
#define LOG_AT(level, event, ...) log_write(level, event, (const struct log_field[]){ __VA_ARGS__ })
#define log_debug(...)            LOG_AT(LOG_DEBUG, __VA_ARGS__, LOG_END)
#define log_info(...)             LOG_AT(LOG_INFO, __VA_ARGS__, LOG_END)
#define log_warn(...)             LOG_AT(LOG_WARN, __VA_ARGS__, LOG_END)
#define log_error(...)            LOG_AT(LOG_ERROR, __VA_ARGS__, LOG_END)

#endif
