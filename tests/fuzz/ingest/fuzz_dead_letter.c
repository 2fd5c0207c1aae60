/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a replay believes: a line of a dead letters' file, and an entry of the ledger. A line that
 * is taken comes back byte for byte from what it is written as again; an entry's runs are ranges.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dead_letter.h"
#include "replay_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct slice *a, const struct slice *b)
{
	assert(a->length == b->length && (a->data == NULL) == (b->data == NULL));
	assert(!a->data || memcmp(a->data, b->data, a->length) == 0);
}

static void check_again(const struct dead_letter *letter)
{
	struct dead_letter again;
	cJSON *memory;
	struct text line;
	text_init(&line, 1 << 24);
	dead_letter_write(letter, &line);
	assert(text_ok(&line));
	enum error error = dead_letter_read(line.data, line.length, &again, &memory, NULL);
	assert(!error && again.offset == letter->offset && again.partition == letter->partition);
	assert(strcmp(again.topic, letter->topic) == 0);
	check_same(&letter->key, &again.key);
	check_same(&letter->raw, &again.raw);
	cJSON_Delete(memory);
	text_clean_up(&line);
}

static void check_run(int64_t first, int64_t last, void *user)
{
	(void)user;
	assert(first >= 0 && first <= last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dead_letter letter;
	cJSON *memory;
	char *text = malloc(size ? size : 1); /* exactly as long, so that one byte more is seen */
	memcpy(text, data, size);
	if (dead_letter_read(text, size, &letter, &memory, NULL) == ERROR_OK)
		check_again(&letter);
	cJSON_Delete(memory);
	enum error error = replay_entry_read(text, size, 0, check_run, NULL, NULL);
	(void)error;
	free(text);
	return 0;
}
