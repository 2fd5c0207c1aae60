/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From cells to a record: the only place that knows what a good value is.
 */
#include "record_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "timestamp.h"

#define DAY_US INT64_C(86400000000)

static_assert((int)DECIMAL_MAX_TEXT <= (int)RECORD_MAX_NUMBER, "a printed number fits");

static enum error fault_of(struct record_fault *fault, const char *code,
			   const struct record_field *field, const struct record_cell *cell,
			   const char *rule)
{
	char shown[RECORD_MAX_SHOWN];
	record_shown(shown, cell->data, cell->length, cell->kind == CELL_STRING);
	return record_fault_set(fault, code, field->name, field->name_length, "is %s: %s", shown,
				rule);
}

static enum error wrong_kind(struct record_fault *fault, const char *name, size_t length,
			     enum record_cell_kind kind, const char *rule)
{
	static const char *const kinds[] = {
		[CELL_NUMBER] = "a number", [CELL_STRING] = "a string",
		[CELL_NULL] = "null",       [CELL_BOOLEAN] = "a boolean",
		[CELL_ARRAY] = "an array",  [CELL_OBJECT] = "an object",
	};
	return record_fault_set(fault, "wrong-type", name, length, "is %s: %s", kinds[kind], rule);
}

static bool is_text(const struct record_cell *cell)
{
	return cell->kind == CELL_NUMBER || cell->kind == CELL_STRING;
}

/* NaN and infinities, as Python, Java and C write them. */
static bool names_no_finite(const char *data, size_t length)
{
	static const char *const names[] = { "nan", "inf", "infinity" };
	if (length > 0 && (*data == '-' || *data == '+')) {
		data++;
		length--;
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strlen(names[i]) == length && strncasecmp(names[i], data, length) == 0)
			return true;
	return false;
}

static void keep_text(struct record *out, size_t i, const char *data, size_t length)
{
	memcpy(out->texts[i], data, length);
	out->text_lengths[i] = (uint8_t)length;
}

static void print_text(struct record *out, size_t i)
{
	char text[DECIMAL_MAX_TEXT];
	keep_text(out, i, text, decimal_print(out->values[i], text));
}

/* The rule that a finite value breaks, or NULL. */
static const char *broken_rule(enum record_type type, double value)
{
	if (type == RECORD_PRICE && value <= 0)
		return "a price must be above 0";
	if (type == RECORD_QUANTITY && value < 0)
		return "it must not be negative";
	return NULL;
}

static enum error not_number(const struct record_field *field, const struct record_cell *cell,
			     struct record_fault *fault)
{
	if (names_no_finite(cell->data, cell->length))
		return fault_of(fault, "not-finite", field, cell, "it must be finite");
	return fault_of(fault, "wrong-type", field, cell, "it is not a number");
}

static enum error read_number(const struct record_field *field, const struct record_cell *cell,
			      struct decimal *number, struct record_fault *fault)
{
	if (!is_text(cell))
		return wrong_kind(fault, field->name, field->name_length, cell->kind,
				  "it must be a number");
	if (cell->taken) {
		*number = cell->decimal;
	} else {
		enum error error = decimal_take(cell->data, cell->length, number);
		if (number->length == 0 || number->length != cell->length)
			return not_number(field, cell, fault);
		if (error)
			return fault_of(fault, "not-finite", field, cell,
					"it is beyond the range of a double");
	}
	const char *rule = broken_rule(field->type, number->value);
	return rule == NULL ? ERROR_OK : fault_of(fault, "out-of-range", field, cell, rule);
}

static enum error put_number(struct record *out, size_t i, const struct record_cell *cell,
			     struct record_fault *fault)
{
	struct decimal number = { 0 };
	enum error error = read_number(&out->table->fields[i], cell, &number, fault);
	if (error)
		return error;
	out->values[i] = number.value == 0 ? 0 : number.value; /* no minus zero */
	if (number.canonical && cell->length < RECORD_MAX_NUMBER)
		keep_text(out, i, cell->data, cell->length);
	else
		print_text(out, i);
	return ERROR_OK;
}

static enum error derive(struct record *out, size_t i, const struct record_bounds *bounds,
			 struct record_fault *fault)
{
	const struct record_field *field = &out->table->fields[i];
	const double low = field->from_volume ? bounds->volume_low : bounds->price_low;
	const double high = field->from_volume ? bounds->volume_high : bounds->price_high;
	out->values[i] = (out->values[field->source] - low) / (high - low);
	if (!isfinite(out->values[i]))
		return record_fault_set(fault, "not-finite", field->name, field->name_length,
					"cannot be derived: %s is too large for its bounds",
					out->table->fields[field->source].name);
	print_text(out, i);
	return ERROR_OK;
}

static enum error put_field(const struct record_rules *rules, const struct record_cells *cells,
			    size_t i, struct record *out, struct record_fault *fault)
{
	const struct record_field *field = &out->table->fields[i];
	const struct record_cell *cell = &cells->fields[i];
	const bool derived = field->type == RECORD_DERIVED;
	if (cell->kind == CELL_MISSING && !derived)
		return record_fault_set(fault, "missing", field->name, field->name_length,
					"is missing: a %s needs it", out->table->name);
	if (cell->kind == CELL_MISSING)
		return derive(out, i, &rules->bounds, fault);
	if (!derived || !rules->derived_recomputed)
		return put_number(out, i, cell, fault);
	struct decimal replaced = { 0 };
	enum error error = read_number(field, cell, &replaced, fault);
	return error ? error : derive(out, i, &rules->bounds, fault);
}

/* An instant must be one at which there was a Bitcoin, and not in the future: clocks may differ by
 * a day. */
static enum error check_instant(int64_t us, const struct record_rules *rules,
				struct record_fault *fault)
{
	char text[TIMESTAMP_MAX_TEXT];
	const bool early = us < TIMESTAMP_MIN_US;
	if (!early && us <= rules->wall_us + DAY_US)
		return ERROR_OK;
	timestamp_print(us, text);
	return record_fault_set(fault, "bad-timestamp", "timestamp", 9, "is %s: it must not be %s",
				text, early ? "before 2009-01-03" : "more than a day from now");
}

static enum error put_timestamp(const struct record_rules *rules, const struct record_cell *cell,
				struct record *out, struct record_fault *fault)
{
	const struct record_field *field = &out->table->fields[0];
	if (cell->kind == CELL_MISSING)
		return record_fault_set(fault, "missing", field->name, field->name_length,
					"is missing: a %s needs it", out->table->name);
	if (!is_text(cell))
		return wrong_kind(fault, field->name, field->name_length, cell->kind,
				  "it must be an RFC 3339 time or an epoch number");
	const bool number =
		cell->length > 0 && decimal_span(cell->data, cell->length) == cell->length;
	enum error error =
		number ? timestamp_read_epoch(cell->data, cell->length, &out->timestamp_us)
		       : timestamp_read(cell->data, cell->length, &out->timestamp_us);
	if (error)
		return fault_of(fault, "bad-timestamp", field, cell,
				number ? "it is no epoch time in s, ms, us or ns since 2009"
				       : "it is not an RFC 3339 time");
	return check_instant(out->timestamp_us, rules, fault);
}

static enum error put_symbol(const struct record_cell *cell, struct record *out,
			     struct record_fault *fault)
{
	char shown[RECORD_MAX_SHOWN];
	out->symbol[0] = '\0';
	if (cell->kind == CELL_MISSING)
		return ERROR_OK;
	if (cell->kind != CELL_STRING)
		return wrong_kind(fault, "symbol", 6, cell->kind, "it must be a string");
	if (!record_symbol_ok(cell->data, cell->length))
		return record_fault_set(fault, "bad-symbol", "symbol", 6,
					"is %s: it must be 1 to %d of A-Z, 0-9, '.', '_' and '-'",
					record_shown(shown, cell->data, cell->length, true),
					RECORD_MAX_SYMBOL);
	memcpy(out->symbol, cell->data, cell->length);
	out->symbol[cell->length] = '\0';
	return ERROR_OK;
}

/* A bar's values must lie between its low and its high: a wrong order of columns shows here. */
static enum error check_bar(const struct record *bar, struct record_fault *fault)
{
	enum { OPEN = 1, HIGH, LOW, CLOSE };
	static const struct {
		uint8_t less, more;
	} pairs[] = {
		{ LOW, HIGH }, { LOW, OPEN }, { LOW, CLOSE }, { OPEN, HIGH }, { CLOSE, HIGH }
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		const uint8_t less = pairs[i].less, more = pairs[i].more;
		if (bar->values[less] <= bar->values[more])
			continue;
		const struct record_field *fields = bar->table->fields;
		return record_fault_set(
			fault, "inconsistent", fields[less].name, fields[less].name_length,
			"is %.*s: it must not be above %s, which is %.*s", bar->text_lengths[less],
			bar->texts[less], fields[more].name, bar->text_lengths[more],
			bar->texts[more]);
	}
	return ERROR_OK;
}

static enum error check_whole(const struct record *out, struct record_fault *fault)
{
	return out->table->kind == RECORD_BAR ? check_bar(out, fault) : ERROR_OK;
}

enum error record_build(const struct record_table *table, const struct record_rules *rules,
			const struct record_cells *cells, struct record *out,
			struct record_fault *fault)
{
	out->table = table;
	enum error error = put_timestamp(rules, &cells->fields[0], out, fault);
	for (size_t i = 1; !error && i < table->count; i++)
		error = put_field(rules, cells, i, out, fault);
	if (!error)
		error = put_symbol(&cells->symbol, out, fault);
	return error ? error : check_whole(out, fault);
}

static enum error put_value(double value, size_t i, struct record *out, struct record_fault *fault)
{
	const struct record_field *field = &out->table->fields[i];
	if (!isfinite(value))
		return record_fault_set(fault, "not-finite", field->name, field->name_length,
					"is %s: it must be finite",
					isnan(value) ? "NaN" : "infinite");
	out->values[i] = value == 0 ? 0 : value; /* no minus zero */
	print_text(out, i);
	const char *rule = broken_rule(field->type, value);
	if (rule == NULL)
		return ERROR_OK;
	return record_fault_set(fault, "out-of-range", field->name, field->name_length,
				"is %.*s: %s", out->text_lengths[i], out->texts[i], rule);
}

enum error record_from_values(const struct record_table *table, const struct record_rules *rules,
			      int64_t timestamp_us, const double *values, size_t count,
			      struct record *out, struct record_fault *fault)
{
	static const struct record_cells none;
	assert(count < table->count);
	out->table = table;
	out->timestamp_us = timestamp_us;
	out->symbol[0] = '\0';
	enum error error = check_instant(timestamp_us, rules, fault);
	for (size_t i = 1; !error && i < table->count; i++) {
		const bool given = i <= count && !(rules->derived_recomputed &&
						   table->fields[i].type == RECORD_DERIVED);
		error = given ? put_value(values[i - 1], i, out, fault)
			      : put_field(rules, &none, i, out, fault);
	}
	return error ? error : check_whole(out, fault);
}
