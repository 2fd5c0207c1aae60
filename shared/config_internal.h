/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the parts of config share: config.c holds the values, config_sources.c reads file,
 * environment and flags, config_print.c writes --help and /config.
 */
#ifndef TICKLINE_CONFIG_INTERNAL_H
#define TICKLINE_CONFIG_INTERNAL_H

#include "config.h"

enum config_source {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_ENVIRONMENT,
	CONFIG_FROM_FLAG,
	CONFIG_SOURCES
};

struct config_entry {
	const struct config_option *option;
	const struct config_table *table;
	const char *initial;
	char *string; /* what a CONFIG_STRING member points to */
	enum config_source source;
	unsigned seen[CONFIG_SOURCES]; /* line or argument where it was given; 0: not */
};

struct config_pass_through {
	char *name; /* without "kafka." */
	char *value;
	enum config_source source;
	unsigned seen[CONFIG_SOURCES];
};

struct config {
	const char *program;
	char *prefix; /* "GATEWAY_" */
	const struct config_table *tables;
	size_t table_count;
	struct config_entry *entries;
	size_t entry_count;
	struct config_pass_through *pass_through;
	size_t pass_through_count;
	enum config_action action;
	bool loaded;
};

/* One setting as a source gives it. `shown` is how that source writes the name ("--http-port") and
 * `at` a number that tells this place from others of the source (line, argument). */
struct config_given {
	enum config_source source;
	const char *where; /* "gateway.conf:12" or "environment"; starts a complaint */
	const char *shown;
	unsigned at;
};

/* Sets `name` (snake_case, or "kafka." and more), or adds one line to `complaints`. */
void config_assign(struct config *config, const struct config_given *given, const char *name,
		   const char *value, struct text *complaints);
struct config_entry *config_find(const struct config *config, const char *name);

/* Writes `name` as the source spells it: http_port, GATEWAY_HTTP_PORT, --http-port. */
void config_put_name(const struct config *config, enum config_source source, const char *name,
		     struct text *out);

/* A file's text, which is changed on the way; there must be room for one more byte behind it.
 * `path` is for complaints. */
void config_read_text(struct config *config, const char *path, char *data, size_t length,
		      struct text *complaints);
void config_read_file(struct config *config, const char *path, struct text *complaints);
void config_read_environment(struct config *config, char **environment, struct text *complaints);

/* `file` gets the --config argument where there is one. The settings of flags are assigned only
 * when `assign` is set, so that the first pass can find the file and the action. */
void config_read_flags(struct config *config, int argc, char **argv, bool assign, const char **file,
		       struct text *complaints);

/* The index of the word in "a|b|c", or -1. */
int64_t config_choice_index(const char *choices, const char *word);
bool config_read_bool(const char *word, bool *value);
bool config_pass_through_is_secret(const char *name);

#endif
