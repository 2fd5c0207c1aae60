/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_internal.h"
#include "decimal.h"

enum { MAX_NAME = 128 };

static bool prefix_new(struct config *config)
{
	struct text prefix;
	text_init(&prefix, MAX_NAME);
	for (const char *c = config->program; *c; c++)
		text_putc(&prefix, *c == '-' ? '_' : (char)toupper((unsigned char)*c));
	text_putc(&prefix, '_');
	config->prefix = text_take(&prefix);
	text_clean_up(&prefix);
	return config->prefix != NULL;
}

struct config *config_new(const char *program, const struct config_table *tables, size_t count)
{
	struct config *config = calloc(1, sizeof *config);
	if (!config)
		return NULL;
	config->program = program;
	config->tables = tables;
	config->table_count = count;
	for (size_t t = 0; t < count; t++)
		config->entry_count += tables[t].count;
	config->entries = calloc(config->entry_count + 1, sizeof *config->entries);
	if (!config->entries || !prefix_new(config)) {
		config_destroy(&config);
		return NULL;
	}
	struct config_entry *entry = config->entries;
	for (size_t t = 0; t < count; t++) {
		for (size_t o = 0; o < tables[t].count; o++, entry++) {
			entry->table = &tables[t];
			entry->option = &tables[t].options[o];
			entry->initial = entry->option->initial;
		}
	}
	return config;
}

void config_destroy(struct config **config)
{
	if (!*config)
		return;
	for (size_t i = 0; (*config)->entries && i < (*config)->entry_count; i++)
		free((*config)->entries[i].string);
	for (size_t i = 0; i < (*config)->pass_through_count; i++) {
		free((*config)->pass_through[i].name);
		free((*config)->pass_through[i].value);
	}
	free((*config)->pass_through);
	free((*config)->entries);
	free((*config)->prefix);
	free(*config);
	*config = NULL;
}

struct config_entry *config_find(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->entry_count; i++)
		if (strcmp(config->entries[i].option->name, name) == 0)
			return &config->entries[i];
	return NULL;
}

void config_set_default(struct config *config, const char *name, const char *value)
{
	struct config_entry *entry = config_find(config, name);
	assert(entry && !config->loaded);
	entry->initial = value;
}

/* --- values ---------------------------------------------------------------------------------- */

int64_t config_choice_index(const char *choices, const char *word)
{
	size_t length = strlen(word);
	for (int64_t index = 0; *choices; index++) {
		size_t next = strcspn(choices, "|");
		if (next == length && memcmp(choices, word, length) == 0)
			return index;
		choices += next + (choices[next] == '|');
	}
	return -1;
}

bool config_read_bool(const char *word, bool *value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "false", false }, { "yes", true }, { "no", false },
		{ "on", true },   { "off", false },   { "1", true },   { "0", false },
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(words[i].word, word) == 0) {
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

static void put_range(const struct config_option *option, struct text *why)
{
	text_puts(why, "is not between ");
	text_put_double(why, option->min);
	text_puts(why, " and ");
	text_put_double(why, option->max);
	if (option->unit)
		text_putf(why, " %s", option->unit);
}

static bool set_int(const struct config_option *option, const char *value, int64_t *member,
		    struct text *why)
{
	int64_t number;
	enum error error = decimal_read_i64(value, strlen(value), &number);
	if (error == ERROR_INVALID) {
		text_puts(why, "is not a whole number");
		return false;
	}
	if (error || (double)number < option->min || (double)number > option->max) {
		put_range(option, why);
		return false;
	}
	*member = number;
	return true;
}

static bool set_double(const struct config_option *option, const char *value, double *member,
		       struct text *why)
{
	double number;
	enum error error = decimal_read(value, strlen(value), &number);
	if (error == ERROR_INVALID) {
		text_puts(why, "is not a number");
		return false;
	}
	if (error || number < option->min || number > option->max) {
		put_range(option, why);
		return false;
	}
	*member = number;
	return true;
}

static bool set_string(struct config_entry *entry, const char *value, char **member,
		       struct text *why)
{
	for (const char *c = value; *c; c++) {
		if (iscntrl((unsigned char)*c)) {
			text_puts(why, "holds a control character");
			return false;
		}
	}
	char *copy = strdup(value);
	if (!copy) {
		text_puts(why, error_text(ERROR_NO_MEMORY));
		return false;
	}
	free(entry->string);
	*member = entry->string = copy;
	return true;
}

/* Stores the value in its settings struct; false with the rule that it breaks in `why`. */
static bool set_value(struct config_entry *entry, const char *value, struct text *why)
{
	const struct config_option *option = entry->option;
	void *member = (char *)entry->table->settings + option->offset;
	int64_t index;
	switch (option->type) {
	case CONFIG_STRING:
		return set_string(entry, value, member, why);
	case CONFIG_INT:
		return set_int(option, value, member, why);
	case CONFIG_DOUBLE:
		return set_double(option, value, member, why);
	case CONFIG_BOOL:
		if (config_read_bool(value, member))
			return true;
		text_puts(why, "is not true or false");
		return false;
	case CONFIG_CHOICE:
		index = config_choice_index(option->choices, value);
		if (index >= 0) {
			*(int64_t *)member = index;
			return true;
		}
		text_putf(why, "is none of %s", option->choices);
		return false;
	}
	return false;
}

/* --- names ----------------------------------------------------------------------------------- */

void config_put_name(const struct config *config, enum config_source source, const char *name,
		     struct text *out)
{
	if (source == CONFIG_FROM_ENVIRONMENT)
		text_puts(out, config->prefix);
	else if (source == CONFIG_FROM_FLAG)
		text_puts(out, "--");
	for (; *name; name++) {
		if (source == CONFIG_FROM_ENVIRONMENT)
			text_putc(out, *name == '.' ? '_' : (char)toupper((unsigned char)*name));
		else
			text_putc(out, source == CONFIG_FROM_FLAG && *name == '_' ? '-' : *name);
	}
}

/* Edits (insert, delete, replace, swap of neighbours) between two names of at most MAX_NAME. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][MAX_NAME + 1];
	size_t length = strlen(b);
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= length; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1]; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= length; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		unsigned *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[length];
}

/* The known name that is fewest edits away, or NULL when none is within `most`. */
static const char *nearest(const struct config *config, const char *name, unsigned most)
{
	const char *best = NULL;
	if (strlen(name) > MAX_NAME)
		return NULL;
	for (size_t i = 0; i < config->entry_count; i++) {
		const char *known = config->entries[i].option->name;
		unsigned edits = distance(name, known);
		if (edits <= most) {
			best = known;
			most = edits - (edits > 0);
		}
	}
	return best;
}

/* --- assigning ------------------------------------------------------------------------------- */

static void begin_complaint(const struct config_given *given, struct text *complaints)
{
	text_putf(complaints, "%s: %s", given->where, given->shown);
}

static void complain_unknown(const struct config *config, const struct config_given *given,
			     const char *near, struct text *complaints)
{
	begin_complaint(given, complaints);
	text_puts(complaints, " is no known setting");
	if (near) {
		text_puts(complaints, "; did you mean ");
		config_put_name(config, given->source, near, complaints);
		text_putc(complaints, '?');
	}
	text_putc(complaints, '\n');
}

/* True when the same source gave it before. */
static bool is_repeated(unsigned *seen, const struct config_given *given, struct text *complaints)
{
	unsigned first = seen[given->source];
	seen[given->source] = given->at;
	if (!first)
		return false;
	begin_complaint(given, complaints);
	text_putf(complaints, " is given twice, first %s %u\n",
		  given->source == CONFIG_FROM_FILE ? "on line" : "as argument", first);
	return true;
}

static void assign_option(struct config_entry *entry, const struct config_given *given,
			  const char *value, struct text *complaints)
{
	if (is_repeated(entry->seen, given, complaints))
		return;
	char memory[256];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	if (set_value(entry, value, &why)) {
		entry->source = given->source;
		return;
	}
	begin_complaint(given, complaints);
	text_puts(complaints, " = ");
	if (entry->option->secret)
		text_puts(complaints, "(secret)");
	else
		text_put_json(complaints, value, strlen(value));
	text_putf(complaints, " %s\n", why.data);
}

static struct config_pass_through *find_pass_through(struct config *config, const char *name)
{
	for (size_t i = 0; i < config->pass_through_count; i++)
		if (strcmp(config->pass_through[i].name, name) == 0)
			return &config->pass_through[i];
	struct config_pass_through *grown =
		realloc(config->pass_through, (config->pass_through_count + 1) * sizeof *grown);
	if (!grown)
		return NULL;
	config->pass_through = grown;
	struct config_pass_through *added = &grown[config->pass_through_count];
	*added = (struct config_pass_through){ .name = strdup(name) };
	if (!added->name)
		return NULL;
	config->pass_through_count++;
	return added;
}

static void assign_pass_through(struct config *config, const struct config_given *given,
				const char *name, const char *value, struct text *complaints)
{
	struct config_pass_through *setting = find_pass_through(config, name);
	char *copy = strdup(value);
	if (!setting || !copy) {
		free(copy);
		text_putf(complaints, "%s: %s\n", given->where, error_text(ERROR_NO_MEMORY));
		return;
	}
	if (is_repeated(setting->seen, given, complaints)) {
		free(copy);
		return;
	}
	free(setting->value);
	setting->value = copy;
	setting->source = given->source;
}

void config_assign(struct config *config, const struct config_given *given, const char *name,
		   const char *value, struct text *complaints)
{
	struct config_entry *entry = config_find(config, name);
	if (entry) {
		assign_option(entry, given, value, complaints);
		return;
	}
	bool kafka = strncmp(name, "kafka.", 6) == 0 && name[6];
	unsigned length = (unsigned)strnlen(name, MAX_NAME);
	const char *near = nearest(config, name, length < 6 ? 1 : length / 3);
	if (kafka) {
		/* Kafka's client knows its own names; only a slip in one of ours is caught here. */
		char own[MAX_NAME];
		struct text spelled;
		text_init_fixed(&spelled, own, sizeof own);
		for (const char *c = name; *c; c++)
			text_putc(&spelled, *c == '.' ? '_' : *c);
		near = nearest(config, own, 1);
		if (!near) {
			assign_pass_through(config, given, name + 6, value, complaints);
			return;
		}
	}
	complain_unknown(config, given, near, complaints);
}

/* --- loading --------------------------------------------------------------------------------- */

static void set_defaults(struct config *config)
{
	for (size_t i = 0; i < config->entry_count; i++) {
		char memory[256];
		struct text why;
		text_init_fixed(&why, memory, sizeof memory);
		bool good = set_value(&config->entries[i], config->entries[i].initial, &why);
		assert(good && "a default must obey its own rule");
	}
}

static const char *file_from_environment(const struct config *config, char **environment)
{
	size_t length = strlen(config->prefix);
	for (; *environment; environment++)
		if (strncmp(*environment, config->prefix, length) == 0 &&
		    strncmp(*environment + length, "CONFIG=", 7) == 0)
			return *environment + length + 7;
	return NULL;
}

enum error config_load(struct config *config, int argc, char **argv, char **environment,
		       struct text *complaints)
{
	assert(!config->loaded);
	config->loaded = true;
	size_t before = complaints->length;
	set_defaults(config);
	const char *file = file_from_environment(config, environment);
	config_read_flags(config, argc, argv, false, &file, complaints);
	if (file && *file)
		config_read_file(config, file, complaints);
	config_read_environment(config, environment, complaints);
	config_read_flags(config, argc, argv, true, &file, complaints);
	return complaints->length > before || !text_ok(complaints) ? ERROR_INVALID : ERROR_OK;
}

enum config_action config_action(const struct config *config)
{
	return config->action;
}

void config_each_kafka(const struct config *config,
		       void (*each)(const char *name, const char *value, void *user), void *user)
{
	for (size_t i = 0; i < config->pass_through_count; i++)
		if (config->pass_through[i].value)
			each(config->pass_through[i].name, config->pass_through[i].value, user);
}
