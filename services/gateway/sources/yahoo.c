/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Yahoo Finance's chart: one array of times and one each of open, high, low, close and volume, with
 * null where nothing was traded. Its last row is the bar that still goes on, off the grid.
 */
#include <inttypes.h>
#include <string.h>

#include "feed_json.h"
#include "feed_source.h"

enum { COLUMNS = 5, DAY_S = 86400 };

static const char *const column_names[COLUMNS] = { "open", "high", "low", "close", "volume" };

static void put_address(const struct feed_question *q, struct text *url)
{
	text_putf(url, "%s/v8/finance/chart/", q->base);
	text_put_url(url, q->instrument, strlen(q->instrument), "");
	text_putf(url, "?interval=%s&period1=%" PRId64 "&period2=%" PRId64 "&includePrePost=false",
		  feed_interval_name(q->interval_s), q->from_us / 1000000,
		  q->until_us / 1000000 + 1);
}

static int64_t history_s(int64_t interval_s)
{
	return interval_s < 300 ? 7 * DAY_S : interval_s < 3600 ? 59 * DAY_S : 729 * DAY_S;
}

/* --- the answer ------------------------------------------------------------------------------ */

struct chart {
	const cJSON *times;
	const cJSON *columns[COLUMNS];
};

static enum error refuse(struct text *why, const char *what)
{
	why_putf(why, "%s", what);
	return ERROR_INVALID;
}

static const cJSON *member(const cJSON *json, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(json, name);
}

/* The one result; NULL with `why`. */
static const cJSON *find_result(const cJSON *json, struct text *why)
{
	const cJSON *chart = member(json, "chart"), *result = member(chart, "result");
	const cJSON *said = member(member(chart, "error"), "description");
	if (cJSON_IsString(said))
		why_putf(why, "Yahoo says: %.120s", said->valuestring);
	else if (!cJSON_IsObject(chart))
		why_putf(why, "no \"chart\" object");
	else if (cJSON_GetArraySize(result) != 1)
		why_putf(why, "no single \"result\" in \"chart\"");
	else
		return cJSON_GetArrayItem(result, 0);
	return NULL;
}

/* What was asked for and nothing else: a column read under a wrong unit would look like data. */
static enum error check_meta(const struct feed_question *q, const cJSON *meta, struct text *why)
{
	const char *asked[] = { q->instrument, feed_interval_name(q->interval_s) };
	static const char *const names[] = { "symbol", "dataGranularity" };
	for (size_t i = 0; i < 2; i++) {
		const char *given = cJSON_GetStringValue(member(meta, names[i]));
		if (!given || strcmp(given, asked[i]) == 0)
			continue;
		why_putf(why, "\"%s\" is \"%.40s\", asked was \"%s\"", names[i], given, asked[i]);
		return ERROR_INVALID;
	}
	return ERROR_OK;
}

static enum error find_columns(const cJSON *result, struct chart *chart, struct text *why)
{
	const cJSON *quotes = member(member(result, "indicators"), "quote");
	const cJSON *quote = cJSON_GetArrayItem(quotes, 0);
	chart->times = member(result, "timestamp");
	if (!cJSON_IsArray(chart->times))
		return refuse(why, "no \"timestamp\" array");
	for (int i = 0; i < COLUMNS; i++) {
		chart->columns[i] = member(quote, column_names[i]);
		if (!cJSON_IsArray(chart->columns[i])) {
			why_putf(why, "no \"%s\" array", column_names[i]);
			return ERROR_INVALID;
		}
		int cells = cJSON_GetArraySize(chart->columns[i]);
		int times = cJSON_GetArraySize(chart->times);
		if (cells != times) {
			why_putf(why, "%d cells of \"%s\" for %d times", cells, column_names[i],
				 times);
			return ERROR_INVALID;
		}
	}
	return ERROR_OK;
}

/* A row at a time, along six lists. A null makes a null bar, anything else a broken answer. */
static enum error read_rows(const struct chart *chart, struct feed_rows *rows, struct text *why)
{
	const cJSON *cells[COLUMNS], *time;
	for (int i = 0; i < COLUMNS; i++)
		cells[i] = chart->columns[i]->child;
	cJSON_ArrayForEach(time, chart->times)
	{
		struct feed_row *row = &rows->list[rows->count];
		bool null = false;
		if (!feed_epoch(time, &row->timestamp_us))
			return refuse(why, "a \"timestamp\" that is no epoch time");
		for (int i = 0; i < COLUMNS; i++) {
			if (cJSON_IsNull(cells[i]))
				null = true;
			else if (!feed_number(cells[i], &row->values[i]))
				return refuse(why, "a cell that is no number");
			cells[i] = cells[i]->next;
		}
		if (null)
			rows->null_rows++;
		else
			rows->count++;
	}
	return ERROR_OK;
}

enum error yahoo_read_chart(const struct feed_question *q, const char *data, size_t length,
			    struct feed_rows *rows, struct text *why)
{
	cJSON *json = NULL;
	struct chart chart = { 0 };
	*rows = (struct feed_rows){ 0 };
	enum error error = feed_parse(data, length, &json, why);
	if (error != ERROR_OK)
		return error;
	const cJSON *result = find_result(json, why);
	error = result ? check_meta(q, member(result, "meta"), why) : ERROR_INVALID;
	if (error == ERROR_OK)
		error = find_columns(result, &chart, why);
	if (error == ERROR_OK)
		error = feed_rows_reserve(rows, (size_t)cJSON_GetArraySize(chart.times), why);
	if (error == ERROR_OK)
		error = read_rows(&chart, rows, why);
	cJSON_Delete(json);
	return error;
}

/* --- the driver ------------------------------------------------------------------------------ */

static const struct feed_request bars = {
	.kind = RECORD_BAR,
	.default_poll_s = 15,
	.history_s = history_s,
	.address = put_address,
	.read = yahoo_read_chart,
};

static const char *base_of(const struct gateway_settings *settings)
{
	return settings->yahoo_url;
}

static const struct feed_exchange exchange = { .base = base_of, .bars = &bars };

static void *yahoo_read(struct definition *d, const struct gateway *gateway, int upload)
{
	return feed_read(&exchange, d, gateway, upload);
}

const struct source_driver yahoo_driver = FEED_DRIVER("yahoo", yahoo_read);
