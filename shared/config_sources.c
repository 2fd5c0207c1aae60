/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where settings come from: a file, the environment, flags. Each reader turns the names of its
 * source into snake_case ("kafka.x.y" for what passes through) and hands them to config_assign.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

enum {
	MAX_FILE = 1 << 20,
	MAX_LINE_SHOWN = 80,
	MAX_NAME = 256,
};

/* --- the file -------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *from, char *to)
{
	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	*to = '\0';
	return from;
}

/* The value without its comment. In double quotes it stands as it is, so that it may hold blanks
 * at its ends and " #". NULL: something follows the closing quote. */
static char *read_file_value(char *value)
{
	if (*value == '"') {
		char *close = strchr(value + 1, '"');
		char *rest = close ? close + 1 : value;
		rest += strspn(rest, " \t\r");
		if (!close || (*rest && *rest != '#'))
			return NULL;
		*close = '\0';
		return value + 1;
	}
	for (char *c = value; *c; c++)
		if (*c == '#' && (c == value || is_blank(c[-1])))
			return trim(value, c);
	return value;
}

static bool is_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.");
	return length > 0 && length < MAX_NAME && !name[length];
}

static void read_line(struct config *config, const struct config_given *place, char *line,
		      char *end, struct text *complaints)
{
	line = trim(line, end);
	if (!*line || *line == '#')
		return;
	char *equals = strchr(line, '=');
	char *value = equals ? trim(equals + 1, line + strlen(line)) : NULL;
	if (equals) {
		line = trim(line, equals);
		value = read_file_value(value);
	}
	if (!value || !is_name(line)) {
		/* The value is not shown: it may be a secret. */
		text_putf(complaints, "%s: ", place->where);
		text_put_json(complaints, line, strnlen(line, MAX_LINE_SHOWN));
		text_puts(complaints, equals ? " is not followed by one value, or is no name\n"
					     : " is not a line of the form name = value\n");
		return;
	}
	struct config_given given = *place;
	given.shown = line;
	config_assign(config, &given, line, value, complaints);
}

void config_read_text(struct config *config, const char *path, char *data, size_t length,
		      struct text *complaints)
{
	if (memchr(data, '\0', length)) {
		text_putf(complaints, "%s: holds a zero byte\n", path);
		return;
	}
	char *at = data;
	char *end = data + length;
	if (length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
		at += 3;
	for (unsigned number = 1; at < end; number++) {
		char *stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		char where[512];
		snprintf(where, sizeof where, "%.480s:%u", path, number);
		struct config_given place = { CONFIG_FROM_FILE, where, "", number };
		read_line(config, &place, at, stop, complaints);
		at = stop + 1;
	}
}

void config_read_file(struct config *config, const char *path, struct text *complaints)
{
	char *data = NULL;
	size_t length = 0;
	FILE *file = fopen(path, "re");
	if (!file) {
		text_putf(complaints, "%s: cannot be opened: %s\n", path, strerror(errno));
		return;
	}
	data = malloc(MAX_FILE + 2);
	if (!data) {
		text_putf(complaints, "%s: %s\n", path, error_text(ERROR_NO_MEMORY));
		goto close;
	}
	length = fread(data, 1, MAX_FILE + 1, file);
	if (ferror(file))
		text_putf(complaints, "%s: cannot be read: %s\n", path, strerror(errno));
	else if (length > MAX_FILE)
		text_putf(complaints, "%s: is longer than %d bytes\n", path, MAX_FILE);
	else
		config_read_text(config, path, data, length, complaints);
	free(data);
close:
	fclose(file);
}

/* --- the environment ------------------------------------------------------------------------- */

/* Kubernetes and Docker links put GATEWAY_SERVICE_HOST, GATEWAY_PORT=tcp://… and
 * GATEWAY_PORT_5550_TCP_ADDR into the environment of everything that runs beside a service with the
 * name "gateway". They are not ours and no mistake. */
static bool is_service_link(const char *rest)
{
	if (strncmp(rest, "SERVICE_HOST", 12) == 0 || strncmp(rest, "SERVICE_PORT", 12) == 0)
		return true;
	if (strncmp(rest, "PORT", 4) != 0)
		return false;
	return !rest[4] || (rest[4] == '_' && isdigit((unsigned char)rest[5]));
}

static void read_variable(struct config *config, const char *shown, const char *rest,
			  const char *value, struct text *complaints)
{
	char name[MAX_NAME];
	size_t length = 0;
	for (; rest[length] && length < sizeof name - 1; length++)
		name[length] = (char)tolower((unsigned char)rest[length]);
	name[length] = '\0';
	if (strcmp(name, "config") == 0)
		return; /* looked at before: it names the file */
	bool known = config_find(config, name) != NULL;
	if (!known && is_service_link(rest))
		return;
	if (!known && strncmp(name, "kafka_", 6) == 0)
		for (char *c = name; *c; c++)
			*c = *c == '_' ? '.' : *c;
	struct config_given given = { CONFIG_FROM_ENVIRONMENT, "environment", shown, 1 };
	config_assign(config, &given, name, value, complaints);
}

void config_read_environment(struct config *config, char **environment, struct text *complaints)
{
	size_t length = strlen(config->prefix);
	for (; *environment; environment++) {
		const char *equals = strchr(*environment, '=');
		if (!equals || strncmp(*environment, config->prefix, length) != 0)
			continue;
		char *shown = strndup(*environment, (size_t)(equals - *environment));
		if (!shown) {
			text_putf(complaints, "environment: %s\n", error_text(ERROR_NO_MEMORY));
			return;
		}
		read_variable(config, shown, shown + length, equals + 1, complaints);
		free(shown);
	}
}

/* --- flags ----------------------------------------------------------------------------------- */

static bool take_action(struct config *config, const char *flag)
{
	static const struct {
		const char *flag;
		enum config_action action;
	} actions[] = {
		{ "--help", CONFIG_HELP },   { "-h", CONFIG_HELP },
		{ "--check", CONFIG_CHECK }, { "--version", CONFIG_VERSION },
		{ "-V", CONFIG_VERSION },    { "--health", CONFIG_HEALTH },
	};
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		if (strcmp(flag, actions[i].flag) == 0) {
			config->action = actions[i].action;
			return true;
		}
	}
	return false;
}

struct flag {
	char *shown; /* "--http-port" */
	char *name;  /* "http_port" */
	const char *value;
};

static bool is_bool(const struct config *config, const char *name)
{
	const struct config_entry *entry = config_find(config, name);
	return entry && entry->option->type == CONFIG_BOOL;
}

/* Splits "--name=value" or takes the next argument for the value; a boolean needs none. Returns the
 * number of arguments used, 0 when there is no memory. `value` NULL: it is missing. */
static int take_flag(const struct config *config, char **argv, int left, struct flag *flag)
{
	const char *equals = strchr(argv[0], '=');
	size_t length = equals ? (size_t)(equals - argv[0]) : strlen(argv[0]);
	flag->shown = strndup(argv[0], length);
	flag->name = strndup(argv[0] + 2, length - 2);
	if (!flag->shown || !flag->name)
		return 0;
	for (char *c = flag->name; *c; c++)
		*c = *c == '-' ? '_' : *c;
	if (equals) {
		flag->value = equals + 1;
		return 1;
	}
	bool next = left > 1 && strncmp(argv[1], "--", 2) != 0;
	bool ignored;
	if (is_bool(config, flag->name) && !(next && config_read_bool(argv[1], &ignored))) {
		flag->value = "true";
		return 1;
	}
	flag->value = next ? argv[1] : NULL;
	return next ? 2 : 1;
}

static void use_flag(struct config *config, const struct flag *flag, unsigned at, bool assign,
		     const char **file, struct text *complaints)
{
	if (strcmp(flag->name, "config") == 0) {
		if (flag->value)
			*file = flag->value;
		else if (assign)
			text_puts(complaints, "flag: --config needs the name of a file\n");
		return;
	}
	if (!assign)
		return;
	struct config_given given = { CONFIG_FROM_FLAG, "flag", flag->shown, at };
	if (!flag->value && config_find(config, flag->name))
		text_putf(complaints, "flag: %s needs a value\n", flag->shown);
	else
		config_assign(config, &given, flag->name, flag->value ? flag->value : "",
			      complaints);
}

void config_read_flags(struct config *config, int argc, char **argv, bool assign, const char **file,
		       struct text *complaints)
{
	int used;
	for (int i = 1; i < argc; i += used) {
		used = 1;
		if (take_action(config, argv[i]))
			continue;
		if (strncmp(argv[i], "--", 2) != 0 || !argv[i][2]) {
			if (assign)
				text_putf(complaints, "argument %d: \"%s\" is not expected\n", i,
					  argv[i]);
			continue;
		}
		struct flag flag = { 0 };
		used = take_flag(config, argv + i, argc - i, &flag);
		if (used)
			use_flag(config, &flag, (unsigned)i, assign, file, complaints);
		else
			text_putf(complaints, "flag: %s\n", error_text(ERROR_NO_MEMORY));
		free(flag.shown);
		free(flag.name);
		if (!used)
			return;
	}
}
