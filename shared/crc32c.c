/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The instruction gives its result after three cycles and can be begun in each of them, so three
 * pieces are summed side by side.
 */
#include "crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* --- by tables ------------------------------------------------------------------------------- */

enum { SLICES = 8 };

#define POLYNOMIAL 0x82F63B78U /* reflected */

static uint32_t tables[SLICES][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t sum = byte;
		for (int bit = 0; bit < 8; bit++)
			sum = (sum >> 1) ^ (sum & 1 ? POLYNOMIAL : 0);
		tables[0][byte] = sum;
	}
	for (int slice = 1; slice < SLICES; slice++)
		for (int byte = 0; byte < 256; byte++) {
			uint32_t before = tables[slice - 1][byte];
			tables[slice][byte] = (before >> 8) ^ tables[0][before & 255];
		}
}

static uint32_t sum_plain(const unsigned char *data, size_t length)
{
	uint32_t sum = ~0U;
	for (; length >= SLICES; data += SLICES, length -= SLICES) {
		uint32_t next = 0;
		for (int i = 0; i < SLICES; i++) {
			uint32_t byte = i < 4 ? data[i] ^ (sum >> 8 * i & 255) : data[i];
			next ^= tables[SLICES - 1 - i][byte];
		}
		sum = next;
	}
	for (; length > 0; data++, length--)
		sum = (sum >> 8) ^ tables[0][(sum ^ *data) & 255];
	return ~sum;
}

void crc32c_pieces_plain(const char *data, size_t size, size_t count, uint32_t *sums)
{
	pthread_once(&tables_made, make_tables);
	for (size_t i = 0; i < count; i++)
		sums[i] = sum_plain((const unsigned char *)data + i * size, size);
}

/* --- by the instruction ---------------------------------------------------------------------- */

#if defined(__x86_64__)
#include <nmmintrin.h>
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
#define SUM_8(sum, word) ((uint32_t)_mm_crc32_u64(sum, word))
#define SUM_1(sum, byte) _mm_crc32_u8(sum, byte)
static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#elif defined(__aarch64__) && defined(__linux__) && !defined(__clang__)
/* clang's arm_acle.h has these only where the whole program may use them. */
#include <arm_acle.h>
#include <sys/auxv.h>
#define WITH_INSTRUCTION __attribute__((target("+crc")))
#define SUM_8(sum, word) __crc32cd(sum, word)
#define SUM_1(sum, byte) __crc32cb(sum, byte)
static bool has_instruction(void)
{
	return (getauxval(AT_HWCAP) & 1UL << 7) != 0; /* HWCAP_CRC32 */
}
#endif

#ifdef WITH_INSTRUCTION
static uint64_t word_at(const char *data)
{
	uint64_t word;
	memcpy(&word, data, sizeof word);
	return word;
}

WITH_INSTRUCTION static void sum_three(const char *data, size_t size, uint32_t *sums)
{
	const char *one = data, *two = data + size, *three = two + size;
	uint32_t a = ~0U, b = ~0U, c = ~0U;
	size_t at = 0;
	for (; at + 8 <= size; at += 8) {
		a = SUM_8(a, word_at(one + at));
		b = SUM_8(b, word_at(two + at));
		c = SUM_8(c, word_at(three + at));
	}
	for (; at < size; at++) {
		a = SUM_1(a, (unsigned char)one[at]);
		b = SUM_1(b, (unsigned char)two[at]);
		c = SUM_1(c, (unsigned char)three[at]);
	}
	sums[0] = ~a;
	sums[1] = ~b;
	sums[2] = ~c;
}

WITH_INSTRUCTION static uint32_t sum_one(const char *data, size_t size)
{
	uint32_t sum = ~0U;
	size_t at = 0;
	for (; at + 8 <= size; at += 8)
		sum = SUM_8(sum, word_at(data + at));
	for (; at < size; at++)
		sum = SUM_1(sum, (unsigned char)data[at]);
	return ~sum;
}

static void pieces_by_instruction(const char *data, size_t size, size_t count, uint32_t *sums)
{
	size_t i = 0;
	for (; i + 3 <= count; i += 3)
		sum_three(data + i * size, size, sums + i);
	for (; i < count; i++)
		sums[i] = sum_one(data + i * size, size);
}
#endif

void crc32c_pieces(const char *data, size_t size, size_t count, uint32_t *sums)
{
#ifdef WITH_INSTRUCTION
	if (has_instruction()) {
		pieces_by_instruction(data, size, count, sums);
		return;
	}
#endif
	crc32c_pieces_plain(data, size, count, sums);
}
