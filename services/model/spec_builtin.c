/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The specs that come with the program, in the form in which a user would post them.
 */
#include <assert.h>
#include <pthread.h>

#include "spec.h"

/* What is known at t, to the close one horizon later; the last price's coefficient is fixed at 1,
 * so that the rest only has to explain what differs from it. */
#define FORECAST(name, words, seconds)                                                             \
	"{\"name\":\"" name "\",\"description\":\"The close " words                                \
	" ahead from what is known now: recent returns, the bar's range, the volume.\","           \
	"\"records\":\"bars\",\"target\":\"close\",\"features\":[\"close\","                       \
	"{\"name\":\"return_1m\",\"column\":\"close\",\"transform\":\"return\",\"lag_s\":60},"     \
	"{\"name\":\"return_2m\",\"column\":\"close\",\"transform\":\"return\",\"lag_s\":120},"    \
	"{\"name\":\"return_5m\",\"column\":\"close\",\"transform\":\"return\",\"lag_s\":300},"    \
	"{\"name\":\"return_10m\",\"column\":\"close\",\"transform\":\"return\",\"lag_s\":600},"   \
	"{\"name\":\"return_15m\",\"column\":\"close\",\"transform\":\"return\",\"lag_s\":900},"   \
	"{\"name\":\"range\",\"column\":\"high\",\"transform\":\"difference\",\"other\":\"low\"}," \
	"\"volume\"],\"horizon_s\":" seconds ",\"tolerance_s\":30,"                                \
	"\"split\":{\"kind\":\"time\",\"train\":0.8},\"anchor\":\"close\"}"

static const char *const TEXTS[] = {
	"{\"name\":\"ia\",\"description\":\"The sell price of a tick from its other values. "
	"sell_price_normalized is the sell price itself and is left out; the other two normalised "
	"columns repeat their source and are dropped as dependent.\","
	"\"records\":\"ticks\",\"target\":\"sell_price\",\"features\":[\"buy_price\",\"volume\","
	"\"volatility\",\"buy_price_normalized\",\"sell_price_normalized\",\"volume_normalized\"],"
	"\"split\":{\"kind\":\"seeded\",\"train\":0.8,\"seed\":42},\"leakage\":\"drop\"}",
	"{\"name\":\"streamlit\",\"description\":\"The close of a bar from the rest of the same "
	"bar "
	"and its return over the bar before.\","
	"\"records\":\"bars\",\"target\":\"close\",\"features\":[\"open\",\"high\",\"low\","
	"\"volume\",{\"name\":\"return\",\"column\":\"close\",\"transform\":\"return\"}],"
	"\"split\":{\"kind\":\"seeded\",\"train\":0.8,\"seed\":42}}",
	FORECAST("forecast_1m", "one minute", "60"),
	FORECAST("forecast_5m", "five minutes", "300"),
	FORECAST("forecast_15m", "fifteen minutes", "900"),
};
enum { COUNT = sizeof(TEXTS) / sizeof(TEXTS[0]) };

static struct spec specs[COUNT];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void read_all(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		cJSON *json = cJSON_Parse(TEXTS[i]);
		enum error error = spec_from_json(json, &specs[i], NULL);
		assert(error == ERROR_OK);
		specs[i].builtin = true;
		cJSON_Delete(json);
	}
}

size_t spec_builtin_count(void)
{
	return COUNT;
}

const struct spec *spec_builtin(size_t index)
{
	assert(index < COUNT);
	pthread_once(&once, read_all);
	return &specs[index];
}
