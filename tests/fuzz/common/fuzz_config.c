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

static const struct config_option options[] = {
	{ AT(http_address), .type = CONFIG_STRING, .initial = "", .help = "" },
	{ AT(http_port), .type = CONFIG_INT, .initial = "1", .max = 65535, .help = "" },
	{ AT(rate_per_s), .type = CONFIG_DOUBLE, .initial = "1", .max = 9, .help = "" },
	{ AT(allow_anonymous), .type = CONFIG_BOOL, .initial = "no", .help = "" },
	{ AT(log_format), .type = CONFIG_CHOICE, .initial = "text", .choices = "text|json",
	  .help = "" },
	{ AT(hdfs_token), .type = CONFIG_STRING, .initial = "", .secret = true, .help = "" },
};
static const struct config_table table = { "", options, sizeof options / sizeof *options,
					   &settings };

static struct config *make(struct text *complaints)
{
	char *nothing[] = { NULL };
	struct config *config = config_new("gateway", &table, 1);
	assert(config);
	enum error error = config_load(config, 0, nothing, nothing, complaints);
	assert(!error);
	return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text complaints, json;
	text_init(&complaints, 1 << 24);
	text_init(&json, 1 << 24);
	struct config *config = make(&complaints);
	char *copy = malloc(size + 1);
	assert(copy);
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
