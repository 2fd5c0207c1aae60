/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a server may have left in a socket: a whole answer or none, and nothing beyond its bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct early_answer early;
	struct http_reply reply = { 0 };

	early.length = size < sizeof early.data ? size : sizeof early.data - 1;
	memcpy(early.data, data, early.length);
	early.data[early.length] = '\0';
	text_init(&reply.body, 1000);
	http_reply_forget(&reply);
	if (early_answer_read(&early, &reply)) {
		assert(reply.status >= 200);
		assert(reply.body.length < early.length);
	}
	text_clean_up(&reply.body);
	return 0;
}
