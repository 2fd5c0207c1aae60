/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the other services are, for the dashboard's panel of the pipeline.
 */
#ifndef TICKLINE_MODEL_PIPELINE_SETTINGS_H
#define TICKLINE_MODEL_PIPELINE_SETTINGS_H

#include <stdint.h>

#include "config.h"

/* An address that is "": the service is not shown. */
struct pipeline_settings {
	char *gateway_url, *gateway_management_url;
	char *ingest_url, *ingest_management_url;
	int64_t pipeline_timeout_ms; /* of one call */
};

struct config_table pipeline_settings_table(struct pipeline_settings *settings);

/* A complaint a line. */
void pipeline_settings_check(const struct pipeline_settings *settings, struct text *complaints);

#endif
