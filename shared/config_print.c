/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <strings.h>

#include "config_internal.h"

/* --- --help ---------------------------------------------------------------------------------- */

static void put_placeholder(const struct config_option *option, struct text *out)
{
	static const char *const words[] = { [CONFIG_STRING] = "TEXT",
					     [CONFIG_INT] = "N",
					     [CONFIG_DOUBLE] = "X",
					     [CONFIG_BOOL] = "true|false" };
	text_puts(out, option->type == CONFIG_CHOICE ? option->choices : words[option->type]);
}

static void put_rule(const struct config_entry *entry, struct text *out)
{
	const struct config_option *option = entry->option;
	text_puts(out, " [");
	if (option->type == CONFIG_INT || option->type == CONFIG_DOUBLE) {
		text_put_double(out, option->min);
		text_puts(out, " to ");
		text_put_double(out, option->max);
		text_putf(out, "%s%s; ", option->unit ? " " : "", option->unit ? option->unit : "");
	} else if (option->unit) {
		text_putf(out, "%s; ", option->unit);
	}
	if (option->secret)
		text_puts(out, "secret; ");
	if (*entry->initial)
		text_putf(out, "default %s]\n", entry->initial);
	else
		text_puts(out, "default: none]\n");
}

static void write_option(const struct config *config, const struct config_entry *entry,
			 struct text *out)
{
	text_puts(out, "  ");
	config_put_name(config, CONFIG_FROM_FLAG, entry->option->name, out);
	text_putc(out, ' ');
	put_placeholder(entry->option, out);
	text_puts(out, "  (");
	config_put_name(config, CONFIG_FROM_ENVIRONMENT, entry->option->name, out);
	text_putf(out, ")\n      %s", entry->option->help);
	put_rule(entry, out);
}

void config_write_help(const struct config *config, const char *summary, struct text *out)
{
	text_putf(
		out,
		"%s: %s\n\n"
		"Usage: %s [--config FILE] [--NAME VALUE | --NAME=VALUE]...\n\n"
		"  --help     print this and exit\n"
		"  --version  print version and build flags and exit\n"
		"  --check    check the settings and exit: 0 good, 2 complaints on standard error\n"
		"  --health   ask the running service whether it is alive and exit: 0 yes, 1 no\n"
		"  --config FILE  (%sCONFIG)\n"
		"      File of lines 'name = value'; '#' starts a comment, double quotes keep a\n"
		"      value as it is. Names are those of the flags with '_' for '-'.\n\n"
		"A flag wins over the environment variable beside it, that over the file, and the\n"
		"file over the default.\n",
		config->program, summary, config->program, config->prefix);
	const struct config_table *table = NULL;
	for (size_t i = 0; i < config->entry_count; i++) {
		if (config->entries[i].table != table) {
			table = config->entries[i].table;
			text_putf(out, "\n%s\n", table->title);
		}
		write_option(config, &config->entries[i], out);
	}
	text_putf(
		out,
		"\nKafka's client\n"
		"  --kafka.NAME VALUE  (%sKAFKA_NAME)\n"
		"      Any setting of librdkafka, for example --kafka.security.protocol SASL_SSL\n"
		"      (%sKAFKA_SECURITY_PROTOCOL); a wrong one is refused with the client's own\n"
		"      words.\n",
		config->prefix, config->prefix);
}

/* --- /config --------------------------------------------------------------------------------- */

static const char *const source_names[CONFIG_SOURCES] = { "default", "file", "environment",
							  "flag" };

static void put_json_string(struct text *out, const char *string)
{
	text_put_json(out, string, strlen(string));
}

static void put_choice(struct text *out, const char *choices, int64_t index)
{
	for (; index > 0; index--)
		choices += strcspn(choices, "|") + 1;
	text_put_json(out, choices, strcspn(choices, "|"));
}

static void put_value(const struct config_entry *entry, struct text *out)
{
	const struct config_option *option = entry->option;
	const void *member = (const char *)entry->table->settings + option->offset;
	switch (option->type) {
	case CONFIG_STRING:
		put_json_string(out, *(char *const *)member);
		break;
	case CONFIG_CHOICE:
		put_choice(out, option->choices, *(const int64_t *)member);
		break;
	case CONFIG_INT:
		text_put_i64(out, *(const int64_t *)member);
		break;
	case CONFIG_DOUBLE:
		text_put_double(out, *(const double *)member);
		break;
	case CONFIG_BOOL:
		text_puts(out, *(const bool *)member ? "true" : "false");
		break;
	}
}

static bool is_empty(const struct config_entry *entry)
{
	return entry->option->type == CONFIG_STRING && !*entry->string;
}

static void write_entry(const struct config_entry *entry, struct text *out)
{
	const struct config_option *option = entry->option;
	put_json_string(out, option->name);
	text_puts(out, ":{\"value\":");
	if (option->secret && !is_empty(entry))
		text_puts(out, "\"********\"");
	else
		put_value(entry, out);
	text_puts(out, ",\"source\":");
	put_json_string(out, source_names[entry->source]);
	text_puts(out, ",\"default\":");
	put_json_string(out, option->secret ? "" : entry->initial);
	if (option->unit) {
		text_puts(out, ",\"unit\":");
		put_json_string(out, option->unit);
	}
	text_puts(out, ",\"help\":");
	put_json_string(out, option->help);
	text_putc(out, '}');
}

bool config_pass_through_is_secret(const char *name)
{
	static const char *const words[] = { "password", "secret",      "key",
					     "token",    "oauthbearer", "jaas" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

static void write_pass_through(const struct config_pass_through *setting, struct text *out)
{
	text_puts(out, "\"kafka.");
	/* The name's bytes were checked or come from the environment: escape them all the same. */
	struct text name;
	text_init(&name, 4096);
	text_put_json(&name, setting->name, strlen(setting->name));
	text_put(out, name.data + 1, name.length ? name.length - 1 : 0);
	text_clean_up(&name);
	text_puts(out, ":{\"value\":");
	if (config_pass_through_is_secret(setting->name))
		text_puts(out, "\"********\"");
	else
		put_json_string(out, setting->value);
	text_puts(out, ",\"source\":");
	put_json_string(out, source_names[setting->source]);
	text_putc(out, '}');
}

void config_write_json(const struct config *config, struct text *out)
{
	bool first = true;
	text_putc(out, '{');
	for (size_t i = 0; i < config->entry_count; i++, first = false) {
		text_puts(out, first ? "" : ",");
		write_entry(&config->entries[i], out);
	}
	for (size_t i = 0; i < config->pass_through_count; i++, first = false) {
		if (!config->pass_through[i].value)
			continue;
		text_puts(out, first ? "" : ",");
		write_pass_through(&config->pass_through[i], out);
	}
	text_puts(out, "}");
}
