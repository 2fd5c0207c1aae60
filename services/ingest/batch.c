/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "batch.h"

#include <stdlib.h>

#include "gzip.h"

enum { TEXT_LIMIT = 1 << 30 };

struct batch *batch_new(int32_t partition, int64_t first, int64_t now_us)
{
	struct batch *batch = calloc(1, sizeof *batch);
	if (!batch)
		return NULL;
	batch->range = (struct file_range){ partition, first, first - 1, DATA_CSV };
	batch->opened_us = batch->newest_us = now_us;
	text_init(&batch->rows, TEXT_LIMIT);
	text_init(&batch->dead_letters, TEXT_LIMIT);
	return batch;
}

void batch_destroy(struct batch **batch)
{
	if (!*batch)
		return;
	text_clean_up(&(*batch)->rows);
	text_clean_up(&(*batch)->dead_letters);
	free(*batch);
	*batch = NULL;
}

static void note_offset(struct batch *batch, int64_t offset, int64_t now_us)
{
	if (batch_records(batch) == 0)
		batch->opened_us = now_us;
	batch->newest_us = now_us;
	batch->range.last = offset;
}

enum error batch_add_row(struct batch *batch, int64_t offset, const struct record *record,
			 int64_t now_us)
{
	note_offset(batch, offset, now_us);
	batch->row_count++;
	if (data_format_is_json(batch->range.format)) {
		record_write_json(record, &batch->rows);
		text_putc(&batch->rows, '\n');
	} else {
		record_write_csv(record, &batch->rows);
	}
	return batch->rows.error;
}

enum error batch_add_dead_letter(struct batch *batch, const struct dead_letter *letter,
				 int64_t now_us)
{
	note_offset(batch, letter->offset, now_us);
	batch->dead_letter_count++;
	dead_letter_write(letter, &batch->dead_letters);
	return batch->dead_letters.error;
}

static bool is_to_be_packed(const struct batch *batch)
{
	return !batch->packed && data_format_is_packed(batch->range.format);
}

enum error batch_pack(struct batch *batch)
{
	if (!is_to_be_packed(batch))
		return ERROR_OK;
	struct text packed;
	text_init(&packed, TEXT_LIMIT);
	enum error error = gzip_pack(batch->rows.data, batch->rows.length, &packed);
	if (error) {
		text_clean_up(&packed);
		return error;
	}
	text_clean_up(&batch->rows);
	batch->rows = packed;
	batch->packed = true;
	return ERROR_OK;
}

int64_t batch_records(const struct batch *batch)
{
	return batch->row_count + batch->dead_letter_count;
}

int64_t batch_bytes(const struct batch *batch)
{
	return (int64_t)(batch->rows.length + batch->dead_letters.length);
}

int64_t batch_bytes_to_publish(const struct batch *batch)
{
	/* What doesn't get smaller gets larger by less than a hundredth. */
	int64_t rows = (int64_t)batch->rows.length;
	return batch_bytes(batch) + (is_to_be_packed(batch) ? rows + rows / 100 + 64 : 0);
}

bool batch_is_full(const struct batch *batch, const struct batch_rules *rules)
{
	return batch_records(batch) >= rules->rows || batch_bytes(batch) >= rules->bytes;
}

bool batch_is_due(const struct batch *batch, const struct batch_rules *rules, int64_t now_us)
{
	return batch_records(batch) > 0 && (now_us - batch->opened_us >= rules->age_us ||
					    now_us - batch->newest_us >= rules->idle_us);
}

bool batch_is_of_another_period(const struct batch *batch, const struct batch_rules *rules,
				int64_t wall_us)
{
	return rules->clock_us > 0 && batch_records(batch) > 0 &&
	       batch->opened_wall_us / rules->clock_us != wall_us / rules->clock_us;
}
