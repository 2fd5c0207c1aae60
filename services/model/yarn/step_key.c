/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "step_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decimal.h"

enum { NAME_LENGTH = 56, NUMBER_DIGITS = 19, KEY_LENGTH = NAME_LENGTH + 2 * (1 + NUMBER_DIGITS) };

void step_key_print(const struct step_key *key, char out[STEP_KEY_SIZE])
{
	char name[DATASET_NAME_LENGTH + 1];
	dataset_print_name(&key->file, name);
	snprintf(out, STEP_KEY_SIZE, "%s:%019" PRId64 ":%019" PRId64, name, key->start,
		 key->number);
}

static bool read_number(const char *digits, int64_t *out)
{
	size_t skip = 0;
	if (digits[0] != ':' || strspn(digits + 1, "0123456789") < NUMBER_DIGITS)
		return false;
	while (skip < NUMBER_DIGITS - 1 && digits[1 + skip] == '0')
		skip++;
	return decimal_read_i64(digits + 1 + skip, NUMBER_DIGITS - skip, out) == ERROR_OK;
}

bool step_key_parse(const char *data, size_t length, struct step_key *key)
{
	char text[KEY_LENGTH + 1], name[NAME_LENGTH + 1];
	if (length != KEY_LENGTH)
		return false;
	memcpy(text, data, KEY_LENGTH);
	text[KEY_LENGTH] = '\0';
	memcpy(name, data, NAME_LENGTH);
	name[NAME_LENGTH] = '\0';
	key->file.length = 0;
	key->file.date = DATE_NONE;
	return dataset_parse_name(name, &key->file) &&
	       read_number(text + NAME_LENGTH, &key->start) &&
	       read_number(text + NAME_LENGTH + 1 + NUMBER_DIGITS, &key->number);
}

bool step_key_same_file(const struct step_key *a, const struct step_key *b)
{
	return a->file.partition == b->file.partition && a->file.first == b->file.first &&
	       a->file.last == b->file.last;
}
