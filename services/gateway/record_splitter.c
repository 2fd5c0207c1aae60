/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_splitter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum state {
	AT_START,  /* before the document, or between lines */
	IN_RECORD, /* inside a line, an object or an element */
	BETWEEN,   /* array: after '[' or ',' */
	AFTER,     /* after the document */
	ENDED,
	BROKE,
};

enum { BOM_LENGTH = 3 };
static const char BOM[] = "\xef\xbb\xbf";
static const char NO_DOCUMENT[] = "it begins neither with { nor with [";

struct splitter {
	enum split_format format;
	enum state state;
	const char *piece;
	size_t length, at;
	bool finished, blank, lone;
	bool comma;    /* array: an element must follow */
	size_t bom;    /* bytes of a byte order mark seen */
	uint64_t line; /* of the byte at `at` */

	/* the record in work */
	uint64_t index, record_line;
	struct text carry; /* what came of it in earlier pieces */
	size_t begin;      /* where it begins, or goes on, in this piece */
	bool too_big, held;
	bool in_string, escaped;
	unsigned depth;
	uint64_t braces; /* one bit a level: a '{' or a '[' */
	const char *reason;
};

struct splitter *splitter_new(enum split_format format, size_t record_limit)
{
	struct splitter *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->format = format;
	s->blank = true;
	s->line = 1;
	text_init(&s->carry, record_limit);
	return s;
}

void splitter_destroy(struct splitter **splitter)
{
	if (!*splitter)
		return;
	text_clean_up(&(*splitter)->carry);
	free(*splitter);
	*splitter = NULL;
}

void splitter_feed(struct splitter *s, const char *piece, size_t length)
{
	assert(s->at == s->length && !s->finished);
	s->piece = piece;
	s->length = length;
	s->at = s->begin = 0;
}

void splitter_finish(struct splitter *s)
{
	assert(s->at == s->length);
	s->finished = true;
}

bool splitter_is_blank(const struct splitter *s)
{
	return s->blank;
}

bool splitter_is_lone(const struct splitter *s)
{
	return s->lone;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum split_event break_off(struct splitter *s, const char *reason)
{
	s->state = BROKE;
	s->reason = reason;
	return SPLIT_BROKEN;
}

/* --- the record in work ---------------------------------------------------------------------- */

static void begin_record(struct splitter *s)
{
	s->state = IN_RECORD;
	s->record_line = s->line;
	s->begin = s->at;
	s->blank = false;
}

/* Keeps what the piece holds of the record, up to `end`. */
static void carry(struct splitter *s, size_t end)
{
	size_t length = end - s->begin;
	if (s->too_big || length > s->carry.limit - s->carry.length) {
		s->too_big = true;
		text_reset(&s->carry);
		return;
	}
	text_put(&s->carry, s->piece + s->begin, length);
	s->too_big = !text_ok(&s->carry);
}

static void trim(struct split_part *part)
{
	while (part->length > 0 && is_blank(part->data[part->length - 1]))
		part->length--;
	while (part->length > 0 && is_blank(*part->data)) {
		part->data++;
		part->length--;
	}
}

/* The record ends before `end`, where the reader is. */
static enum split_event end_record(struct splitter *s, size_t end, struct split_part *part)
{
	if (s->carry.length > 0 || s->too_big) {
		carry(s, end);
		part->data = s->carry.data;
		part->length = s->carry.length;
	} else {
		part->data = s->piece + s->begin;
		part->length = end - s->begin;
		s->too_big = part->length > s->carry.limit;
	}
	part->index = s->index++;
	part->line = s->record_line;
	if (s->too_big)
		part->length = 0;
	trim(part);
	return s->too_big ? SPLIT_TOO_BIG : SPLIT_RECORD;
}

/* The part was handed over and used; its memory may go. */
static void forget_record(struct splitter *s)
{
	text_reset(&s->carry);
	s->too_big = s->held = false;
}

/* --- lines ----------------------------------------------------------------------------------- */

static enum split_event next_line(struct splitter *s, struct split_part *part)
{
	while (s->at < s->length) {
		if (s->state == AT_START) {
			char c = s->piece[s->at];
			if (!is_blank(c)) {
				begin_record(s);
			} else {
				s->line += c == '\n';
				s->at++;
				continue;
			}
		}
		const char *end = memchr(s->piece + s->at, '\n', s->length - s->at);
		if (!end) {
			carry(s, s->length);
			s->at = s->begin = s->length;
			return SPLIT_MORE;
		}
		s->at = (size_t)(end - s->piece);
		s->state = AT_START; /* the line's end is counted there */
		return end_record(s, s->at, part);
	}
	if (!s->finished)
		return SPLIT_MORE;
	if (s->state == IN_RECORD) {
		s->state = AT_START;
		return end_record(s, s->at, part);
	}
	s->state = ENDED;
	return SPLIT_END;
}

/* --- JSON ------------------------------------------------------------------------------------ */

static bool open_bracket(struct splitter *s, char c)
{
	if (s->depth == SPLITTER_MAX_DEPTH)
		return false;
	s->braces = s->braces << 1 | (c == '{');
	s->depth++;
	return true;
}

static bool close_bracket(struct splitter *s, char c)
{
	if (s->depth == 0 || (s->braces & 1) != (c == '}'))
		return false;
	s->braces >>= 1;
	s->depth--;
	return true;
}

static void skip_string_byte(struct splitter *s, char c)
{
	if (s->escaped)
		s->escaped = false;
	else if (c == '\\')
		s->escaped = true;
	else if (c == '"')
		s->in_string = false;
}

static enum split_event start_document(struct splitter *s, char c)
{
	switch (c) {
	case '{':
		s->lone = true;
		begin_record(s);
		return SPLIT_MORE;
	case '[':
		s->blank = false;
		s->state = BETWEEN;
		s->at++;
		return SPLIT_MORE;
	default:
		s->blank = false;
		return break_off(s, NO_DOCUMENT);
	}
}

static enum split_event between(struct splitter *s, char c)
{
	if (c == ']' && !s->comma) {
		s->state = AFTER;
		s->at++;
		return SPLIT_MORE;
	}
	if (c == ']' || c == ',' || c == '}')
		return break_off(s, "an element of the array is missing");
	s->comma = false;
	begin_record(s);
	return SPLIT_MORE;
}

/* One byte of an object or of an element, outside of strings. SPLIT_MORE: go on. */
static enum split_event record_byte(struct splitter *s, char c, struct split_part *part)
{
	if (c == '"') {
		s->in_string = true;
	} else if (c == '{' || c == '[') {
		if (!open_bracket(s, c))
			return break_off(s, "it is nested too deep");
	} else if (!s->lone && s->depth == 0 && (c == ',' || c == ']')) {
		size_t end = s->at++;
		s->comma = c == ',';
		s->state = c == ',' ? BETWEEN : AFTER;
		return end_record(s, end, part);
	} else if (c == '}' || c == ']') {
		if (!close_bracket(s, c))
			return break_off(s, "a bracket does not match");
		if (s->lone && s->depth == 0) {
			carry(s, ++s->at);
			s->held = true;
			s->state = AFTER;
			return SPLIT_MORE;
		}
	}
	s->line += c == '\n';
	s->at++;
	return SPLIT_MORE;
}

static enum split_event json_byte(struct splitter *s, char c, struct split_part *part)
{
	if (s->state == IN_RECORD && !s->in_string)
		return record_byte(s, c, part);
	if (s->state == IN_RECORD) {
		skip_string_byte(s, c);
	} else if (!is_blank(c)) {
		if (s->state == AT_START)
			return start_document(s, c);
		if (s->state == BETWEEN)
			return between(s, c);
		return break_off(s, s->lone ? "more follows the object; several go as an array or "
					      "as application/x-ndjson"
					    : "more follows the array");
	}
	s->line += c == '\n';
	s->at++;
	return SPLIT_MORE;
}

static enum split_event finish_json(struct splitter *s, struct split_part *part)
{
	if (s->held) {
		s->begin = s->at;
		s->held = false;
		return end_record(s, s->at, part);
	}
	if (s->state == AFTER || s->blank) {
		s->state = ENDED;
		return SPLIT_END;
	}
	return break_off(s, s->lone ? "it ends within the object" : "it ends within the array");
}

static enum split_event next_json(struct splitter *s, struct split_part *part)
{
	while (s->at < s->length) {
		enum split_event event = json_byte(s, s->piece[s->at], part);
		if (event != SPLIT_MORE)
			return event;
	}
	if (s->finished)
		return finish_json(s, part);
	if (s->state == IN_RECORD) {
		carry(s, s->length);
		s->begin = s->length;
	}
	return SPLIT_MORE;
}

/* --- both ------------------------------------------------------------------------------------ */

/* A byte order mark at the very start is no part of the text; some bytes of one are. */
static enum split_event skip_bom(struct splitter *s)
{
	while (s->bom < BOM_LENGTH && s->at < s->length) {
		if (s->piece[s->at] == BOM[s->bom]) {
			s->bom++;
			s->at++;
			continue;
		}
		size_t seen = s->bom;
		s->bom = BOM_LENGTH;
		if (seen > 0 && s->format == SPLIT_JSON)
			return break_off(s, NO_DOCUMENT);
		if (seen > 0) {
			begin_record(s);
			text_put(&s->carry, BOM, seen);
		}
	}
	return SPLIT_MORE;
}

enum split_event splitter_next(struct splitter *s, struct split_part *part)
{
	*part = (struct split_part){ .line = s->line, .index = s->index, .data = "" };
	if (s->state == ENDED)
		return SPLIT_END;
	if (s->state != BROKE) {
		if (s->state != IN_RECORD && !s->held)
			forget_record(s);
		enum split_event event = skip_bom(s);
		if (event == SPLIT_MORE)
			event = s->format == SPLIT_JSON ? next_json(s, part) : next_line(s, part);
		if (event != SPLIT_BROKEN)
			return event;
	}
	part->line = s->line;
	part->reason = s->reason;
	return SPLIT_BROKEN;
}
