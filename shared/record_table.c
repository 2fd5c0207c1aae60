/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_internal.h"

#include <assert.h>
#include <string.h>

#define NAME(name) (name), sizeof(name) - 1, ",\"" name "\":"
#define COUNT(a)   (sizeof(a) / sizeof *(a))

/* A name is at most this long, so that a written record keeps within RECORD_MAX_JSON. */
enum { MAX_NAME = 32 };
static_assert(MAX_NAME + 4 < RECORD_MAX_JSON_NAME, "a name fits between comma and colon");
static_assert(RECORD_MAX_FIELDS * (MAX_NAME + RECORD_MAX_NUMBER + 4) + RECORD_MAX_NUMBER <=
		      RECORD_MAX_JSON,
	      "a JSON record fits, the last number copied whole");
static_assert(RECORD_MAX_FIELDS * RECORD_MAX_NUMBER <= RECORD_MAX_CSV, "a CSV line fits");

static const struct record_field tick_fields[] = {
	{ NAME("timestamp"), RECORD_TIMESTAMP, -1, false, "instant of the quote" },
	{ NAME("buy_price"), RECORD_PRICE, -1, false, "price at which one can buy, USD" },
	{ NAME("sell_price"), RECORD_PRICE, -1, false, "price at which one can sell, USD" },
	{ NAME("volume"), RECORD_QUANTITY, -1, false, "volume traded" },
	{ NAME("volatility"), RECORD_QUANTITY, -1, false, "volatility, percent" },
	{ NAME("buy_price_normalized"), RECORD_DERIVED, 1, false, "buy_price over its bounds" },
	{ NAME("sell_price_normalized"), RECORD_DERIVED, 2, false, "sell_price over its bounds" },
	{ NAME("volume_normalized"), RECORD_DERIVED, 3, true, "volume over its bounds" },
};

static const struct record_field bar_fields[] = {
	{ NAME("timestamp"), RECORD_TIMESTAMP, -1, false, "instant at which the bar opens" },
	{ NAME("open"), RECORD_PRICE, -1, false, "first price, USD" },
	{ NAME("high"), RECORD_PRICE, -1, false, "highest price, USD" },
	{ NAME("low"), RECORD_PRICE, -1, false, "lowest price, USD" },
	{ NAME("close"), RECORD_PRICE, -1, false, "last price, USD" },
	{ NAME("volume"), RECORD_QUANTITY, -1, false, "volume traded" },
};

static_assert(COUNT(tick_fields) <= RECORD_MAX_FIELDS, "ticks fit");
static_assert(COUNT(bar_fields) <= RECORD_MAX_FIELDS, "bars fit");

static const struct record_table tables[RECORD_KINDS] = {
	[RECORD_TICK] = { RECORD_TICK, "tick", "ticks", "bitcoin_data", "bitcointopic", tick_fields,
			  COUNT(tick_fields) },
	[RECORD_BAR] = { RECORD_BAR, "bar", "bars", "bitcoin_bars", "bitcoinbars", bar_fields,
			 COUNT(bar_fields) },
};

const struct record_bounds RECORD_DEFAULT_BOUNDS = { 20000, 60000, 1000, 5000 };

const struct record_table *record_table(enum record_kind kind)
{
	assert(kind >= 0 && kind < RECORD_KINDS);
	return &tables[kind];
}

const struct record_table *record_table_by_plural(const char *plural)
{
	for (size_t i = 0; i < RECORD_KINDS; i++)
		if (strcmp(tables[i].plural, plural) == 0)
			return &tables[i];
	return NULL;
}

int record_field_index(const struct record_table *table, const char *name, size_t length)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->fields[i].name_length == length &&
		    memcmp(table->fields[i].name, name, length) == 0)
			return (int)i;
	return -1;
}

struct record_cell *record_cell_of(const struct record_table *table, struct record_cells *cells,
				   const char *name, size_t length)
{
	int index = record_field_index(table, name, length);
	if (index >= 0)
		return &cells->fields[index];
	return length == 6 && memcmp(name, "symbol", 6) == 0 ? &cells->symbol : NULL;
}

bool record_symbol_ok(const char *symbol, size_t length)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	if (length < 1 || length > RECORD_MAX_SYMBOL)
		return false;
	for (size_t i = 0; i < length; i++)
		if (symbol[i] == '\0' || strchr(alphabet, symbol[i]) == NULL)
			return false;
	return true;
}
