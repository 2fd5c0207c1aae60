/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify_folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "date_list.h"
#include "gzip.h"

enum { PATH_MAX_BYTES = 1100, ATTEMPTS = 10 };

/* --- names -------------------------------------------------------------------------------------
 */

struct entry {
	struct file_range range;
	int32_t date; /* of the folder that it stands in */
	int64_t length;
};

struct listing {
	enum file_kind kind;
	int32_t date;
	char prefix[FILE_NAME_MAX];
	struct entry *entries;
	size_t count, capacity;
};

static enum error note(const char *name, const struct webhdfs_status *status, void *user)
{
	struct listing *listing = user;
	struct entry entry = { .date = listing->date, .length = status->length };
	int order = strncmp(name, listing->prefix, strlen(listing->prefix));
	if (order > 0)
		return ERROR_CANCELLED; /* sorted: this partition is through */
	if (order < 0 || status->folder || !file_name_parse(listing->kind, name, &entry.range))
		return ERROR_OK;
	void *larger = array_room(listing->entries, listing->count, &listing->capacity, SIZE_MAX,
				  sizeof *listing->entries);
	if (!larger)
		return ERROR_NO_MEMORY;
	listing->entries = larger;
	listing->entries[listing->count++] = entry;
	return ERROR_OK;
}

static enum error list(struct webhdfs *hdfs, const char *folder, int32_t partition,
		       struct listing *listing, struct text *why)
{
	char memory[600];
	struct text detail;
	text_init_fixed(&detail, memory, sizeof memory);
	file_name_prefix(partition, listing->prefix);
	enum error error =
		webhdfs_list_after(hdfs, folder, listing->prefix, note, listing, &detail);
	if (error == ERROR_CANCELLED || error == ERROR_NOT_FOUND)
		return ERROR_OK;
	if (error)
		why_putf(why, "%s can't be listed: %s; %s", folder, error_text(error), detail.data);
	return error;
}

static int compare_entries(const void *left, const void *right)
{
	const struct file_range *a = &((const struct entry *)left)->range;
	const struct file_range *b = &((const struct entry *)right)->range;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->last < b->last ? -1 : a->last > b->last;
}

/* Returns how many folders there are. */
static enum error list_folders(const struct dataset *dataset, struct webhdfs *hdfs,
			       int32_t partition, struct listing *listing, size_t *folders,
			       struct text *why)
{
	char folder[PATH_MAX_BYTES];
	struct date_list dates;
	listing->count = 0;
	enum error error = date_list_read(dataset, hdfs, &dates, why);
	for (size_t i = 0; !error && i < dates.count; i++) {
		listing->date = dates.dates[i];
		date_folder_path(dataset->folder, listing->date, folder, sizeof folder);
		error = list(hdfs, folder, partition, listing, why);
	}
	*folders = dates.count;
	date_list_clean_up(&dates);
	return error;
}

static int64_t largest_of(const struct listing *listing)
{
	int64_t largest = -1;
	for (size_t i = 0; i < listing->count; i++)
		if (listing->entries[i].range.last > largest)
			largest = listing->entries[i].range.last;
	return largest;
}

static void drop_beyond(struct listing *listing, int64_t largest)
{
	size_t kept = 0;
	for (size_t i = 0; i < listing->count; i++)
		if (listing->entries[i].range.first <= largest)
			listing->entries[kept++] = listing->entries[i];
	listing->count = kept;
}

/* The files of rows in all folders, in the order of their offsets. A file may come to a folder that
 * was listed already, and the next one to another that was not: only of what was published before a
 * listing began, it tells all. */
static enum error list_rows(const struct dataset *dataset, struct webhdfs *hdfs, int32_t partition,
			    struct listing *listing, struct text *why)
{
	size_t folders;
	enum error error = list_folders(dataset, hdfs, partition, listing, &folders, why);
	if (!error && folders > 1) {
		int64_t largest = largest_of(listing);
		error = list_folders(dataset, hdfs, partition, listing, &folders, why);
		drop_beyond(listing, largest);
	}
	if (!error && listing->count > 0)
		qsort(listing->entries, listing->count, sizeof listing->entries[0],
		      compare_entries);
	return error;
}

static enum error note_largest(const char *name, const struct webhdfs_status *status, void *user)
{
	int32_t *last = user;
	struct file_range range;
	if (!status->folder && file_name_parse(FILE_ROWS, name, &range) && range.partition > *last)
		*last = range.partition;
	return ERROR_OK;
}

enum error verify_last_partition(const struct dataset *dataset, struct webhdfs *hdfs, int32_t *last,
				 struct text *why)
{
	char folder[PATH_MAX_BYTES];
	struct date_list dates;
	*last = -1;
	enum error error = date_list_read(dataset, hdfs, &dates, why);
	for (size_t i = 0; !error && i < dates.count; i++) {
		date_folder_path(dataset->folder, dates.dates[i], folder, sizeof folder);
		error = webhdfs_list(hdfs, folder, note_largest, last, why);
		error = error == ERROR_NOT_FOUND ? ERROR_OK : error;
	}
	date_list_clean_up(&dates);
	return error;
}

/* --- lines -------------------------------------------------------------------------------------
 */

struct lines {
	int64_t bytes, count;
	char last;
	struct gunzip *gunzip; /* NULL: not packed */
	bool broken;
};

static enum error count_ends(const char *data, size_t length, void *user)
{
	struct lines *lines = user;
	const char *end = data + length;
	for (const char *at = data; (at = memchr(at, '\n', (size_t)(end - at))); at++)
		lines->count++;
	if (length > 0)
		lines->last = end[-1];
	return ERROR_OK;
}

static enum error count_bytes(const char *data, size_t length, void *user)
{
	struct lines *lines = user;
	lines->bytes += (int64_t)length;
	if (!lines->gunzip)
		return count_ends(data, length, lines);
	/* What can't be unpacked is told as cut, once it is sure that it was not joined meanwhile.
	 */
	enum error error = gunzip_take(lines->gunzip, data, length, count_ends, lines);
	lines->broken |= error == ERROR_ENCODING;
	return error == ERROR_ENCODING ? ERROR_OK : error;
}

static bool is_cut(const struct lines *lines)
{
	return lines->broken || lines->last != '\n' ||
	       (lines->gunzip && !gunzip_is_whole(lines->gunzip));
}

/* CONFLICT: it is no longer what was listed. */
static enum error count_lines(struct webhdfs *hdfs, const char *folder, enum file_kind kind,
			      const struct entry *entry, int64_t *count, int64_t *cut,
			      struct text *why)
{
	char name[FILE_NAME_MAX], place[PATH_MAX_BYTES], path[PATH_MAX_BYTES + FILE_NAME_MAX];
	struct lines lines = { .last = '\n' };
	*count = 0;
	if (entry->length == 0)
		return ERROR_OK;
	if (kind == FILE_ROWS && data_format_is_packed(entry->range.format) &&
	    !(lines.gunzip = gunzip_new()))
		return ERROR_NO_MEMORY;
	file_name_print(kind, &entry->range, name);
	date_folder_path(folder, entry->date, place, sizeof place);
	snprintf(path, sizeof path, "%s/%s", place, name);
	enum error error = webhdfs_open(hdfs, path, 0, -1, count_bytes, &lines, why);
	if (error == ERROR_NOT_FOUND || (!error && lines.bytes != entry->length))
		error = ERROR_CONFLICT;
	if (!error) {
		*count = lines.count;
		*cut += is_cut(&lines);
	}
	gunzip_destroy(&lines.gunzip);
	return error;
}

/* --- both --------------------------------------------------------------------------------------
 */

static enum error add_rows(const struct dataset *dataset, struct webhdfs *hdfs,
			   struct verify_partition *partition, struct text *why)
{
	struct listing listing = { .kind = FILE_ROWS };
	enum error error = list_rows(dataset, hdfs, partition->number, &listing, why);
	for (size_t i = 0; !error && i < listing.count; i++) {
		int64_t rows;
		error = count_lines(hdfs, dataset->folder, FILE_ROWS, &listing.entries[i], &rows,
				    &partition->cut_files, why);
		if (!error)
			error = verify_add_file(partition, &listing.entries[i].range, rows);
	}
	free(listing.entries);
	return error;
}

static enum error add_letters(const struct dataset *dataset, struct webhdfs *hdfs,
			      struct verify_partition *partition, struct text *why)
{
	struct listing listing = { .kind = FILE_DEAD_LETTERS };
	enum error error =
		list(hdfs, dataset->dead_letter_folder, partition->number, &listing, why);
	for (size_t i = 0; !error && i < listing.count; i++) {
		int64_t letters;
		error = count_lines(hdfs, dataset->dead_letter_folder, FILE_DEAD_LETTERS,
				    &listing.entries[i], &letters, &partition->cut_files, why);
		if (!error)
			verify_add_letters(partition, &listing.entries[i].range, letters);
	}
	free(listing.entries);
	return error;
}

static void begin_anew(struct verify_partition *partition)
{
	partition->count = 0;
	partition->cut_files = partition->stray_letters = partition->open_letters = 0;
}

enum error verify_folder(const struct dataset *dataset, struct webhdfs *hdfs,
			 struct verify_partition *partition, struct text *why)
{
	enum error error = ERROR_CONFLICT;
	for (int attempt = 0; error == ERROR_CONFLICT && attempt < ATTEMPTS; attempt++) {
		text_reset(why);
		begin_anew(partition);
		error = add_rows(dataset, hdfs, partition, why);
		if (!error)
			error = add_letters(dataset, hdfs, partition, why);
	}
	if (error == ERROR_CONFLICT) {
		text_reset(why);
		why_putf(why, "files of partition %d in %s are being joined faster than read",
			 (int)partition->number, dataset->folder);
	}
	return error ? error : verify_close(partition);
}
