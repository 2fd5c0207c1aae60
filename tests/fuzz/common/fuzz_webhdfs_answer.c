/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whatever a server answers is read without a fault, and an error never says OK.
 */
#include <assert.h>
#include <stdint.h>

#include "webhdfs_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum error keep(const char *name, const struct webhdfs_status *status, void *user)
{
	(void)user;
	assert(name[0] && status->length >= 0 && status->file_id >= 0);
	return ERROR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data;
	struct text why, text;
	bool value;
	int64_t remaining;
	struct webhdfs_status status;
	text_init(&why, 4096);
	text_init(&text, 4096);
	enum error error =
		webhdfs_answer_error(size % 2 ? 403 : 200 + (long)size % 400, body, size, &why);
	assert(error != ERROR_OK && error < ERROR_COUNT);
	error = webhdfs_answer_boolean(body, size, &value, &why);
	assert(!error || !value);
	error = webhdfs_answer_location(body, size, &text, &why);
	assert(error || text.length > 0);
	error = webhdfs_answer_status(body, size, &status, &why);
	assert(error || status.length >= 0);
	text_reset(&text);
	error = webhdfs_answer_listing(body, size, keep, NULL, &remaining, &text, &why);
	assert(remaining >= 0 && error < ERROR_COUNT);
	text_clean_up(&why);
	text_clean_up(&text);
	return 0;
}
