/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model_settings.h"

#include <stddef.h>

#define AT(member) offsetof(struct model_settings, member)

static const struct config_option options[] = {
	{ .name = "state_dir",
	  .type = CONFIG_STRING,
	  .offset = AT(state_dir),
	  .initial = "state/model",
	  .help = "folder of the local copy of specs and versions" },
	{ .name = "require_version",
	  .type = CONFIG_BOOL,
	  .offset = AT(require_version),
	  .initial = "true",
	  .help = "not ready until some model has a version that serves" },
	{ .name = "live_ticks",
	  .type = CONFIG_INT,
	  .offset = AT(live_ticks),
	  .initial = "86400",
	  .min = 1,
	  .max = 10000000,
	  .help = "newest ticks kept in memory and read back from Kafka at start" },
	{ .name = "live_bars",
	  .type = CONFIG_INT,
	  .offset = AT(live_bars),
	  .initial = "20160",
	  .min = 1,
	  .max = 10000000,
	  .help = "newest bars kept in memory and read back from Kafka at start" },
	{ .name = "live_predictions",
	  .type = CONFIG_INT,
	  .offset = AT(live_predictions),
	  .initial = "86400",
	  .min = 1,
	  .max = 10000000,
	  .help = "newest live predictions kept in memory, per model" },
	{ .name = "score_window",
	  .type = CONFIG_INT,
	  .offset = AT(score_window),
	  .initial = "1000",
	  .min = 1,
	  .max = 100000,
	  .help = "newest predictions that the running score looks at" },
	{ .name = "ticks_stale_after_s",
	  .type = CONFIG_INT,
	  .offset = AT(ticks_stale_after_s),
	  .initial = "30",
	  .min = 1,
	  .max = 604800,
	  .unit = "s",
	  .help = "the newest tick's age from which on predictions count as stale" },
	{ .name = "bars_stale_after_s",
	  .type = CONFIG_INT,
	  .offset = AT(bars_stale_after_s),
	  .initial = "180",
	  .min = 1,
	  .max = 604800,
	  .unit = "s",
	  .help = "the newest bar's age from which on predictions count as stale" },
	{ .name = "rows_limit",
	  .type = CONFIG_INT,
	  .offset = AT(rows_limit),
	  .initial = "10000",
	  .min = 2500, /* what the dashboard asks for */
	  .max = 100000,
	  .help = "rows in one list or one predict call" },
};

struct config_table model_settings_table(struct model_settings *settings)
{
	return (struct config_table){
		.title = "Model",
		.options = options,
		.count = sizeof options / sizeof options[0],
		.settings = settings,
	};
}
