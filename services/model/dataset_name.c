/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a dataset's files are called. Apart from dataset.c, so that a program which reads none of
 * them links no HTTP client.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataset.h"
#include "decimal.h"

/* Exactly `digits` decimal digits and then `end`. */
static bool take_number(const char **at, size_t digits, const char *end, int64_t *out)
{
	if (strspn(*at, "0123456789") != digits || strncmp(*at + digits, end, strlen(end)) != 0)
		return false;
	const char *first = *at;
	while (digits > 1 && *first == '0') {
		first++;
		digits--;
	}
	if (decimal_read_i64(first, digits, out) != ERROR_OK)
		return false;
	*at = first + digits + strlen(end);
	return true;
}

bool dataset_parse_name(const char *name, struct dataset_file *file)
{
	static const char prefix[] = "part-";
	int64_t partition, first, last;
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	const char *at = name + sizeof(prefix) - 1;
	if (!take_number(&at, 5, "-", &partition) || !take_number(&at, 20, "-", &first) ||
	    !take_number(&at, 20, "", &last) || first > last ||
	    !data_format_of_ending(at, &file->format))
		return false;
	file->partition = (int32_t)partition;
	file->first = first;
	file->last = last;
	return true;
}

void dataset_print_name(const struct dataset_file *file, char out[DATASET_NAME_LENGTH + 1])
{
	snprintf(out, DATASET_NAME_LENGTH + 1, "part-%05" PRId32 "-%020" PRId64 "-%020" PRId64 "%s",
		 file->partition % 100000, file->first, file->last,
		 data_format_ending(file->format));
}

void dataset_print_path(const char *folder, const struct dataset_file *file, char *out, size_t size)
{
	char name[DATASET_NAME_LENGTH + 1], sub[DATE_FOLDER_SIZE] = "";
	dataset_print_name(file, name);
	if (file->date != DATE_NONE)
		date_folder_print(file->date, sub);
	snprintf(out, size, "%s/%s%s%s", folder, sub, sub[0] ? "/" : "", name);
}

size_t dataset_partition_end(const struct dataset *dataset, size_t from)
{
	size_t end = from;
	while (end < dataset->count &&
	       dataset->files[end].partition == dataset->files[from].partition)
		end++;
	return end;
}
