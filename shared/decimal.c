/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading: a number of up to 19 digits and a small power of ten is rounded once by exact integer
 * arithmetic; anything else goes to strtod in the C locale. Printing: prices and volumes are found
 * as short decimals by trial, other doubles of everyday size by Ryu's search on exact 128-bit
 * products (Adams 2018; no tables are needed in this range), the rest by printf.
 */
#include "decimal.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decimal_digits.h"

_Static_assert(FLT_EVAL_METHOD == 0 && DBL_MANT_DIG == 53, "doubles must be IEEE 754 binary64");

__extension__ typedef unsigned __int128 u128;

enum {
	MAX_DIGITS = 19,       /* that always fit 64 bits */
	MAX_POWER = 19,        /* 10^19 < 2^64 */
	MAX_EXACT_POWER = 22,  /* 10^22 is the largest power of ten that is a double */
	DECISIVE_DIGITS = 800, /* more digits cannot move the nearest double (767 are enough) */
	SHORT_DECIMALS = 5,    /* places that are tried before the general search */
	CHUNK_DIGITS = 4,      /* that the general search cuts at once */
};
#define MAX_EXACT_INTEGER (INT64_C(1) << 53)
#define EXPONENT_CAP      INT64_C(1000000000000000)

static const uint64_t powers[MAX_POWER + 1] = {
	UINT64_C(1),
	UINT64_C(10),
	UINT64_C(100),
	UINT64_C(1000),
	UINT64_C(10000),
	UINT64_C(100000),
	UINT64_C(1000000),
	UINT64_C(10000000),
	UINT64_C(100000000),
	UINT64_C(1000000000),
	UINT64_C(10000000000),
	UINT64_C(100000000000),
	UINT64_C(1000000000000),
	UINT64_C(10000000000000),
	UINT64_C(100000000000000),
	UINT64_C(1000000000000000),
	UINT64_C(10000000000000000),
	UINT64_C(100000000000000000),
	UINT64_C(1000000000000000000),
	UINT64_C(10000000000000000000),
};

static const double exact_powers[MAX_EXACT_POWER + 1] = {
	1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

const struct decimal_divisor decimal_divisors[DECIMAL_DIGITS_MOST] = {
	{ UINT64_C(0x8000000000000000), UINT64_C(0xffffffffffffffff), 0x1p-1, 1e0 },
	{ UINT64_C(0xa000000000000000), UINT64_C(0x9999999999999999), 0x1p-4, 1e1 },
	{ UINT64_C(0xc800000000000000), UINT64_C(0x47ae147ae147ae14), 0x1p-7, 1e2 },
	{ UINT64_C(0xfa00000000000000), UINT64_C(0x0624dd2f1a9fbe76), 0x1p-10, 1e3 },
	{ UINT64_C(0x9c40000000000000), UINT64_C(0xa36e2eb1c432ca57), 0x1p-14, 1e4 },
	{ UINT64_C(0xc350000000000000), UINT64_C(0x4f8b588e368f0846), 0x1p-17, 1e5 },
	{ UINT64_C(0xf424000000000000), UINT64_C(0x0c6f7a0b5ed8d36b), 0x1p-20, 1e6 },
	{ UINT64_C(0x9896800000000000), UINT64_C(0xad7f29abcaf48578), 0x1p-24, 1e7 },
	{ UINT64_C(0xbebc200000000000), UINT64_C(0x5798ee2308c39df9), 0x1p-27, 1e8 },
	{ UINT64_C(0xee6b280000000000), UINT64_C(0x12e0be826d694b2e), 0x1p-30, 1e9 },
	{ UINT64_C(0x9502f90000000000), UINT64_C(0xb7cdfd9d7bdbab7d), 0x1p-34, 1e10 },
	{ UINT64_C(0xba43b74000000000), UINT64_C(0x5fd7fe17964955fd), 0x1p-37, 1e11 },
	{ UINT64_C(0xe8d4a51000000000), UINT64_C(0x19799812dea11197), 0x1p-40, 1e12 },
	{ UINT64_C(0x9184e72a00000000), UINT64_C(0xc25c268497681c26), 0x1p-44, 1e13 },
	{ UINT64_C(0xb5e620f480000000), UINT64_C(0x6849b86a12b9b01e), 0x1p-47, 1e14 },
	{ UINT64_C(0xe35fa931a0000000), UINT64_C(0x203af9ee756159b2), 0x1p-50, 1e15 },
	{ UINT64_C(0x8e1bc9bf04000000), UINT64_C(0xcd2b297d889bc2b6), 0x1p-54, 1e16 },
	{ UINT64_C(0xb1a2bc2ec5000000), UINT64_C(0x70ef54646d496892), 0x1p-57, 1e17 },
	{ UINT64_C(0xde0b6b3a76400000), UINT64_C(0x2725dd1d243aba0e), 0x1p-60, 1e18 },
	{ UINT64_C(0x8ac7230489e80000), UINT64_C(0xd83c94fb6d2ac34a), 0x1p-64, 1e19 },
};

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	assert(c_locale); /* "C" is built in: glibc allocates nothing for it */
}

static locale_t get_c_locale(void)
{
	pthread_once(&c_locale_once, make_c_locale);
	return c_locale;
}

/* --- reading --------------------------------------------------------------------------------- */

/* A number taken apart: mantissa * 10^exponent, where the mantissa holds the first MAX_DIGITS
 * significant digits. `digits` counts all of them. */
struct scan {
	size_t length; /* of the longest valid prefix, 0: none */
	uint64_t mantissa;
	int64_t exponent; /* of the last digit of the whole number, not of the mantissa */
	size_t digits;
	bool negative;
	bool has_point, has_exponent;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Eight digits at once; false when one of them is none. */
static bool read_eight(const char *at, uint64_t *value)
{
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	(void)at;
	(void)value;
	return false;
#else
	uint64_t digits;
	memcpy(&digits, at, sizeof digits);
	const uint64_t high = UINT64_C(0xf0f0f0f0f0f0f0f0), zeros = UINT64_C(0x3030303030303030);
	if ((digits & high) != zeros || ((digits + UINT64_C(0x0606060606060606)) & high) != zeros)
		return false;
	*value = decimal_join_eight(digits - zeros);
	return true;
#endif
}

static const char *scan_digits(struct scan *scan, const char *at, const char *end)
{
	size_t digits = scan->digits;
	uint64_t mantissa = scan->mantissa, eight;
	if (digits == 0)
		while (at < end && *at == '0')
			at++;
	while (end - at >= 8 && digits + 8 <= MAX_DIGITS && read_eight(at, &eight)) {
		mantissa = mantissa * powers[8] + eight;
		digits += 8;
		at += 8;
	}
	for (; at < end && is_digit(*at); at++)
		if (digits++ < MAX_DIGITS)
			mantissa = mantissa * 10 + (uint64_t)(*at - '0');
	scan->digits = digits;
	scan->mantissa = mantissa;
	return at;
}

static const char *scan_fraction(struct scan *scan, const char *at, const char *end)
{
	if (end - at < 2 || *at != '.' || !is_digit(at[1]))
		return at;
	const char *first = at + 1;
	at = scan_digits(scan, first, end);
	scan->exponent = first - at;
	scan->has_point = true;
	return at;
}

static const char *scan_exponent(struct scan *scan, const char *at, const char *end)
{
	if (at == end || (*at != 'e' && *at != 'E'))
		return at;
	const char *digit = at + 1;
	bool negative = digit < end && *digit == '-';
	if (digit < end && (*digit == '-' || *digit == '+'))
		digit++;
	if (digit == end || !is_digit(*digit))
		return at;
	int64_t exponent = 0;
	for (; digit < end && is_digit(*digit); digit++)
		if (exponent < EXPONENT_CAP)
			exponent = exponent * 10 + (*digit - '0');
	scan->exponent += negative ? -exponent : exponent;
	scan->has_exponent = true;
	return digit;
}

static struct scan scan_number(const char *data, size_t length)
{
	struct scan scan = { 0 };
	const char *at = data;
	const char *end = data + length;
	if (at < end && *at == '-') {
		scan.negative = true;
		at++;
	}
	if (at == end || !is_digit(*at))
		return scan;
	at = *at == '0' ? at + 1 : scan_digits(&scan, at, end);
	at = scan_fraction(&scan, at, end);
	at = scan_exponent(&scan, at, end);
	scan.length = (size_t)(at - data);
	return scan;
}

/* mantissa / 10^power, rounded once: the quotient has at least 63 bits, the lowest of which also
 * stands for the remainder, so that the conversion to double sees on which side of a tie it is. */
static double divide_exactly(uint64_t mantissa, unsigned power)
{
	uint64_t divisor = powers[power];
	int shift = __builtin_clzll(mantissa);
	int divisor_shift = __builtin_clzll(divisor);
	u128 dividend = (u128)(mantissa << shift) << 63;
	divisor <<= divisor_shift;
	uint64_t quotient = (uint64_t)(dividend / divisor);
	quotient |= (u128)quotient * divisor != dividend;
	return ldexp((double)quotient, divisor_shift - shift - 63);
}

static double divide(uint64_t mantissa, unsigned power)
{
	return mantissa <= MAX_EXACT_INTEGER ? (double)mantissa / exact_powers[power]
					     : divide_exactly(mantissa, power);
}

/* The number by strtod, from its decisive digits: "ddd…e…", where a last digit 1 stands for a
 * non-zero tail that was cut. */
static enum error read_slowly(const struct scan *scan, const char *data, double *value)
{
	char copy[DECISIVE_DIGITS + 32];
	size_t kept = 0;
	bool tail = false;
	for (size_t i = 0; i < scan->length && data[i] != 'e' && data[i] != 'E'; i++) {
		if (!is_digit(data[i]) || (!kept && data[i] == '0'))
			continue;
		if (kept < DECISIVE_DIGITS)
			copy[kept++] = data[i];
		else
			tail |= data[i] != '0';
	}
	int64_t exponent = scan->exponent + (int64_t)(scan->digits - kept);
	if (tail) {
		copy[kept++] = '1';
		exponent--;
	}
	snprintf(copy + kept, sizeof copy - kept, "e%lld", (long long)exponent);
	*value = strtod_l(copy, NULL, get_c_locale());
	return isinf(*value) ? ERROR_LIMIT : ERROR_OK;
}

static enum error read_magnitude(const struct scan *scan, const char *data, double *value)
{
	if (!scan->mantissa) {
		*value = 0;
		return ERROR_OK;
	}
	if (scan->digits > MAX_DIGITS || scan->exponent < -MAX_POWER || scan->exponent > MAX_POWER)
		return read_slowly(scan, data, value);
	if (scan->exponent > 0)
		*value = (double)((u128)scan->mantissa * powers[scan->exponent]);
	else
		*value = divide(scan->mantissa, (unsigned)-scan->exponent);
	return ERROR_OK;
}

static bool is_canonical(const struct scan *scan, const char *data)
{
	if (scan->has_exponent || (scan->has_point && data[scan->length - 1] == '0'))
		return false;
	return scan->digits || !scan->negative;
}

enum error decimal_take(const char *data, size_t length, struct decimal *out)
{
	struct scan scan = scan_number(data, length);
	out->length = scan.length;
	if (!scan.length)
		return ERROR_INVALID;
	out->canonical = is_canonical(&scan, data);
	double magnitude;
	enum error error = read_magnitude(&scan, data, &magnitude);
	if (!error)
		out->value = scan.negative ? -magnitude : magnitude;
	return error;
}

enum error decimal_read(const char *data, size_t length, double *value)
{
	struct decimal decimal;
	enum error error = decimal_take(data, length, &decimal);
	if (decimal.length != length)
		return ERROR_INVALID;
	if (!error)
		*value = decimal.value;
	return error;
}

size_t decimal_span(const char *data, size_t length)
{
	return scan_number(data, length).length;
}

enum error decimal_read_i64(const char *data, size_t length, int64_t *value)
{
	struct scan scan = scan_number(data, length);
	if (!scan.length || scan.length != length || scan.has_point || scan.has_exponent)
		return ERROR_INVALID;
	uint64_t most = (uint64_t)INT64_MAX + scan.negative;
	if (scan.digits > MAX_DIGITS || scan.mantissa > most)
		return ERROR_LIMIT;
	*value = scan.negative ? (int64_t)(0 - scan.mantissa) : (int64_t)scan.mantissa;
	return ERROR_OK;
}

bool decimal_is_canonical(const char *data, size_t length)
{
	struct scan scan = scan_number(data, length);
	return scan.length && scan.length == length && is_canonical(&scan, data);
}

/* --- printing -------------------------------------------------------------------------------- */

/* digits * 10^exponent */
struct shortest {
	uint64_t digits;
	int exponent;
};

/* The decimal of at most SHORT_DECIMALS places that is this double. Digits below 2^53 over a power
 * of ten are one exact division, so that comparing proves it. */
static bool find_short(double value, struct shortest *out)
{
	double scaled = value * exact_powers[SHORT_DECIMALS];
	if (scaled >= (double)MAX_EXACT_INTEGER)
		return false;
	uint64_t digits = (uint64_t)(scaled + 0.5);
	*out = (struct shortest){ digits, -SHORT_DECIMALS };
	return (double)digits / exact_powers[SHORT_DECIMALS] == value;
}

/* The interval of decimals that read back to one double, scaled to integers; see Ryu, section 3. */
struct interval {
	uint64_t low, middle, high;
	bool low_exact, middle_exact; /* nothing but zeros was cut so far */
};

static uint64_t scale(uint64_t quarters, uint64_t power, int shift, bool *exact)
{
	u128 product = (u128)quarters * power;
	*exact = !(product & (((u128)1 << shift) - 1));
	return (uint64_t)(product >> shift);
}

/* An interval whose decimals have lost digits; `cut` is the one lost last. */
struct cutting {
	struct interval in;
	unsigned cut;
	int exponent;
};

/* `count` digits at once: what one by one would leave. */
static inline void cut_digits(struct cutting *c, unsigned count)
{
	const uint64_t power = powers[count], before = powers[count - 1];
	c->in.low_exact = c->in.low_exact && c->in.low % power == 0;
	c->in.middle_exact = c->in.middle_exact && c->cut == 0 && c->in.middle % before == 0;
	c->cut = (unsigned)(c->in.middle / before % 10);
	c->in.low /= power;
	c->in.middle /= power;
	c->in.high /= power;
	c->exponent += (int)count;
}

/* Cuts digits while the interval still holds a shorter decimal, then rounds the middle. */
static struct shortest search(struct interval interval, bool inclusive, int exponent)
{
	struct cutting c = { .in = interval, .exponent = exponent };
	const struct interval *in = &c.in;
	while (in->high / powers[CHUNK_DIGITS] > in->low / powers[CHUNK_DIGITS])
		cut_digits(&c, CHUNK_DIGITS);
	while (in->high / 10 > in->low / 10 || (in->low_exact && inclusive && in->low % 10 == 0))
		cut_digits(&c, 1);
	bool tie = in->middle_exact && c.cut == 5;
	bool up = tie ? in->middle % 2 : c.cut >= 5;
	bool outside = in->middle == in->low && !(inclusive && in->low_exact);
	return (struct shortest){ in->middle + (up || outside), c.exponent };
}

/* For 2^-6 <= value < 2^53: the products below fit 128 bits, the results fit 64 and have at least
 * 18 digits, so that the interval always spans more than ten. */
static struct shortest find_shortest(double value)
{
	int binary;
	uint64_t mantissa = (uint64_t)ldexp(frexp(value, &binary), DBL_MANT_DIG);
	int shift = DBL_MANT_DIG - binary + 2; /* of quarters of the last bit */
	/* As many decimal places as keep `high` below 2^63. */
	int places = (int)((62 - binary) * 0.30103);
	if (places > MAX_POWER)
		places = MAX_POWER;
	uint64_t power = powers[places];
	bool inclusive = mantissa % 2 == 0; /* ties are read to even */
	uint64_t below = mantissa == UINT64_C(1) << (DBL_MANT_DIG - 1) ? 1 : 2;
	struct interval interval;
	bool high_exact;
	interval.low = scale(4 * mantissa - below, power, shift, &interval.low_exact);
	interval.middle = scale(4 * mantissa, power, shift, &interval.middle_exact);
	interval.high = scale(4 * mantissa + 2, power, shift, &high_exact);
	if (high_exact && !inclusive)
		interval.high--;
	return search(interval, inclusive, -places);
}

/* Any other double, by the first precision that reads back. 15 digits are always kept by a double
 * of full precision, so that fewer need not be tried but for the tiniest. */
static struct shortest find_slowly(double value)
{
	char digits[DBL_DECIMAL_DIG + 16];
	locale_t old = uselocale(get_c_locale());
	for (int precision = value < 1e-290 ? 1 : DBL_DIG; precision <= DBL_DECIMAL_DIG;
	     precision++) {
		snprintf(digits, sizeof digits, "%.*e", precision - 1, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	uselocale(old);
	struct shortest shortest = { 0 };
	const char *at = digits;
	for (; *at != 'e'; at++) {
		if (*at == '.')
			continue;
		shortest.digits = shortest.digits * 10 + (uint64_t)(*at - '0');
		shortest.exponent -= at > digits;
	}
	shortest.exponent += (int)strtol(at + 1, NULL, 10);
	return shortest;
}

/* The digits up to `end`, two at a time; where they start. */
static char *put_digits_before(uint64_t digits, char *end)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	for (; digits >= 10; digits /= 100) {
		end -= 2;
		memcpy(end, pairs + digits % 100 * 2, 2);
	}
	if (digits)
		*--end = (char)('0' + digits);
	return end;
}

/* "123", 3 digits, point after the first -2 to 21 of them -> "0.00123", "1.23", "12300". */
static char *lay_out_plain(const char *digits, size_t count, int point, char *out)
{
	size_t whole = point > 0 ? (size_t)point : 0;
	if (whole >= count) {
		memcpy(out, digits, count);
		memset(out + count, '0', whole - count);
		return out + whole;
	}
	if (!whole)
		*out++ = '0';
	memcpy(out, digits, whole);
	out += whole;
	*out++ = '.';
	for (int i = point; i < 0; i++)
		*out++ = '0';
	memcpy(out, digits + whole, count - whole);
	return out + (count - whole);
}

static char *lay_out_exponent(const char *digits, size_t count, int point, char *out)
{
	*out++ = digits[0];
	if (count > 1) {
		*out++ = '.';
		memcpy(out, digits + 1, count - 1);
		out += count - 1;
	}
	*out++ = 'e';
	int exponent = point - 1;
	if (exponent < 0)
		*out++ = '-';
	char memory[4]; /* of 324 at most */
	char *end = memory + sizeof memory,
	     *first = put_digits_before((uint64_t)abs(exponent), end);
	memcpy(out, first, (size_t)(end - first));
	return out + (end - first);
}

size_t decimal_print(double value, char out[DECIMAL_MAX_TEXT])
{
	assert(isfinite(value));
	char *at = out;
	if (signbit(value))
		*at++ = '-';
	double magnitude = fabs(value);
	struct shortest shortest;
	if (!find_short(magnitude, &shortest))
		shortest = magnitude >= 0x1p-6 && magnitude < 0x1p53 ? find_shortest(magnitude)
								     : find_slowly(magnitude);
	for (; shortest.digits && shortest.digits % 1000 == 0; shortest.exponent += 3)
		shortest.digits /= 1000;
	for (; shortest.digits && shortest.digits % 10 == 0; shortest.exponent++)
		shortest.digits /= 10;
	char memory[20];
	char *end = memory + sizeof memory, *first = put_digits_before(shortest.digits, end);
	if (!shortest.digits)
		*--first = '0';
	size_t count = (size_t)(end - first);
	int point = shortest.digits ? (int)count + shortest.exponent : 1;
	at = point > -7 && point <= 21 ? lay_out_plain(first, count, point, at)
				       : lay_out_exponent(first, count, point, at);
	*at = '\0';
	return (size_t)(at - out);
}
