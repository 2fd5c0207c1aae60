/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * For the reader of published lines: the double that digits stand for when it is known where they
 * begin, end and have their point. No loops and hardly a branch, so that the numbers of a line are
 * converted side by side; a header, so that the constants stay in registers between them.
 */
#ifndef TICKLINE_DECIMAL_DIGITS_H
#define TICKLINE_DECIMAL_DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	DECIMAL_DIGITS_MOST = 20,   /* counted with zeros in front */
	DECIMAL_DIGITS_BEFORE = 25, /* bytes before the end that are looked at */
};

/* Eight digits as bytes of 0 to 9; the first one lies in the lowest byte. */
static inline uint64_t decimal_join_eight(uint64_t digits)
{
	const uint64_t pairs = UINT64_C(0x000000ff000000ff);
	digits = digits * 10 + (digits >> 8); /* each second byte: two digits */
	return ((digits & pairs) * UINT64_C(0x000f424000000064) +
		((digits >> 16) & pairs) * UINT64_C(0x0000271000000001)) >>
	       32;
}

/* A power of ten, shifted until its highest bit is set; floor((2^128 - 1) / that) - 2^64; what the
 * shift and a quotient scaled by 2^64 are taken back by; the power itself. */
struct decimal_divisor {
	uint64_t divisor, reciprocal;
	double scale, exact;
};
extern const struct decimal_divisor decimal_divisors[DECIMAL_DIGITS_MOST];

/* mantissa / 10^power for a mantissa below 2^62, rounded once: the quotient has 61 to 63 bits,
 * the lowest of which also stands for the remainder, so that the conversion to double sees on which
 * side of a tie it is. Dividing 128 bits by 64 with a reciprocal: Möller and Granlund 2011,
 * algorithm 4. */
static inline double decimal_divide(uint64_t mantissa, size_t power)
{
	__extension__ typedef unsigned __int128 u128;
	const struct decimal_divisor *by = &decimal_divisors[power];
	const unsigned shift = (unsigned)__builtin_clzll(mantissa | 1) - 2;
	const uint64_t dividend = mantissa << shift; /* times 2^64 */
	const u128 estimate = (u128)by->reciprocal * dividend;
	uint64_t quotient = (uint64_t)(estimate >> 64) + dividend + 1;
	uint64_t remainder = 0 - quotient * by->divisor;
	const uint64_t over = remainder > (uint64_t)estimate; /* as often as not: no branch */
	quotient -= over;
	remainder += by->divisor & (0 - over);
	if (remainder >= by->divisor) {
		quotient++;
		remainder -= by->divisor;
	}
	quotient |= remainder != 0;
	const uint64_t bits = (uint64_t)(1023 - shift) << 52; /* 2^-shift */
	double unshift;
	memcpy(&unshift, &bits, sizeof unshift);
	return (double)(int64_t)quotient * by->scale * unshift;
}

static inline uint64_t decimal_load(const void *at)
{
	uint64_t eight;
	memcpy(&eight, at, sizeof eight);
	return eight;
}

/* The digits that end `back` bytes before the end, as bytes of 0 to 9, zeros for those in front. */
static inline uint64_t decimal_eight(const char *end, size_t back, size_t after, size_t digits)
{
	/* From here on, the last n bytes of 24 are set. */
	static const unsigned char masks[48] = {
		[24] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
		255,        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	};
	const uint64_t behind = decimal_load(end - 8 - back),
		       before = decimal_load(end - 9 - back); /* over the point */
	const uint64_t chosen =
		before ^ ((before ^ behind) & decimal_load(masks + 16 - back + after));
	return (chosen ^ UINT64_C(0x3030303030303030)) & decimal_load(masks + 16 - back + digits);
}

/* The number of `whole` digits that end at `end`, or of `whole` digits, a point, and `fraction`
 * digits that end there; at most DECIMAL_DIGITS_MOST altogether. Reads DECIMAL_DIGITS_BEFORE bytes
 * before `end`, whatever they are. False: too large a number. */
static inline bool decimal_from_digits(const char *end, size_t whole, size_t fraction,
				       double *value)
{
	const size_t digits = whole + fraction, after = fraction > 0 ? fraction : whole;
	const uint64_t low = decimal_join_eight(decimal_eight(end, 0, after, digits));
	if (digits <= 8) {
		*value = (double)(int64_t)low / decimal_divisors[fraction].exact;
		return true;
	}
	const uint64_t eight = UINT64_C(100000000);
	const uint64_t high = decimal_join_eight(decimal_eight(end, 16, after, digits)) * eight +
			      decimal_join_eight(decimal_eight(end, 8, after, digits));
	if (high >= (UINT64_C(1) << 62) / eight)
		return false;
	*value = decimal_divide(high * eight + low, fraction);
	return true;
}

#endif
