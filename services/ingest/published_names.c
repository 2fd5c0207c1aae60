/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A join of an earlier owner is not fenced, and a listing comes in pages: between two of them the
 * names on the first may be renamed to cover those on the second, which then are gone. What seems
 * to be the end, or a gap, is therefore looked at twice.
 *
 * The names of one folder come in order, those of all folders together do not: what is kept of a
 * folder are the stretches of offsets that its files cover without a hole, of which there are few
 * unless rows of several dates come mixed.
 */
#include "published_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "date_list.h"
#include "file_name.h"

enum { PATH_MAX_BYTES = 1100, STRETCHES_MAX = 1 << 20 };

struct stretch {
	int64_t first, last; /* offsets, both inclusive */
};

/* One folder, as it was listed. */
struct folder {
	int64_t files;
	struct file_range first; /* of its files */
	int64_t begins;          /* the first offset of its last file */
	struct file_range whole; /* its last file that is not empty; last < first: none */
	int64_t tail_end;        /* the largest offset from there on */
};

struct look {
	int32_t partition;
	char prefix[FILE_NAME_MAX];
	struct folder *folders; /* one for each date */
	struct folder *folder;  /* that is being listed */
	struct stretch *stretches;
	size_t count, capacity;
	int64_t covered, overlaps; /* see struct recovery */
};

/* --- one folder --------------------------------------------------------------------------------
 */

static enum error begin_stretch(struct look *look, const struct file_range *range)
{
	if (look->count == STRETCHES_MAX)
		return ERROR_LIMIT;
	if (look->count == look->capacity) {
		size_t capacity = look->capacity > 0 ? 2 * look->capacity : 16;
		struct stretch *larger = realloc(look->stretches, capacity * sizeof *larger);
		if (!larger)
			return ERROR_NO_MEMORY;
		look->stretches = larger;
		look->capacity = capacity;
	}
	look->stretches[look->count++] = (struct stretch){ range->first, range->last };
	return ERROR_OK;
}

static enum error add_to_stretch(struct look *look, const struct file_range *range)
{
	if (look->folder->files == 0)
		return begin_stretch(look, range);
	struct stretch *stretch = &look->stretches[look->count - 1];
	if (range->first > stretch->last + 1)
		return begin_stretch(look, range);
	if (range->last <= stretch->last) {
		look->covered++;
		return ERROR_OK;
	}
	look->overlaps += range->first <= stretch->last;
	stretch->last = range->last;
	return ERROR_OK;
}

static enum error note(const char *name, const struct webhdfs_status *status, void *user)
{
	struct look *look = user;
	struct folder *folder = look->folder;
	struct file_range range;
	int order = strncmp(name, look->prefix, strlen(look->prefix));
	if (order > 0)
		return ERROR_CANCELLED; /* the listing is sorted: this partition is through */
	if (order < 0 || status->folder || !file_name_parse(FILE_ROWS, name, &range))
		return ERROR_OK;
	enum error error = add_to_stretch(look, &range);
	if (folder->files++ == 0)
		folder->first = range;
	folder->begins = range.first;
	if (status->length > 0)
		folder->whole = range;
	if (status->length > 0 || range.last > folder->tail_end)
		folder->tail_end = range.last;
	return error;
}

/* `after` "": all names of the partition. */
static enum error list_folder(struct look *look, const struct dataset *dataset, int32_t date,
			      const char *after, struct webhdfs *hdfs, struct text *why)
{
	char path[PATH_MAX_BYTES];
	date_folder_path(dataset->folder, date, path, sizeof path);
	enum error error =
		webhdfs_list_after(hdfs, path, after[0] ? after : look->prefix, note, look, NULL);
	/* Somebody may have tidied up a folder without files. */
	if (error == ERROR_CANCELLED || (error == ERROR_NOT_FOUND && date != DATE_NONE))
		return ERROR_OK;
	if (error)
		why_putf(why, "%s can't be listed: %s", path, error_text(error));
	return error;
}

static enum error look_new(struct look *look, int32_t partition, size_t folders)
{
	*look = (struct look){ .partition = partition };
	file_name_prefix(partition, look->prefix);
	look->folders = calloc(folders, sizeof *look->folders);
	for (size_t i = 0; look->folders && i < folders; i++) {
		look->folders[i].begins = look->folders[i].tail_end = -1;
		look->folders[i].whole.last = -1;
	}
	return look->folders ? ERROR_OK : ERROR_NO_MEMORY;
}

static void look_clean_up(struct look *look)
{
	free(look->folders);
	free(look->stretches);
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

/* What is before the first file is no gap. */
static void conclude(struct look *look, const struct date_list *list, struct recovery *recovery)
{
	*recovery = (struct recovery){ .published = -1,
				       .covered = look->covered,
				       .overlaps = look->overlaps };
	for (size_t i = 0; i < list->count; i++)
		recovery->files += look->folders[i].files;
	if (look->count > 0)
		qsort(look->stretches, look->count, sizeof look->stretches[0], compare_stretches);
	for (size_t i = 0; i < look->count; i++) {
		const struct stretch *stretch = &look->stretches[i];
		if (i > 0 && stretch->first > recovery->published + 1)
			recovery_note_gap(recovery, recovery->published + 1, stretch->first - 1);
		recovery->overlaps += i > 0 && stretch->first <= recovery->published;
		if (stretch->last > recovery->published)
			recovery->published = stretch->last;
	}
}

static enum error look_at_all(struct look *look, const struct dataset *dataset,
			      const struct date_list *list, struct webhdfs *hdfs, struct text *why)
{
	enum error error = ERROR_OK;
	for (size_t i = 0; !error && i < list->count; i++) {
		look->folder = &look->folders[i];
		error = list_folder(look, dataset, list->dates[i], "", hdfs, why);
	}
	return error;
}

/* --- the second look ---------------------------------------------------------------------------
 */

struct second {
	const struct dataset *dataset;
	const struct date_list *list;
	struct webhdfs *hdfs;
	struct text *why;
};

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
static const struct folder *folder_of_last(const struct look *look, size_t count)
{
	const struct folder *found = NULL;
	for (size_t i = 0; i < count; i++) {
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
static enum error confirm_tail(const struct second *second, const struct look *seen,
			       const struct folder *last, struct look *again, bool *same)
{
	char after[FILE_NAME_MAX];
	int64_t end = -1, end_again = -1;
	enum error error = ERROR_OK;
	file_name_first_prefix(&last->whole, after);
	for (size_t i = 0; !error && i < second->list->count; i++) {
		const struct folder *folder = &seen->folders[i];
		if (folder->begins < last->whole.first)
			continue;
		again->folder = &again->folders[i];
		error = list_folder(again, second->dataset, second->list->dates[i], after,
				    second->hdfs, second->why);
		if (folder->tail_end > end)
			end = folder->tail_end;
	}
	struct recovery found;
	conclude(again, second->list, &found);
	end_again = found.published;
	*same = end == end_again &&
		same_range(&again->folders[last - seen->folders].first, &last->whole);
	return error;
}

static enum error confirm_all(const struct second *second, const struct look *seen,
			      const struct recovery *recovery, struct look *again, bool *same)
{
	struct recovery found;
	enum error error =
		look_at_all(again, second->dataset, second->list, second->hdfs, second->why);
	conclude(again, second->list, &found);
	*same = found.published == recovery->published && same_gaps(&found, recovery) &&
		again->count > 0 && again->stretches[0].first == seen->stretches[0].first;
	return error;
}

static enum error confirm(const struct second *second, const struct look *seen,
			  const struct recovery *recovery)
{
	struct look again;
	bool same = false;
	const struct folder *last = folder_of_last(seen, second->list->count);
	bool tail = last && recovery->gap_count == 0 && recovery->overlaps == 0;
	enum error error = look_new(&again, seen->partition, second->list->count);
	if (!error)
		error = tail ? confirm_tail(second, seen, last, &again, &same)
			     : confirm_all(second, seen, recovery, &again, &same);
	look_clean_up(&again);
	if (!error && !same) {
		why_putf(second->why,
			 "files of partition %d in %s were joined while they were listed",
			 (int)seen->partition, second->dataset->folder);
		error = ERROR_RETRIABLE;
	}
	return error;
}

enum error published_names_read(const struct lease *lease, struct webhdfs *hdfs,
				struct recovery *recovery, struct text *why)
{
	const struct dataset *dataset = lease->dataset;
	struct date_list list = { 0 };
	struct look look = { 0 };
	enum error error = webhdfs_mkdirs(hdfs, dataset->folder, why);
	if (!error)
		error = date_list_read(dataset, hdfs, &list, why);
	if (!error)
		error = look_new(&look, lease->partition, list.count);
	if (!error)
		error = look_at_all(&look, dataset, &list, hdfs, why);
	if (!error)
		conclude(&look, &list, recovery);
	const struct second second = { dataset, &list, hdfs, why };
	if (!error && recovery->files > 0)
		error = confirm(&second, &look, recovery);
	look_clean_up(&look);
	date_list_clean_up(&list);
	return error;
}
