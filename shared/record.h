/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two record types, tick and bar, each one table. The table drives reading (JSON and CSV),
 * validation, derivation, writing (JSON and CSV) and the documentation: a new field is a new row.
 * All functions are reentrant; the tables are constant.
 *
 * The flat objects of these tables are read by a hand-written reader; anything unusual (escapes in
 * a name, nesting, duplicates) goes to cJSON. A differential fuzz test holds that both give the
 * same answer for every input.
 */
#ifndef TICKLINE_RECORD_H
#define TICKLINE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

enum record_kind { RECORD_TICK, RECORD_BAR, RECORD_KINDS };
enum { RECORD_MAX_FIELDS = 8, RECORD_MAX_SYMBOL = 32, RECORD_MAX_NUMBER = 64 };
enum {
	RECORD_MAX_JSON = 1024, /* bytes that a written record never exceeds */
	RECORD_MAX_CSV = 512,
	RECORD_MAX_JSON_NAME = 40,    /* bytes of a name between comma and colon */
	RECORD_MAX_INPUT = 64 * 1024, /* bytes of one record that is read; more is `too-large` */
	RECORD_MAX_DEPTH = 16,        /* levels of nesting, the record's own included */
	RECORD_MAX_COLUMNS = 64,      /* of a CSV text */
};

enum record_type {
	RECORD_TIMESTAMP,
	RECORD_PRICE,    /* finite, > 0 */
	RECORD_QUANTITY, /* finite, >= 0 */
	RECORD_DERIVED,  /* finite; computed from `source` when missing */
};

struct record_field {
	const char *name;
	size_t name_length;                   /* bytes */
	char json_name[RECORD_MAX_JSON_NAME]; /* ,"buy_price": */
	enum record_type type;
	int source;       /* index of the field it derives from; -1: none */
	bool from_volume; /* which bounds normalise it */
	const char *help;
};

struct record_table {
	enum record_kind kind;
	const char *name;                  /* "tick" */
	const char *plural;                /* "ticks" */
	const char *dataset;               /* folder below the data root: "bitcoin_data" */
	const char *topic;                 /* default topic */
	const struct record_field *fields; /* [0] is the timestamp; CSV and JSON order */
	size_t count;
};

const struct record_table *record_table(enum record_kind kind);
const struct record_table *record_table_by_plural(const char *plural); /* NULL: none */
int record_field_index(const struct record_table *table, const char *name, size_t length); /* -1 */

/* (v - low) / (high - low); defaults 20000..60000 and 1000..5000. */
struct record_bounds {
	double price_low, price_high, volume_low, volume_high;
};
extern const struct record_bounds RECORD_DEFAULT_BOUNDS;

struct record_rules {
	struct record_bounds bounds;
	int64_t wall_us;      /* "now": a timestamp may be at most one day later; caller sets it */
	bool unknown_ignored; /* false: an unknown member is a fault (the gateway's default) */
	bool derived_recomputed; /* true: given derived values are replaced (gateway); false: kept
				  */
};

/* A number's text is kept where it was canonical (decimal_is_canonical), else it is printed anew
 * from the double; the texts lie in the record itself, so that it outlives its input. */
struct record {
	const struct record_table *table;
	int64_t timestamp_us;
	double values[RECORD_MAX_FIELDS]; /* [0] unused */
	char texts[RECORD_MAX_FIELDS][RECORD_MAX_NUMBER];
	uint8_t text_lengths[RECORD_MAX_FIELDS];
	char symbol[RECORD_MAX_SYMBOL + 1]; /* "" when not given */
};

/* Why a record was refused: stable `code`, the field, and a sentence with value and rule. */
struct record_fault {
	const char *code; /* not-json, not-object, missing, wrong-type, not-finite, out-of-range,
			     bad-timestamp, unknown-member, duplicate-member, inconsistent,
			     bad-symbol, too-large, bad-csv, no-memory */
	char field[64];   /* "" when it concerns the whole record */
	char reason[256]; /* names the field, too; valid UTF-8, control characters escaped */
};

/* Reads one JSON object that fills `data` (white space around it is allowed).
 * Numbers may also be JSON strings that hold a JSON number ("107120.55", as exchanges send them).
 * Timestamps: see timestamp.h (string or number). `symbol`, of [A-Z0-9._-], 1 to 32 characters, is
 * an optional member of every record: it becomes the Kafka key, not part of the value.
 * OK; INVALID with `fault` filled; NO_MEMORY (`fault` says so too): nothing is known about the
 * record, try again. `out` is undefined unless OK. */
enum error record_read_json(const struct record_table *table, const struct record_rules *rules,
			    const char *data, size_t length, struct record *out,
			    struct record_fault *fault) MUST_USE;

/* The slow path alone, for the differential fuzz test. */
enum error record_read_json_slow(const struct record_table *table, const struct record_rules *rules,
				 const char *data, size_t length, struct record *out,
				 struct record_fault *fault) MUST_USE;

/* How the columns of a CSV file map to fields, bound by header names. */
struct record_columns {
	const struct record_table *table;
	int field_of[RECORD_MAX_COLUMNS]; /* column -> field index, -1: ignored, -2: symbol */
	size_t count;
};

/* Our own order without a header. */
void record_columns_default(const struct record_table *table, struct record_columns *columns);

/* Looks at the first line of a CSV text and fills `columns`: a line whose first cell begins with a
 * digit is data (`*header` false) in our own order, the derived columns at the end may be absent,
 * and bars may be Binance's 12 columns; anything else is a header and is bound by name.
 * OK; INVALID with `fault`: no such number of columns, or as record_columns_bind. */
enum error record_columns_detect(const struct record_table *table, const char *line, size_t length,
				 struct record_columns *columns, bool *header,
				 struct record_fault *fault) MUST_USE;

/* True when the line after a header goes on with it, as yfinance's second and third line do
 * ("Ticker,BTC-USD,…", "Datetime,,,,,"): such a line is not data. */
bool record_columns_continue(const char *line, size_t length);

/* Binds a header line (BOM and CR are dropped; names without case, blanks and underscores alike;
 * aliases: open_time, time, date, datetime -> timestamp; columns of Binance's and Yahoo's files
 * that no field needs, as "adj close", are ignored). INVALID: a needed column is missing, named
 * twice or unknown (the fault names it). */
enum error record_columns_bind(const struct record_table *table, const char *line, size_t length,
			       struct record_columns *columns, struct record_fault *fault) MUST_USE;

/* One CSV line without its line end (a CR at its end is dropped). RFC 4180 quotes are understood.
 * A derived field may be empty: it counts as missing. OK or INVALID. */
enum error record_read_csv(const struct record_columns *columns, const struct record_rules *rules,
			   const char *line, size_t length, struct record *out,
			   struct record_fault *fault) MUST_USE;

enum { RECORD_ALL_FIELDS = (1 << RECORD_MAX_FIELDS) - 1 };

/* The fast way back: one line of a published file, our own order, numbers only. Of fields whose bit
 * in `wanted` is not set it is only checked that they are numbers: their values mean nothing then.
 * OK; INVALID: not such a line (nothing is said about why). values[0] is unused. */
enum error record_read_published(const struct record_table *table, unsigned wanted,
				 const char *line, size_t length, int64_t *timestamp_us,
				 double values[RECORD_MAX_FIELDS]) MUST_USE;

/* The value for Kafka: a JSON object with exactly the table's fields in order, no blanks. */
void record_write_json(const struct record *record, struct text *out);

/* One line with its '\n'. */
void record_write_csv(const struct record *record, struct text *out);

/* Builds a record from numbers (simulators, feeds): checks, derives, prints. values[0] is the first
 * field after the timestamp, then in the table's order; the fields that `count` leaves out must be
 * derived ones. The symbol is empty. OK or INVALID. */
enum error record_from_values(const struct record_table *table, const struct record_rules *rules,
			      int64_t timestamp_us, const double *values, size_t count,
			      struct record *out, struct record_fault *fault) MUST_USE;

bool record_symbol_ok(const char *symbol, size_t length);

#endif
