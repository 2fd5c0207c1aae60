/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * As much of Google's protocol buffers as a few messages of HDFS need. Any thread.
 */
#ifndef TICKLINE_PROTOBUF_H
#define TICKLINE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* --- writing: the text may hold any byte ------------------------------------------------------ */

void protobuf_put_varint(struct text *out, uint64_t value);
void protobuf_put_number(struct text *out, unsigned field, uint64_t value);
void protobuf_put_bytes(struct text *out, unsigned field, const char *data, size_t length);

/* --- reading ----------------------------------------------------------------------------------
 */

/* A field's key: its number, and what kind of value stands there. */
#define PROTOBUF_VARINT(number)   ((uint64_t)(number) << 3)
#define PROTOBUF_FIXED_64(number) ((uint64_t)(number) << 3 | 1)
#define PROTOBUF_BYTES(number)    ((uint64_t)(number) << 3 | 2)
#define PROTOBUF_FIXED_32(number) ((uint64_t)(number) << 3 | 5)

struct protobuf_field {
	uint64_t key;
	uint64_t value;     /* of a varint, or of 4 or 8 fixed bytes; else 0 */
	struct slice bytes; /* of a field with a length; else empty */
};

/* Takes a varint from the front of `from`. False: there is no whole one, or it is over 64 bits. */
bool protobuf_take_varint(struct slice *from, uint64_t *value) MUST_USE;

/* Takes the next field of a message from its front. False: it is over, or, when something is left
 * in `from`, broken. */
bool protobuf_next(struct slice *from, struct protobuf_field *field) MUST_USE;

#endif
