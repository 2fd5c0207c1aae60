/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_testing.h"

static void tables_are_the_documented_ones(void **state)
{
	(void)state;
	const struct record_table *tick = record_table(RECORD_TICK);
	const struct record_table *bar = record_table(RECORD_BAR);
	assert_string_equal(tick->topic, "bitcointopic");
	assert_string_equal(tick->dataset, "bitcoin_data");
	assert_int_equal(tick->count, 8);
	assert_string_equal(bar->topic, "bitcoinbars");
	assert_string_equal(bar->dataset, "bitcoin_bars");
	assert_int_equal(bar->count, 6);
	assert_ptr_equal(record_table_by_plural("ticks"), tick);
	assert_ptr_equal(record_table_by_plural("bars"), bar);
	assert_null(record_table_by_plural("tick"));
	assert_null(record_table_by_plural(""));
}

static void rows_are_consistent(void **state)
{
	(void)state;
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		const struct record_table *table = record_table((enum record_kind)kind);
		assert_int_equal(table->kind, kind);
		assert_int_equal(table->fields[0].type, RECORD_TIMESTAMP);
		for (size_t i = 0; i < table->count; i++) {
			const struct record_field *field = &table->fields[i];
			assert_int_equal(field->name_length, strlen(field->name));
			assert_true(field->name_length <= 32);
			assert_true(*field->help != '\0');
			assert_int_equal(field->type == RECORD_DERIVED, field->source >= 0);
			assert_true(field->source < (int)i);
		}
	}
}

static void names_are_found_exactly(void **state)
{
	(void)state;
	const struct record_table *tick = record_table(RECORD_TICK);
	struct record_cells cells;
	assert_int_equal(record_field_index(tick, "volume", 6), 3);
	assert_int_equal(record_field_index(tick, "volume_normalized", 17), 7);
	assert_int_equal(record_field_index(tick, "volume_", 6), 3);
	assert_int_equal(record_field_index(tick, "Volume", 6), -1);
	assert_int_equal(record_field_index(tick, "", 0), -1);
	assert_int_equal(record_field_index(tick, "close", 5), -1);
	assert_ptr_equal(record_cell_of(tick, &cells, "symbol", 6), &cells.symbol);
	assert_ptr_equal(record_cell_of(tick, &cells, "timestamp", 9), &cells.fields[0]);
	assert_null(record_cell_of(tick, &cells, "symbols", 7));
}

static void symbols_keep_to_their_alphabet(void **state)
{
	(void)state;
	static const char *const good[] = { "BTC-USD", "A", "BTC.P_1",
					    "01234567890123456789012345678901" };
	static const char *const bad[] = { "",
					   "btc",
					   "BTC USD",
					   "BTC/USD",
					   "\xc3\x84",
					   "012345678901234567890123456789012",
					   "<img src=x onerror=document.title='x'>" };
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(record_symbol_ok(good[i], strlen(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(record_symbol_ok(bad[i], strlen(bad[i])));
	assert_false(record_symbol_ok("A\0B", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_the_documented_ones),
		cmocka_unit_test(rows_are_consistent),
		cmocka_unit_test(names_are_found_exactly),
		cmocka_unit_test(symbols_keep_to_their_alphabet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
