/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A configuration file of any content: loading ends with settings that obey their rules, or with
 * complaints of whole lines; /config is JSON either way and never shows the secret.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "config_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings {
	char *http_address;
	int64_t http_port;
	double rate_per_s;
	bool allow_anonymous;
	int64_t log_format;
	char *hdfs_token;
} settings;

#define AT(member) .name = #member, .offset = offsetof(struct settings, member)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text complaints, json;
	text_init(&complaints, 1 << 24);
	text_init(&json, 1 << 24);
	struct config *config = make(&complaints);
	char *copy =
		malloc(size + 1); /* with room for the terminator that config_read_text may set */
	memcpy(copy, data, size);
	config_read_text(config, "f", copy, size, &complaints);
	assert(settings.http_port >= 0 && settings.http_port <= 65535);
	assert(settings.rate_per_s >= 0 && settings.rate_per_s <= 9);
	assert(settings.log_format == 0 || settings.log_format == 1);
	assert(!complaints.length || complaints.data[complaints.length - 1] == '\n');
	config_write_json(config, &json);
	cJSON *parsed = cJSON_Parse(json.data);
	assert(parsed);
	const cJSON *token = cJSON_GetObjectItem(parsed, "hdfs_token");
	const char *shown = cJSON_GetObjectItem(token, "value")->valuestring;
	assert(!strcmp(shown, *settings.hdfs_token ? "********" : ""));
	cJSON_Delete(parsed);
	free(copy);
	config_destroy(&config);
	text_clean_up(&json);
	text_clean_up(&complaints);
	return 0;
}
