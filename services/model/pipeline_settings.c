/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline_settings.h"

#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct pipeline_settings, member)

static const struct config_option options[] = {
	{ .name = "gateway_url",
	  .type = CONFIG_STRING,
	  .offset = AT(gateway_url),
	  .initial = "http://127.0.0.1:5550",
	  .help = "the gateway that the dashboard shows and steers; empty: none. A caller's bearer "
		  "token is passed on to it" },
	{ .name = "gateway_management_url",
	  .type = CONFIG_STRING,
	  .offset = AT(gateway_management_url),
	  .initial = "http://127.0.0.1:6550",
	  .help = "its management port, for readiness and counters; empty: not shown" },
	{ .name = "ingest_url",
	  .type = CONFIG_STRING,
	  .offset = AT(ingest_url),
	  .initial = "http://127.0.0.1:5551",
	  .help = "the ingest that the dashboard shows; empty: none. A caller's bearer token is "
		  "passed on to it" },
	{ .name = "ingest_management_url",
	  .type = CONFIG_STRING,
	  .offset = AT(ingest_management_url),
	  .initial = "http://127.0.0.1:6551",
	  .help = "its management port, for readiness and counters; empty: not shown" },
	{ .name = "pipeline_timeout_ms",
	  .type = CONFIG_INT,
	  .offset = AT(pipeline_timeout_ms),
	  .initial = "2000",
	  .min = 50,
	  .max = 10000,
	  .unit = "ms",
	  .help = "how long one call to another service may take until it counts as away" },
};

enum { OPTIONS = sizeof options / sizeof options[0] };

struct config_table pipeline_settings_table(struct pipeline_settings *settings)
{
	return (struct config_table){
		.title = "Pipeline",
		.options = options,
		.count = OPTIONS,
		.settings = settings,
	};
}

/* Paths are appended, so an address has none; it ends without a slash. */
static bool is_address(const char *url)
{
	const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
			   : strncmp(url, "https://", 8) == 0 ? url + 8
							      : "";
	return *host && strcspn(host, "/?#@ \t\r\n") == strlen(host);
}

void pipeline_settings_check(const struct pipeline_settings *settings, struct text *complaints)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (options[i].type != CONFIG_STRING)
			continue;
		const char *url = *(char *const *)((const char *)settings + options[i].offset);
		if (*url && !is_address(url))
			text_putf(complaints,
				  "%s is \"%s\": it must be http://host:port or https://host:port, "
				  "without a path, or empty\n",
				  options[i].name, url);
	}
}
