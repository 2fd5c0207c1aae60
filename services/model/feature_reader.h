/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of features as clients send them, one after the other, in the spec's order. Features come by
 * name, in any order; a name that the model does not have is refused, one that the version does not
 * use may be left out. Reentrant.
 */
#ifndef TICKLINE_MODEL_FEATURE_READER_H
#define TICKLINE_MODEL_FEATURE_READER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "model_version.h"
#include "text.h"

/* Why a row was refused. */
struct feature_fault {
	int status;         /* of HTTP */
	const char *slug;   /* static */
	int64_t row;        /* from 0; -1: it is not about one row */
	bool feature_given; /* else it is not about one feature */
	char feature[80];   /* cut when longer */
	char reason[256]; /* what is wrong with the feature, or with the row: "must be a number" */
};

/* Takes a row: one value per feature of the spec, 0 where none was given. Not OK ends the reading,
 * with `fault` set but for its row. */
typedef enum error feature_take(const double *x, struct feature_fault *fault, void *user);

struct feature_reader {
	const struct version *version;
	size_t rows_limit;
	feature_take *take;
	void *user;
	int64_t row; /* the next one's number; -1: there is only one, which has none */
	struct feature_fault fault;
};

/* Sets the fault and gives INVALID. `feature` may be NULL; the row is the reader's. */
enum error feature_refuse(struct feature_reader *reader, int status, const char *slug,
			  const char *feature, const char *format, ...) PRINTF_LIKE(5, 6);

/* All of these: OK, or INVALID with reader->fault. Too many rows are refused with 413. */

/* One row: an object of numbers by name. */
enum error feature_read_object(struct feature_reader *reader, const cJSON *row) MUST_USE;

/* An array of such objects. */
enum error feature_read_objects(struct feature_reader *reader, const cJSON *rows) MUST_USE;

/* CSV with a header of names; empty lines are passed over, blanks around a number are allowed. */
enum error feature_read_csv(struct feature_reader *reader, const char *data,
			    size_t length) MUST_USE;

/* A request to MLflow's /invocations: dataframe_split, dataframe_records, instances or inputs, the
 * last two by name or in the spec's order. Other members are the caller's to look at. */
enum error feature_read_mlflow(struct feature_reader *reader, const cJSON *body) MUST_USE;
bool feature_is_mlflow_form(const char *name); /* whether it is the name of one of the four */

/* --- for the readers ------------------------------------------------------------------------- */

/* The columns of a table: which feature each one holds. */
struct feature_columns {
	int feature[SPEC_MAX_FEATURES];
	size_t count;
	bool given[SPEC_MAX_FEATURES]; /* by feature */
};

/* The next column's name. */
enum error feature_column(struct feature_reader *reader, struct feature_columns *columns,
			  const char *name, size_t length) MUST_USE;

/* Every feature that the version uses has a column. */
enum error feature_columns_whole(struct feature_reader *reader,
				 const struct feature_columns *columns) MUST_USE;

/* A value of the row at hand. */
enum error feature_number(struct feature_reader *reader, const char *name, const cJSON *item,
			  double *value) MUST_USE;

/* Hands the row over; the next one follows. */
enum error feature_row_end(struct feature_reader *reader, const double *x) MUST_USE;

#endif
