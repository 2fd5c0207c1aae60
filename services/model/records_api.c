/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GET /v1/records/{kind}: the recent records of one dataset.
 */
#include <stdlib.h>

#include "api.h"
#include "api_common.h"
#include "bar_fold.h"
#include "record.h"

static void put_record(struct text *out, const struct record_table *table,
		       const struct ring_record *record)
{
	text_puts(out, "{\"timestamp\":");
	api_put_time(out, record->timestamp_us);
	for (size_t i = 1; i < table->count; i++) {
		text_putf(out, ",\"%s\":", table->fields[i].name);
		text_put_double(out, record->values[i]);
	}
	text_putc(out, '}');
}

static void answer(struct http_request *request, const struct record_table *table,
		   struct time_ring *ring, const struct time_ring_query *query,
		   struct ring_record *records)
{
	struct time_ring_span span;
	bool more;
	size_t count = time_ring_read(ring, query, records, &more, &span);
	struct text out;
	text_init(&out, 4096 + count * RECORD_MAX_JSON);
	text_putf(&out, "{\"kind\":\"%s\",", table->plural);
	api_put_span(&out, &span);
	text_putf(&out, ",\"more\":%s,\"records\":[", more ? "true" : "false");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_putc(&out, ',');
		put_record(&out, table, &records[i]);
	}
	text_puts(&out, "]}");
	http_answer_text(request, 200, "application/json", &out);
	text_clean_up(&out);
}

void records_list(struct http_request *request, void *user)
{
	struct model_app *app = user;
	const char *kind = http_path_parameter(request, "kind");
	const struct record_table *table = record_table_by_plural(kind);
	if (!table) {
		http_answer_problem(request, 404, "no-such-records", NULL,
				    "there are no records \"%s\"; there are ticks and bars", kind);
		return;
	}
	struct time_ring_query query;
	if (api_list_query(request, (size_t)app->settings.rows_limit, &query) != ERROR_OK)
		return;
	if (table->kind == RECORD_BAR)
		query.fold = bar_fold;
	struct ring_record *records = malloc(query.limit * sizeof *records);
	if (!records) {
		http_answer_problem(request, 500, "no-memory", NULL, "%s",
				    error_text(ERROR_NO_MEMORY));
		return;
	}
	answer(request, table, live_models_records(live_models_of(app->live), table->kind), &query,
	       records);
	free(records);
}
