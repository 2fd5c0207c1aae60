/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify_spans.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

void verify_partition_clean_up(struct verify_partition *partition)
{
	free(partition->spans);
	partition->spans = NULL;
	partition->count = partition->capacity = 0;
}

/* --- gathering ---------------------------------------------------------------------------------
 */

static struct verify_span *append(struct verify_partition *partition, int64_t first, int64_t last)
{
	void *larger = array_room(partition->spans, partition->count, &partition->capacity,
				  SIZE_MAX, sizeof *partition->spans);
	if (!larger)
		return NULL;
	partition->spans = larger;
	struct verify_span *span = &partition->spans[partition->count++];
	*span = (struct verify_span){ .first = first, .last = last };
	return span;
}

static struct verify_span *last_span(const struct verify_partition *partition)
{
	if (partition->count == 0)
		return NULL;
	assert(partition->spans);
	return &partition->spans[partition->count - 1];
}

/* A span for a file that shares nothing with those before it, behind the hole that it may leave. */
static struct verify_span *begin_span(struct verify_partition *partition,
				      const struct file_range *range)
{
	const struct verify_span *before = last_span(partition);
	int64_t next = before ? before->last + 1 : range->first;
	if (range->first > next && !append(partition, next, range->first - 1))
		return NULL;
	return append(partition, range->first, range->last);
}

enum error verify_add_file(struct verify_partition *partition, const struct file_range *range,
			   int64_t rows)
{
	struct verify_span *span = last_span(partition);
	if (!span || range->first > span->last)
		span = begin_span(partition, range);
	if (!span)
		return ERROR_NO_MEMORY;
	if (range->last > span->last) {
		span->overlaps++;
		span->last = range->last;
	}
	span->files++;
	span->rows += rows;
	return ERROR_OK;
}

int64_t verify_published(const struct verify_partition *partition)
{
	for (size_t i = partition->count; i-- > 0;)
		if (partition->spans[i].files > 0)
			return partition->spans[i].last;
	return -1;
}

/* The span of an offset, or NULL. */
static struct verify_span *span_of(const struct verify_partition *partition, int64_t offset)
{
	size_t low = 0, high = partition->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (partition->spans[middle].last < offset)
			low = middle + 1;
		else
			high = middle;
	}
	bool found = low < partition->count && partition->spans[low].first <= offset;
	return found ? &partition->spans[low] : NULL;
}

void verify_add_letters(struct verify_partition *partition, const struct file_range *range,
			int64_t letters)
{
	struct verify_span *span = span_of(partition, range->first);
	if (range->first > verify_published(partition))
		partition->open_letters += letters;
	else if (span && span->files > 0 && range->last <= span->last)
		span->letters += letters;
	else
		partition->stray_letters += letters;
}

enum error verify_close(struct verify_partition *partition)
{
	int64_t published = verify_published(partition);
	if (partition->count > 0 && partition->spans[0].first > partition->low) {
		int64_t first = partition->spans[0].first;
		if (!append(partition, 0, 0))
			return ERROR_NO_MEMORY;
		memmove(&partition->spans[1], &partition->spans[0],
			(partition->count - 1) * sizeof partition->spans[0]);
		partition->spans[0] =
			(struct verify_span){ .first = partition->low, .last = first - 1 };
	}
	int64_t from = published >= 0 ? published + 1 : partition->low;
	return append(partition, from, INT64_MAX) ? ERROR_OK : ERROR_NO_MEMORY;
}

void verify_add_record(struct verify_partition *partition, size_t *at, int64_t offset)
{
	while (*at < partition->count && partition->spans[*at].last < offset)
		(*at)++;
	if (*at < partition->count && partition->spans[*at].first <= offset)
		partition->spans[*at].records++;
}

/* --- judging -----------------------------------------------------------------------------------
 */

struct judgement {
	struct text *report;
	int64_t faults;
};

static void fault(struct judgement *judgement, const char *format, ...) PRINTF_LIKE(2, 3);
static void fault(struct judgement *judgement, const char *format, ...)
{
	va_list arguments;
	if (++judgement->faults > VERIFY_MAX_SHOWN)
		return;
	text_puts(judgement->report, "    REFUTED: ");
	va_start(arguments, format);
	text_putv(judgement->report, format, arguments);
	va_end(arguments);
	text_putc(judgement->report, '\n');
}

static void judge_hole(struct judgement *judgement, const struct verify_partition *partition,
		       const struct verify_span *span)
{
	if (span->records > 0)
		fault(judgement,
		      "offsets %" PRId64 " to %" PRId64 " are in no file, the log holds %" PRId64
		      " records of them",
		      span->first, span->last, span->records);
	else if (span->first < partition->low)
		fault(judgement,
		      "offsets %" PRId64 " to %" PRId64
		      " are in no file, and the log holds them no more",
		      span->first, span->last);
	else
		text_putf(judgement->report,
			  "    note: offsets %" PRId64 " to %" PRId64
			  " are in no file, and in the log there is no record of them\n",
			  span->first, span->last);
}

static void judge_files(struct judgement *judgement, const struct verify_partition *partition,
			const struct verify_span *span)
{
	int64_t held = span->rows + span->letters, width = span->last - span->first + 1;
	bool whole = span->first >= partition->low;
	if (span->overlaps > 0)
		fault(judgement,
		      "%" PRId64 " files between offsets %" PRId64 " and %" PRId64
		      " share offsets with the ones before them",
		      span->overlaps, span->first, span->last);
	if (held > width)
		fault(judgement,
		      "offsets %" PRId64 " to %" PRId64 " are %" PRId64
		      ", their files hold %" PRId64 " rows and %" PRId64 " dead letters",
		      span->first, span->last, width, span->rows, span->letters);
	else if (partition->high >= 0 && (held < span->records || (whole && held > span->records)))
		fault(judgement,
		      "offsets %" PRId64 " to %" PRId64 ": %" PRId64 " rows and %" PRId64
		      " dead letters in the files, %" PRId64 " records in the log%s",
		      span->first, span->last, span->rows, span->letters, span->records,
		      held > span->records ? " (a compacted topic shows this as well)" : "");
}

static void note_unfinished(struct judgement *judgement, const struct verify_span *span)
{
	if (span->files > 1 && span->overlaps == 0)
		text_putf(judgement->report,
			  "    note: a join of %" PRId64 " files, offsets %" PRId64 " to %" PRId64
			  ", is not ended\n",
			  span->files, span->first, span->last);
}

static void judge_end(struct judgement *judgement, const struct verify_partition *partition)
{
	int64_t published = verify_published(partition);
	if (partition->high < 0)
		fault(judgement, "there are files, and no such partition of the topic");
	else if (published >= partition->high)
		fault(judgement,
		      "offsets up to %" PRId64 " are published, the log ends at %" PRId64
		      ": it was made anew",
		      published, partition->high);
	if (partition->committed > published + 1)
		fault(judgement,
		      "the group committed offset %" PRId64
		      ", and published are those before %" PRId64
		      ": files are gone, or the group was moved by hand",
		      partition->committed, published + 1);
	if (partition->cut_files > 0)
		fault(judgement, "%" PRId64 " files whose last line has no end",
		      partition->cut_files);
	if (partition->stray_letters > 0)
		fault(judgement, "%" PRId64 " dead letters of offsets that are in no file",
		      partition->stray_letters);
	if (partition->open_letters > 0)
		text_putf(judgement->report,
			  "    note: %" PRId64 " dead letters whose rows are not published: the "
			  "next owner of the partition deletes them and writes them again\n",
			  partition->open_letters);
}

static void note_old(struct judgement *judgement, const struct verify_partition *partition)
{
	int64_t rows = 0;
	for (size_t i = 0; i < partition->count; i++)
		if (partition->spans[i].files > 0 && partition->spans[i].first < partition->low)
			rows += partition->spans[i].rows;
	if (rows > 0 && partition->high >= 0)
		text_putf(judgement->report,
			  "    note: the log begins at offset %" PRId64 "; of files that begin "
			  "before it (%" PRId64 " rows) only names and sizes can be told\n",
			  partition->low, rows);
}

int64_t verify_judge(const struct verify_partition *partition, struct text *report)
{
	struct judgement judgement = { .report = report };
	for (size_t i = 0; i + 1 < partition->count; i++) {
		const struct verify_span *span = &partition->spans[i];
		if (span->files == 0) {
			judge_hole(&judgement, partition, span);
			continue;
		}
		judge_files(&judgement, partition, span);
		note_unfinished(&judgement, span);
	}
	judge_end(&judgement, partition);
	note_old(&judgement, partition);
	if (judgement.faults > VERIFY_MAX_SHOWN)
		text_putf(report, "    and %" PRId64 " more\n",
			  judgement.faults - VERIFY_MAX_SHOWN);
	return judgement.faults;
}
