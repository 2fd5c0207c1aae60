/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "protobuf.h"

void protobuf_put_varint(struct text *out, uint64_t value)
{
	for (; value > 127; value >>= 7)
		text_putc(out, (char)((value & 127) | 128));
	text_putc(out, (char)value);
}

void protobuf_put_number(struct text *out, unsigned field, uint64_t value)
{
	protobuf_put_varint(out, PROTOBUF_VARINT(field));
	protobuf_put_varint(out, value);
}

void protobuf_put_bytes(struct text *out, unsigned field, const char *data, size_t length)
{
	protobuf_put_varint(out, PROTOBUF_BYTES(field));
	protobuf_put_varint(out, length);
	text_put(out, data, length);
}

static void step(struct slice *from, size_t length)
{
	from->data += length;
	from->length -= length;
}

bool protobuf_take_varint(struct slice *from, uint64_t *value)
{
	uint64_t read = 0;
	for (size_t i = 0; i < from->length && i < 10; i++) {
		uint64_t bits = (unsigned char)from->data[i] & 127;
		if (i == 9 && bits > 1)
			return false;
		read |= bits << 7 * i;
		if (!((unsigned char)from->data[i] & 128)) {
			step(from, i + 1);
			*value = read;
			return true;
		}
	}
	return false;
}

static bool take_fixed(struct slice *from, size_t length, uint64_t *value)
{
	if (from->length < length)
		return false;
	*value = 0;
	for (size_t i = 0; i < length; i++)
		*value |= (uint64_t)(unsigned char)from->data[i] << 8 * i;
	step(from, length);
	return true;
}

static bool take_bytes(struct slice *from, struct slice *bytes)
{
	uint64_t length;
	if (!protobuf_take_varint(from, &length) || length > from->length)
		return false;
	*bytes = (struct slice){ from->data, (size_t)length };
	step(from, (size_t)length);
	return true;
}

bool protobuf_next(struct slice *from, struct protobuf_field *field)
{
	struct slice at = *from;
	*field = (struct protobuf_field){ .bytes = { "", 0 } };
	if (at.length == 0 || !protobuf_take_varint(&at, &field->key))
		return false;
	bool good = false;
	switch (field->key & 7) {
	case PROTOBUF_VARINT(0):
		good = protobuf_take_varint(&at, &field->value);
		break;
	case PROTOBUF_FIXED_64(0):
		good = take_fixed(&at, 8, &field->value);
		break;
	case PROTOBUF_BYTES(0):
		good = take_bytes(&at, &field->bytes);
		break;
	case PROTOBUF_FIXED_32(0):
		good = take_fixed(&at, 4, &field->value);
		break;
	default: /* groups, which nobody writes any more */
		break;
	}
	good = good && field->key > 7; /* there is no number 0 */
	if (good)
		*from = at;
	return good;
}
