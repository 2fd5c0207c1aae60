/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A join of an earlier owner is not fenced, and a listing comes in pages: between two of them the
 * names on the first may be renamed to cover those on the second, which then are gone. What seems
 * to be the end, or a gap, is therefore looked at twice.
 *
 * The names of one folder come in order, those of all folders together do not: what is kept of a
 * folder are the stretches of offsets that its files cover without a hole, of which there are few
 * unless rows of several dates come mixed.
 *
 * Folders are listed several at a time, so that each keeps what was seen in it by itself.
 */
#include "published_names.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "date_list.h"
#include "file_name.h"
#include "webhdfs_many.h"

enum { PATH_MAX_BYTES = 1100, STRETCHES_MAX = 1 << 20 };

struct stretch {
	int64_t first, last; /* offsets, both inclusive */
};

struct look;

/* One folder, as it was listed. */
struct folder {
	struct look *look;
	int64_t files;
	struct file_range first; /* of its files */
	int64_t begins;          /* the first offset of its last file */
	struct file_range whole; /* its last file that is not empty; last < first: none */
	int64_t tail_end;        /* the largest offset from there on */
	struct stretch *stretches;
	size_t count, capacity;
	int64_t covered, overlaps; /* see struct recovery */
};

struct look {
	const struct dataset *dataset;
	const struct date_list *list;
	char prefix[FILE_NAME_MAX]; /* of the partition's names */
	struct folder *folders;     /* one for each date */
	atomic_size_t stretches;    /* in all of them */
	int64_t first;              /* the smallest offset in them */
};

/* --- one folder --------------------------------------------------------------------------------
 */

static enum error begin_stretch(struct folder *folder, const struct file_range *range)
{
	if (atomic_fetch_add(&folder->look->stretches, 1) >= STRETCHES_MAX)
		return ERROR_LIMIT;
	void *larger = array_room(folder->stretches, folder->count, &folder->capacity, SIZE_MAX,
				  sizeof *folder->stretches);
	if (!larger)
		return ERROR_NO_MEMORY;
	folder->stretches = larger;
	folder->stretches[folder->count++] = (struct stretch){ range->first, range->last };
	return ERROR_OK;
}

static enum error add_to_stretch(struct folder *folder, const struct file_range *range)
{
	if (folder->count == 0)
		return begin_stretch(folder, range);
	struct stretch *stretch = &folder->stretches[folder->count - 1];
	if (range->first > stretch->last + 1)
		return begin_stretch(folder, range);
	if (range->last <= stretch->last) {
		folder->covered++;
		return ERROR_OK;
	}
	folder->overlaps += range->first <= stretch->last;
	stretch->last = range->last;
	return ERROR_OK;
}

static enum error note(const char *name, const struct webhdfs_status *status, void *user)
{
	struct folder *folder = user;
	const char *prefix = folder->look->prefix;
	struct file_range range;
	int order = strncmp(name, prefix, strlen(prefix));
	if (order > 0)
		return ERROR_CANCELLED; /* the listing is sorted: this partition is through */
	if (order < 0 || status->folder || !file_name_parse(FILE_ROWS, name, &range))
		return ERROR_OK;
	enum error error = add_to_stretch(folder, &range);
	if (folder->files++ == 0)
		folder->first = range;
	folder->begins = range.first;
	if (status->length > 0)
		folder->whole = range;
	if (status->length > 0 || range.last > folder->tail_end)
		folder->tail_end = range.last;
	return error;
}

static enum error list_after(struct look *look, size_t index, const char *after,
			     struct webhdfs *hdfs, struct text *why)
{
	char path[PATH_MAX_BYTES];
	int32_t date = look->list->dates[index];
	date_folder_path(look->dataset->folder, date, path, sizeof path);
	enum error error = webhdfs_list_after(hdfs, path, after, note, &look->folders[index], NULL);
	/* Somebody may have tidied up a folder without files. */
	if (error == ERROR_CANCELLED || (error == ERROR_NOT_FOUND && date != DATE_NONE))
		return ERROR_OK;
	if (error)
		why_putf(why, "%s can't be listed: %s", path, error_text(error));
	return error;
}

static enum error list_folder(struct webhdfs *hdfs, size_t index, void *user, struct text *why)
{
	struct look *look = user;
	return list_after(look, index, look->prefix, hdfs, why);
}

static enum error look_new(struct look *look, const struct lease *lease,
			   const struct date_list *list)
{
	*look = (struct look){ .dataset = lease->dataset, .list = list };
	file_name_prefix(lease->partition, look->prefix);
	look->folders = calloc(list->count, sizeof *look->folders);
	for (size_t i = 0; look->folders && i < list->count; i++) {
		look->folders[i].look = look;
		look->folders[i].begins = look->folders[i].tail_end = -1;
		look->folders[i].whole.last = -1;
	}
	return look->folders ? ERROR_OK : ERROR_NO_MEMORY;
}

static void look_clean_up(struct look *look)
{
	for (size_t i = 0; look->folders && i < look->list->count; i++)
		free(look->folders[i].stretches);
	free(look->folders);
}

/* --- all of them -------------------------------------------------------------------------------
 */

static int compare_stretches(const void *left, const void *right)
{
	const struct stretch *a = left, *b = right;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

static enum error sort_stretches(const struct look *look, struct stretch **sorted, size_t *count)
{
	*count = 0;
	*sorted = calloc(atomic_load(&look->stretches) + 1, sizeof **sorted);
	if (!*sorted)
		return ERROR_NO_MEMORY;
	for (size_t i = 0; i < look->list->count; i++) {
		const struct folder *folder = &look->folders[i];
		for (size_t k = 0; k < folder->count; k++)
			(*sorted)[(*count)++] = folder->stretches[k];
	}
	qsort(*sorted, *count, sizeof **sorted, compare_stretches);
	return ERROR_OK;
}

/* What is before the first file is no gap. */
static enum error conclude(struct look *look, struct recovery *recovery)
{
	struct stretch *stretches;
	size_t count;
	enum error error = sort_stretches(look, &stretches, &count);
	*recovery = (struct recovery){ .published = -1 };
	look->first = count > 0 ? stretches[0].first : -1;
	for (size_t i = 0; i < look->list->count; i++) {
		recovery->files += look->folders[i].files;
		recovery->covered += look->folders[i].covered;
		recovery->overlaps += look->folders[i].overlaps;
	}
	for (size_t i = 0; i < count; i++) {
		const struct stretch *stretch = &stretches[i];
		if (i > 0 && stretch->first > recovery->published + 1)
			recovery_note_gap(recovery, recovery->published + 1, stretch->first - 1);
		recovery->overlaps += i > 0 && stretch->first <= recovery->published;
		if (stretch->last > recovery->published)
			recovery->published = stretch->last;
	}
	free(stretches);
	return error;
}

static enum error look_at_all(struct look *look, struct webhdfs *hdfs, struct recovery *found,
			      struct text *why)
{
	enum error error = webhdfs_many(hdfs, look->list->count, list_folder, look, why);
	return error ? error : conclude(look, found);
}

/* --- the second look ---------------------------------------------------------------------------
 */

static bool same_gaps(const struct recovery *a, const struct recovery *b)
{
	return a->gap_count == b->gap_count &&
	       memcmp(a->gaps, b->gaps, a->gap_count * sizeof a->gaps[0]) == 0;
}

static bool same_range(const struct file_range *a, const struct file_range *b)
{
	return a->first == b->first && a->last == b->last;
}

/* The folder of the last file that is not empty; NULL: there is none. */
static const struct folder *folder_of_last(const struct look *look)
{
	const struct folder *found = NULL;
	for (size_t i = 0; i < look->list->count; i++) {
		const struct folder *folder = &look->folders[i];
		if (folder->whole.last >= folder->whole.first &&
		    (!found || folder->whole.first > found->whole.first))
			found = folder;
	}
	return found;
}

/* The last file that is not empty is still there under its name: no join took what may have stood
 * behind it in its folder, because it would have taken that file as well, or renamed it. In another
 * folder only what follows an empty file that was seen behind it can have been taken, since a join
 * takes neighbours: those folders are looked at, too. */
static enum error confirm_tail(const struct look *seen, const struct folder *last,
			       struct look *again, struct webhdfs *hdfs, bool *same,
			       struct text *why)
{
	char after[FILE_NAME_MAX];
	int64_t end = -1;
	enum error error = ERROR_OK;
	file_name_first_prefix(&last->whole, after);
	for (size_t i = 0; !error && i < seen->list->count; i++) {
		const struct folder *folder = &seen->folders[i];
		if (folder->begins < last->whole.first)
			continue;
		error = list_after(again, i, after, hdfs, why);
		if (folder->tail_end > end)
			end = folder->tail_end;
	}
	struct recovery found = { .published = -1 };
	if (!error)
		error = conclude(again, &found);
	*same = !error && end == found.published &&
		same_range(&again->folders[last - seen->folders].first, &last->whole);
	return error;
}

static enum error confirm_all(const struct look *seen, const struct recovery *recovery,
			      struct look *again, struct webhdfs *hdfs, bool *same,
			      struct text *why)
{
	struct recovery found = { .published = -1 };
	enum error error = look_at_all(again, hdfs, &found, why);
	*same = !error && found.published == recovery->published && same_gaps(&found, recovery) &&
		again->first == seen->first;
	return error;
}

static enum error confirm(const struct look *seen, const struct lease *lease,
			  const struct recovery *recovery, struct webhdfs *hdfs, struct text *why)
{
	struct look again;
	bool same = false;
	const struct folder *last = folder_of_last(seen);
	bool tail = last && recovery->gap_count == 0 && recovery->overlaps == 0;
	enum error error = look_new(&again, lease, seen->list);
	if (!error)
		error = tail ? confirm_tail(seen, last, &again, hdfs, &same, why)
			     : confirm_all(seen, recovery, &again, hdfs, &same, why);
	look_clean_up(&again);
	if (!error && !same) {
		why_putf(why, "files of partition %d in %s were joined while they were listed",
			 (int)lease->partition, lease->dataset->folder);
		error = ERROR_RETRIABLE;
	}
	return error;
}

enum error published_names_read(const struct lease *lease, struct webhdfs *hdfs,
				struct recovery *recovery, struct text *why)
{
	struct date_list list = { 0 };
	struct look look = { .list = &list };
	enum error error = webhdfs_mkdirs(hdfs, lease->dataset->folder, why);
	if (!error)
		error = date_list_read(lease->dataset, hdfs, &list, why);
	if (!error)
		error = look_new(&look, lease, &list);
	if (!error)
		error = look_at_all(&look, hdfs, recovery, why);
	if (!error && recovery->files > 0)
		error = confirm(&look, lease, recovery, hdfs, why);
	look_clean_up(&look);
	date_list_clean_up(&list);
	return error;
}
