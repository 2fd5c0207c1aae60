/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "date_list.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"

struct reading {
	struct date_list *list;
	size_t capacity;
};

static enum error add(struct reading *reading, int32_t date)
{
	struct date_list *list = reading->list;
	if (list->count == DATE_LIST_MAX)
		return ERROR_LIMIT;
	void *dates = array_room(list->dates, list->count, &reading->capacity, SIZE_MAX,
				 sizeof *list->dates);
	if (!dates)
		return ERROR_NO_MEMORY;
	list->dates = dates;
	list->dates[list->count++] = date;
	return ERROR_OK;
}

static enum error note(const char *name, const struct webhdfs_status *status, void *user)
{
	int32_t date;
	if (strncmp(name, DATE_FOLDER_PREFIX, strlen(DATE_FOLDER_PREFIX)) > 0)
		return ERROR_CANCELLED; /* the listing is sorted: no date comes any more */
	return status->folder && date_folder_parse(name, &date) ? add(user, date) : ERROR_OK;
}

enum error date_list_read(const struct dataset *dataset, struct webhdfs *hdfs,
			  struct date_list *list, struct text *why)
{
	char memory[600];
	struct text detail;
	struct reading reading = { .list = list };
	text_init_fixed(&detail, memory, sizeof memory);
	*list = (struct date_list){ 0 };
	enum error error = add(&reading, DATE_NONE);
	if (!error)
		error = webhdfs_list_after(hdfs, dataset->folder, DATE_FOLDER_PREFIX, note,
					   &reading, &detail);
	if (error == ERROR_CANCELLED || error == ERROR_NOT_FOUND)
		return ERROR_OK;
	if (error)
		why_putf(why, "the dates in %s can't be listed: %s; %s", dataset->folder,
			 error_text(error), detail.data);
	return error;
}

void date_list_clean_up(struct date_list *list)
{
	free(list->dates);
	*list = (struct date_list){ 0 };
}
