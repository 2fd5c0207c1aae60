/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Settings from tables: each option is one row, and from it come the environment variable
 * (GATEWAY_HTTP_PORT), the flag (--http-port VALUE or --http-port=VALUE), the line of the --config
 * file (`http_port = 5550`, '#' starts a comment), --help, --check and /config.
 * Later sources win: default, file, environment, flag. Every error of every source is reported at
 * once, each with the source, the name, the value, the rule and, for an unknown name, the nearest
 * known one. Not thread-safe while loading; read-only afterwards.
 */
#ifndef TICKLINE_CONFIG_H
#define TICKLINE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "text.h"

enum config_type {
	CONFIG_STRING, /* char *; never NULL, owned by the config */
	CONFIG_CHOICE, /* int64_t, index into `choices` ("text|json") */
	CONFIG_INT,    /* int64_t, min <= value <= max */
	CONFIG_DOUBLE, /* double, min <= value <= max, finite */
	CONFIG_BOOL,   /* bool; true, false, yes, no, on, off, 1, 0 */
};

struct config_option {
	const char *name; /* snake_case */
	enum config_type type;
	size_t offset; /* of the member in the settings struct of its table */
	const char *initial;
	double min, max;     /* numbers only; exact to 2^53 */
	const char *unit;    /* "ms", "bytes", …; NULL: none */
	const char *choices; /* CONFIG_CHOICE only */
	bool secret;         /* masked everywhere but in the settings struct */
	const char *help;    /* one line */
};

struct config_table {
	const char *title; /* heading in --help */
	const struct config_option *options;
	size_t count;
	void *settings; /* where the values go */
};

struct config;

/* `program` ("gateway") gives the environment prefix and the flag texts. The tables are kept. */
struct config *config_new(const char *program, const struct config_table *tables, size_t count);
void config_destroy(struct config **config);

/* Replaces one option's default before loading (a port that differs per service). */
void config_set_default(struct config *config, const char *name, const char *value);

/* Reads all sources. OK, or INVALID with every complaint in `complaints`, a line each.
 * `environment` is environ-like; `argv[0]` is skipped. --help, --version, --check and --health are
 * accepted and only remembered (config_action). */
enum error config_load(struct config *config, int argc, char **argv, char **environment,
		       struct text *complaints) MUST_USE;

enum config_action { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION, CONFIG_CHECK, CONFIG_HEALTH };
enum config_action config_action(const struct config *config);

void config_write_help(const struct config *config, const char *summary, struct text *out);

/* Every option as a JSON object {name: {value, source, default, unit, help}}, secrets masked,
 * pass-through settings included (their secrets are told by name: password, secret, key, token). */
void config_write_json(const struct config *config, struct text *out);

/* Pass-through settings: names that start with `kafka.` (environment GATEWAY_KAFKA_SASL_USERNAME
 * -> kafka.sasl.username; flag --kafka.sasl.username). Calls `each` with the name after "kafka.".
 */
void config_each_kafka(const struct config *config,
		       void (*each)(const char *name, const char *value, void *user), void *user);

#endif
